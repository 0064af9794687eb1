package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// ReduceMean averages over Axes, which keep a dimension of 1 or, without
// Keep, vanish.
type ReduceMean struct {
	Axes []int
	Keep bool
}

func (*ReduceMean) Op() string { return "ReduceMean" }

func (*ReduceMean) Order() Order { return ByAxis }

func (r *ReduceMean) Permute(order []int) Spec {
	p := &ReduceMean{Keep: true}
	for _, axis := range r.Axes {
		p.Axes = append(p.Axes, slices.Index(order, axis))
	}
	slices.Sort(p.Axes)
	return p
}

func (r *ReduceMean) Traits([]tensor.Type, []Param) Traits {
	return Traits{MixesItems: slices.Contains(r.Axes, 0)}
}

func (r *ReduceMean) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := floatOperands(r, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0].Shape
	for i, axis := range r.Axes {
		if err := checkAxis(r, axis, x); err != nil {
			return nil, err
		}
		if slices.Contains(r.Axes[:i], axis) {
			return nil, errorf(r, "axis %d occurs twice", axis)
		}
	}
	var out []int
	for i, d := range x {
		switch {
		case !slices.Contains(r.Axes, i):
			out = append(out, d)
		case r.Keep:
			out = append(out, 1)
		}
	}
	return result(r, in[0], out...)
}

func (r *ReduceMean) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := r.Infer(in, params)
	if err != nil {
		return nil, err
	}
	x := in[0].Shape
	op := &reduceOp{item: [2]int{x.Volume(), out[0].Shape.Volume()}, width: 1}
	for i, step := range x.Strides() {
		switch d := x[i]; {
		case d == 1:
		case slices.Contains(r.Axes, i):
			op.reduced.add(d, step, 0)
		default:
			op.kept.add(d, step, 0)
		}
	}
	op.count = op.reduced.count()
	op.row = loop{size: 1}
	if last := len(op.reduced.size) - 1; last >= 0 {
		op.row = op.reduced.remove(last)
	}
	// Neighbours that are kept are summed side by side.
	if last := len(op.kept.size) - 1; last >= 0 && op.kept.stride[0][last] == 1 {
		op.width = op.kept.remove(last).size
	}
	op.blocks = ceilDiv(op.width, lanes)
	return op, nil
}

// reduceOp is a ReduceMean. A task is up to lanes neighbouring results.
type reduceOp struct {
	scratchless
	item          [2]int // elements of an item of operand and result
	kept, reduced nest   // stride[0] is the operand's
	row           loop   // the innermost of the reduced loops
	count         int    // elements of a mean
	width         int    // results that are neighbours in the operand too
	blocks        int    // tasks in width
}

func (op *reduceOp) Tasks(n int) int { return n * op.kept.count() * op.blocks }

func (op *reduceOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	x, y := floats(in[0]), floats(out[0])
	rows := op.reduced.count()
	for task := lo; task < hi; task++ {
		row, first := task/op.blocks, task%op.blocks*lanes
		item, place := row/op.kept.count(), row%op.kept.count()
		dst := y[row*op.width+first:][:min(lanes, op.width-first)]
		src := x[item*op.item[0]+op.kept.seek(place).offset[0]+first:]
		var sum [lanes]float64
		var c cursor
		for range rows {
			sumRows(&sum, src[c.offset[0]:], op.row.stride[0], op.row.size, len(dst))
			op.reduced.next(&c)
		}
		for i := range dst {
			dst[i] = float32(sum[i] / float64(op.count))
		}
	}
}
