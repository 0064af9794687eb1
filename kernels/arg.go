package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/asm"
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

func (a *Arg) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := a.Infer(in, params); err != nil {
		return nil, err
	}
	op := &argOp{Arg: a, rows: newRows(in[0], a.Axis)}
	op.blocks = ceilDiv(op.inner, argLanes)
	if op.elem == tensor.F32 && op.inner == 1 && op.dim >= lanes && op.dim <= argRow && !a.Last {
		extreme := foldMax
		if a.Min {
			extreme = foldMin
		}
		return &argRowsOp{rows: op.rows, fold: find[asm.ReduceArgs](t, extreme.rows()), stack: min(max(taskSize/op.dim, 1), argStack)}, nil
	}
	if op.elem == tensor.F32 && op.inner == 1 && op.dim < lanes && !a.Last {
		return &argShortOp{rows: op.rows, min: a.Min}, nil
	}
	return op, nil
}

// argShortOp is an Arg of rows of a few float32, such as the classes of a pixel,
// which does not look for the last. Which of a few is the best is a guess for the
// processor: so elements are compared without branches. A task is some rows.
type argShortOp struct {
	scratchless
	rows
	min bool
}

// argShortRows is how many rows a task has.
const argShortRows = 1 << 10

func (op *argShortOp) Tasks(n int) int { return ceilDiv(n*op.outer, argShortRows) }

func (op *argShortOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := lo*argShortRows, min(hi*argShortRows, n*op.outer)
	x, z := floats(in[0])[from*op.dim:to*op.dim], tensor.Slice[int64](out[0])[from:to]
	var flip int32
	if op.min {
		flip = -1
	}
	for i := range z {
		// The better element is the larger number, and of equal ones the first.
		best := int64(math.MinInt64)
		for j, v := range x[i*op.dim:][:op.dim] {
			best = max(best, int64(ordinal(v, flip))<<32|int64(op.dim-1-j))
		}
		z[i] = int64(op.dim-1) - best&math.MaxUint32
	}
}

// ordinal is an integer that is larger for a larger number, or for a smaller one
// if flip is −1, the same for both zeros, and the largest for NaN.
func ordinal(v float32, flip int32) int32 {
	if v != v {
		return math.MaxInt32
	}
	bits := int32(math.Float32bits(v + 0)) // +0 for −0
	return bits ^ bits>>31&math.MaxInt32 ^ flip
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

// argLanes is how many neighbours an Arg looks at together.
const argLanes = 4 * lanes

// argOp is an Arg. A task is up to argLanes results that are neighbours.
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

// argRow is the longest row that a kernel looks at in one call.
const argRow = 1 << 16

// argStack is how many rows are looked at together at most.
const argStack = 64

// argRowsOp is an Arg of whole rows of float32, which does not look for the last:
// a kernel finds the best elements of some rows, a task, and the place of each is
// the first that has it.
type argRowsOp struct {
	rows
	fold  func(*asm.ReduceArgs)
	stack int // rows of a task
}

// Scratch has the best elements.
func (op *argRowsOp) Scratch() int { return 8 * op.stack }

func (op *argRowsOp) Tasks(n int) int { return ceilDiv(n*op.outer, op.stack) }

func (op *argRowsOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, z := floats(in[0]), tensor.Slice[int64](out[0])
	best := tensor.Slice[float64](w.Scratch)
	for task := lo; task < hi; task++ {
		first := task * op.stack
		count := min(op.stack, n*op.outer-first)
		a := &w.reduce
		a.X, a.Y, a.XRow, a.Rows, a.N = &x[first*op.dim], &best[0], 4*op.dim, count, op.dim
		op.fold(a)
		for i := range count {
			z[first+i] = int64(firstOf(x[(first+i)*op.dim:][:op.dim], float32(best[i])))
		}
	}
}

// firstOf is the first place of an element of a row that holds it.
func firstOf(row []float32, v float32) int {
	for i, x := range row {
		if x == v {
			return i
		}
	}
	for i, x := range row { // v is NaN
		if x != x {
			return i
		}
	}
	return 0
}

func runArg[T number](op *argOp, x []T, z []int64, lo, hi int) {
	for task := lo; task < hi; task++ {
		outer, first := task/op.blocks, task%op.blocks*argLanes
		src := x[outer*op.dim*op.inner:][:op.dim*op.inner]
		if op.inner == 1 {
			z[outer] = int64(bestOf(op.Arg, src))
		} else {
			bestOfColumns(op.Arg, z[outer*op.inner+first:][:min(argLanes, op.inner-first)], src[first:], op.inner)
		}
	}
}

// bestOf is the place of the best element of a row. What is not better, which
// nearly all are, takes one comparison, which NaN fails.
func bestOf[T number](a *Arg, row []T) int {
	best, at := row[0], 0
	switch {
	case a.Last:
		for i, v := range row {
			if a.replaces(v < best, v > best, v == best) || v != v {
				best, at = v, i
			}
		}
	case a.Min:
		for i, v := range row {
			if !(v >= best) && best == best {
				best, at = v, i
			}
		}
	default:
		for i, v := range row {
			if !(v <= best) && best == best {
				best, at = v, i
			}
		}
	}
	return at
}

// replaces says whether the last of the best so far is replaced by a number that
// is less, greater or equal.
func (a *Arg) replaces(less, greater, equal bool) bool {
	return equal || a.Min && less || !a.Min && greater
}

// bestOfColumns sets dst to the places of the best elements of columns, whose rows
// are stride apart in src.
func bestOfColumns[T number](a *Arg, dst []int64, src []T, stride int) {
	var all [argLanes]T
	best := all[:len(dst)]
	copy(best, src)
	clear(dst)
	for i := int64(1); len(src) > stride; i++ {
		src = src[stride:]
		row, at := src[:len(best)], dst[:len(best)]
		switch {
		case a.Last:
			for j, v := range row {
				if b := best[j]; a.replaces(v < b, v > b, v == b) || v != v {
					best[j], at[j] = v, i
				}
			}
		case a.Min:
			for j, v := range row {
				if b := best[j]; !(v >= b) && b == b {
					best[j], at[j] = v, i
				}
			}
		default:
			for j, v := range row {
				if b := best[j]; !(v <= b) && b == b {
					best[j], at[j] = v, i
				}
			}
		}
	}
}
