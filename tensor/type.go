package tensor

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// A Type says what the bytes of a tensor mean: the type of its elements, its
// shape and, for quantised values, the real number that an element q stands
// for:
//
//	Scale · (q − Zero)
//
// A Scale of 0 says that the elements are the numbers themselves.
type Type struct {
	Elem  Elem
	Shape Shape
	Scale float32
	Zero  int32 // the zero point: the element that stands for 0
}

// Floats returns the Type of float32 elements in the given shape.
func Floats(shape ...int) Type { return Type{Elem: F32, Shape: shape} }

// Of returns the Type with the same elements in another shape.
func (t Type) Of(shape ...int) Type {
	t.Shape = shape
	return t
}

// Quantised reports whether elements stand for real numbers by a scale and a
// zero point.
func (t Type) Quantised() bool { return t.Scale != 0 }

// Check returns an error if a Type is not valid: if its element type does not
// exist, Shape.Check rejects its shape, its scale is negative or not finite, a
// type other than U8 and I8 is quantised, or its zero point is not an element.
// Like Shape.Check's, the error has no subject.
func (t Type) Check() error {
	if !t.Elem.Valid() {
		return fmt.Errorf("is of the unknown element type %d", t.Elem)
	}
	if err := t.Shape.Check(); err != nil {
		return err
	}
	lo, hi := t.Elem.limits()
	switch {
	case t.Scale == 0 && t.Zero == 0 && !math.Signbit(float64(t.Scale)):
	case t.Elem != U8 && t.Elem != I8:
		return fmt.Errorf("is quantised, which %v cannot be", t.Elem)
	case !IsFinite(t.Scale) || t.Scale <= 0:
		return fmt.Errorf("has scale %v, which is not positive and finite", t.Scale)
	case int64(t.Zero) < lo || int64(t.Zero) > hi:
		return fmt.Errorf("has zero point %d, which is not a valid %v", t.Zero, t.Elem)
	}
	return nil
}

// Encode returns the element that stands for the real number x. If t is
// quantised, it is the nearest one, ties to even. Otherwise it is x itself,
// with float16 rounded; there is an error if no element is x.
func (t Type) Encode(x float32) ([]byte, error) {
	b := make([]byte, 8)
	switch t.Elem {
	case F32:
		binary.LittleEndian.PutUint32(b, math.Float32bits(x))
		return b[:4], nil
	case F16:
		binary.LittleEndian.PutUint16(b, Float16(x))
		return b[:2], nil
	}
	lo, hi := t.Elem.limits()
	v := float64(x)
	if t.Quantised() {
		v = math.RoundToEven(v/float64(t.Scale)) + float64(t.Zero)
		v = min(max(v, float64(lo)), float64(hi))
	}
	// 2⁶³ itself is the float64 next to the largest int64.
	if v != math.Trunc(v) || v < float64(lo) || v >= float64(hi)+1 {
		return nil, fmt.Errorf("%v is not a valid %v", x, t.Elem)
	}
	binary.LittleEndian.PutUint64(b, uint64(int64(v)))
	return b[:t.Elem.Size()], nil
}

// limits are the least and the largest element of a type of integers; of a
// floating-point type they are 0.
func (e Elem) limits() (lo, hi int64) {
	switch e {
	case U8:
		return 0, math.MaxUint8
	case Bool:
		return 0, 1
	case I8, I16, I32, I64:
		bits := 8 * e.Size()
		return -1 << (bits - 1), 1<<(bits-1) - 1
	}
	return 0, 0
}

// SameElements reports whether the elements of two tensors have the same type
// and the same meaning, whatever their shapes.
func (t Type) SameElements(u Type) bool {
	return t.Elem == u.Elem && t.Scale == u.Scale && t.Zero == u.Zero
}

// Equal reports whether two Types are the same.
func (t Type) Equal(u Type) bool { return t.SameElements(u) && slices.Equal(t.Shape, u.Shape) }

// Bytes returns the size, in bytes, of a tensor whose shape has passed
// Check.
func (t Type) Bytes() int { return t.Shape.Volume() * t.Elem.Size() }

// String formats the type as in errors: "f32 1×28×28×1", "u8 1×10 of scale 0.5
// and zero point 3".
func (t Type) String() string {
	s := t.Elem.String() + " " + t.Shape.String()
	if t.Quantised() {
		s += fmt.Sprintf(" of scale %v and zero point %d", t.Scale, t.Zero)
	}
	return s
}

// Shapes returns the shapes of Types.
func Shapes(types []Type) []Shape {
	s := make([]Shape, len(types))
	for i, t := range types {
		s[i] = t.Shape
	}
	return s
}
