package kernels

import (
	"math"

	"github.com/infer-go/infer/tensor"
)

// Elements says what the elements of an operation's result are, if that does not
// follow from its operands. The zero value is float32; it is also used where it
// does follow.
//
// An operation on quantised operands computes in integers, and turns a sum into a
// result in one way, with the same bits on every tier. The exact int32 is
// converted to float32 and multiplied by a float32, the scales of operands and
// weights over that of the result; a residual is converted and multiplied
// likewise, and added. Each of these operations is rounded separately. The value
// is clamped. A float32 result is this value; a quantised one is it rounded to
// the nearest integer, ties to even, plus the zero point. Sums of products are
// int32 modulo 2³². If Winograd's algorithm computes them, the value to which the
// residual is added and the bounds apply is the one that QuantisedTileArgs
// defines.
type Elements struct {
	Elem  tensor.Elem
	Scale float32
	Zero  int32
}

// ElementsOf returns the elements of a Type.
func ElementsOf(t tensor.Type) Elements { return Elements{t.Elem, t.Scale, t.Zero} }

// Of returns the Type of such elements in the given shape.
func (e Elements) Of(shape ...int) tensor.Type {
	return tensor.Type{Elem: e.Elem, Shape: shape, Scale: e.Scale, Zero: e.Zero}
}

// step is the real number by which neighbouring elements differ.
func (e Elements) step() float32 {
	if e.Scale == 0 {
		return 1
	}
	return e.Scale
}

// ends are the least and the largest element of a quantised type.
func (e Elements) ends() (lo, hi int32) {
	if e.Elem == tensor.I8 {
		return math.MinInt8, math.MaxInt8
	}
	return 0, math.MaxUint8
}

// limits are the bounds to which an activation clamps a result before its zero
// point is added: of a quantised one whole numbers, so that it makes no
// difference whether they come before or after the rounding.
func (e Elements) limits(a Act) (lo, hi float32) {
	lo, hi = a.limits()
	if e.Elem == tensor.F32 {
		// Processors disagree which of two zeros is the larger one. Sums are never
		// −0, and no bound is.
		return lo + 0, hi + 0
	}
	first, last := e.ends()
	bound := func(x float32) float32 {
		return clamp(roundEven(x/e.Scale), float32(first-e.Zero), float32(last-e.Zero))
	}
	return bound(lo), bound(hi)
}

// decode is the real number that an element stands for.
func (e Elements) decode(q int32) float32 { return float32(float32(q-e.Zero) * e.step()) }

// each calls f with each element of a quantised type and the byte that holds it.
func (e Elements) each(f func(b byte, q int32)) {
	lo, hi := e.ends()
	for q := lo; q <= hi; q++ {
		f(byte(q), q)
	}
}

// roundEven rounds to the nearest integer, ties to even.
func roundEven(x float32) float32 { return float32(math.RoundToEven(float64(x))) }

// A factor of a sum is from minMultiplier to maxMultiplier: the product with an
// int32 is finite, and so is the sum of two; and none is so small that it is −0.
const minMultiplier, maxMultiplier = 0x1p-90, 0x1p+90

// Fits reports whether sums of products with operands' scale a and weights' scale
// b can become such elements: whether the quotient of the scales is a valid
// multiplier.
func (e Elements) Fits(a, b float32) bool {
	m := float32(float32(a*b) / e.step())
	return minMultiplier <= m && m <= maxMultiplier
}

// multiplier is the factor of products of operands' and weights' scales a and b
// in a result of such elements.
func (e Elements) multiplier(s Spec, a, b float32) (float32, error) {
	if !e.Fits(a, b) {
		return 0, errorf(s, "scales %v and %v of the operands do not fit the result's, %v", a, b, e.step())
	}
	return float32(float32(a*b) / e.step()), nil
}

// A Quantising Spec says what the elements of its only result are, if they do
// not follow from its operands. The file stores this with the value that the
// step writes.
type Quantising interface {
	Spec

	// ResultElements points to the elements within the Spec, for a first operand of
	// type x; it is nil if they follow from the operands.
	ResultElements(x tensor.Type) *Elements
}

// ifQuantised is ResultElements of a Spec that computes with quantised operands.
func ifQuantised(x tensor.Type, e *Elements) *Elements {
	if isQuantised([]tensor.Type{x}) {
		return e
	}
	return nil
}

// computeOperands is operands, which must all be float32 or all be quantised
// uint8, for an operation whose results are of elements e: float32 of float32,
// and either of quantised ones.
func computeOperands(s Spec, e Elements, in []tensor.Type, params []Param, wantIn, wantParams int) error {
	if err := operands(s, in, params, wantIn, wantParams); err != nil {
		return err
	}
	quantised := isQuantised(in)
	for i, t := range in {
		switch {
		case quantised && !isQuantised(in[i:]):
			return errorf(s, "operand %d is %v, where the first is quantised u8", i, t)
		case !quantised && t.Elem != tensor.F32:
			return errorf(s, "operand %d is %v, but only f32 and quantised u8 are supported", i, t)
		}
	}
	if err := e.Of().Check(); err != nil {
		return errorf(s, "the result %w", err)
	}
	switch {
	case e == Elements{}:
	case !quantised:
		return errorf(s, "the result of f32 operands is %v", e.Of())
	case e.Elem != tensor.U8 || e.Scale == 0:
		return errorf(s, "the result is %v, but only f32 and quantised u8 are supported", e.Of())
	}
	return nil
}

// isQuantised says that an operation computes in integers.
func isQuantised(in []tensor.Type) bool {
	return len(in) > 0 && in[0].Elem == tensor.U8 && in[0].Quantised()
}

// checkWeights checks that weights are int8 where the operand x is quantised, and
// only there; then only a clamp can follow the sums.
func checkWeights(s Spec, x tensor.Type, weights Param, a Act) error {
	quantised := x.Elem == tensor.U8
	switch {
	case quantised != (weights.Elem == tensor.I8):
		return errorf(s, "weights are %v for an operand of %v", weights.Elem, x.Elem)
	case quantised && !a.isClamp():
		return errorf(s, "activation %d of a quantised operand, where only a clamp can follow the sums", a.Kind)
	}
	return nil
}
