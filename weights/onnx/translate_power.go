package onnx

import (
	"math"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// pow translates Pow. Small whole exponents are products: squares and cubes are
// everywhere, and a product is a hundred times as fast as a power.
func (c *call) pow() []*value {
	x, y := c.two()
	if !c.ready() {
		return nil
	}
	if !c.kind(0).float() {
		return c.wholePow(x, y)
	}
	if y.data == nil && y.elem != tensor.F32 {
		y = c.floats(1)
	}
	if y.data == nil || y.data.len() != 1 || len(y.shape) > len(x.shape) {
		return []*value{c.binary(&kernels.Binary{Kind: kernels.Pow}, floats(x), floats(y))}
	}
	switch y.data.float64(0) {
	case 1:
		return []*value{x}
	case 2:
		return []*value{c.binary(&kernels.Binary{Kind: kernels.Mul}, x, x)}
	case 3:
		square := c.binary(&kernels.Binary{Kind: kernels.Mul}, x, x)
		return []*value{c.binary(&kernels.Binary{Kind: kernels.Mul}, square, x)}
	case -1:
		return []*value{c.inverse(x)}
	}
	return []*value{c.binary(&kernels.Binary{Kind: kernels.Pow}, x, floats(y))}
}

// wholePow is Pow of a base of integers, and so is its result. Powers that are not
// products are those of float32, of which the integer part is taken: of slightly
// larger ones, since whole ones may be slightly too small.
func (c *call) wholePow(x, y *value) []*value {
	if y.data != nil && y.data.len() == 1 && len(y.shape) <= len(x.shape) && x.data == nil {
		square := func() *value { return c.binary(&kernels.Binary{Kind: kernels.Mul}, x, x) }
		switch y.data.float64(0) {
		case 1:
			return []*value{x}
		case 2:
			return []*value{square()}
		case 3:
			return []*value{c.binary(&kernels.Binary{Kind: kernels.Mul}, square(), x)}
		}
	}
	power := c.scaled(c.binary(&kernels.Binary{Kind: kernels.Pow}, c.floats(0), c.floats(1)), 1+0x1p-22)
	to, ok := c.kind(0).elem()
	if !ok {
		return c.fail("powers of %v are not supported%s", c.kind(0), c.kind(0).instead())
	}
	return c.apply(&kernels.Convert{Result: kernels.Elements{Elem: to}}, power)
}

// floats is a value with the numbers of a constant as floats: base and exponent
// of Pow may be of different types.
func floats(v *value) *value {
	if v.data == nil || v.data.kind.float() {
		return v
	}
	x := make([]float32, v.data.len())
	for i := range x {
		x[i] = float32(v.data.ints[i])
	}
	return &value{name: v.name, shape: v.shape, data: floatTensor(v.shape, x)}
}

// foldPow computes Pow, whose result is of the base's type.
func (c *call) foldPow() []*value {
	a, b := c.operand(0), c.operand(1)
	if !c.ready() {
		return nil
	}
	dims, ok := tensor.Broadcast(a.shape, b.shape)
	if !ok {
		return c.fail("shapes %s and %s do not broadcast", tensor.Dims(a.shape...), tensor.Dims(b.shape...))
	}
	t := c.newTensor(a.data.kind, dims)
	if t == nil {
		return nil
	}
	at := make([]int, len(dims))
	for i := range t.len() {
		base, exponent := a.data.float64(broadcastIndex(at, a.shape)), b.data.float64(broadcastIndex(at, b.shape))
		if y := math.Pow(base, exponent); t.kind.float() {
			t.setFloat(i, y)
		} else {
			t.setInt(i, int64(y))
		}
		next(at, dims)
	}
	return c.folded(t)
}

// reciprocal translates Reciprocal.
func (c *call) reciprocal() []*value { return []*value{c.inverse(c.activation(0))} }

// inverse is 1/x.
func (c *call) inverse(x *value) *value {
	one := &value{shape: []int{}, data: floatTensor([]int{}, []float32{1})}
	return c.binary(&kernels.Binary{Kind: kernels.Div}, one, x)
}

// scaled is x times a number.
func (c *call) scaled(x *value, by float32) *value {
	factor := &value{shape: []int{}, data: floatTensor([]int{}, []float32{by})}
	return c.binary(&kernels.Binary{Kind: kernels.Mul}, x, factor)
}
