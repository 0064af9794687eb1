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
//
// If the places' dimensions after Axis are all 1, each place is that of all the
// values there, a row: result[p[i]][k] = values[i][k] for Axis 0.
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
	if !places.Shape.Equal(values.Shape) && !s.rows(places, values) {
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
	if err := checkInside(s, values.Shape, in[0].Shape, s.Axis); err != nil {
		return nil, err
	}
	return result(s, in[0], in[0].Shape...)
}

// rows says whether there is one place for each row of values.
func (s *Scatter) rows(places, values tensor.Type) bool {
	return len(places.Shape) == len(values.Shape) && places.Shape[:s.Axis+1].Equal(values.Shape[:s.Axis+1]) && places.Shape[s.Axis+1:].Volume() == 1
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
	places, values := in[len(in)-2], in[len(in)-1]
	return &scatterOp{walk: newWalk(places, values.Shape, out[0].Shape, s.Axis), kind: s.Kind, elem: out[0].Elem, zeros: s.Size != 0}, nil
}

// A walk goes through values in their order, run by run, and finds for each the
// element of a tensor that its place names. A run is the values along the last
// dimension or, where rows of values have one place, such a row, or as much of it
// as is contiguous in the tensor.
type walk struct {
	scratchless
	places      tensor.Elem
	outer       nest // of runs: offsets in the tensor and in the places
	run         int  // values of a run
	step, apart int  // from a value of a run to the next, in places and in the tensor, apart from its place
	stride, dim int  // of the tensor, along the axis
	count, item int  // values, and elements of the tensor, of an item
	marks       int  // places of an item
}

// newWalk is for values of a shape, which is that of the places or has longer
// dimensions after the axis, that lie in a tensor of shape whole.
func newWalk(places tensor.Type, values, whole tensor.Shape, axis int) walk {
	w := walk{places: places.Elem, dim: whole[axis], count: values.Volume(), item: whole.Volume(), marks: places.Shape.Volume()}
	at, of := whole.Strides(), places.Shape.Strides()
	w.stride = at[axis]
	at[axis] = 0
	for d, n := range places.Shape {
		if n != values[d] {
			of[d] = 0
		}
	}
	// Dimensions of 1 vanish, and neighbours are joined that one loop runs through.
	loops := newNest(values, at, of)
	w.outer, w.run = loops, 1
	if last := len(loops.size) - 1; last >= 0 {
		row := w.outer.remove(last)
		w.run, w.apart, w.step = row.size, row.stride[0], row.stride[1]
	}
	return w
}

// Tasks: one for each item, since values of one place have an order.
func (w *walk) Tasks(n int) int { return n }

// resolve is the element at which a place begins; false if it does not exist.
func resolve[P int32 | int64](w *walk, place P) (element int, ok bool) {
	p := int64(place)
	if p < 0 {
		p += int64(w.dim)
	}
	return int(p) * w.stride, uint64(p) < uint64(w.dim)
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
			runScatter(op, w, in, out, lo, hi, replaceRun[uint8])
		case 2:
			runScatter(op, w, in, out, lo, hi, replaceRun[uint16])
		case 4:
			runScatter(op, w, in, out, lo, hi, replaceRun[uint32])
		case 8:
			runScatter(op, w, in, out, lo, hi, replaceRun[uint64])
		}
		return
	}
	switch op.elem {
	case tensor.F32:
		runScatter(op, w, in, out, lo, hi, foldRun[float32])
	case tensor.U8:
		runScatter(op, w, in, out, lo, hi, foldRun[uint8])
	case tensor.I8:
		runScatter(op, w, in, out, lo, hi, foldRun[int8])
	case tensor.I16:
		runScatter(op, w, in, out, lo, hi, foldRun[int16])
	case tensor.I32:
		runScatter(op, w, in, out, lo, hi, foldRun[int32])
	case tensor.I64:
		runScatter(op, w, in, out, lo, hi, foldRun[int64])
	}
}

func runScatter[T word | number](op *scatterOp, w *Workspace, in, out [][]byte, lo, hi int, write runWriter[T]) {
	if op.places == tensor.I32 {
		scatterItems[T, int32](op, w, in, out, lo, hi, write)
	} else {
		scatterItems[T, int64](op, w, in, out, lo, hi, write)
	}
}

// A runWriter writes values u to z, each apart from the one before.
type runWriter[T any] func(kind ScatterKind, z, u []T, apart int)

func scatterItems[T word | number, P int32 | int64](op *scatterOp, w *Workspace, in, out [][]byte, lo, hi int, write runWriter[T]) {
	places, values := tensor.Slice[P](in[len(in)-2]), tensor.Slice[T](in[len(in)-1])
	z := tensor.Slice[T](out[0])
	for item := lo; item < hi; item++ {
		dst, u, at := z[item*op.item:][:op.item], values[item*op.count:][:op.count], places[item*op.marks:][:op.marks]
		if op.zeros {
			clear(dst)
		} else {
			copy(dst, tensor.Slice[T](in[0])[item*op.item:])
		}
		var c cursor
		for len(u) > 0 {
			run := u[:op.run]
			u = u[op.run:]
			base := c.offset[0]
			switch {
			case op.step == 0:
				element, ok := resolve(&op.walk, at[c.offset[1]])
				if !ok {
					w.Fault = ErrIndex
					return
				}
				write(op.kind, dst[base+element:], run, op.apart)
			case op.kind == ScatterReplace:
				place := at[c.offset[1]:][:len(run)]
				for i, v := range run {
					element, ok := resolve(&op.walk, place[i])
					if !ok {
						w.Fault = ErrIndex
						return
					}
					dst[base+element] = v
					base += op.apart
				}
			default:
				place := at[c.offset[1]:][:len(run)]
				for i := range run {
					element, ok := resolve(&op.walk, place[i])
					if !ok {
						w.Fault = ErrIndex
						return
					}
					write(op.kind, dst[base+element:], run[i:i+1], 1)
					base += op.apart
				}
			}
			op.outer.next(&c)
		}
	}
}

// replaceRun writes values.
func replaceRun[T any](_ ScatterKind, z, u []T, apart int) {
	if apart == 1 {
		copy(z[:len(u)], u)
		return
	}
	for i, v := range u {
		z[i*apart] = v
	}
}

// foldRun folds values into what is there. Of floats NaN stays NaN.
func foldRun[T number](kind ScatterKind, z, u []T, apart int) {
	switch kind {
	case ScatterAdd:
		for i, v := range u {
			z[i*apart] += v
		}
	case ScatterMul:
		for i, v := range u {
			z[i*apart] *= v
		}
	case ScatterMax:
		for i, v := range u {
			z[i*apart] = max(z[i*apart], v)
		}
	default:
		for i, v := range u {
			z[i*apart] = min(z[i*apart], v)
		}
	}
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
	return &gatherElementsOp{walk: newWalk(in[1], in[1].Shape, in[0].Shape, g.Axis), size: in[0].Elem.Size()}, nil
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
	if op.places == tensor.I32 {
		gatherItems[T, int32](op, w, in, out, lo, hi)
	} else {
		gatherItems[T, int64](op, w, in, out, lo, hi)
	}
}

func gatherItems[T word, P int32 | int64](op *gatherElementsOp, w *Workspace, in, out [][]byte, lo, hi int) {
	x, places, z := tensor.Slice[T](in[0]), tensor.Slice[P](in[1]), tensor.Slice[T](out[0])
	for item := lo; item < hi; item++ {
		src, dst, place := x[item*op.item:][:op.item], z[item*op.count:][:op.count], places[item*op.count:][:op.count]
		var c cursor
		for len(dst) > 0 {
			run := place[:op.run]
			to := dst[:len(run)]
			dst, place = dst[op.run:], place[op.run:]
			base := c.offset[0]
			for i, p := range run {
				element, ok := resolve(&op.walk, p)
				if !ok {
					w.Fault = ErrIndex
					return
				}
				to[i] = src[base+element]
				base += op.apart
			}
			op.outer.next(&c)
		}
	}
}
