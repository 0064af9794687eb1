package function

import "math"

// log1Plus is log(1 + z) for 0 ≤ z ≤ 1: 2·artanh(s) with s = z/(2+z).
func (f *Body) log1Plus(z *Node) *Node {
	s := f.op(Div, z, f.op(Add, z, number(2)))
	w := f.op(Mul, s, s)
	// (2·artanh(s) − 2s)/s³ as a polynomial of s² up to 1/9.
	p := f.polynomial(w, 2.43009433e-1, 2.14276552e-1, 2.86168844e-1, 3.9998877e-1, 6.66666746e-1)
	return f.op(MulAdd, p, f.op(Mul, s, w), f.op(Add, s, s))
}

// log is the natural logarithm: with x = 2ᵏ·(1+f), √½ ≤ 1+f < √2, it is k·ln 2 +
// 2·artanh(s), s = f/(2+f), of which f − f²/2 is taken out, since its terms are
// exact.
func (f *Body) log(x *Node) *Node {
	exponent, m := f.exponent(x)
	r := f.op(Add, m, number(-1))
	s := f.op(Div, r, f.op(Add, r, number(2)))
	w := f.op(Mul, s, s)
	// (2·artanh(s) − 2s)/s³ as a polynomial of s² up to 0.03.
	p := f.op(Mul, f.polynomial(w, 2.98735082e-1, 3.9977482e-1, 6.66667759e-1), w)
	half := f.op(Mul, f.op(Mul, r, r), number(0.5))
	low := f.op(Mul, f.op(Add, p, half), s)
	low = f.op(MulAdd, exponent, number(ln2Low), low)
	y := f.op(Sub, r, f.op(Sub, half, low))
	y = f.op(MulAdd, exponent, number(ln2High), y)

	y = f.op(Select, f.op(Less, x, number(infinity)), y, x)
	pole := f.op(Select, f.below0(x), number(float32(math.NaN())), number(-infinity))
	return f.op(Select, f.op(AtMost, x, number(0)), pole, y)
}

// exponent splits x, positive and finite, into 2ᵏ·m with √½ ≤ m < √2. Denormals
// are scaled first.
func (f *Body) exponent(x *Node) (k, m *Node) {
	tiny := f.op(Less, x, bits(1<<23))
	v := f.op(Select, tiny, f.op(Mul, x, number(1<<25)), x)
	shift := f.op(And, tiny, number(-25))
	i := f.shift(ShiftRight, f.op(SubInt, v, number(math.Sqrt2/2)), 23)
	m = f.op(SubInt, v, f.shift(ShiftLeft, i, 23))
	return f.op(Add, f.op(FromInt, i), shift), m
}

// sine is the sine of x + quarters·π/2. What is left of x after the nearest
// multiple of π/2 is found with three numbers whose sum is π/2; beyond ±8192 the
// multiple is not found.
func (f *Body) sine(x *Node, quarters uint32) *Node {
	n := f.op(Nearest, f.op(Mul, x, number(2/math.Pi)))
	r := x
	for _, part := range []float32{math.Pi / 2, -4.37113883e-8, -1.71512451e-15} {
		r = f.op(MulSub, n, number(part), r)
	}
	j := f.op(ToInt, n)
	if quarters > 0 {
		j = f.op(AddInt, j, bits(quarters))
	}
	z := f.op(Mul, r, r)
	p := f.polynomial(z, -1.95160101e-4, 8.33216868e-3, -1.66666552e-1)
	sin := f.op(MulAdd, f.op(Mul, p, z), r, r)
	q := f.polynomial(z, 2.4437004e-5, -1.38873549e-3, 4.16666456e-2)
	q = f.op(MulAdd, q, z, number(-0.5))
	cos := f.op(MulAdd, q, z, number(1))
	odd := f.shift(ShiftRight, f.shift(ShiftLeft, j, 31), 31)
	sign := f.op(And, f.shift(ShiftLeft, j, 30), bits(signBit))
	return f.op(Xor, f.op(Select, odd, cos, sin), sign)
}
