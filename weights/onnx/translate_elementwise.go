package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// unary translates an operator that is an activation or another function of
// one operand.
func unary(spec func(c *call) kernels.Unary) func(*call) []*value {
	return func(c *call) []*value {
		x, op := c.operand(0), spec(c)
		if x.data != nil && x.data.len() == 0 {
			return []*value{x}
		}
		x = c.computed(x)
		if x.elem != tensor.F32 {
			return c.integerUnary(op, x)
		}
		return c.apply(&op, x)
	}
}

func activate(act kernels.Act) func(*call) kernels.Unary {
	return func(*call) kernels.Unary { return kernels.Unary{Act: act} }
}

func function(kind kernels.UnaryKind) func(*call) kernels.Unary {
	return func(*call) kernels.Unary { return kernels.Unary{Kind: kind} }
}

func leakyRelu(c *call) kernels.Unary {
	return kernels.Unary{Act: kernels.Act{Kind: kernels.ActLeakyRelu, Lo: c.floatAttr("alpha", 0.01)}}
}

func hardSigmoid(c *call) kernels.Unary {
	return kernels.Unary{Act: kernels.Act{Kind: kernels.ActHardSigmoid, Lo: c.floatAttr("alpha", 0.2), Hi: c.floatAttr("beta", 0.5)}}
}

func elu(c *call) kernels.Unary {
	return kernels.Unary{Act: kernels.Act{Kind: kernels.ActElu, Lo: c.floatAttr("alpha", 1), Hi: 1}}
}

func celu(c *call) kernels.Unary {
	return kernels.Unary{Act: kernels.Act{Kind: kernels.ActCelu, Lo: c.floatAttr("alpha", 1)}}
}

// selu's defaults are those of the ONNX specification.
func selu(c *call) kernels.Unary {
	alpha, gamma := c.floatAttr("alpha", 1.67326319217681884765625), c.floatAttr("gamma", 1.05070102214813232421875)
	return kernels.Unary{Act: kernels.Act{Kind: kernels.ActElu, Lo: gamma * alpha, Hi: gamma}}
}

func thresholdedRelu(c *call) kernels.Unary {
	return kernels.Unary{Act: kernels.Act{Kind: kernels.ActThresholdedRelu, Lo: c.floatAttr("alpha", 1)}}
}

func shrink(c *call) kernels.Unary {
	return kernels.Unary{Act: kernels.Act{Kind: kernels.ActShrink, Lo: c.floatAttr("lambd", 0.5), Hi: c.floatAttr("bias", 0)}}
}

func gelu(c *call) kernels.Unary {
	kind := kernels.ActGelu
	switch form := c.stringAttr("approximate", "none"); form {
	case "none":
	case "tanh":
		kind = kernels.ActGeluTanh
	default:
		c.fail("approximate %q is unknown", form)
	}
	return kernels.Unary{Act: kernels.Act{Kind: kind}}
}

// swish translates Swish, x/(1 + exp(−alpha·x)), of a default alpha.
func swish(otherwise float32) func(*call) []*value {
	return func(c *call) []*value {
		x, alpha := c.activation(0), c.floatAttr("alpha", otherwise)
		if alpha == 1 {
			return c.apply(&kernels.Unary{Act: kernels.Act{Kind: kernels.ActSiLU}}, x)
		}
		gate := c.apply(&kernels.Unary{Act: kernels.Act{Kind: kernels.ActSigmoid}}, c.scaled(x, alpha))[0]
		return []*value{c.binary(&kernels.Binary{Kind: kernels.Mul}, x, gate)}
	}
}

// tan translates Tan.
func (c *call) tan() []*value {
	x := c.activation(0)
	sin, cos := c.apply(&kernels.Unary{Kind: kernels.Sin}, x)[0], c.apply(&kernels.Unary{Kind: kernels.Cos}, x)[0]
	return []*value{c.binary(&kernels.Binary{Kind: kernels.Div}, sin, cos)}
}

// mean translates Mean: the sum of all operands, divided by their number.
func (c *call) mean() []*value {
	sum := variadic(kernels.Add)(c)
	if !c.ready() {
		return nil
	}
	return []*value{c.scaled(sum[0], 1/float32(len(c.in)))}
}

// integerUnary is a unary operator of integers, by operations of two operands.
func (c *call) integerUnary(op kernels.Unary, x *value) []*value {
	zero := c.number(x.elem, 0)
	switch {
	case op.Kind == kernels.Abs && x.elem == tensor.U8:
		return []*value{x}
	case op.Kind == kernels.Abs:
		return []*value{c.binary(&kernels.Binary{Kind: kernels.Max}, x, c.binary(&kernels.Binary{Kind: kernels.Sub}, zero, x))}
	case op.Kind == kernels.Neg:
		return []*value{c.binary(&kernels.Binary{Kind: kernels.Sub}, zero, x)}
	case op.Kind == kernels.Activate && op.Act == relu:
		return []*value{c.binary(&kernels.Binary{Kind: kernels.Max}, x, zero)}
	case op.Kind == kernels.Sign:
		y := c.binary(&kernels.Binary{Kind: kernels.Min}, x, c.number(x.elem, 1))
		if x.elem != tensor.U8 && c.ready() {
			y = c.binary(&kernels.Binary{Kind: kernels.Max}, y, c.number(x.elem, -1))
		}
		return []*value{y}
	}
	return c.fail("it is not supported for %v: cast it to floats first", x.elem)
}

// number is a constant of no dimensions, of the type of an activation's
// elements.
func (c *call) number(e tensor.Elem, x int64) *value {
	if e == tensor.F32 {
		return &value{shape: []int{}, data: floatTensor([]int{}, []float32{float32(x)})}
	}
	return &value{shape: []int{}, data: &constant{kind: kindOf(e), dims: []int{}, ints: []int64{x}}}
}

// integerClip is clip of integers.
func (c *call) integerClip(x *value) []*value {
	for i, kind := range []kernels.BinaryKind{kernels.Max, kernels.Min} {
		if c.has(i + 1) {
			x = c.binary(&kernels.Binary{Kind: kind}, x, c.operand(i+1))
		}
	}
	return []*value{x}
}

// clip translates Clip, whose bounds were attributes before opset 11. A bound
// that is absent is the lowest or the largest finite number, as ONNX says, and
// infinities are clipped to it. A bound of NaN does nothing, as in ONNX
// Runtime.
func (c *call) clip() []*value {
	x := c.activation(0)
	if x.elem != tensor.F32 {
		return c.integerClip(x)
	}
	lo, hi := float32(-math.MaxFloat32), float32(math.MaxFloat32)
	if c.t.opset < 11 {
		lo, hi = c.floatAttr("min", lo), c.floatAttr("max", hi)
	} else {
		lo, hi = c.bound(1, "min", lo), c.bound(2, "max", hi)
	}
	if lo != lo {
		lo = float32(math.Inf(-1))
	}
	if hi != hi {
		hi = float32(math.Inf(1))
	}
	if math.IsInf(float64(lo), -1) && math.IsInf(float64(hi), 1) {
		return []*value{x}
	}
	// Where the bounds cross, the upper one wins.
	act := kernels.Act{Kind: kernels.Clamp, Lo: min(lo, hi), Hi: hi}
	return c.apply(&kernels.Unary{Act: act}, x)
}

// bound is an optional scalar.
func (c *call) bound(i int, what string, otherwise float32) float32 {
	x := c.constantFloats(i, what)
	switch {
	case x == nil:
		return otherwise
	case len(x) != 1:
		c.fail("%s is %v where a number is expected", what, x)
		return otherwise
	}
	return x[0]
}

// cast translates Cast.
func (c *call) cast() []*value { return c.castTo(elemType(c.intAttr("to", 0))) }

// castLike translates CastLike: a Cast to the type of the second operand.
func (c *call) castLike() []*value { return c.castTo(c.kind(1)) }

// castTo makes elements of another type. All floating-point types are float32 here.
func (c *call) castTo(kind elemType) []*value {
	c.activation(0)
	to, ok := kind.elem()
	if !ok {
		c.fail("a cast of computed values to %v is not supported%s", kind, kind.instead())
	}
	if !c.ready() {
		return nil
	}
	as := c.plain
	if to == tensor.F32 {
		as = c.floats
	}
	x := as(0)
	if !c.ready() || to == x.elem {
		return []*value{x}
	}
	return c.apply(&kernels.Convert{Result: kernels.Elements{Elem: to}}, x)
}

// identity translates what does nothing to its first operand.
func (c *call) identity() []*value {
	return []*value{c.operand(0)}
}

// dropout translates Dropout, which does nothing unless in training, and then
// nothing with a ratio of 0: exporters leave such behind. Its second result, the
// mask, has no value.
func (c *call) dropout() []*value {
	if training := c.constantInts(2, "training_mode"); len(training) > 0 && training[0] != 0 {
		if ratio := c.constantFloats(1, "ratio"); len(ratio) != 1 || ratio[0] != 0 {
			c.fail("training_mode is true, and what it drops is random: export the model for inference")
		}
	}
	return c.identity()
}

// arithmetic translates an operator of two operands.
func arithmetic(kind kernels.BinaryKind) func(*call) []*value {
	return func(c *call) []*value {
		a, b := c.two()
		return []*value{c.binary(&kernels.Binary{Kind: kind}, a, b)}
	}
}

// two returns the operands of an operator that has two.
func (c *call) two() (a, b *value) {
	if len(c.in) != 2 {
		c.fail("%d operands where there should be 2", len(c.in))
	}
	return c.operand(0), c.operand(1)
}

// variadic translates an operator of any number of operands into a chain.
func variadic(kind kernels.BinaryKind) func(*call) []*value {
	return func(c *call) []*value {
		y := c.operand(0)
		for i := 1; i < len(c.in); i++ {
			next := c.operand(i)
			if !c.ready() {
				return nil
			}
			if y.data != nil && next.data != nil {
				if folded := c.foldBinary(kind, y, next); c.ready() {
					y = folded[0]
				}
				continue
			}
			y = c.binary(&kernels.Binary{Kind: kind}, y, next)
		}
		return []*value{y}
	}
}

// binary adds a Binary of two operands, one of which may be constant.
func (c *call) binary(op *kernels.Binary, a, b *value) *value {
	if !c.ready() {
		return &value{}
	}
	shape, ok := tensor.Broadcast(a.shape, b.shape)
	if !ok {
		c.fail("shapes %s and %s do not broadcast", tensor.Dims(a.shape...), tensor.Dims(b.shape...))
		return &value{}
	}
	in, weights := []*value{a, b}, []*value(nil)
	switch {
	case b.data != nil:
		in, weights = in[:1], []*value{b}
	case a.data != nil:
		in, weights = in[1:], []*value{a}
		op.Swap = true
	}
	for _, w := range weights {
		c.checkOperand(w)
	}
	z := a.typ()
	if z.Elem != b.typ().Elem {
		c.fail("operands of %v and of %v", z.Elem, b.typ().Elem)
	}
	if op.Kind.Compares() {
		z.Elem = tensor.Bool
	}
	out := c.emitTypes(op, in, weights, []tensor.Type{z.Of(shape...)})
	if !c.ready() {
		return &value{}
	}
	return out[0]
}

// checkOperand checks a constant that stands where an activation could: its
// numbers are any, as infinities in masks.
func (c *call) checkOperand(w *value) {
	if _, ok := w.data.kind.elem(); !ok {
		c.fail("the constant operand, %q, is of %v, which is not supported here%s", w.name, w.data.kind, w.data.kind.instead())
	}
}

// comparison translates a comparison or a function of Booleans, perhaps with
// its operands changed over.
func comparison(kind kernels.BinaryKind, swapped bool) func(*call) []*value {
	return func(c *call) []*value {
		if len(c.in) != 2 {
			c.fail("%d operands where there should be 2", len(c.in))
		}
		a, b := c.operand(0), c.operand(1)
		if swapped {
			a, b = b, a
		}
		return []*value{c.binary(&kernels.Binary{Kind: kind}, a, b)}
	}
}

// not translates Not.
func (c *call) not() []*value {
	return []*value{c.binary(&kernels.Binary{Kind: kernels.Equal}, c.activation(0), c.number(tensor.Bool, 0))}
}

// modKind is the function of Mod, which floats have with fmod alone.
func (c *call) modKind() kernels.BinaryKind {
	if c.intAttr("fmod", 0) != 0 {
		return kernels.Fmod
	}
	return kernels.Mod
}

// mod translates Mod.
func (c *call) mod() []*value { return comparison(c.modKind(), false)(c) }

// where translates Where.
func (c *call) where() []*value {
	if len(c.in) != 3 {
		return c.fail("%d operands where there should be 3", len(c.in))
	}
	op := &kernels.Select{}
	var in, weights []*value
	for i := range op.Constant {
		v := c.operand(i)
		if op.Constant[i] = v.data != nil; op.Constant[i] {
			c.checkOperand(v)
			weights = append(weights, v)
		} else {
			in = append(in, v)
		}
	}
	condition, x, y := c.operand(0), c.operand(1), c.operand(2)
	if !c.ready() {
		return nil
	}
	shape, ok := tensor.Broadcast(x.shape, y.shape)
	if ok {
		shape, ok = tensor.Broadcast(shape, condition.shape)
	}
	if !ok {
		return c.fail("shapes %s, %s and %s do not broadcast", tensor.Dims(condition.shape...), tensor.Dims(x.shape...), tensor.Dims(y.shape...))
	}
	return c.emitTypes(op, in, weights, []tensor.Type{x.typ().Of(shape...)})
}

// prelu translates PRelu, whose slope broadcasts to the shape of x.
func (c *call) prelu() []*value {
	x, slope := c.activation(0), c.operand(1)
	y := c.binary(&kernels.Binary{Kind: kernels.PRelu}, x, slope)
	if c.ready() && !slices.Equal(x.shape, y.shape) {
		c.fail("a slope of shape %s for a tensor of shape %s", tensor.Dims(slope.shape...), tensor.Dims(x.shape...))
	}
	return []*value{y}
}
