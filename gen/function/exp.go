package function

import "math"

// ln 2 is the sum of these, of which the first has few digits.
const (
	ln2High = 0.693359375
	ln2Low  = -2.12194440e-4
)

// power splits x into n·ln 2 and what is left, n a whole number.
func (f *Body) power(x *Node) (n, rest *Node) {
	n = f.op(Nearest, f.op(Mul, x, number(math.Log2E)))
	rest = f.op(MulSub, n, number(ln2High), x)
	return n, f.op(MulSub, n, number(ln2Low), rest)
}

// scale is 2ⁱ for an int32 −126 ≤ i ≤ 127.
func (f *Body) scale(i *Node) *Node { return f.shift(ShiftLeft, f.op(AddInt, i, bits(127)), 23) }

// expPolynomial is exp on ±(ln 2)/2, by the coefficients of the Cephes library.
func (f *Body) expPolynomial(x *Node) *Node {
	return f.polynomial(x, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1)
}

// exp is the exponential function: with n = round(x/ln 2), exp(x) =
// 2ⁿ·exp(x − n·ln 2). Beyond the bounds the result is 0, or
// infinite.
func (f *Body) exp(x *Node) *Node { return f.expUpTo89(f.op(Min, x, number(89))) }

// expUpTo89 is exp for x ≤ 89.
func (f *Body) expUpTo89(x *Node) *Node {
	n, rest := f.power(f.op(Max, x, number(-105)))
	return f.timesPower(f.expPolynomial(rest), n)
}

// timesPower is p·2ⁿ for a whole number −252 ≤ n ≤ 254. It is multiplied in two
// steps, so that results below the least normal number are rounded once.
func (f *Body) timesPower(p, n *Node) *Node {
	if f.scales {
		return f.op(Scale, p, n)
	}
	i := f.op(ToInt, n)
	half := f.shift(ShiftRight, i, 1)
	return f.op(Mul, f.op(Mul, p, f.scale(half)), f.scale(f.op(SubInt, i, half)))
}

// expWithin is exp for −87 ≤ x ≤ 87.
func (f *Body) expWithin(x *Node) *Node {
	n, rest := f.power(x)
	if f.scales {
		return f.op(Scale, f.expPolynomial(rest), n)
	}
	return f.op(Mul, f.expPolynomial(rest), f.scale(f.op(ToInt, n)))
}

// expMinus1 is exp(x) − 1 for x ≤ 0, without the cancellation near 0: 2ⁿ·p +
// (2ⁿ − 1), where p is exp(rest) − 1. What x above 0 becomes is no matter. Below
// −30 the result is −1.
func (f *Body) expMinus1(x *Node) *Node {
	n, rest := f.power(f.op(Max, f.op(Min, x, number(0)), number(-30)))
	// (exp(r) − 1 − r)/r² on ±(ln 2)/2, within 2⁻³² of exp(r) − 1.
	q := f.polynomial(rest, 1.99128481e-4, 1.39411457e-3, 8.33327509e-3, 4.16663513e-2, 1.66666672e-1, 0.5)
	p := f.op(MulAdd, q, f.op(Mul, rest, rest), rest)
	scale := f.scale(f.op(ToInt, n))
	return f.op(MulAdd, p, scale, f.op(Add, scale, number(-1)))
}

// logistic is the logistic function of x, times the numerator if there is one.
// With z = exp(−|x|), which does not overflow, it is z/(1+z) below 0 and
// 1/(1+z) above.
func (f *Body) logistic(x, numerator *Node) *Node {
	one := number(1)
	z := f.expUpTo89(f.op(Or, x, bits(signBit)))
	y := f.op(Select, f.below0(x), z, one)
	if numerator != nil {
		y = f.op(Mul, y, numerator)
	}
	return f.op(Div, y, f.op(Add, z, one))
}

// tanh is the hyperbolic tangent as the Cephes library has it: up to 0.625 an
// odd polynomial, beyond it 1 − 2/(exp(2·|x|) + 1).
func (f *Body) tanh(x *Node) *Node {
	sign := f.op(And, x, bits(signBit))
	y := f.abs(x)
	large := f.op(Add, f.exp(f.op(Add, y, y)), number(1))
	large = f.op(Sub, number(1), f.op(Div, number(2), large))
	square := f.op(Mul, y, y)
	p := f.polynomial(square, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
	small := f.op(MulAdd, f.op(Mul, p, square), y, y)
	return f.op(Or, f.op(Select, f.op(Less, y, number(0.625)), small, large), sign)
}

// erf is the error function: below 1 an odd polynomial, beyond it 1 − exp(−q)
// with a polynomial q = −log(1 − erf). From 4 on it is 1.
func (f *Body) erf(x *Node) *Node {
	sign := f.op(And, x, bits(signBit))
	t := f.op(Min, f.abs(x), number(4))
	q := f.polynomial(t, 1.88807957e-4, -2.97229667e-3, 2.19398811e-2, -1.03326261e-1, -6.37884259e-1, -1.12725079, -3.00585816e-4)
	large := f.op(Sub, number(1), f.expWithin(q))
	// erf(t)/t − 1 as a polynomial of t², within 2⁻²⁹.
	p := f.polynomial(f.op(Mul, t, t), 7.85385346e-5, -8.01019138e-4, 5.18832728e-3, -2.6853811e-2, 1.12835854e-1, -3.7612626e-1, 1.28379166e-1)
	small := f.op(MulAdd, p, t, t)
	return f.op(Or, f.op(Select, f.op(Less, t, number(1)), small, large), sign)
}
