package function

import "math"

// Pow is xʸ as IEEE 754 has it: 1 for every x where y is 0, and for every y
// where x is 1.
//
// It is 2 to the power of y·log₂|x|. The logarithm is a sum of two numbers, of
// which the second is what rounding took from the first, and so is the product:
// it can be 128, and what is wrong with it by 2⁻²⁴ is wrong with the result by as
// much of it.
var Pow = func() *Body {
	f := &Body{}
	x, y := &Node{Op: Operand}, &Node{Op: Second}
	one := number(1)

	size := f.abs(x)
	high, low := f.log2(size)
	product := f.op(Mul, y, high)
	rest := f.op(MulAdd, y, low, f.op(MulAdd, y, high, f.op(Xor, product, bits(signBit))))
	// Beyond these bounds the result is 0, or infinite; the rest may be NaN.
	rest = f.op(And, rest, f.op(Less, f.abs(product), number(250)))
	power := f.exp2(f.op(Min, f.op(Max, product, number(-250)), number(250)), rest)

	// Of 0, infinity and NaN it is x, or 1/x.
	limit := f.op(Select, f.below0(y), f.op(Div, one, size), size)
	inside := f.op(And, f.op(Less, number(0), size), f.op(Less, size, number(infinity)))
	power = f.op(Select, inside, power, limit)
	power = f.op(Select, f.op(AtMost, y, y), power, y)
	isOne := f.op(And, f.op(AtMost, size, one), f.op(AtMost, one, size))
	isOne = f.op(Or, isOne, f.op(AtMost, f.abs(y), number(0)))
	power = f.op(Select, isOne, one, power)

	// Odd powers of negative numbers are negative, powers that are not whole NaN.
	whole := f.op(AtMost, y, f.op(Floor, y))
	half := f.op(Mul, y, number(0.5))
	odd := f.op(And, whole, f.op(Less, f.op(Floor, half), half))
	power = f.op(Xor, power, f.op(And, f.op(And, x, bits(signBit)), odd))
	negative := f.op(And, f.below0(x), f.op(Less, number(-infinity), x))
	f.op(Or, power, f.op(Select, whole, number(0), negative))
	return f
}()

// log2 is the logarithm to the base 2 of x, positive and finite, as a sum: with
// x = 2ᵏ·m, √½ ≤ m < √2, it is k + (2/ln 2)·artanh(s), s = (m−1)/(m+1).
func (f *Body) log2(x *Node) (high, low *Node) {
	k, m := f.exponent(x)
	// s, and what rounding took from it and from m+1.
	r := f.op(Add, m, number(-1))
	d := f.op(Add, m, number(1))
	lost := f.op(Sub, m, f.op(Add, d, number(-1)))
	s := f.op(Div, r, d)
	left := f.op(MulSub, s, lost, f.op(MulSub, s, d, r))
	sLow := f.op(Div, left, d)

	// (2/ln 2)·s is the larger part by far.
	twice := 2 / math.Ln2
	factor := float32(twice)
	p := f.op(Mul, s, number(factor))
	pLow := f.op(MulAdd, s, number(factor), f.op(Xor, p, bits(signBit)))
	pLow = f.op(MulAdd, sLow, number(factor), pLow)
	pLow = f.op(MulAdd, s, number(float32(twice-float64(factor))), pLow)
	// The rest of the series, as a polynomial of s² up to 0.03, within 2⁻³⁷.
	w := f.op(Mul, s, s)
	q := f.polynomial(w, 2.35840216e-1/math.Ln2, 2.85372168e-1/math.Ln2, 4.00003374e-1/math.Ln2, 6.66666627e-1/math.Ln2)
	pLow = f.op(MulAdd, q, f.op(Mul, w, s), pLow)

	sum := f.op(Add, k, p)
	pLow = f.op(Add, pLow, f.op(Sub, p, f.op(Sub, sum, k)))
	high = f.op(Add, sum, pLow)
	return high, f.op(Sub, pLow, f.op(Sub, high, sum))
}

// exp2 is 2 to the power of high + low, for −250 ≤ high ≤ 250, where low is
// small.
func (f *Body) exp2(high, low *Node) *Node {
	n := f.op(Nearest, high)
	rest := f.op(Add, f.op(Sub, high, n), low)
	p := f.expPolynomial(f.op(Mul, rest, number(math.Ln2)))
	return f.timesPower(p, n)
}
