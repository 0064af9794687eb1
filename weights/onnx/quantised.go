package onnx

import (
	"math"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// In a model quantised elements are plain integers, and whoever reads them says
// which real numbers they stand for. Here a quantised value is uint8 and knows
// its scale and zero point, those by which it was quantised; who says something
// else reads it by another label.
//
// Not every value has the elements that it has in the model; translator.stands
// says of which type those are:
//
//   - int8 is uint8 here, each element and the zero point 128 more;
//   - integers whose scale is known in a run only, or is not one for all, those of
//     16 bits, and sums of products, are whole numbers of float32, exact up to 2²⁴.

// signBit is the difference between an int8 and the uint8 that stands for the
// same number.
const signBit = 128

// stands is the type that operand i's elements have in the model, if they are
// others here; else 0.
func (c *call) stands(i int) elemType {
	if i >= len(c.node.in) {
		return 0
	}
	return c.t.stands[c.node.in[i]]
}

// stand notes the type that elements have in the model.
func (c *call) stand(kind elemType, names ...string) {
	if kind == 0 {
		return
	}
	for _, name := range names {
		if name != "" {
			c.t.stands[name] = kind
		}
	}
}

// kind is the type of operand i's elements in the model.
func (c *call) kind(i int) elemType {
	v := c.operand(i)
	if kind := c.stands(i); kind != 0 {
		return kind
	}
	if v.data != nil {
		return v.data.kind
	}
	return kindOf(v.elem)
}

// isByte says that elements of the type can be quantised ones here.
func (t elemType) isByte() bool { return t == typeUint8 || t == typeInt8 }

// isQuantised says that floats can be quantised to elements of the type here; those
// of 16 bits stay whole numbers of float32.
func (t elemType) isQuantised() bool { return t.isByte() || t == typeUint16 || t == typeInt16 }

// limits are the least and the largest element of a type that isQuantised.
func (t elemType) limits() (lo, hi float32) {
	switch t {
	case typeUint16:
		return 0, math.MaxUint16
	case typeInt16:
		return math.MinInt16, math.MaxInt16
	}
	lo = -float32(t.shift())
	return lo, lo + math.MaxUint8
}

// shift is what is added to elements of the type to make them uint8.
func (t elemType) shift() int64 {
	if t == typeInt8 {
		return signBit
	}
	return 0
}

// labelled is a value of quantised elements, or of plain bytes, that stand for
// other numbers.
func (c *call) labelled(v *value, e kernels.Elements) *value {
	if !c.ready() {
		return v
	}
	if v.scale == 0 {
		one := kernels.Elements{Elem: tensor.U8, Scale: 1, Zero: int32(kindOf(v.elem).shift())}
		v = c.apply(&kernels.Convert{Result: one}, v)[0]
	}
	if v.elements() == e || !c.ready() {
		return v
	}
	key := label{v, e}
	if c.t.labels[key] == nil {
		c.t.labels[key] = c.emitTypes(&kernels.Unary{Result: e}, []*value{v}, []*value{tableOf(sameByte)}, []tensor.Type{e.Of(v.shape...)})[0]
	}
	return c.t.labels[key]
}

// A label is what the elements of a value stand for to those who read it.
type label struct {
	*value
	kernels.Elements
}

// sameByte leaves an element as it is.
func sameByte(q int) int64 { return int64(q) }

// tableOf is the constant of a Unary of quantised elements: what becomes of each.
func tableOf(f func(q int) int64) *value {
	t := &constant{kind: typeUint8, dims: tensor.Shape{256}, ints: make([]int64, 256)}
	for q := range t.ints {
		t.ints[q] = f(q)
	}
	return &value{shape: t.dims, data: t}
}

// floats is operand i, of which float32 are made of the numbers that its elements
// are in the model.
func (c *call) floats(i int) *value {
	v := c.activation(i)
	switch {
	case !c.ready() || v.elem == tensor.F32:
		return v
	case v.scale == 0:
		return c.apply(&kernels.Convert{}, v)[0]
	}
	v = c.labelled(v, kernels.Elements{Elem: tensor.U8, Scale: 1, Zero: int32(c.kind(i).shift())})
	return c.apply(&kernels.Convert{}, v)[0]
}

// plain is operand i with the elements that it has in the model.
func (c *call) plain(i int) *value {
	v := c.operand(i)
	kind := c.kind(i)
	if v.data != nil || v.scale == 0 && c.stands(i) == 0 || !c.ready() {
		return v
	}
	elem, ok := kind.elem()
	if !ok {
		c.fail("computed elements of %v, as operand %d, %q, has, are not supported here%s", kind, i, v.name, kind.instead())
		return v
	}
	y := c.floats(i)
	if v.elem == tensor.F32 {
		y = c.apply(&kernels.Unary{Kind: kernels.Round}, y)[0]
	}
	return c.apply(&kernels.Convert{Result: kernels.Elements{Elem: elem}}, y)[0]
}

// makePlain makes all operands plain.
func (c *call) makePlain() {
	for i, v := range c.in {
		if v != nil {
			c.in[i] = c.plain(i)
		}
	}
}

// returned is the only operand as the model returns it. Quantised elements stay
// so.
func (c *call) returned() *value {
	v := c.in[0]
	switch {
	case v.scale == 0:
		return c.plain(0)
	case c.stands(0) == 0:
		return v
	}
	e := kernels.Elements{Elem: tensor.I8, Scale: v.scale, Zero: v.zero - signBit}
	return c.apply(&kernels.Convert{Result: e}, v)[0]
}

// alike makes values that are to be joined of the same elements: those of the
// first, whose integers theirs are. They are the operands at some places.
func (c *call) alike(in []*value, at []int) []*value {
	out := make([]*value, len(in))
	for i, v := range in {
		if (v.scale == 0) != (in[0].scale == 0) || c.stands(at[i]) != c.stands(at[0]) {
			c.fail("operands of %v and of %v, or of another origin, are joined: dequantise them first", c.kind(at[0]), c.kind(at[i]))
			return in
		}
		if out[i] = v; v.scale != 0 {
			out[i] = c.labelled(v, in[0].elements())
		}
	}
	return out
}

// quantisedPadValue is the real number for which Pad's constant stands, an
// integer of the type of x, which is operand 0.
func (c *call) quantisedPadValue(x *value) float32 {
	q := int64(0)
	if c.has(2) {
		v := c.constant(2, "the value")
		if c.ready() && (v.data.len() != 1 || v.data.kind != c.kind(0)) {
			c.fail("the value, %q, is %s %v for a tensor of %v", v.name, tensor.Dims(v.shape...), v.data.kind, c.kind(0))
		}
		if !c.ready() {
			return 0
		}
		q = v.data.ints[0]
	}
	return x.scale * float32(q+c.kind(0).shift()-int64(x.zero))
}
