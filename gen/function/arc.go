package function

import "math"

// atan is the inverse tangent: an odd polynomial of t, which is |x|, or 1/|x| beyond
// 1, where the result is π/2 less it.
func (f *Body) atan(x *Node) *Node {
	size := f.abs(x)
	large := f.op(Less, number(1), size)
	t := f.op(Select, large, f.op(Div, number(1), size), size)
	w := f.op(Mul, t, t)
	// (atan(t) − t)/t³ as a polynomial of t² up to 1, within 2⁻²⁸ of atan(t).
	p := f.polynomial(w, -1.79362294e-3, 1.09146114e-2, -3.11778565e-2, 5.79576045e-2, -8.40345098e-2,
		1.0952186e-1, -1.42642417e-1, 1.99985483e-1, -3.33332991e-1)
	y := f.op(MulAdd, f.op(Mul, p, w), t, t)
	y = f.op(Select, large, f.op(Sub, number(math.Pi/2), y), y)
	return f.op(Or, y, f.op(And, x, bits(signBit)))
}

// halfAngle is asin(s)/s − 1 for the operand x of an inverse sine or cosine: s is |x|
// up to ½, and beyond it, where large says so, √((1 − |x|)/2), whose inverse sine is
// half of the angle whose cosine is |x|. Beyond 1 it is NaN.
func (f *Body) halfAngle(x *Node) (s, more, large *Node) {
	size := f.abs(x)
	large = f.op(Less, number(0.5), size)
	half := f.op(MulSub, size, number(0.5), number(0.5))
	w := f.op(Select, large, half, f.op(Mul, size, size))
	s = f.op(Select, large, f.op(Sqrt, half), size)
	// (asin(s) − s)/s³ as a polynomial of s² up to ¼, within 2⁻²⁷ of asin(s).
	p := f.polynomial(w, 4.21663087e-2, 2.41795146e-2, 4.5470376e-2, 7.49529764e-2, 1.66667525e-1)
	return s, f.op(Mul, p, w), large
}

// asin is the inverse sine: beyond ½ it is π/2 less twice the half angle, in two parts
// each, as what is left is as small as ½.
func (f *Body) asin(x *Node) *Node {
	s, more, large := f.halfAngle(x)
	const low = float32(math.Pi/2 - float64(float32(math.Pi/2)))
	first := f.op(MulSub, s, number(2), number(math.Pi/2))
	second := f.op(MulSub, f.op(Mul, more, s), number(2), number(low))
	y := f.op(Select, large, f.op(Add, first, second), f.op(MulAdd, more, s, s))
	return f.op(Or, y, f.op(And, x, bits(signBit)))
}

// acos is the inverse cosine: up to ½ it is π/2 − asin(x), beyond it twice the half
// angle, and below −½ π less that.
func (f *Body) acos(x *Node) *Node {
	s, more, large := f.halfAngle(x)
	y := f.op(MulAdd, more, s, s)
	turned := f.op(Xor, y, f.op(And, x, bits(signBit)))
	from := f.op(Select, f.below0(x), number(math.Pi), number(0))
	twice := f.op(MulAdd, turned, number(2), from)
	return f.op(Select, large, twice, f.op(Sub, number(math.Pi/2), turned))
}
