package function

import "math"

// A Function is what a kernel computes of each element.
type Function struct {
	What string // the formula, for its comment
	Body *Body

	// Scaled is Body for tiers that have an instruction for Scale.
	Scaled *Body
}

// ByVariant are the functions by their kernels' variants.
var ByVariant = map[string]Function{}

func define(variant, what string, body func(f *Body, x, lo, hi *Node)) {
	x, lo, hi := &Node{Op: Operand}, &Node{Op: Lo}, &Node{Op: Hi}
	f := Function{what, &Body{}, &Body{scales: true}}
	body(f.Body, x, lo, hi)
	body(f.Scaled, x, lo, hi)
	ByVariant[variant] = f
}

const signBit = 1 << 31

var infinity = float32(math.Inf(1))

func init() {
	// Arithmetic.
	define("abs", "|x|", func(f *Body, x, _, _ *Node) { f.abs(x) })
	define("neg", "−x", func(f *Body, x, _, _ *Node) { f.op(Xor, x, bits(signBit)) })
	define("sqrt", "the square root", func(f *Body, x, _, _ *Node) { f.op(Sqrt, x) })
	define("floor", "the largest whole number up to x", func(f *Body, x, _, _ *Node) { f.op(Floor, x) })
	define("ceil", "the smallest whole number from x on", func(f *Body, x, _, _ *Node) { f.op(Ceil, x) })
	define("round", "the nearest whole number, ties to even", func(f *Body, x, _, _ *Node) { f.op(Nearest, x) })
	define("sign", "−1, 0 or 1", func(f *Body, x, _, _ *Node) {
		zero := number(0)
		y := f.op(Select, f.op(Less, zero, x), number(1), x)
		f.op(Select, f.op(Less, x, zero), number(-1), y)
	})

	// Pieces of straight lines.
	define("leakyrelu", "x < 0 ? Lo·x : x", func(f *Body, x, lo, _ *Node) {
		f.op(Select, f.below0(x), f.op(Mul, x, lo), x)
	})
	define("hardswish", "x·min(max(x/6 + 1/2, 0), 1)", func(f *Body, x, _, _ *Node) {
		f.op(Mul, x, f.unit(f.op(Add, f.op(Mul, x, number(1./6)), number(0.5))))
	})
	define("hardsigmoid", "min(max(Lo·x + Hi, 0), 1)", func(f *Body, x, lo, hi *Node) {
		f.unit(f.op(Add, f.op(Mul, x, lo), hi))
	})
	define("thresholdedrelu", "x > Lo ? x : 0", func(f *Body, x, lo, _ *Node) {
		f.op(Select, f.op(AtMost, x, lo), number(0), x)
	})
	define("shrink", "x < −Lo ? x + Hi : x > Lo ? x − Hi : 0", func(f *Body, x, lo, hi *Node) {
		above := f.op(Select, f.op(AtMost, x, lo), number(0), f.op(Sub, x, hi))
		f.op(Select, f.op(Less, x, f.op(Xor, lo, bits(signBit))), f.op(Add, x, hi), above)
	})

	// Exponential functions.
	define("exp", "the exponential function", func(f *Body, x, _, _ *Node) { f.exp(x) })
	define("sigmoid", "1 / (1 + exp(−x))", func(f *Body, x, _, _ *Node) { f.logistic(x, nil) })
	define("silu", "x / (1 + exp(−x))", func(f *Body, x, _, _ *Node) { f.logistic(x, x) })
	define("tanh", "the hyperbolic tangent", func(f *Body, x, _, _ *Node) { f.tanh(x) })
	define("elu", "x < 0 ? Lo·(exp(x) − 1) : Hi·x", func(f *Body, x, lo, hi *Node) {
		f.op(Select, f.below0(x), f.op(Mul, f.expMinus1(x), lo), f.op(Mul, x, hi))
	})
	define("celu", "x < 0 ? Lo·(exp(x/Lo) − 1) : x", func(f *Body, x, lo, _ *Node) {
		f.op(Select, f.below0(x), f.op(Mul, f.expMinus1(f.op(Div, x, lo)), lo), x)
	})
	define("softplus", "log(1 + exp(x))", func(f *Body, x, _, _ *Node) {
		// It is max(x, 0) + log(1 + exp(−|x|)), which does not overflow.
		z := f.expUpTo89(f.op(Or, x, bits(signBit)))
		f.op(Add, f.op(Max, x, number(0)), f.log1Plus(z))
	})
	define("softsign", "x / (1 + |x|)", func(f *Body, x, _, _ *Node) {
		f.op(Div, x, f.op(Add, f.abs(x), number(1)))
	})
	define("mish", "x·tanh(log(1 + exp(x)))", func(f *Body, x, _, _ *Node) {
		// With e = exp(x) it is x·n/(n+2), n = e·(e+2). From 20 on that is x.
		e := f.expUpTo89(f.op(Min, x, number(20)))
		n := f.op(Mul, e, f.op(Add, e, number(2)))
		f.op(Mul, x, f.op(Div, n, f.op(Add, n, number(2))))
	})
	define("gelutanh", "x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))", func(f *Body, x, _, _ *Node) {
		// It is x times the logistic function of twice tanh's operand.
		twice := 2 * math.Sqrt(2/math.Pi)
		inner := f.op(MulAdd, f.op(Mul, x, x), number(float32(0.044715*twice)), number(float32(twice)))
		f.logistic(f.op(Mul, x, inner), x)
	})
	define("erf", "the error function", func(f *Body, x, _, _ *Node) { f.erf(x) })
	define("gelu", "x/2·(1 + erf(x/√2))", func(f *Body, x, _, _ *Node) {
		half := f.op(Mul, x, number(0.5))
		f.op(MulAdd, f.erf(f.op(Mul, x, number(math.Sqrt2/2))), half, half)
	})

	// Others.
	define("log", "the natural logarithm", func(f *Body, x, _, _ *Node) { f.log(x) })
	define("sin", "the sine of −8192 ≤ x ≤ 8192", func(f *Body, x, _, _ *Node) { f.sine(x, 0) })
	define("cos", "the cosine of −8192 ≤ x ≤ 8192", func(f *Body, x, _, _ *Node) { f.sine(x, 1) })
	define("asin", "the inverse sine", func(f *Body, x, _, _ *Node) { f.asin(x) })
	define("acos", "the inverse cosine", func(f *Body, x, _, _ *Node) { f.acos(x) })
	define("atan", "the inverse tangent", func(f *Body, x, _, _ *Node) { f.atan(x) })
}

func (f *Body) abs(x *Node) *Node { return f.op(And, x, bits(signBit-1)) }

func (f *Body) below0(x *Node) *Node { return f.op(Less, x, number(0)) }

// unit is min(max(x, 0), 1).
func (f *Body) unit(x *Node) *Node { return f.op(Min, f.op(Max, x, number(0)), number(1)) }
