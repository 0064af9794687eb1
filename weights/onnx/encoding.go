package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// An encoding is how the floats of a constant were quantised: element i is q[i]
// times the scale, of which there is one, or one for each index of axis. Zero
// points have been taken off, which leaves numbers from −255 to 255.
type encoding struct {
	q     []int16
	scale []float32
	axis  int
}

// equal says whether two encodings are the same one.
func (e *encoding) equal(f *encoding) bool {
	if e == nil || f == nil {
		return e == f
	}
	return e.axis == f.axis && slices.Equal(e.q, f.q) && slices.Equal(e.scale, f.scale)
}

// reshaped is the encoding of the same elements in another shape; nil if the
// scales are then those of no axis.
func (e *encoding) reshaped(from, to []int) *encoding {
	if e == nil {
		return nil
	}
	y := *e
	if len(e.scale) == 1 {
		return &y
	}
	before := tensor.Shape(from[:e.axis]).Volume()
	for axis, d := range to {
		if d == len(e.scale) && tensor.Shape(to[:axis]).Volume() == before {
			y.axis = axis
			return &y
		}
	}
	return nil
}

// permuted is the encoding of a tensor of a shape whose dimensions are permuted.
func (e *encoding) permuted(shape tensor.Shape, perm []int) *encoding {
	if e == nil {
		return nil
	}
	y := &encoding{make([]int16, len(e.q)), e.scale, slices.Index(perm, e.axis)}
	dims := permuted(shape, perm)
	at, from := make([]int, len(dims)), make([]int, len(dims))
	for i := range y.q {
		for j, p := range perm {
			from[p] = at[j]
		}
		y.q[i] = e.q[flatIndex(from, shape)]
		next(at, dims)
	}
	return y
}

// transposed is the encoding of a matrix's transpose.
func (e *encoding) transposed(rows, columns int) *encoding {
	if e == nil {
		return nil
	}
	return &encoding{transposed(e.q, rows, columns), e.scale, 1 - e.axis}
}

// scaled is the encoding of elements that are multiplied by a number, or each
// index of the first dimension by its own. It is nil if scales are those of another
// dimension, or if one would not be positive and finite.
func (e *encoding) scaled(by []float32) *encoding {
	if e == nil || len(e.q) == 0 || len(e.scale) > 1 && len(by) > 1 && e.axis != 0 {
		return nil
	}
	y := &encoding{e.q, make([]float32, max(len(e.scale), len(by))), e.axis}
	if len(by) > 1 {
		y.axis = 0
	}
	for i := range y.scale {
		x := e.scale[i%len(e.scale)] * by[i%len(by)]
		if y.scale[i] = max(x, -x); !isScale(y.scale[i]) {
			return nil
		}
	}
	if !slices.ContainsFunc(by, func(x float32) bool { return x < 0 }) {
		return y
	}
	y.q = slices.Clone(e.q)
	each := len(y.q) / len(by)
	for i := range y.q {
		if by[i/each] < 0 {
			y.q[i] = -y.q[i]
		}
	}
	return y
}

// fits says whether int8 can hold all elements.
func (e *encoding) fits() bool {
	return !slices.ContainsFunc(e.q, func(q int16) bool { return q != int16(int8(q)) })
}

// halves are elements of twice as many, in pairs of neighbours along an axis, which
// int8 can hold and whose sums are those of e. There are none for 255.
func (e *encoding) halves(shape tensor.Shape, axis int) (*encoding, bool) {
	y := &encoding{q: make([]int16, 2*len(e.q)), scale: e.scale, axis: e.axis}
	inner := shape[axis+1:].Volume()
	for i, q := range e.q {
		first := i/inner*2*inner + i%inner
		y.q[first] = min(max(q, math.MinInt8), math.MaxInt8)
		y.q[first+inner] = q - y.q[first]
	}
	return y, y.fits()
}

// isScale says whether elements can be quantised by x.
func isScale(x float32) bool { return x > 0 && tensor.IsFinite(x) }
