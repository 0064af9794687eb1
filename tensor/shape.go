package tensor

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
)

const (
	// MaxRank is the largest number of dimensions of a tensor.
	MaxRank = 8

	// MaxDim is the largest dimension, 2³¹ − 1.
	MaxDim = math.MaxInt32

	// MaxElements is the largest number of elements: 2³¹ − 1, or fewer where
	// the number of bytes, at 8 for each element, would overflow an int.
	MaxElements = min(math.MaxInt32, math.MaxInt/8)
)

// A Shape is a tensor's dimensions, the slowest first: elements that are
// neighbours along the last dimension are neighbours in memory. A Shape without
// dimensions is that of a scalar. In what users see, a dimension of −1 is the
// batch.
type Shape []int

// String formats the shape as in errors: 1×28×28×1, with N for a dimension of
// −1.
func (s Shape) String() string { return Dims(s...) }

// Dims is Shape.String for dimensions of any type.
func Dims[T int | int64](dims ...T) string {
	if len(dims) == 0 {
		return "scalar"
	}
	var b strings.Builder
	for i, d := range dims {
		if i > 0 {
			b.WriteString("×")
		}
		if d == -1 {
			b.WriteString("N")
		} else {
			fmt.Fprint(&b, d)
		}
	}
	return b.String()
}

// Product multiplies non-negative numbers. It returns false if the product
// overflows an int.
func Product(x int, dims ...int) (int, bool) {
	for _, d := range dims {
		hi, lo := bits.Mul(uint(x), uint(d))
		if hi != 0 || lo > math.MaxInt {
			return 0, false
		}
		x = int(lo)
	}
	return x, true
}

// Saturated multiplies positive numbers. It returns the largest int64 if the
// product is larger.
func Saturated(dims ...int) int64 {
	x := int64(1)
	for _, d := range dims {
		if x > math.MaxInt64/int64(d) {
			return math.MaxInt64
		}
		x *= int64(d)
	}
	return x
}

// Elements returns the number of elements, which may be 0. It returns false
// if a dimension is negative, or if the product of the dimensions other than
// 0 exceeds MaxElements.
func (s Shape) Elements() (int, bool) {
	n, empty := 1, false
	for _, d := range s {
		switch {
		case d < 0 || d > 0 && n > MaxElements/d:
			return 0, false
		case d == 0:
			empty = true
		default:
			n *= d
		}
	}
	if empty {
		return 0, true
	}
	return n, true
}

// Volume returns the number of elements of a shape that has passed Check, or
// of part of such a shape.
func (s Shape) Volume() int {
	n, _ := s.Elements()
	return n
}

// Check returns an error if a value cannot have the shape: if it has more than
// MaxRank dimensions, a dimension that is not from 1 to MaxDim, or more than
// MaxElements elements. The error has no subject: "of 3×0 elements is empty".
func (s Shape) Check() error {
	if len(s) > MaxRank {
		return fmt.Errorf("has %d dimensions, more than %d", len(s), MaxRank)
	}
	if slices.Contains(s, 0) {
		return fmt.Errorf("of %s elements is empty", s)
	}
	for i, d := range s {
		if d < 1 || d > MaxDim {
			return fmt.Errorf("has size %d in dimension %d, where 1 to %d are possible", d, i, MaxDim)
		}
	}
	if _, ok := s.Elements(); !ok {
		return fmt.Errorf("of %s elements is too large", s)
	}
	return nil
}

// Equal reports whether two shapes have the same dimensions.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// Strides returns the distances, in elements, between neighbours along each
// dimension.
func (s Shape) Strides() []int {
	strides := make([]int, len(s))
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		strides[i] = step
		step *= s[i]
	}
	return strides
}

// BroadcastStrides returns the strides of a tensor that is repeated to a
// larger shape of rank dimensions. They are 0 along the dimensions in which
// it is repeated.
func (s Shape) BroadcastStrides(rank int) []int {
	strides := make([]int, rank)
	for i, step := range s.Strides() {
		if s[i] != 1 {
			strides[rank-len(s)+i] = step
		}
	}
	return strides
}

// Broadcast returns the shape of the result of a function of two operands,
// by numpy's rule: shapes are aligned at their last dimension, and a
// dimension that is 1 or missing is repeated. It returns false if the shapes
// do not fit.
func Broadcast(a, b Shape) (Shape, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		switch o := &out[len(a)-len(b)+i]; {
		case *o == 1:
			*o = d
		case d != 1 && d != *o:
			return nil, false
		}
	}
	return out, true
}
