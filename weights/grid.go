package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// A Grid says how the param Param, a plain one of f32, i32 or i64, depends on the
// open dimensions: the coordinates of a map's pixels, as detectors add them to
// their boxes. Its Terms are computed one after the other, and the last is the
// param.
type Grid struct {
	Param int
	Terms []Term
}

// A Term is a tensor that is computed from the sizes of the open dimensions, or
// from the terms at the indices Of, all of which are before it. Each element
// is a float64 that is rounded to a float32, or towards zero if Whole is set.
type Term struct {
	Kind  TermKind
	Whole bool
	Of    []int

	Dims   []Length           // of Ramp, Table, View and Expand: the shape
	Axis   int                // of Ramp, Concat and First
	Start  Length             // of Ramp
	Offset float32            // of Ramp
	Step   float32            // of Ramp
	Values []float32          // of Table
	Perm   []int              // of Transpose
	Binary kernels.BinaryKind // of Arithmetic: one of Add to Min
}

// A Length is a number that depends on the open dimensions as an extent with a
// Growth does: it is At at the Net's own sizes, and the same at all sizes if By
// is empty.
type Length struct {
	At int
	By []int
}

// TermKind is what a Term is.
type TermKind uint8

const (
	// Ramp has at index i the element Offset + Start + Step·i[Axis].
	Ramp TermKind = iota
	// Table has the elements Values, the same at all sizes.
	Table
	// View has the elements of a term, in another shape.
	View
	// Transpose has as dimension i dimension Perm[i] of a term.
	Transpose
	// Expand broadcasts a term to a shape, by the rules of numpy.
	Expand
	// Concat joins terms along Axis.
	Concat
	// Arithmetic is a function of two terms, with numpy's broadcasting.
	Arithmetic
	// Cast rounds the elements of a term.
	Cast
	// First has only the first element of a term along Axis.
	First

	lastTerm = First
)

// maxGrid is the most elements that all terms of a Net's Grids may have together:
// far more than the grids of any detector, and a few hundred megabytes.
const maxGrid = 1 << 25

// gridElem says whether the elements of a grid can be of a type.
func gridElem(e tensor.Elem) bool { return e == tensor.F32 || e == tensor.I32 || e == tensor.I64 }

// checkGrids checks that grids are in the order of their params, and that each
// gives its param the shape that it has.
func (n *Net) checkGrids() error {
	left := maxGrid
	for i, g := range n.Grids {
		if i > 0 && g.Param <= n.Grids[i-1].Param {
			return fmt.Errorf("grid %d is out of order", i)
		}
		if g.Param < 0 || g.Param >= len(n.Params) {
			return fmt.Errorf("grid %d: there is no param %d", i, g.Param)
		}
		p := n.Params[g.Param]
		if p.Form != kernels.FormPlain || !gridElem(p.Elem) {
			return fmt.Errorf("grid %d: a %v param of %v cannot be computed", i, p.Form, p.Elem)
		}
		shapes, err := g.shapes(n.Open, n.sizes(), &left)
		if err == nil && !p.Shape.Equal(shapes[len(shapes)-1]) {
			err = fmt.Errorf("it has the shape %s, and its param %s", shapes[len(shapes)-1], p.Shape)
		}
		if err != nil {
			return fmt.Errorf("grid %d: %w", i, err)
		}
	}
	return nil
}

// computeGrids replaces the params that depend on the sizes.
func (n *Net) computeGrids(grids []Grid, open []OpenDim, sizes []int) error {
	if len(grids) == 0 {
		return nil
	}
	n.Params = slices.Clone(n.Params)
	left := maxGrid
	for i, g := range grids {
		p := &n.Params[g.Param]
		shapes, err := g.shapes(open, sizes, &left)
		if err != nil {
			return fmt.Errorf("grid %d: %w", i, err)
		}
		p.Shape = shapes[len(shapes)-1]
		p.Data = gridData(p.Elem, g.compute(shapes, open, sizes))
	}
	return nil
}

// gridData are the bytes of elements.
func gridData(e tensor.Elem, x []float64) []byte {
	data := tensor.AlignedBytes(len(x) * e.Size())
	for i, v := range x {
		switch e {
		case tensor.F32:
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(float32(v)))
		case tensor.I32:
			binary.LittleEndian.PutUint32(data[4*i:], uint32(integer(v)))
		default:
			binary.LittleEndian.PutUint64(data[8*i:], uint64(integer(v)))
		}
	}
	return data
}

// integer is a whole number as an integer: at most 2⁶² in magnitude, and 0 for NaN.
// An i32 takes the lowest bits of it.
func integer(v float64) int64 {
	const most = 1 << 62
	if v != v {
		return 0
	}
	return int64(min(max(v, -most), most))
}

// at is the length at sizes; false if it is out of an int32's range.
func (l Length) at(open []OpenDim, sizes []int) (int, bool) {
	return extentAt(l.At, l.By, open, sizes)
}

// shapes checks all terms, and returns their shapes at sizes. It subtracts their
// elements from left, which must not become negative.
func (g Grid) shapes(open []OpenDim, sizes []int, left *int) ([]tensor.Shape, error) {
	if len(g.Terms) == 0 {
		return nil, errors.New("it has no terms")
	}
	var shapes []tensor.Shape
	for i, t := range g.Terms {
		shape, err := t.shape(shapes, open, sizes)
		if err == nil {
			err = shape.Check()
		}
		if err == nil {
			if *left -= shape.Volume(); *left < 0 {
				err = errors.New("it would be too large")
			}
		}
		if err != nil {
			return nil, fmt.Errorf("term %d: %w", i, err)
		}
		shapes = append(shapes, shape)
	}
	return shapes, nil
}

// operands are the shapes of the terms that t is made from, of those before it.
func (t Term) operands(before []tensor.Shape) ([]tensor.Shape, error) {
	want := 1
	switch t.Kind {
	case Ramp, Table:
		want = 0
	case Concat:
		want = max(len(t.Of), 1)
	case Arithmetic:
		want = 2
	}
	if len(t.Of) != want {
		return nil, fmt.Errorf("it is made from %d terms", len(t.Of))
	}
	var of []tensor.Shape
	for _, k := range t.Of {
		if k < 0 || k >= len(before) {
			return nil, fmt.Errorf("there is no term %d before it", k)
		}
		of = append(of, before[k])
	}
	return of, nil
}

// dims checks the lengths of a term, and returns what Dims are at sizes.
func (t Term) dims(open []OpenDim, sizes []int) (tensor.Shape, error) {
	if len(t.Dims) > tensor.MaxRank {
		return nil, fmt.Errorf("%d dimensions are more than %d", len(t.Dims), tensor.MaxRank)
	}
	dims := make(tensor.Shape, len(t.Dims))
	for i, l := range append(slices.Clone(t.Dims), t.Start) {
		size, ok := l.at(open, sizes)
		if len(l.By) != 0 && len(l.By) != 1<<len(open)-1 || !ok {
			return nil, errors.New("a length is out of range")
		}
		if i < len(dims) {
			dims[i] = size
		}
	}
	return dims, dims.Check()
}

// shape checks a term behind others of the given shapes, and returns its shape.
func (t Term) shape(before []tensor.Shape, open []OpenDim, sizes []int) (tensor.Shape, error) {
	of, err := t.operands(before)
	if err != nil {
		return nil, err
	}
	dims, err := t.dims(open, sizes)
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case Ramp:
		if !tensor.IsFinite(t.Offset) || !tensor.IsFinite(t.Step) || t.Axis < 0 || t.Axis >= max(len(dims), 1) {
			return nil, errors.New("it is no ramp")
		}
		return dims, nil
	case Table:
		if len(t.Values) != dims.Volume() {
			return nil, fmt.Errorf("%d elements for a table of shape %s", len(t.Values), dims)
		}
		return dims, nil
	case View:
		if of[0].Volume() != dims.Volume() {
			return nil, fmt.Errorf("a term of shape %s cannot have the shape %s", of[0], dims)
		}
		return dims, nil
	case Transpose:
		if len(t.Perm) != len(of[0]) {
			return nil, errors.New("it permutes other dimensions")
		}
		sorted, shape := slices.Sorted(slices.Values(t.Perm)), make(tensor.Shape, len(t.Perm))
		for i, d := range sorted {
			if d != i {
				return nil, errors.New("it permutes other dimensions")
			}
		}
		for i, d := range t.Perm {
			shape[i] = of[0][d]
		}
		return shape, nil
	case Expand:
		if shape, ok := tensor.Broadcast(of[0], dims); !ok || !tensor.Shape(shape).Equal(dims) {
			return nil, fmt.Errorf("a term of shape %s does not expand to %s", of[0], dims)
		}
		return dims, nil
	case Concat:
		return t.joined(of)
	case Arithmetic:
		shape, ok := tensor.Broadcast(of[0], of[1])
		if !ok || t.Binary > kernels.Min {
			return nil, fmt.Errorf("no arithmetic of %s and %s", of[0], of[1])
		}
		return shape, nil
	case Cast:
		return of[0], nil
	case First:
		shape := slices.Clone(of[0])
		if t.Axis < 0 || t.Axis >= len(shape) {
			return nil, fmt.Errorf("a term of shape %s has no dimension %d", shape, t.Axis)
		}
		shape[t.Axis] = 1
		return shape, nil
	}
	return nil, fmt.Errorf("unknown kind %d", t.Kind)
}

// joined is the shape of a Concat.
func (t Term) joined(of []tensor.Shape) (tensor.Shape, error) {
	shape := slices.Clone(of[0])
	if t.Axis < 0 || t.Axis >= len(shape) {
		return nil, fmt.Errorf("a term of shape %s has no dimension %d", shape, t.Axis)
	}
	for _, s := range of[1:] {
		if len(s) != len(shape) || !s[:t.Axis].Equal(shape[:t.Axis]) || !s[t.Axis+1:].Equal(of[0][t.Axis+1:]) {
			return nil, fmt.Errorf("%s and %s cannot be joined along dimension %d", of[0], s, t.Axis)
		}
		if shape[t.Axis] += s[t.Axis]; shape[t.Axis] > tensor.MaxDim {
			return nil, errors.New("it would be too large")
		}
	}
	return shape, nil
}

// compute returns the elements of the last term. The terms have been checked.
func (g Grid) compute(shapes []tensor.Shape, open []OpenDim, sizes []int) []float64 {
	all := make([][]float64, len(g.Terms))
	for i, t := range g.Terms {
		of, dims := make([][]float64, len(t.Of)), make([]tensor.Shape, len(t.Of))
		for j, k := range t.Of {
			of[j], dims[j] = all[k], shapes[k]
		}
		start, _ := t.Start.at(open, sizes)
		y := t.elements(shapes[i], of, dims, start)
		for j, v := range y {
			if t.Whole {
				y[j] = math.Trunc(v)
			} else {
				y[j] = float64(float32(v))
			}
		}
		all[i] = y
	}
	return all[len(all)-1]
}

// elements are a term's, of the given shape, before they are rounded, from those
// of other terms.
func (t Term) elements(shape tensor.Shape, of [][]float64, dims []tensor.Shape, start int) []float64 {
	y := make([]float64, shape.Volume())
	from := func(f func(at []int) float64) {
		at := make([]int, len(shape))
		for i := range y {
			y[i] = f(at)
			for d := len(at) - 1; d >= 0; d-- {
				if at[d]++; at[d] < shape[d] {
					break
				}
				at[d] = 0
			}
		}
	}
	switch t.Kind {
	case Ramp:
		first := float64(t.Offset) + float64(start)
		from(func(at []int) float64 {
			if len(at) == 0 {
				return first
			}
			return first + float64(t.Step)*float64(at[t.Axis])
		})
	case Table:
		for i, v := range t.Values {
			y[i] = float64(v)
		}
	case View, Cast:
		copy(y, of[0])
	case Transpose:
		source := make([]int, len(shape))
		from(func(at []int) float64 {
			for i, d := range t.Perm {
				source[d] = at[i]
			}
			return of[0][offset(source, dims[0])]
		})
	case Expand, First:
		from(func(at []int) float64 { return of[0][offset(at, dims[0])] })
	case Concat:
		part, first := 0, 0
		source := make([]int, len(shape))
		from(func(at []int) float64 {
			if at[t.Axis] < first {
				part, first = 0, 0
			}
			for at[t.Axis]-first >= dims[part][t.Axis] {
				first += dims[part][t.Axis]
				part++
			}
			copy(source, at)
			source[t.Axis] -= first
			return of[part][offset(source, dims[part])]
		})
	case Arithmetic:
		from(func(at []int) float64 {
			return t.Binary.Float64(of[0][offset(at, dims[0])], of[1][offset(at, dims[1])])
		})
	}
	return y
}

// offset is where a row-major tensor, which is broadcast, has the element at an
// index of as many dimensions or more.
func offset(at []int, shape tensor.Shape) int {
	i := 0
	for d, size := range shape {
		i *= size
		if size > 1 {
			i += at[len(at)-len(shape)+d]
		}
	}
	return i
}
