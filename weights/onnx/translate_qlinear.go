package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// Operators on quantised elements are what they mean: their operands dequantised,
// the operator on real numbers, its result quantised. computeIntegers makes
// integer operations of that, as of models that say it in these words.

// onReals translates the operator that the node is on real numbers: f of other
// operands.
func (c *call) onReals(f func(*call) []*value, in ...*value) *value {
	if !c.ready() {
		return &value{}
	}
	node := *c.node
	node.in = make([]string, len(in)) // none of which stands for something else
	sub := &call{t: c.t, node: &node, in: in}
	out := f(sub)
	if c.err = sub.err; !c.ready() {
		return &value{}
	}
	return out[0]
}

// operandOf is operand i, with its scale and zero point behind it, dequantised.
// What has one for each index has that of axis.
func (c *call) operandOf(i int, axis int64) *value {
	v, _ := c.operandScheme(i, axis)
	return v
}

func (c *call) operandScheme(i int, axis int64) (*value, *scheme) {
	v := c.operand(i)
	kind := c.kind(i)
	if c.ready() && !kind.isByte() {
		c.fail("operand %d, %q, is of %v where uint8 or int8 is expected", i, v.name, kind)
	}
	s := c.scheme(kind, v.shape, i+1, i+2, axis)
	return c.dequantised(i, s), s
}

// result quantises y by the scale and the zero point that are operands i and i+1.
func (c *call) result(y *value, i int) []*value {
	if !c.ready() {
		return nil
	}
	kind := typeUint8
	if c.has(i + 1) {
		kind = c.constant(i+1, "the zero point").data.kind
	}
	if !kind.isByte() {
		c.fail("quantised elements of %v are not supported: quantise to uint8 or int8", kind)
	}
	s := c.scheme(kind, y.shape, i, i+1, 0)
	if c.ready() && !s.single() {
		c.fail("the result has %d scales, where one is expected", len(s.scale))
	}
	if !c.ready() {
		return nil
	}
	return []*value{c.quantised(y, s)}
}

// qLinear translates an operator of one quantised operand.
func qLinear(f func(*call) []*value) func(*call) []*value {
	return func(c *call) []*value {
		if c.intAttr("channels_last", 0) != 0 {
			c.unsupported("channels_last 1 is not supported")
		}
		return c.result(c.onReals(f, c.operandOf(0, 0)), 3)
	}
}

// qLinearBinary translates an operator of two quantised operands.
func qLinearBinary(kind kernels.BinaryKind) func(*call) []*value {
	return func(c *call) []*value {
		return c.result(c.onReals(arithmetic(kind), c.operandOf(0, 0), c.operandOf(3, 0)), 6)
	}
}

// qLinearSoftmax translates QLinearSoftmax, which says which opset's Softmax it
// is.
func (c *call) qLinearSoftmax() []*value {
	opset := c.t.opset
	defer func() { c.t.opset = opset }()
	c.t.opset = c.intAttr("opset", opset)
	return qLinear(softmax(false))(c)
}

// qLinearConcat translates QLinearConcat: the result's scale and zero point stand
// in front of the operands.
func (c *call) qLinearConcat() []*value {
	if len(c.in) < 5 || len(c.in)%3 != 2 {
		return c.fail("%d operands, which are not three for each tensor and two for the result", len(c.in))
	}
	var in []*value
	for i := 2; i < len(c.in); i += 3 {
		in = append(in, c.operandOf(i, 0))
	}
	return c.result(c.onReals((*call).concat, in...), 0)
}

// qLinearConv translates QLinearConv.
func (c *call) qLinearConv() []*value {
	x, xs := c.operandScheme(0, 0)
	w, ws := c.operandScheme(3, 0)
	in := []*value{x, w}
	if c.has(8) {
		in = append(in, c.dequantisedBias(8, xs, ws, 1))
	}
	return c.result(c.onReals((*call).conv, in...), 6)
}

// dequantisedBias is operand i, int32 in units of the product of two scales and a
// number; the second scale may be one for each of its last dimension.
func (c *call) dequantisedBias(i int, a, b *scheme, by float32) *value {
	v := c.constant(i, "the bias")
	if c.ready() && v.data.kind != typeInt32 {
		c.fail("the bias, %q, is of %v where int32 is expected", v.name, v.data.kind)
	}
	if n := len(b.scale); c.ready() && (len(a.scale) != 1 || n != 1 && (len(v.shape) == 0 || v.shape[len(v.shape)-1] != n)) {
		c.fail("the bias, %q, of shape %s for %d and %d scales", v.name, tensor.Dims(v.shape...), len(a.scale), n)
	}
	if !c.ready() {
		return v
	}
	t := c.newTensor(typeFloat, v.shape)
	if t == nil {
		return v
	}
	for k, q := range v.data.ints {
		t.floats[k] = float32(float64(q) * float64(a.scale[0]) * float64(b.scale[k%len(b.scale)]) * float64(by))
	}
	return &value{name: v.name, shape: v.shape, data: t}
}

// qLinearMatMul translates QLinearMatMul. The second matrix may have a scale for
// each column.
func (c *call) qLinearMatMul() []*value {
	return c.result(c.onReals((*call).matMul, c.operandOf(0, 0), c.operandOf(3, -1)), 6)
}

// qGemm translates QGemm: Gemm of quantised matrices. Without a scale its result
// is float.
func (c *call) qGemm() []*value {
	columns := int64(1)
	if c.intAttr("transB", 0) != 0 {
		columns = 0
	}
	a, as := c.operandScheme(0, 0)
	b, bs := c.operandScheme(3, columns)
	in := []*value{a, b}
	if c.has(6) {
		in = append(in, c.dequantisedBias(6, as, bs, c.floatAttr("alpha", 1)))
	}
	y := c.onReals((*call).gemm, in...)
	if !c.has(7) {
		return []*value{y}
	}
	return c.result(y, 7)
}

// convInteger translates ConvInteger.
func (c *call) convInteger() []*value {
	x, unit := c.centred(0, 2, 0)
	w, _ := c.centred(1, 3, 0)
	return c.sums(c.onReals((*call).conv, x, w), unit)
}

// matMulInteger translates MatMulInteger. The second matrix may have a zero point
// for each column.
func (c *call) matMulInteger() []*value {
	a, unitA := c.centred(0, 2, -2)
	b, unitB := c.centred(1, 3, -1)
	return c.sums(c.onReals((*call).matMul, a, b), unitA*unitB)
}

// sums are products of integers, which y is times unit.
func (c *call) sums(y *value, unit float32) []*value {
	if !c.ready() {
		return nil
	}
	if unit != 1 {
		y = c.times(y, 1/unit)
	}
	c.stand(typeInt32, c.node.out[0])
	return []*value{y}
}

// centred is operand i, of integers, less the zero points that another operand
// has: one, or one for each index of axis. The result is that in units of a
// number: where the operand was quantised with that zero point it is what it
// stands for, in units of its scale.
func (c *call) centred(i, zeroAt int, axis int64) (x *value, unit float32) {
	v := c.operand(i)
	kind := c.kind(i)
	if c.ready() && !kind.isByte() {
		c.fail("operand %d, %q, is of %v where uint8 or int8 is expected", i, v.name, kind)
	}
	if !c.ready() {
		return v, 1
	}
	if c.has(zeroAt) && c.in[zeroAt].data == nil {
		zero := c.floats(zeroAt)
		if c.ready() && len(zero.shape) == 1 {
			shape := slices.Repeat([]int{1}, len(v.shape))
			at := c.axis(axis, len(v.shape))
			if !c.ready() {
				return v, 1
			}
			if shape[at] = zero.shape[0]; zero.shape[0] > 1 {
				zero = c.reshape(zero, shape)
			}
		}
		return c.binary(&kernels.Binary{Kind: kernels.Sub}, c.floats(i), zero), 1
	}
	s := &scheme{kind: kind, scale: []float32{1}}
	if c.has(zeroAt) && c.in[zeroAt].data.len() > 1 {
		if s.axis = c.axis(axis, len(v.shape)); !c.ready() {
			return v, 1
		}
		s.scale = make([]float32, v.shape[s.axis])
		for k := range s.scale {
			s.scale[k] = 1
		}
	}
	s.zero = c.zeros(zeroAt, kind, len(s.scale))
	if v.scale != 0 && s.single() && int64(v.zero) == s.zero[0]+kind.shift() {
		s.scale = []float32{v.scale}
		return c.dequantised(i, s), v.scale
	}
	return c.dequantised(i, s), 1
}

// matMulIntegerToFloat translates MatMulIntegerToFloat: MatMulInteger times the
// scales of both matrices, plus a bias.
func (c *call) matMulIntegerToFloat() []*value {
	a, unitA := c.centred(0, 4, -2)
	b, unitB := c.centred(1, 5, -1)
	y := c.onReals((*call).matMul, a, b)
	if unit := unitA * unitB; unit != 1 && c.ready() {
		y = c.times(y, 1/unit)
	}
	return c.inScales(y, c.operand(2), c.operand(3), 6)
}

// inScales are sums of products in units of two scales, plus a bias, operand i, if
// there is one.
func (c *call) inScales(y, a, b *value, i int) []*value {
	by := func(kind kernels.BinaryKind, v *value) {
		of := y.shape
		if y = c.binary(&kernels.Binary{Kind: kind}, y, v); c.ready() && !of.Equal(y.shape) {
			c.fail("%q, of shape %s, for sums of shape %s", v.name, tensor.Dims(v.shape...), tensor.Dims(of...))
		}
	}
	by(kernels.Mul, a)
	by(kernels.Mul, b)
	if c.has(i) {
		by(kernels.Add, c.in[i])
	}
	return []*value{y}
}

// dynamicQuantizeMatMul translates DynamicQuantizeMatMul: MatMulIntegerToFloat of
// what DynamicQuantizeLinear makes of the first matrix.
func (c *call) dynamicQuantizeMatMul() []*value {
	quantise := &call{t: c.t, node: &nodeProto{name: c.node.name, op: c.node.op}, in: []*value{c.operand(0)}}
	q := quantise.dynamicQuantizeLinear()
	if c.err = quantise.err; !c.ready() {
		return nil
	}
	a := c.binary(&kernels.Binary{Kind: kernels.Sub}, q[0], q[2])
	b, unit := c.centred(1, 3, -1)
	y := c.onReals((*call).matMul, a, b)
	if unit != 1 && c.ready() {
		y = c.times(y, 1/unit)
	}
	return c.inScales(y, q[1], c.operand(2), 4)
}
