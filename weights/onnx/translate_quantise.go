package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// A scheme is how integers stand for real numbers:
//
//	scale·(q − zero)
//
// with one scale and one zero point, or one for each index of axis.
type scheme struct {
	kind  elemType // of the integers
	scale []float32
	zero  []int64 // as many as scales
	axis  int
}

// single says that there is one scale for all.
func (s *scheme) single() bool { return len(s.scale) == 1 }

// elements are those of a value of such integers.
func (s *scheme) elements() kernels.Elements {
	return kernels.Elements{Elem: tensor.U8, Scale: s.scale[0], Zero: int32(s.zero[0] + s.kind.shift())}
}

// constants are the scales and the zero points as constants that broadcast to a
// tensor of so many dimensions.
func (s *scheme) constants(rank int) (scale, zero *value) {
	shape := tensor.Shape{len(s.scale)}
	if !s.single() {
		for range rank - s.axis - 1 {
			shape = append(shape, 1)
		}
	}
	floats := make([]float32, len(s.zero))
	for i, z := range s.zero {
		floats[i] = float32(z)
	}
	return &value{shape: shape, data: floatTensor(shape, s.scale)}, &value{shape: shape, data: floatTensor(shape, floats)}
}

// scheme reads a scale and a zero point, two operands of which the second may be
// missing, of integers of a type in a tensor of a shape. What has one for each
// index has that of axis.
func (c *call) scheme(kind elemType, shape []int, scaleAt, zeroAt int, axis int64) *scheme {
	s := &scheme{kind: kind, scale: []float32{1}, zero: []int64{0}}
	scale := c.constant(scaleAt, "the scale")
	if c.ready() && !scale.data.kind.float() {
		c.fail("the scale, %q, is of %v", scale.name, scale.data.kind)
	}
	if c.intAttr("block_size", 0) != 0 || len(scale.shape) > 1 {
		c.fail("the scale, %q, has a number for each block, which is supported only where constants are dequantised: quantise by tensor or by channel", scale.name)
	}
	c.checkScales(scale)
	if !c.ready() {
		return s
	}
	s.scale = scale.data.floats
	if len(s.scale) != 1 {
		if s.axis = c.axis(axis, len(shape)); c.ready() && shape[s.axis] != len(s.scale) {
			c.fail("the scale, %q, of %d numbers for dimension %d of shape %s", scale.name, len(s.scale), s.axis, tensor.Dims(shape...))
		}
	}
	s.zero = c.zeros(zeroAt, kind, len(s.scale))
	return s
}

// checkScales checks that all scales are positive and finite.
func (c *call) checkScales(scale *value) {
	for i, x := range scale.data.floats {
		if !isScale(x) {
			c.fail("the scale, %q: element %d is %v, which is not positive and finite", scale.name, i, x)
			return
		}
	}
}

// zeros reads n zero points of integers of a type; they are 0 if the operand is
// missing. One may stand for all.
func (c *call) zeros(i int, kind elemType, n int) []int64 {
	zero := make([]int64, n)
	if !c.has(i) {
		return zero
	}
	v := c.constant(i, "the zero point")
	if !c.ready() {
		return zero
	}
	if v.data.kind != kind {
		c.fail("the zero point, %q, is of %v for elements of %v", v.name, v.data.kind, kind)
		return zero
	}
	if len(v.data.ints) != n && len(v.data.ints) != 1 || len(v.shape) > 1 {
		c.fail("the zero point, %q, of shape %s for %d scales", v.name, tensor.Dims(v.shape...), n)
		return zero
	}
	for j := range zero {
		zero[j] = v.data.ints[j%len(v.data.ints)]
	}
	return zero
}

// quantizeLinear translates QuantizeLinear.
func (c *call) quantizeLinear() []*value {
	x := c.floats(0)
	s := c.quantisedScheme(x.shape)
	if !c.ready() {
		return nil
	}
	return []*value{c.quantised(x, s)}
}

// quantisedScheme is what QuantizeLinear says. The type is that of the zero
// point, or an attribute.
func (c *call) quantisedScheme(shape []int) *scheme {
	kind := typeUint8
	if to := elemType(c.intAttr("output_dtype", 0)); to != 0 {
		kind = to
	}
	if c.has(2) {
		kind = c.constant(2, "the zero point").data.kind
	}
	if !kind.isQuantised() {
		c.fail("quantised elements of %v are not supported: quantise to uint8, int8, uint16 or int16", kind)
	}
	return c.scheme(kind, shape, 1, 2, c.intAttr("axis", 1))
}

// quantised quantises x, which is float32, as the node's first result, and notes
// what that stands for.
func (c *call) quantised(x *value, s *scheme) *value {
	if !c.ready() {
		return &value{}
	}
	if s.single() && s.kind.isByte() {
		y := c.apply(&kernels.Convert{Result: s.elements()}, x)[0]
		if s.kind == typeInt8 {
			c.stand(s.kind, c.node.out[0])
		}
		return y
	}
	scale, zero := s.constants(len(x.shape))
	y := c.binary(&kernels.Binary{Kind: kernels.Div}, x, scale)
	y = c.wholeOf(y, zero, s.kind)
	c.stand(s.kind, c.node.out[0])
	return y
}

// wholeOf rounds quotients, adds zero points and clamps to what a type can hold.
func (c *call) wholeOf(y, zero *value, kind elemType) *value {
	if !c.ready() {
		return y
	}
	lo, hi := kind.limits()
	y = c.apply(&kernels.Unary{Kind: kernels.Round}, y)[0]
	y = c.binary(&kernels.Binary{Kind: kernels.Add}, y, zero)
	if !c.ready() {
		return y
	}
	return c.apply(&kernels.Unary{Act: kernels.Act{Kind: kernels.Clamp, Lo: lo, Hi: hi}}, y)[0]
}

// dequantizeLinear translates DequantizeLinear.
func (c *call) dequantizeLinear() []*value {
	x := c.activation(0)
	s := c.scheme(c.kind(0), x.shape, 1, 2, c.intAttr("axis", 1))
	return []*value{c.dequantised(0, s)}
}

// dequantised is operand i as float32 of the numbers that it stands for. Of a
// constant that is one that knows how it was quantised.
func (c *call) dequantised(i int, s *scheme) *value {
	x := c.operand(i)
	switch {
	case !c.ready():
		return x
	case !s.kind.isQuantised() && !s.kind.packed() && s.kind != typeInt32:
		c.fail("operand %d, %q, is of %v, and not quantised", i, x.name, s.kind)
		return x
	case x.data != nil:
		return &value{name: x.name, shape: x.shape, data: c.dequantisedConstant(x.data, s)}
	case s.single() && s.kind.isByte() && x.elem != tensor.F32:
		return c.apply(&kernels.Convert{}, c.labelled(x, s.elements()))[0]
	}
	scale, zero := s.constants(len(x.shape))
	y := c.binary(&kernels.Binary{Kind: kernels.Sub}, c.floats(i), zero)
	return c.binary(&kernels.Binary{Kind: kernels.Mul}, y, scale)
}

// dequantised is what a constant of integers was made into last.
type dequantised struct {
	by *scheme
	to *constant
}

// same says whether two schemes are the same one.
func (s *scheme) same(t *scheme) bool {
	return s.kind == t.kind && s.axis == t.axis && slices.Equal(s.scale, t.scale) && slices.Equal(s.zero, t.zero)
}

// dequantisedConstant makes floats of integers. Whoever asks again gets the same
// ones.
func (c *call) dequantisedConstant(t *constant, s *scheme) *constant {
	if t.dequantised != nil && t.dequantised.by.same(s) {
		return t.dequantised.to
	}
	y := c.newTensor(typeFloat, t.dims)
	if y == nil {
		return floatTensor(t.dims, nil)
	}
	c.t.budget -= y.len()
	e := &encoding{scale: s.scale, axis: s.axis}
	if s.kind.isByte() || s.kind.packed() {
		e.q = make([]int16, y.len())
		y.encoding = e
	}
	each := 1 // elements of one index of axis
	if !s.single() {
		each = t.dims[s.axis+1:].Volume()
	}
	for i := range y.floats {
		k := i / each % len(s.scale)
		q := t.ints[i] - s.zero[k]
		y.floats[i] = float32(float64(q) * float64(s.scale[k]))
		if e.q != nil {
			e.q[i] = int16(q)
		}
	}
	t.dequantised = &dequantised{s, y}
	return y
}

// foldDequantize computes DequantizeLinear.
func (c *call) foldDequantize() []*value {
	if size := c.intAttr("block_size", 0); size != 0 {
		return c.dequantisedBlocks(size)
	}
	x := c.operand(0)
	s := c.scheme(c.kind(0), x.shape, 1, 2, c.intAttr("axis", 1))
	if !c.ready() {
		return nil
	}
	return []*value{c.dequantised(0, s)}
}

// dequantisedBlocks computes DequantizeLinear with a scale, and perhaps a zero
// point, for each block of so many elements along an axis. The last block of an
// axis may be shorter.
func (c *call) dequantisedBlocks(size int64) []*value {
	x, scale := c.constant(0, "what is dequantised"), c.constant(1, "the scale")
	axis := c.axis(c.intAttr("axis", 1), len(x.shape))
	if !c.ready() {
		return nil
	}
	if size < 1 {
		return c.fail("a block_size of %d", size)
	}
	if x.data.kind.float() || x.data.kind == typeBool || !scale.data.kind.float() {
		return c.fail("elements of %v with scales of %v", x.data.kind, scale.data.kind)
	}
	d := x.shape[axis]
	block := int(min(size, int64(max(d, 1))))
	blocks := slices.Clone(x.shape)
	blocks[axis] = (d + block - 1) / block
	values := []*value{scale}
	var zero *constant
	if c.has(2) {
		v := c.constant(2, "the zero point")
		if values, zero = append(values, v), v.data; c.ready() && zero.kind != x.data.kind {
			return c.fail("the zero point, %q, is of %v for elements of %v", v.name, zero.kind, x.data.kind)
		}
	}
	for _, v := range values {
		if !slices.Equal(v.shape, blocks) {
			return c.fail("%q, of shape %s, for blocks of %d along dimension %d of shape %s", v.name, tensor.Dims(v.shape...), size, axis, tensor.Dims(x.shape...))
		}
	}
	c.checkScales(scale)
	if !c.ready() {
		return nil
	}
	y := c.newTensor(typeFloat, x.shape)
	if y == nil {
		return nil
	}
	each := tensor.Shape(x.shape[axis+1:]).Volume()
	for i := range y.floats {
		row := i / each
		at := (row/d*blocks[axis]+row%d/block)*each + i%each
		q := x.data.ints[i]
		if zero != nil {
			q -= zero.ints[at]
		}
		y.floats[i] = float32(float64(q) * float64(scale.data.floats[at]))
	}
	return c.folded(y)
}

// foldQuantize computes QuantizeLinear.
func (c *call) foldQuantize() []*value {
	x := c.weight(0, "what is quantised")
	s := c.quantisedScheme(x.shape)
	if !c.ready() {
		return nil
	}
	y := c.newTensor(s.kind, x.shape)
	if y == nil {
		return nil
	}
	each := 1
	if !s.single() {
		each = tensor.Shape(x.shape[s.axis+1:]).Volume()
	}
	lo, hi := s.kind.limits()
	for i, v := range x.data.floats {
		k := i / each % len(s.scale)
		q := math.RoundToEven(float64(v/s.scale[k])) + float64(s.zero[k])
		y.ints[i] = int64(min(max(q, float64(lo)), float64(hi)))
	}
	return c.folded(y)
}

// dynamicQuantizeLinear translates DynamicQuantizeLinear, whose scale is that of
// each item where there is a batch.
func (c *call) dynamicQuantizeLinear() []*value {
	x := c.activation(0)
	if !c.ready() {
		return nil
	}
	axes, keep := identity(len(x.shape)), false
	if c.t.batch > 0 {
		axes, keep = axesFrom(1, len(x.shape)), true
	}
	zero := c.number(tensor.F32, 0)
	end := func(kind kernels.ReduceKind, of kernels.BinaryKind) *value {
		y := x
		if len(axes) > 0 {
			y = c.apply(&kernels.Reduce{Kind: kind, Axes: axes, Keep: keep}, x)[0]
		}
		return c.binary(&kernels.Binary{Kind: of}, y, zero)
	}
	lo, hi := end(kernels.ReduceMin, kernels.Min), end(kernels.ReduceMax, kernels.Max)
	scale := c.binary(&kernels.Binary{Kind: kernels.Div}, c.binary(&kernels.Binary{Kind: kernels.Sub}, hi, lo), c.number(tensor.F32, math.MaxUint8))
	// All zeros have the scale 1.
	isZero := c.binary(&kernels.Binary{Kind: kernels.Equal}, scale, zero)
	if !c.ready() {
		return nil
	}
	one := c.number(tensor.F32, 1)
	scale = c.emit(&kernels.Select{Constant: [3]bool{false, true, false}}, []*value{isZero, scale}, []*value{one}, scale.shape)[0]
	at := c.binary(&kernels.Binary{Kind: kernels.Div}, lo, scale)
	at = c.wholeOf(c.binary(&kernels.Binary{Kind: kernels.Sub}, zero, at), zero, typeUint8)
	y := c.wholeOf(c.binary(&kernels.Binary{Kind: kernels.Div}, x, scale), at, typeUint8)
	for _, i := range []int{0, 2} {
		if i < len(c.node.out) {
			c.stand(typeUint8, c.node.out[i])
		}
	}
	return []*value{y, scale, at}
}
