package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// integerForms make integer operations of those on real numbers, by the name of
// the operation, where there is one on the quantised values that the operands are
// made of, twins; the first is not nil. They return false if there is none.
var integerForms = map[string]func(p *integers, n *node, twins []*value) bool{
	(*kernels.Conv)(nil).Op():           (*integers).conv,
	(*kernels.FullyConnected)(nil).Op(): (*integers).fullyConnected,
	(*kernels.Pool)(nil).Op():           (*integers).pool,
	(*kernels.Binary)(nil).Op():         (*integers).binary,
	(*kernels.Unary)(nil).Op():          (*integers).function,
	channelAffine{}.Op():                (*integers).affine,
}

// result are the elements of the result of an operation on quantised operands.
func (e *ending) result() kernels.Elements {
	if e.out.scale == 0 {
		return kernels.Elements{}
	}
	return e.out.elements()
}

func (p *integers) conv(n *node, twins []*value) bool {
	op := *n.op.(*kernels.Conv)
	if len(n.in) == 2 && twins[1] == nil {
		return p.convAlone(n)
	}
	e, ok := p.endingOf(n)
	if !ok {
		return false
	}
	weights, ok := integerWeights(n, twins[0], e.result())
	if !ok || len(n.in) == 2 && !e.result().Fits(twins[1].scale, 1) {
		return false
	}
	if !weights[0].data.encoding.fits() {
		if weights[0], twins[0], ok = p.halveRows(n, &op, weights[0], twins[0]); !ok {
			return false
		}
	}
	op.Act, op.Result = e.act, e.result()
	p.become(n, e, &op, twins, weights)
	return true
}

// convAlone is conv where the residual is not quantised: it is added by itself.
func (p *integers) convAlone(n *node) bool {
	sum := &value{name: n.out[0].name, shape: n.out[0].shape}
	op := *n.op.(*kernels.Conv)
	act := op.Act
	op.Act = kernels.Act{}
	alone := &node{name: n.name, origin: n.origin, op: &op, in: n.in[:1], weights: n.weights, out: []*value{sum}}
	if !p.conv(alone, p.twinsOf(alone.in)) {
		return false
	}
	n.op, n.weights = &kernels.Binary{Kind: kernels.Add, Act: act}, nil
	n.in = []*value{sum, n.in[1]}
	p.add(n)
	return true
}

func (p *integers) fullyConnected(n *node, twins []*value) bool {
	op := *n.op.(*kernels.FullyConnected)
	e, ok := p.endingOf(n)
	if !ok {
		return false
	}
	weights, ok := integerWeights(n, twins[0], e.result())
	if !ok {
		return false
	}
	if !weights[0].data.encoding.fits() {
		x := twins[0]
		last := len(x.shape) - 1
		if weights[0], ok = halved(weights[0], 1); !ok || !canDouble(x.shape, last) {
			return false
		}
		take := &kernels.Take{Axis: last, Index: make([]int, 2*x.shape[last])}
		for i := range take.Index {
			take.Index[i] = i / 2
		}
		twins[0] = p.doubled(n, take, x, last)
	}
	op.Act, op.Result = e.act, e.result()
	p.become(n, e, &op, twins, weights)
	return true
}

// Weights of uint8 may have more than int8 can hold without their zero point. Then
// each is the sum of two, and each element is read twice: sums are as exact as
// before.

// halved are weights in pairs of neighbours along an axis.
func halved(w *value, axis int) (*value, bool) {
	e, ok := w.data.encoding.halves(w.shape, axis)
	shape := slices.Clone(w.shape)
	shape[axis] *= 2
	return &value{name: w.name, shape: shape, data: &constant{kind: w.data.kind, dims: shape, encoding: e}}, ok
}

// canDouble says whether a dimension of a shape can be twice as large.
func canDouble(shape tensor.Shape, axis int) bool {
	twice := slices.Clone(shape)
	twice[axis] = min(twice[axis], tensor.MaxDim/2) * 2
	return twice[axis] == 2*shape[axis] && twice.Check() == nil
}

// doubled adds what repeats each element of x along an axis.
func (p *integers) doubled(n *node, op operation, x *value, axis int) *value {
	y := &value{name: x.name, shape: slices.Clone(x.shape)}
	y.shape[axis] *= 2
	setElements(y, x.elements())
	p.add(&node{name: n.name, origin: n.origin, op: op, in: []*value{x}, out: []*value{y}})
	return y
}

// halveRows makes a convolution one of pairs of rows, of a map in which each row
// stands twice; or of columns, where rows are dilated or there are none.
func (p *integers) halveRows(n *node, op *kernels.Conv, w, x *value) (halves, twice *value, ok bool) {
	sides := len(x.shape) - 2 // of a map of one dimension there are no rows
	for axis := range sides {
		at := 2 - sides + axis
		if op.Dilation[at] != 1 || max(op.Kernel[at], op.Stride[at], op.Pad[at], op.Pad[at+2]) > tensor.MaxDim/2 || !canDouble(x.shape, 2+axis) {
			continue
		}
		if halves, ok = halved(w, 2+axis); !ok {
			break
		}
		op.Kernel[at] *= 2
		op.Stride[at] *= 2
		op.Pad[at] *= 2
		op.Pad[at+2] *= 2
		resize := &kernels.Resize{Coordinates: kernels.Asymmetric, Rounding: kernels.RoundFloor, Scale: [2]float32{1, 1}, Size: mapSize(x.shape)}
		resize.Scale[at] = 2
		resize.Size[at] *= 2
		return halves, p.doubled(n, resize, x, 2+axis), true
	}
	return nil, nil, false
}

// integerWeights are n's weights [Cout, …], which know how they were quantised, by
// channel or all alike, and its bias as int32 in units of the operand's scale
// times the weights', of which no sum exceeds an int32. It is false if they cannot
// be that.
func integerWeights(n *node, x *value, result kernels.Elements) ([]*value, bool) {
	w, bias := n.weights[0], n.weights[1]
	e := w.data.encoding
	channels := w.shape[0]
	if e == nil || len(e.scale) != 1 && e.axis != 0 {
		return nil, false
	}
	scale := make([]float32, channels)
	b := &constant{kind: typeInt32, dims: tensor.Shape{channels}, ints: make([]int64, channels)}
	q := e.q
	each := len(q) / channels
	for i := range scale {
		scale[i] = e.scale[i%len(e.scale)]
		at, v := i*each, 0.0
		if bias != nil {
			v = float64(bias.data.floats[i])
		}
		for {
			unit := float64(x.scale) * float64(scale[i])
			most := math.MaxInt32 - reach(q[at:at+each], x)
			if math.Abs(v) <= unit*most {
				b.ints[i] = int64(math.RoundToEven(v / unit))
				break
			}
			// Beside such a bias, weights are next to nothing, and may be rounded to
			// a larger scale. That of zeros can be any.
			switch {
			case most < math.MaxInt32/2 || !isScale(scale[i]):
				return nil, false
			case most == math.MaxInt32:
				scale[i] = float32(math.Abs(v) / float64(x.scale) / (1 << 24))
				continue
			}
			if &q[0] == &e.q[0] {
				q = slices.Clone(q)
			}
			for k, w := range q[at : at+each] {
				q[at+k] = int16(math.RoundToEven(float64(w) / 2))
			}
			scale[i] *= 2
		}
		if !isScale(scale[i]) || !result.Fits(x.scale, scale[i]) {
			return nil, false
		}
	}
	data := &constant{kind: typeInt8, dims: w.shape, encoding: &encoding{q: q, scale: scale}}
	return []*value{{name: w.name, shape: w.shape, data: data}, {shape: b.dims, data: b}}, true
}

// reach is the largest magnitude of a sum of products of weights by elements of x.
func reach(q []int16, x *value) float64 {
	sum := 0.0
	for _, w := range q {
		sum += math.Abs(float64(w))
	}
	return sum * float64(max(x.zero, math.MaxUint8-x.zero))
}

// pool makes a mean of quantised elements; maxima move them.
func (p *integers) pool(n *node, twins []*value) bool {
	op := *n.op.(*kernels.Pool)
	e, _ := p.endingOf(n)
	const most = math.MaxInt32 / math.MaxUint8 // elements that an int32 can sum
	if e.act.Kind != kernels.NoActivation || !e.result().Fits(twins[0].scale, 1) || int64(op.Kernel[0])*int64(op.Kernel[1]) > most {
		return false
	}
	op.Result = e.result()
	p.become(n, e, &op, twins, nil)
	return true
}

// affine makes what scales and shifts each channel, if the result is quantised, a
// depthwise convolution of one tap. All weights are 127 or −127, so that biases are
// rounded to 1/127 of a step.
func (p *integers) affine(n *node, twins []*value) bool {
	shape := n.out[0].shape
	if len(shape) < 2 || !shape.Equal(n.in[0].shape) {
		return false
	}
	scale, shift, ok := perChannel(n, shape, 1)
	if !ok {
		return false
	}
	w := &encoding{q: make([]int16, len(scale)), scale: make([]float32, len(scale))}
	for i, s := range scale {
		w.q[i], w.scale[i] = math.MaxInt8, s/math.MaxInt8
		switch {
		case s == 0:
			w.q[i], w.scale[i] = 0, 1
		case s < 0:
			w.q[i], w.scale[i] = -math.MaxInt8, -s/math.MaxInt8
		}
	}
	dims := tensor.Shape{len(scale), 1, 1, 1}
	alone := &node{weights: []*value{{shape: dims, data: &constant{kind: typeFloat, dims: dims, encoding: w}}, vector(shift)}}
	e, ok := p.endingOf(n)
	if !ok || e.out.scale == 0 {
		return false
	}
	weights, ok := integerWeights(alone, twins[0], e.result())
	if !ok {
		return false
	}
	ones := [2]int{1, 1}
	op := &kernels.Conv{Window: kernels.Window{Kernel: ones, Stride: ones, Dilation: ones}, Groups: len(scale), Channels: len(scale), Act: e.act, Result: e.result()}
	p.become(n, e, op, twins, weights)
	return true
}

// binary makes a sum, a difference or a product of two quantised values; that of
// one and a number is a function of an element, that of one and a number for each
// channel is affine.
func (p *integers) binary(n *node, twins []*value) bool {
	op := *n.op.(*kernels.Binary)
	if len(twins) == 1 {
		return p.function(n, twins) || p.affine(n, twins)
	}
	e, ok := p.endingOf(n)
	if twins[1] == nil || !ok {
		return false
	}
	a, b, result := twins[0].scale, twins[1].scale, e.result()
	switch op.Kind {
	case kernels.Add, kernels.Sub:
		if !result.Fits(a, 1) || !result.Fits(b, 1) {
			return false
		}
	case kernels.Mul:
		if !result.Fits(a, b) {
			return false
		}
	default:
		return false
	}
	op.Act, op.Result = e.act, result
	p.become(n, e, &op, twins, nil)
	return true
}

// function makes a table of a function of one element, with all that follow it, if
// the result is quantised in the end.
func (p *integers) function(n *node, twins []*value) bool {
	var chain []*node
	f := same
	last := n
	for ; last != nil && !last.quantises(); last = p.reader(last.out[0]) {
		of := last.ofElement()
		if of == nil || len(chain) == maxChain {
			return false
		}
		inner := f
		f = func(x float64) float64 { return float64(float32(of(inner(x)))) }
		chain = append(chain, last)
	}
	if last == nil {
		return false
	}
	x, out := twins[0], last.out[0]
	if act, ok := n.activation(); ok && act.Kind == kernels.Clamp && len(chain) == 1 && out.elements() == x.elements() && p.clampMaker(x, n.in[0], act) {
		p.done[last] = true
		p.is[out] = x
		p.uses[x] += p.uses[out]
		return true
	}
	op := &kernels.Unary{Result: out.elements()}
	if u, ok := n.op.(*kernels.Unary); ok {
		op.Kind, op.Act = u.Kind, u.Act
	}
	e := ending{out: out, nodes: append(chain[1:], last)}
	p.become(n, e, op, twins, []*value{table(x, out, f)})
	return true
}

// maxChain is the most functions that one table stands for.
const maxChain = 64

// clampMaker lets the integer operation that makes x clamp it, if nobody reads x
// but one who clamps the numbers for which its elements stand, of: the elements
// are clamped as those are.
func (p *integers) clampMaker(x, of *value, act kernels.Act) bool {
	m := p.maker[x]
	if m == nil || len(m.in) == 0 || m.in[0].scale == 0 || p.uses[x] != 1 || p.uses[of] != 1 {
		return false
	}
	slot := m.fusedAct()
	if slot == nil || slot.Kind != kernels.NoActivation {
		return false
	}
	*slot = act
	return true
}

// ofElement is the function of one element that a node is, nil if it is none.
func (n *node) ofElement() func(float64) float64 {
	switch op := n.op.(type) {
	case *kernels.Unary:
		if len(n.weights) == 0 {
			return op.Of
		}
	case *kernels.Binary:
		c, ok := n.scalar()
		if !ok || op.Act.Kind != kernels.NoActivation {
			return nil
		}
		return op.OfElement(float32(c))
	}
	return nil
}
