package onnx

import (
	"fmt"
	"slices"

	"github.com/infer-go/infer/kernels"
)

// lowerNode adds the steps of one node.
func (l *lowering) lowerNode(n *node) (err error) {
	defer recovered(&err)
	switch op := n.op.(type) {
	case *kernels.Conv:
		param, err := l.convParam(n, op)
		if err != nil {
			return err
		}
		size := mapSize(n.out[0].shape)
		if op.Pool {
			size[0], size[1] = 2*size[0], 2*size[1]
		}
		spec := *op
		spec.Algorithm = chooseAlgorithm(op, n.in[0].shape[1], size[0], size[1])
		return l.mapStep(n, &spec, param)
	case channelAffine:
		param, channels, err := affineParam(n)
		if err != nil {
			return err
		}
		ones := [2]int{1, 1}
		window := kernels.Window{Kernel: ones, Stride: ones, Dilation: ones}
		return l.mapStep(n, &kernels.Conv{Window: window, Groups: channels, Channels: channels}, param)
	case *kernels.ConvTranspose:
		params, err := convTransposeParams(n, op)
		if err != nil {
			return err
		}
		return l.mapStep(n, op, params...)
	case *kernels.InstanceNorm:
		scale, shift := n.weights[0].data, n.weights[1].data
		param, err := plain(n, []int{2, scale.len()}, slices.Concat(scale.floats, shift.floats))
		if err != nil {
			return err
		}
		return l.mapStep(n, op, param)
	case *kernels.Pool, *kernels.LRN, *kernels.Resize:
		return l.mapStep(n, op.(kernels.Spec))
	case *kernels.FullyConnected:
		return l.fullyConnected(n, op)
	case *kernels.MatMul:
		return l.matMul(n, op)
	case *kernels.Unary:
		return l.unary(n, op)
	case *kernels.Binary:
		return l.binary(n, op)
	case *kernels.Reshape:
		l.views[n.out[0]] = slices.Clone(l.views[n.in[0]])
		return nil
	case *kernels.Transpose:
		return l.permute(n, op)
	case *kernels.Concat:
		return l.concat(n, op)
	default:
		return l.alongAxes(n)
	}
}

// isMapOperation says whether lowerNode makes an operation's operands maps.
func isMapOperation(op operation) bool {
	switch op.(type) {
	case *kernels.Conv, *kernels.ConvTranspose, *kernels.Pool, *kernels.InstanceNorm, *kernels.LRN, *kernels.Resize, channelAffine:
		return true
	}
	return false
}

// fullyConnected reads its operand row by row. Where a row lies in storage in
// another order than in the value, as a channels-last map does after it was
// flattened, the rows of the weights are put in that order.
func (l *lowering) fullyConnected(n *node, op *kernels.FullyConnected) error {
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

func (l *lowering) matMul(n *node, op *kernels.MatMul) error {
	var in []int
	for _, v := range n.in {
		id, err := l.place(v, v.shape, identity(len(v.shape)))
		if err != nil {
			return err
		}
		in = append(in, id)
	}
	return l.rowMajorStep(n, op, in)
}

// rowMajorStep adds a step whose results are row-major in the model's order.
func (l *lowering) rowMajorStep(n *node, op kernels.Spec, in []int) error {
	out, err := l.step(op, in)
	if err != nil {
		return err
	}
	for i, v := range n.out {
		l.setView(v, out[i], v.shape, identity(len(v.shape)))
	}
	return nil
}

// unary leaves its operand's order alone, whatever it is.
func (l *lowering) unary(n *node, op *kernels.Unary) error {
	have := l.preferred(n.in[0])
	out, err := l.step(op, []int{have.id})
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

// binary works in the order of its larger operand.
func (l *lowering) binary(n *node, op *kernels.Binary) error {
	y := n.out[0]
	rank := len(y.shape)
	lead := n.in[0]
	if len(n.in) == 2 {
		a, _ := elements(n.in[0].shape)
		b, _ := elements(n.in[1].shape)
		if b > a || b == a && slices.IsSorted(l.order(lead, padded(lead.shape, rank))) {
			lead = n.in[1]
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
		param, err := constantParam(n, w, rank, order)
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
func (l *lowering) permute(n *node, op *kernels.Transpose) error {
	x, y := n.in[0], n.out[0]
	dims, perm := l.item(x.shape), l.itemOrder(op.Perm)
	t, ok := l.preferred(x).transposed(dims, perm)
	if !ok {
		id, err := l.place(x, x.shape, identity(len(x.shape)))
		if err != nil {
			return err
		}
		if t, ok = newView(id, dims, identity(len(dims))).transposed(dims, perm); !ok {
			return fmt.Errorf("a value of shape %s cannot be transposed by %v", kernels.ShapeString(x.shape), op.Perm)
		}
	}
	l.views[y] = []view{t}
	return nil
}

// concat works in the order of its largest operand.
func (l *lowering) concat(n *node, op *kernels.Concat) error {
	lead := slices.MaxFunc(n.in, func(a, b *value) int { return a.shape[op.Axis] - b.shape[op.Axis] })
	order := l.order(lead, lead.shape)
	var in []int
	for _, v := range n.in {
		id, err := l.place(v, v.shape, order)
		if err != nil {
			return err
		}
		in = append(in, id)
	}
	out, err := l.step(&kernels.Concat{Axis: slices.Index(order, op.Axis)}, in)
	if err != nil {
		return err
	}
	l.setView(n.out[0], out[0], n.out[0].shape, order)
	return nil
}

// alongAxes lowers operations of one operand that treat each dimension in its
// own way: they work in their operand's order, with their axes renamed.
func (l *lowering) alongAxes(n *node) error {
	x := n.in[0]
	order := l.order(x, x.shape)
	id, err := l.place(x, x.shape, order)
	if err != nil {
		return err
	}
	axis := func(a int) int { return slices.Index(order, a) }
	shapes := make([][]int, len(n.out))
	for i, v := range n.out {
		shapes[i] = v.shape
	}
	var spec kernels.Spec
	switch op := n.op.(type) {
	case *kernels.Split:
		spec = &kernels.Split{Axis: axis(op.Axis), Sizes: op.Sizes}
	case *kernels.Slice:
		spec = &kernels.Slice{Start: permuted(op.Start, order), Step: permuted(op.Step, order), Size: permuted(op.Size, order)}
	case *kernels.Padding:
		spec = &kernels.Padding{Mode: op.Mode, Before: permuted(op.Before, order), After: permuted(op.After, order), Value: op.Value}
	case *kernels.Softmax:
		spec = &kernels.Softmax{Axis: axis(op.Axis), Log: op.Log}
	case *kernels.ReduceMean:
		mean := &kernels.ReduceMean{Keep: true}
		kept := slices.Clone(x.shape)
		for _, a := range op.Axes {
			mean.Axes = append(mean.Axes, axis(a))
			kept[a] = 1
		}
		slices.Sort(mean.Axes)
		spec, shapes[0] = mean, kept // the result without these dimensions is another view of it
	default:
		return fmt.Errorf("%s cannot be lowered", n.op.Op())
	}
	out, err := l.step(spec, []int{id})
	if err != nil {
		return err
	}
	for i, v := range n.out {
		l.setView(v, out[i], shapes[i], order)
	}
	return nil
}
