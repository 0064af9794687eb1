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

// asinh translates Asinh: sign(x)·log(|x| + √(x² + 1)). The root is taken of the
// square by m², m = max(|x|, 1), so that no square overflows.
func (c *call) asinh() []*value {
	x := c.activation(0)
	a := c.of(kernels.Abs, x)
	m := c.with(kernels.Max, a, 1)
	square := func(v *value) *value { return c.binary(&kernels.Binary{Kind: kernels.Mul}, v, v) }
	share := c.binary(&kernels.Binary{Kind: kernels.Div}, a, m)
	one := c.binary(&kernels.Binary{Kind: kernels.Div}, c.number(tensor.F32, 1), m)
	root := c.of(kernels.Sqrt, c.binary(&kernels.Binary{Kind: kernels.Add}, square(share), square(one)))
	sum := c.binary(&kernels.Binary{Kind: kernels.Add}, a, c.binary(&kernels.Binary{Kind: kernels.Mul}, m, root))
	return []*value{c.binary(&kernels.Binary{Kind: kernels.Mul}, c.of(kernels.Log, sum), c.of(kernels.Sign, x))}
}

// acosh translates Acosh: log(x + √(x − 1)·√(x + 1)).
func (c *call) acosh() []*value {
	x := c.activation(0)
	less, more := c.of(kernels.Sqrt, c.with(kernels.Add, x, -1)), c.of(kernels.Sqrt, c.with(kernels.Add, x, 1))
	root := c.binary(&kernels.Binary{Kind: kernels.Mul}, less, more)
	return []*value{c.of(kernels.Log, c.binary(&kernels.Binary{Kind: kernels.Add}, x, root))}
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
