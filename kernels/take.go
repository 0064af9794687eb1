package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Take takes the elements at the places Index along Axis, in that order. A
// place may occur more than once.
type Take struct {
	Axis  int
	Index []int
}

func (*Take) Op() string { return "Take" }

func (*Take) Order() Order { return ByAxis }

// Moves implements Moving.
func (*Take) Moves() bool { return true }

func (t *Take) Permute(order []int) Spec {
	return &Take{Axis: slices.Index(order, t.Axis), Index: t.Index}
}

func (t *Take) Traits([]tensor.Type, []Param) Traits { return Traits{MixesItems: t.Axis == 0} }

func (t *Take) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(t, in, params, 1, 0); err != nil {
		return nil, err
	}
	out := slices.Clone(in[0].Shape)
	if err := checkAxis(t, t.Axis, out); err != nil {
		return nil, err
	}
	for _, i := range t.Index {
		if i < 0 || i >= out[t.Axis] {
			return nil, errorf(t, "index %d is outside of dimension %d of shape %s", i, t.Axis, out)
		}
	}
	out[t.Axis] = len(t.Index)
	return result(t, in[0], out...)
}

func (t *Take) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := t.Infer(in, params); err != nil {
		return nil, err
	}
	op := newGatherOp(in[0], t.Axis, len(t.Index))
	op.index = t.Index
	return op, nil
}

// Gather is Take with an operand of int32 or int64, of any shape, that holds
// the places: its dimensions replace Axis. A negative place counts from the
// end, and one out of range is a fault of the run. The operands are the values
// and the places; or only the places, and the values are a plain param.
//
// The first Shared dimensions, no more than Axis, are those of both, and occur
// once in the result: at each index of them, places are in the values there.
type Gather struct{ Axis, Shared int }

func (*Gather) Op() string { return "Gather" }

func (*Gather) Order() Order { return RowMajor }

// Traits does not set MixesItems for a constant table of rows: each place then
// reads a row, independent of other items. Nor does it for values and places that
// share dimension 0.
func (g *Gather) Traits(_ []tensor.Type, params []Param) Traits {
	if len(params) == 0 {
		return Traits{MixesItems: g.Shared == 0}
	}
	return Traits{MixesItems: g.Axis != 0}
}

// operands are the values and the places.
func (g *Gather) operands(in []tensor.Type, params []Param) (values, places tensor.Type) {
	if len(params) == 1 {
		return tensor.Type{Elem: params[0].Elem, Shape: params[0].Shape}, in[0]
	}
	return in[0], in[1]
}

func (g *Gather) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(g, in, params, 2-min(len(params), 1), min(len(params), 1)); err != nil {
		return nil, err
	}
	if len(params) == 1 {
		if err := checkPlain(g, params[0], "the table", params[0].Elem); err != nil {
			return nil, err
		}
	}
	values, places := g.operands(in, params)
	if places.Elem != tensor.I32 && places.Elem != tensor.I64 {
		return nil, errorf(g, "indices of %v", places.Elem)
	}
	if err := checkAxis(g, g.Axis, values.Shape); err != nil {
		return nil, err
	}
	if g.Shared < 0 || g.Shared > min(g.Axis, len(places.Shape)) || !values.Shape[:g.Shared].Equal(places.Shape[:g.Shared]) {
		return nil, errorf(g, "values of shape %s and places of shape %s do not share %d dimensions before dimension %d", values.Shape, places.Shape, g.Shared, g.Axis)
	}
	return result(g, values, slices.Concat(values.Shape[:g.Axis], places.Shape[g.Shared:], values.Shape[g.Axis+1:])...)
}

func (g *Gather) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := g.Infer(in, params); err != nil {
		return nil, err
	}
	values, places := g.operands(in, params)
	op := newGatherOp(values, g.Axis, places.Shape[g.Shared:].Volume())
	op.places, op.itemPlaces = places.Elem, places.Shape.Volume()
	op.sharing = values.Shape[g.Shared:g.Axis].Volume()
	if len(params) == 1 {
		op.table = params[0].Data
	}
	return op, nil
}

// gatherOp is a Take or a Gather. A task is some of an item's results that
// follow one another, each of inner elements.
type gatherOp struct {
	scratchless
	size              int // bytes of an element
	outer, dim, inner int // elements before, along and behind the axis
	count             int // of places in a row: an index of the dimensions before the axis
	itemPlaces        int // of an item
	sharing           int // so many rows that follow one another have the same places
	taskPlaces        int // results in a task
	results, tasks    int // of an item
	index             []int
	places            tensor.Elem
	table             []byte
}

func newGatherOp(x tensor.Type, axis, count int) *gatherOp {
	op := &gatherOp{
		size:  x.Elem.Size(),
		outer: x.Shape[:axis].Volume(),
		dim:   x.Shape[axis],
		inner: x.Shape[axis+1:].Volume(),
		count: count,
	}
	op.sharing = op.outer
	op.results = op.outer * count
	op.taskPlaces = max(taskSize/op.inner, 1)
	op.tasks = ceilDiv(op.results, op.taskPlaces)
	return op
}

func (op *gatherOp) Tasks(n int) int { return n * op.tasks }

func (op *gatherOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	switch op.size {
	case 1:
		runGather[uint8](op, w, in, out, lo, hi)
	case 2:
		runGather[uint16](op, w, in, out, lo, hi)
	case 4:
		runGather[uint32](op, w, in, out, lo, hi)
	case 8:
		runGather[uint64](op, w, in, out, lo, hi)
	}
}

func runGather[T word](op *gatherOp, w *Workspace, in, out [][]byte, lo, hi int) {
	x, z := tensor.Slice[T](in[0]), tensor.Slice[T](out[0])
	item := op.outer * op.dim * op.inner // elements of an item's values
	if op.table != nil {
		x, item = tensor.Slice[T](op.table), 0
	}
	for task := lo; task < hi; task++ {
		i, first := task/op.tasks, task%op.tasks*op.taskPlaces
		row, place := first/op.count, first%op.count
		for r := first; r < min(first+op.taskPlaces, op.results); r++ {
			at := op.place(w, in[len(in)-1], i*op.itemPlaces+row/op.sharing*op.count, place)
			from, to := i*item+(row*op.dim+at)*op.inner, (i*op.results+r)*op.inner
			if op.inner == 1 {
				z[to] = x[from]
			} else {
				copy(z[to:to+op.inner], x[from:])
			}
			if place++; place == op.count {
				place = 0
				row++
			}
		}
	}
}

// place is the k-th place of those that begin at base in data.
func (op *gatherOp) place(w *Workspace, data []byte, base, k int) int {
	var at int64
	switch {
	case op.index != nil:
		return op.index[k]
	case op.places == tensor.I32:
		at = int64(tensor.Slice[int32](data)[base+k])
	default:
		at = tensor.Slice[int64](data)[base+k]
	}
	if at < 0 {
		at += int64(op.dim)
	}
	if at < 0 || at >= int64(op.dim) {
		w.Fault = ErrIndex
		return 0
	}
	return int(at)
}
