package kernels

import (
	"slices"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// CumulativeSum adds up the elements along Axis: result k of a row is the sum of
// its elements 0, …, k, or with Reverse of k, … to the last one. With Exclusive,
// element k is left out, so that the first sum is 0. Sums are one chain of
// additions in the order of the elements, each rounded; integers wrap around.
type CumulativeSum struct {
	Axis               int
	Exclusive, Reverse bool
}

func (*CumulativeSum) Op() string { return "CumulativeSum" }

func (*CumulativeSum) Order() Order { return ByAxis }

func (s *CumulativeSum) Permute(order []int) Spec {
	return &CumulativeSum{Axis: slices.Index(order, s.Axis), Exclusive: s.Exclusive, Reverse: s.Reverse}
}

func (s *CumulativeSum) Traits(in []tensor.Type, _ []Param) Traits {
	return Traits{MixesItems: s.Axis == 0, Extra: macs(in[0])}
}

func (s *CumulativeSum) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := ordered(s, in, params); err != nil {
		return nil, err
	}
	if in[0].Quantised() {
		return nil, errorf(s, "quantised elements cannot be summed")
	}
	if err := checkAxis(s, s.Axis, in[0].Shape); err != nil {
		return nil, err
	}
	return result(s, in[0], in[0].Shape...)
}

func (s *CumulativeSum) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := s.Infer(in, params); err != nil {
		return nil, err
	}
	op := &cumulativeOp{CumulativeSum: s, rows: newRows(in[0], s.Axis), add: t.binaryKernels[Add]}
	op.width = min(op.inner, max(taskSize/op.dim, columnsTogether))
	op.blocks = ceilDiv(op.inner, op.width)
	op.stacks = 1
	if op.blocks == 1 {
		op.stacks = max(1, taskSize/(op.dim*op.inner))
	}
	return op, nil
}

// columnsTogether is the least number of columns of a task: rows far apart are
// worth it only by the page.
const columnsTogether = 512

// cumulativeOp is a CumulativeSum. A task is up to width neighbouring columns, or
// all of them for some of the outer elements.
type cumulativeOp struct {
	scratchless
	*CumulativeSum
	rows
	width, blocks int // columns of a task, and tasks in inner
	stacks        int // outer elements of a task
	add           func(*asm.BinaryArgs)
}

func (op *cumulativeOp) Tasks(n int) int { return ceilDiv(n*op.outer, op.stacks) * op.blocks }

func (op *cumulativeOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	switch op.elem {
	case tensor.F32:
		runCumulative(op, floats(in[0]), floats(out[0]), n, lo, hi, func(z, y []float32, at, from, step, width, count int) {
			// The kernel adds row by row what it has just written.
			a := &w.binary
			a.XStep, a.YStep, a.N = 4, 4, width
			a.XRow, a.YRow, a.ZRow = 4*step, 4*step, 4*step
			a.Lo, a.Hi = Act{}.limits()
			most := max(taskSize/width, 1)
			for done := 0; done < count; done += most {
				a.X, a.Y, a.Z = &z[at+(done-1)*step], &y[from+done*step], &z[at+done*step]
				a.Rows = min(most, count-done)
				op.add(a)
			}
		})
	case tensor.U8:
		runCumulative(op, in[0], out[0], n, lo, hi, addRows)
	case tensor.I8:
		runCumulative(op, tensor.Slice[int8](in[0]), tensor.Slice[int8](out[0]), n, lo, hi, addRows)
	case tensor.I16:
		runCumulative(op, tensor.Slice[int16](in[0]), tensor.Slice[int16](out[0]), n, lo, hi, addRows)
	case tensor.I32:
		runCumulative(op, tensor.Slice[int32](in[0]), tensor.Slice[int32](out[0]), n, lo, hi, addRows)
	case tensor.I64:
		runCumulative(op, tensor.Slice[int64](in[0]), tensor.Slice[int64](out[0]), n, lo, hi, addRows)
	}
}

// A rowAdder makes count rows of z, the first at an index: each is the row
// before it, step elements away, plus one of y, from another index on.
type rowAdder[T number] func(z, y []T, at, from, step, width, count int)

// addRows is a rowAdder of any elements.
func addRows[T number](z, y []T, at, from, step, width, count int) {
	for range count {
		to, last, more := z[at:][:width], z[at-step:][:width], y[from:][:width]
		for i := range to {
			to[i] = last[i] + more[i]
		}
		at += step
		from += step
	}
}

func runCumulative[T number](op *cumulativeOp, x, z []T, n, lo, hi int, add rowAdder[T]) {
	size := op.dim * op.inner
	for task := lo; task < hi; task++ {
		from, first := task/op.blocks*op.stacks, task%op.blocks*op.width
		for i := from; i < min(from+op.stacks, n*op.outer); i++ {
			src, dst := x[i*size:][:size], z[i*size:][:size]
			if op.inner == 1 {
				cumulate(dst, src, op.Exclusive, op.Reverse)
				continue
			}
			width := min(op.width, op.inner-first)
			at, step := first, op.inner
			if op.Reverse {
				at, step = size-op.inner+first, -op.inner
			}
			next := at + step
			if op.Exclusive {
				clear(dst[at:][:width])
				next = at
			} else {
				copy(dst[at:][:width], src[at:])
			}
			if op.dim > 1 {
				add(dst, src, at+step, next, step, width, op.dim-1)
			}
		}
	}
}

// cumulate sums one row.
func cumulate[T number](z, x []T, exclusive, reverse bool) {
	at, step := 0, 1
	if reverse {
		at, step = len(x)-1, -1
	}
	var sum T
	if !exclusive {
		sum = x[at]
	}
	z[at] = sum
	for range len(x) - 1 {
		last := at
		at += step
		if exclusive {
			sum += x[last]
		} else {
			sum += x[at]
		}
		z[at] = sum
	}
}
