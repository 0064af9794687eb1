package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Arg is the place, an int64, of the largest element along Axis, which keeps a
// dimension of 1; with Min, of the smallest. Of equal elements it is the first,
// or with Last the last. NaN takes precedence over every number, as in numpy.
type Arg struct {
	Axis      int
	Min, Last bool
}

func (*Arg) Op() string { return "Arg" }

func (*Arg) Order() Order { return ByAxis }

func (a *Arg) Permute(order []int) Spec {
	return &Arg{Axis: slices.Index(order, a.Axis), Min: a.Min, Last: a.Last}
}

func (a *Arg) Traits(in []tensor.Type, _ []Param) Traits {
	return Traits{MixesItems: a.Axis == 0, Extra: macs(in[0])}
}

func (a *Arg) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := ordered(a, in, params); err != nil {
		return nil, err
	}
	out := slices.Clone(in[0].Shape)
	if err := checkAxis(a, a.Axis, out); err != nil {
		return nil, err
	}
	out[a.Axis] = 1
	return result(a, tensor.Type{Elem: tensor.I64}, out...)
}

// ordered checks that there is one operand, of elements that have an order.
func ordered(s Spec, in []tensor.Type, params []Param) error {
	if err := operands(s, in, params, 1, 0); err != nil {
		return err
	}
	if e := in[0].Elem; e == tensor.F16 || e == tensor.Bool {
		return errorf(s, "elements of %v cannot be ordered", e)
	}
	return nil
}

func (a *Arg) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := a.Infer(in, params); err != nil {
		return nil, err
	}
	op := &argOp{Arg: a, rows: newRows(in[0], a.Axis)}
	op.blocks = ceilDiv(op.inner, lanes)
	return op, nil
}

// rows are the stretches of a tensor along an axis, whose elements are inner
// apart, and of which inner lie one in the other.
type rows struct {
	elem              tensor.Elem
	outer, dim, inner int // elements before, along and behind the axis
}

func newRows(x tensor.Type, axis int) rows {
	return rows{x.Elem, x.Shape[:axis].Volume(), x.Shape[axis], x.Shape[axis+1:].Volume()}
}

// argOp is an Arg. A task is up to lanes results that are neighbours.
type argOp struct {
	scratchless
	*Arg
	rows
	blocks int // tasks in inner
}

func (op *argOp) Tasks(n int) int { return n * op.outer * op.blocks }

func (op *argOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	z := tensor.Slice[int64](out[0])
	switch op.elem {
	case tensor.F32:
		runArg(op, floats(in[0]), z, lo, hi)
	case tensor.U8:
		runArg(op, in[0], z, lo, hi)
	case tensor.I8:
		runArg(op, tensor.Slice[int8](in[0]), z, lo, hi)
	case tensor.I16:
		runArg(op, tensor.Slice[int16](in[0]), z, lo, hi)
	case tensor.I32:
		runArg(op, tensor.Slice[int32](in[0]), z, lo, hi)
	case tensor.I64:
		runArg(op, tensor.Slice[int64](in[0]), z, lo, hi)
	}
}

func runArg[T number](op *argOp, x []T, z []int64, lo, hi int) {
	for task := lo; task < hi; task++ {
		outer, first := task/op.blocks, task%op.blocks*lanes
		dst := z[outer*op.inner+first:][:min(lanes, op.inner-first)]
		src := x[outer*op.dim*op.inner+first:]
		var best [lanes]T
		copy(best[:len(dst)], src)
		clear(dst)
		for i := 1; i < op.dim; i++ {
			src = src[op.inner:]
			for j := range dst {
				v, b := src[j], best[j]
				better := v > b
				if op.Min {
					better = v < b
				}
				if better && b == b || op.Last && v == b || v != v && (b == b || op.Last) {
					best[j], dst[j] = v, int64(i)
				}
			}
		}
	}
}
