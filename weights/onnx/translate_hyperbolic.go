package onnx

import (
	"math"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// of is a function of an activation.
func (c *call) of(kind kernels.UnaryKind, x *value) *value {
	return c.apply(&kernels.Unary{Kind: kind}, x)[0]
}

// with is a function of an activation and a number.
func (c *call) with(kind kernels.BinaryKind, x *value, by float32) *value {
	return c.binary(&kernels.Binary{Kind: kind}, x, &value{shape: []int{}, data: floatTensor([]int{}, []float32{by})})
}

// hyperbolic translates Sinh and Cosh: (exp(x) ∓ exp(−x))/2, as exponentials of half
// of x so that they overflow no sooner than the result.
func hyperbolic(kind kernels.BinaryKind) func(*call) []*value {
	return func(c *call) []*value {
		x := c.activation(0)
		up := c.of(kernels.Exp, c.scaled(x, 0.5))
		down := c.of(kernels.Exp, c.scaled(x, -0.5))
		half := func(e *value) *value {
			return c.binary(&kernels.Binary{Kind: kernels.Mul}, c.scaled(e, 0.5), e)
		}
		return []*value{c.binary(&kernels.Binary{Kind: kind}, half(up), half(down))}
	}
}

// asinh translates Asinh: sign(x)·log(|x| + √(x² + 1)), as log(m) +
// log(min(|x|, 1) + √(min(|x|, 1)² + 1/m²)), m = max(|x|, 1), in which nothing
// overflows.
func (c *call) asinh() []*value {
	x := c.activation(0)
	a := c.of(kernels.Abs, x)
	m, share := c.with(kernels.Max, a, 1), c.with(kernels.Min, a, 1)
	square := func(v *value) *value { return c.binary(&kernels.Binary{Kind: kernels.Mul}, v, v) }
	one := c.binary(&kernels.Binary{Kind: kernels.Div}, c.number(tensor.F32, 1), m)
	root := c.of(kernels.Sqrt, c.binary(&kernels.Binary{Kind: kernels.Add}, square(share), square(one)))
	log := c.of(kernels.Log, c.binary(&kernels.Binary{Kind: kernels.Add}, share, root))
	log = c.binary(&kernels.Binary{Kind: kernels.Add}, log, c.of(kernels.Log, m))
	return []*value{c.binary(&kernels.Binary{Kind: kernels.Mul}, log, c.of(kernels.Sign, x))}
}

// acosh translates Acosh: log(x + √(x − 1)·√(x + 1)), as
// 2·log(√((x − 1)/2) + √((x + 1)/2)), in which nothing overflows.
func (c *call) acosh() []*value {
	x := c.activation(0)
	root := func(add float32) *value { return c.of(kernels.Sqrt, c.scaled(c.with(kernels.Add, x, add), 0.5)) }
	sum := c.binary(&kernels.Binary{Kind: kernels.Add}, root(-1), root(1))
	return []*value{c.scaled(c.of(kernels.Log, sum), 2)}
}

// atanh translates Atanh: log((1 + x)/(1 − x))/2.
func (c *call) atanh() []*value {
	x := c.activation(0)
	more, less := c.with(kernels.Add, x, 1), c.with(kernels.Add, c.of(kernels.Neg, x), 1)
	return []*value{c.scaled(c.of(kernels.Log, c.binary(&kernels.Binary{Kind: kernels.Div}, more, less)), 0.5)}
}

// isNaN translates IsNaN: a NaN is not equal to itself.
func (c *call) isNaN() []*value {
	x := c.activation(0)
	same := c.binary(&kernels.Binary{Kind: kernels.Equal}, x, x)
	return []*value{c.binary(&kernels.Binary{Kind: kernels.Equal}, same, c.number(tensor.Bool, 0))}
}

// isInf translates IsInf, which may look for infinities of one sign only.
func (c *call) isInf() []*value {
	x := c.activation(0)
	negative, positive := c.intAttr("detect_negative", 1) != 0, c.intAttr("detect_positive", 1) != 0
	is := math.Inf(1)
	switch {
	case negative && positive:
		x = c.of(kernels.Abs, x)
	case negative:
		is = math.Inf(-1)
	case !positive:
		is = math.NaN() // equal to nothing
	}
	return []*value{c.with(kernels.Equal, x, float32(is))}
}
