package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// ScatterKind is how a value that is written is combined with the element at its
// place.
type ScatterKind uint8

const (
	ScatterReplace ScatterKind = iota
	ScatterAdd
	ScatterMul
	ScatterMax
	ScatterMin
)

// Scatter writes elements to places of a tensor along Axis: result[i][p[i][j]][k]
// = values[i][j][k] for Axis 1, and so on. Its operands are the tensor, the
// places p, int32 or int64, and the values, of the places' shape; dimensions
// other than Axis may be smaller than the tensor's, which is unchanged beyond
// them. If Size is not 0 there is no such operand: the tensor is zeros, in the
// places' shape except for Size along Axis. A negative place counts from the end,
// and one out of range is a fault of the run. If several values have one place,
// the last one counts, or Kind folds them in order.
type Scatter struct {
	Axis, Size int
	Kind       ScatterKind
}

func (*Scatter) Op() string { return "Scatter" }

func (*Scatter) Order() Order { return RowMajor }

func (s *Scatter) Traits(in []tensor.Type, _ []Param) Traits {
	return Traits{MixesItems: s.Axis == 0, Extra: macs(in[len(in)-1])}
}

// Extents returns the Size, even if it is 0.
func (s *Scatter) Extents() []int { return []int{s.Size} }

func (s *Scatter) WithExtents(extents []int) Spec {
	other := *s
	other.Size = extents[0]
	return &other
}

func (s *Scatter) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	want := 3
	if s.Size != 0 {
		want = 2
	}
	if err := operands(s, in, params, want, 0); err != nil {
		return nil, err
	}
	places, values := in[want-2], in[want-1]
	if err := checkPlaces(s, places, s.Axis); err != nil {
		return nil, err
	}
	if !places.Shape.Equal(values.Shape) {
		return nil, errorf(s, "values of shape %s for places of shape %s", values.Shape, places.Shape)
	}
	if s.Kind > ScatterMin || s.Kind != ScatterReplace && (values.Elem == tensor.Bool || values.Elem == tensor.F16 || values.Scale != 0) {
		return nil, errorf(s, "unknown kind %d, or none of %v", s.Kind, values)
	}
	if s.Size != 0 {
		if err := checkRange(s, "size", s.Size, 1); err != nil {
			return nil, err
		}
		shape := slices.Clone(values.Shape)
		shape[s.Axis] = s.Size
		return result(s, values, shape...)
	}
	if !in[0].SameElements(values) {
		return nil, errorf(s, "values of %v for a tensor of %v", values, in[0])
	}
	if err := checkInside(s, places.Shape, in[0].Shape, s.Axis); err != nil {
		return nil, err
	}
	return result(s, in[0], in[0].Shape...)
}

// checkPlaces checks an operand that holds places along an axis.
func checkPlaces(s Spec, places tensor.Type, axis int) error {
	if places.Elem != tensor.I32 && places.Elem != tensor.I64 {
		return errorf(s, "places of %v", places.Elem)
	}
	return checkAxis(s, axis, places.Shape)
}

// checkInside checks that places of a shape name, in dimensions other than the
// axis, no more than there is.
func checkInside(s Spec, places, shape tensor.Shape, axis int) error {
	ok := len(places) == len(shape)
	for d := 0; ok && d < len(shape); d++ {
		ok = d == axis || places[d] <= shape[d]
	}
	if !ok {
		return errorf(s, "places of shape %s in a tensor of shape %s", places, shape)
	}
	return nil
}

func (s *Scatter) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := s.Infer(in, params)
	if err != nil {
		return nil, err
	}
	places := in[len(in)-2]
	return &scatterOp{walk: newWalk(places, out[0].Shape, s.Axis), kind: s.Kind, elem: out[0].Elem, zeros: s.Size != 0}, nil
}

// A walk goes through the places of an operand in their order, and finds the
// element of a tensor that each names.
type walk struct {
	scratchless
	places      tensor.Elem
	size        [tensor.MaxRank]int // of the places
	stride      [tensor.MaxRank]int // of the tensor
	rank, axis  int
	dim         int // of the tensor, along the axis
	count, item int // of the places, and of the tensor's elements, of an item
}

func newWalk(places tensor.Type, shape tensor.Shape, axis int) walk {
	w := walk{places: places.Elem, rank: len(shape), axis: axis, dim: shape[axis], count: places.Shape.Volume(), item: shape.Volume()}
	copy(w.size[:], places.Shape)
	copy(w.stride[:], shape.Strides())
	return w
}

// Tasks: one for each item, since values of one place have an order.
func (w *walk) Tasks(n int) int { return n }

// place is place i of an item's, and false if it does not exist.
func (w *walk) place(data []byte, i int) (int, bool) {
	var at int64
	if w.places == tensor.I32 {
		at = int64(tensor.Slice[int32](data)[i])
	} else {
		at = tensor.Slice[int64](data)[i]
	}
	if at < 0 {
		at += int64(w.dim)
	}
	return int(at), at >= 0 && at < int64(w.dim)
}

// each calls f with the place of every value, its element among the item's of
// the tensor. It stops with a fault.
func (w *walk) each(work *Workspace, places []byte, f func(i, element int)) {
	var at [tensor.MaxRank]int
	base := 0 // of the dimensions but the axis
	for i := range w.count {
		p, ok := w.place(places, i)
		if !ok {
			work.Fault = ErrIndex
			return
		}
		f(i, base+p*w.stride[w.axis])
		for d := w.rank - 1; d >= 0; d-- {
			stride := w.stride[d]
			if d == w.axis {
				stride = 0
			}
			base += stride
			if at[d]++; at[d] < w.size[d] {
				break
			}
			base -= w.size[d] * stride
			at[d] = 0
		}
	}
}

// scatterOp is a Scatter. A task is an item.
type scatterOp struct {
	walk
	kind  ScatterKind
	elem  tensor.Elem
	zeros bool
}

func (op *scatterOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	if op.kind == ScatterReplace {
		switch op.elem.Size() {
		case 1:
			runScatter(op, w, in, out, lo, hi, replace[uint8])
		case 2:
			runScatter(op, w, in, out, lo, hi, replace[uint16])
		case 4:
			runScatter(op, w, in, out, lo, hi, replace[uint32])
		case 8:
			runScatter(op, w, in, out, lo, hi, replace[uint64])
		}
		return
	}
	switch op.elem {
	case tensor.F32:
		runScatter(op, w, in, out, lo, hi, folder[float32](op.kind))
	case tensor.U8:
		runScatter(op, w, in, out, lo, hi, folder[uint8](op.kind))
	case tensor.I8:
		runScatter(op, w, in, out, lo, hi, folder[int8](op.kind))
	case tensor.I16:
		runScatter(op, w, in, out, lo, hi, folder[int16](op.kind))
	case tensor.I32:
		runScatter(op, w, in, out, lo, hi, folder[int32](op.kind))
	case tensor.I64:
		runScatter(op, w, in, out, lo, hi, folder[int64](op.kind))
	}
}

func runScatter[T word | number](op *scatterOp, w *Workspace, in, out [][]byte, lo, hi int, fold func(a, b T) T) {
	places, values := in[len(in)-2], tensor.Slice[T](in[len(in)-1])
	z := tensor.Slice[T](out[0])
	size := op.places.Size()
	for item := lo; item < hi; item++ {
		dst, u := z[item*op.item:][:op.item], values[item*op.count:][:op.count]
		if op.zeros {
			clear(dst)
		} else {
			copy(dst, tensor.Slice[T](in[0])[item*op.item:])
		}
		op.each(w, places[item*op.count*size:], func(i, element int) { dst[element] = fold(dst[element], u[i]) })
	}
}

func replace[T any](_, b T) T { return b }

// folder is the function of a kind that folds. Of floats NaN stays NaN.
func folder[T number](kind ScatterKind) func(a, b T) T {
	switch kind {
	case ScatterAdd:
		return func(a, b T) T { return a + b }
	case ScatterMul:
		return func(a, b T) T { return a * b }
	case ScatterMax:
		return func(a, b T) T { return max(a, b) }
	}
	return func(a, b T) T { return min(a, b) }
}

// GatherElements reads elements at places along Axis: result[i][j][k] =
// values[i][p[i][j][k]][k] for Axis 1, and so on. Its operands are the values and
// the places p, int32 or int64, whose shape is the result's; dimensions other
// than Axis may be smaller than those of the values. A negative place is counted
// from the end, and one that does not exist is a fault of the run.
type GatherElements struct{ Axis int }

func (*GatherElements) Op() string { return "GatherElements" }

func (*GatherElements) Order() Order { return RowMajor }

func (g *GatherElements) Traits(in []tensor.Type, _ []Param) Traits {
	return Traits{MixesItems: g.Axis == 0, Extra: macs(in[1])}
}

func (g *GatherElements) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(g, in, params, 2, 0); err != nil {
		return nil, err
	}
	if err := checkPlaces(g, in[1], g.Axis); err != nil {
		return nil, err
	}
	if err := checkInside(g, in[1].Shape, in[0].Shape, g.Axis); err != nil {
		return nil, err
	}
	return result(g, in[0], in[1].Shape...)
}

func (g *GatherElements) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := g.Infer(in, params); err != nil {
		return nil, err
	}
	return &gatherElementsOp{walk: newWalk(in[1], in[0].Shape, g.Axis), size: in[0].Elem.Size()}, nil
}

// gatherElementsOp is a GatherElements. A task is an item.
type gatherElementsOp struct {
	walk
	size int // bytes of an element
}

func (op *gatherElementsOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	switch op.size {
	case 1:
		runGatherElements[uint8](op, w, in, out, lo, hi)
	case 2:
		runGatherElements[uint16](op, w, in, out, lo, hi)
	case 4:
		runGatherElements[uint32](op, w, in, out, lo, hi)
	case 8:
		runGatherElements[uint64](op, w, in, out, lo, hi)
	}
}

func runGatherElements[T word](op *gatherElementsOp, w *Workspace, in, out [][]byte, lo, hi int) {
	x, z := tensor.Slice[T](in[0]), tensor.Slice[T](out[0])
	size := op.places.Size()
	for item := lo; item < hi; item++ {
		src, dst := x[item*op.item:][:op.item], z[item*op.count:][:op.count]
		op.each(w, in[1][item*op.count*size:], func(i, element int) { dst[i] = src[element] })
	}
}
