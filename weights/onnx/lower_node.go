package onnx

import (
	"fmt"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// lowerings are how those operations are lowered that take more than their
// Order says: weights to be packed, or nothing to be moved.
var lowerings = map[string]func(*lowering, *node) error{
	(*kernels.Conv)(nil).Op():           (*lowering).conv,
	channelAffine{}.Op():                (*lowering).channelAffine,
	(*kernels.ConvTranspose)(nil).Op():  (*lowering).convTranspose,
	(*kernels.Normalise)(nil).Op():      (*lowering).normalise,
	(*kernels.FullyConnected)(nil).Op(): (*lowering).fullyConnected,
	(*kernels.MatMul)(nil).Op():         (*lowering).matMul,
	(*kernels.Recurrent)(nil).Op():      (*lowering).recurrent,
	(*kernels.Reshape)(nil).Op():        (*lowering).keepViews,
	(*kernels.Transpose)(nil).Op():      (*lowering).permute,
	(*kernels.Constant)(nil).Op():       (*lowering).constant,
	(*kernels.Unary)(nil).Op():          (*lowering).unary,
}

// lowerNode adds the steps of one node.
func (l *lowering) lowerNode(n *node) (err error) {
	defer recovered(&err)
	if len(n.in) == 1 && n.op.Order() != kernels.Maps && l.unplaced(n.in[0]) {
		x := n.in[0]
		if _, err := l.place(x, x.shape, identity(len(x.shape))); err != nil {
			return err
		}
	}
	if lower, ok := lowerings[n.op.Op()]; ok {
		return lower(l, n)
	}
	spec := n.op.(kernels.Spec)
	switch spec.Order() {
	case kernels.Maps:
		return l.mapStep(n, spec)
	case kernels.AnyOrder:
		if len(n.in) == 1 && len(n.weights) == 0 {
			return l.elementwise(n, spec)
		}
		return l.broadcast(n, spec)
	case kernels.ByAxis:
		return l.byAxis(n, spec.(kernels.Axial))
	}
	return l.rowMajor(n, spec)
}

func (l *lowering) conv(n *node) error {
	op := n.op.(*kernels.Conv)
	param, err := l.convParam(n, op)
	if err != nil {
		return err
	}
	spec := *op
	if spec.FitsWinograd() && n.in[0].scale == 0 {
		spec.Winograd = kernels.WinogradF4
	}
	return l.mapStep(n, &spec, param)
}

// channelAffine is a depthwise convolution of one tap.
func (l *lowering) channelAffine(n *node) error {
	param, channels, err := affineParam(n)
	if err != nil {
		return err
	}
	ones := [2]int{1, 1}
	window := kernels.Window{Kernel: ones, Stride: ones, Dilation: ones}
	return l.mapStep(n, &kernels.Conv{Window: window, Groups: channels, Channels: channels}, param)
}

func (l *lowering) convTranspose(n *node) error {
	op := n.op.(*kernels.ConvTranspose)
	param, err := l.convTransposeParam(n, op)
	if err != nil {
		return err
	}
	return l.mapStep(n, op, param)
}

// normalise works in its operand's order, with its axes renamed, and its scale
// and shift in that order too; in the model's own if they fit no other.
func (l *lowering) normalise(n *node) error {
	op := n.op.(*kernels.Normalise)
	x := n.in[0]
	order := l.order(x, x.shape)
	params, err := normaliseParams(n, order)
	if err != nil {
		return err
	}
	spec := op.Permute(order)
	if _, err := spec.Infer([]tensor.Type{tensor.Floats(permuted(x.shape, order)...)}, params); err != nil {
		order = identity(len(x.shape))
		spec = op
		if params, err = normaliseParams(n, order); err != nil {
			return err
		}
	}
	id, err := l.place(x, x.shape, order)
	if err != nil {
		return err
	}
	out, err := l.step(spec, []int{id}, params...)
	if err != nil {
		return err
	}
	l.setView(n.out[0], out[0], x.shape, order)
	return nil
}

// keepViews moves nothing: a value of another shape lies as its operand does.
func (l *lowering) keepViews(n *node) error {
	l.views[n.out[0]] = slices.Clone(l.views[n.in[0]])
	return nil
}

// fullyConnected reads its operand row by row. Where a row lies in storage in
// another order than in the value, as a channels-last map does after it was
// flattened, the rows of the weights are put in that order.
func (l *lowering) fullyConnected(n *node) error {
	op := n.op.(*kernels.FullyConnected)
	x := n.in[0]
	k := x.shape[len(x.shape)-1]
	var id int
	have := l.preferred(x)
	tail, ok := have.tailOrder(k)
	var err error
	if ok {
		id, err = l.reshape(have.id, x.shape)
	} else {
		tail = func(k int) int { return k }
		id, err = l.place(x, x.shape, identity(len(x.shape)))
	}
	if err != nil {
		return err
	}
	param, err := l.fullyConnectedParam(n, op, tail)
	if err != nil {
		return err
	}
	out, err := l.step(op, []int{id}, param)
	if err != nil {
		return err
	}
	y := n.out[0]
	l.setView(y, out[0], y.shape, identity(len(y.shape)))
	return nil
}

// recurrent works in the model's own order.
func (l *lowering) recurrent(n *node) error {
	params, err := l.recurrentParams(n)
	if err != nil {
		return err
	}
	return l.rowMajor(n, n.op.(kernels.Spec), params...)
}

// rowMajor works in the model's own order. Params that are not given are the
// node's constants.
func (l *lowering) rowMajor(n *node, spec kernels.Spec, params ...kernels.Param) error {
	var in []int
	for _, v := range n.in {
		id, err := l.place(v, v.shape, identity(len(v.shape)))
		if err != nil {
			return err
		}
		in = append(in, id)
	}
	if params == nil {
		for _, w := range n.weights {
			param, err := l.constantParam(n, w, w.shape, identity(len(w.shape)), false)
			if err != nil {
				return err
			}
			params = append(params, param)
		}
	}
	out, err := l.step(spec, in, params...)
	if err != nil {
		return err
	}
	for i, v := range n.out {
		l.setView(v, out[i], v.shape, identity(len(v.shape)))
	}
	return nil
}

// unary is elementwise, of quantised elements by a table.
func (l *lowering) unary(n *node) error {
	var params []kernels.Param
	for _, w := range n.weights {
		table, err := l.constantParam(n, w, w.shape, identity(1), false)
		if err != nil {
			return err
		}
		params = append(params, table)
	}
	return l.elementwise(n, n.op.(kernels.Spec), params...)
}

// elementwise leaves its operand's order alone, whatever it is.
func (l *lowering) elementwise(n *node, op kernels.Spec, params ...kernels.Param) error {
	have := l.preferred(n.in[0])
	out, err := l.step(op, []int{have.id}, params...)
	if err != nil {
		return err
	}
	l.views[n.out[0]] = []view{{out[0], have.factors, have.order}}
	return nil
}

// padded is a shape with 1s put in front up to a rank.
func padded(shape []int, rank int) []int {
	return append(slices.Repeat([]int{1}, max(rank-len(shape), 0)), shape...)
}

// broadcast works in the order of its largest operand.
func (l *lowering) broadcast(n *node, op kernels.Spec) error {
	y := n.out[0]
	rank := len(y.shape)
	lead := n.in[0]
	for _, v := range n.in[1:] {
		a, b := lead.shape.Volume(), v.shape.Volume()
		if b > a || b == a && slices.IsSorted(l.order(lead, padded(lead.shape, rank))) {
			lead = v
		}
	}
	order := l.order(lead, padded(lead.shape, rank))
	var in []int
	for _, v := range n.in {
		id, err := l.place(v, padded(v.shape, rank), order)
		if err != nil {
			return err
		}
		in = append(in, id)
	}
	var params []kernels.Param
	for _, w := range n.weights {
		param, err := l.constantParam(n, w, w.shape, order, true)
		if err != nil {
			return err
		}
		params = append(params, param)
	}
	out, err := l.step(op, in, params...)
	if err != nil {
		return err
	}
	id, err := l.reshape(out[0], permuted(y.shape, order))
	if err != nil {
		return err
	}
	l.setView(y, id, y.shape, order)
	return nil
}

// permute changes only the view of its operand, if that keeps the dimensions
// apart.
func (l *lowering) permute(n *node) error {
	op := n.op.(*kernels.Transpose)
	x, y := n.in[0], n.out[0]
	dims, perm := x.shape, op.Perm
	t, ok := l.preferred(x).transposed(dims, perm)
	if !ok {
		id, err := l.place(x, x.shape, identity(len(x.shape)))
		if err != nil {
			return err
		}
		if t, ok = newView(id, dims, identity(len(dims))).transposed(dims, perm); !ok {
			return fmt.Errorf("a value of shape %s cannot be transposed by %v", tensor.Dims(x.shape...), op.Perm)
		}
	}
	l.views[y] = []view{t}
	return nil
}

// byAxis lowers operations that treat each dimension in a way of its own: they
// work in the order of their largest operand, with their axes renamed.
func (l *lowering) byAxis(n *node, op kernels.Axial) error {
	lead := slices.MaxFunc(n.in, func(a, b *value) int { return a.shape.Volume() - b.shape.Volume() })
	order := l.order(lead, lead.shape)
	var in []int
	for _, v := range n.in {
		id, err := l.place(v, v.shape, order)
		if err != nil {
			return err
		}
		in = append(in, id)
	}
	out, err := l.step(op.Permute(order), in)
	if err != nil {
		return err
	}
	for i, v := range n.out {
		// A dimension that the model drops is 1 here: v is another view of it.
		shape := make(tensor.Shape, len(order))
		for j, d := range l.net.Values[out[i]].Shape {
			shape[order[j]] = d
		}
		l.setView(v, out[i], shape, order)
	}
	return nil
}
