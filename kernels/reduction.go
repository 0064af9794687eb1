package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// A reduction is how an operand is folded over some of its dimensions. Where
// the dimensions that are folded come last, each place that is kept is a row of
// the operand. Else neighbours along the last dimensions are columns that are
// folded side by side; if of these again the last are to be folded, run
// neighbouring columns become one in the end: so it is with the channels of a
// group, in a map with its channels last.
type reduction struct {
	*Tier
	item          int  // elements of an item of the operand
	byRow         bool // whole rows of size elements are folded
	size          int
	kept, reduced nest // but for the columns; stride[0] is the operand's, stride[1] the params'
	row           loop // the innermost of the reduced loops, which a kernel goes through
	width         int  // columns
	run           int
	block, blocks int // columns of a task, tasks in width
	count         int // elements that become one
}

// columnBlock is about how many columns a task folds: two cache lines of them.
const columnBlock = 2 * lanes

// rowsOfTask is the most whole rows that a task folds.
const rowsOfTask = 64

// callElements is how many elements a call of a kernel that folds or normalises
// takes: about 20 µs where they come from memory.
const callElements = 1 << 16

// newReduction is that over the axes of a shape. paramStride are the strides of
// the param's dimensions, nil if there is none.
func newReduction(t *Tier, x tensor.Shape, axes, paramStride []int) reduction {
	r := reduction{Tier: t, item: x.Volume(), size: 1, width: 1, run: 1, count: 1}
	if paramStride == nil {
		paramStride = make([]int, len(x))
	}
	stride := x.Strides()
	isReduced := func(i int) bool { return slices.Contains(axes, i) }
	last := len(x) // the dimensions from here on are columns, or the row
	take := func(reduced bool) (n int) {
		n = 1
		for ; last > 0 && (x[last-1] == 1 || isReduced(last-1) == reduced); last-- {
			n *= x[last-1]
		}
		return n
	}
	for i, d := range x {
		if isReduced(i) {
			r.count *= d
		}
	}
	r.run = take(true)
	if r.run == r.count {
		r.byRow, r.size, r.run = true, r.count, 1
	} else {
		r.width = take(false) * r.run
	}
	for i, d := range x[:last] {
		switch {
		case d == 1:
		case isReduced(i):
			r.reduced.add(d, stride[i], paramStride[i])
		default:
			r.kept.add(d, stride[i], paramStride[i])
		}
	}
	r.row = loop{size: 1}
	if n := len(r.reduced.size); n > 0 {
		r.row = r.reduced.remove(n - 1)
	}
	r.block = min(r.width, ceilDiv(columnBlock, r.run)*r.run)
	r.blocks = ceilDiv(r.width, r.block)
	return r
}

// rowsPerTask is how many whole rows are a task.
func (r *reduction) rowsPerTask() int { return min(max(taskSize/r.size, 1), rowsOfTask) }

func (r *reduction) Tasks(n int) int {
	if r.byRow {
		return ceilDiv(n*r.kept.count(), r.rowsPerTask())
	}
	return n * r.kept.count() * r.blocks
}

// sums is how many numbers a task folds into, with what kernels want beyond
// them.
func (r *reduction) sums() int {
	if r.byRow {
		return r.rowsPerTask()
	}
	return ceilDiv(r.block, lanes) * lanes
}

// A part is what a task folds: columns from column first on of one place.
type part struct {
	src     int // the first element
	params  int // where its params stand
	place   int // of all items
	first   int
	columns int
}

// part is that of a task.
func (r *reduction) part(task int) part {
	place := task / r.blocks
	p := part{place: place, first: task % r.blocks * r.block}
	p.columns = min(r.block, r.width-p.first)
	kept := r.kept.count()
	c := r.kept.seek(place % kept)
	p.src = place/kept*r.item + c.offset[0] + p.first
	p.params = c.offset[1]
	return p
}

// foldRows folds rows whole rows that begin at x.
func (r *reduction) foldRows(w *Workspace, f folding, x []float32, rows int, centres, sums []float64) {
	a := &w.reduce
	a.XRow = 4 * r.size
	a.C = nil
	if r.size <= callElements {
		if f == foldSquares {
			a.C = &centres[0]
		}
		a.X, a.Y, a.Rows, a.N = &x[0], &sums[0], rows, r.size
		r.reduceRowsKernels[f](a)
		return
	}
	for i := range rows {
		sum := f.identity()
		if f == foldSquares {
			a.C = &centres[i]
		}
		for from := 0; from < r.size; from += callElements {
			a.X, a.Y, a.Rows, a.N = &x[i*r.size+from], &sums[i], 1, min(callElements, r.size-from)
			r.reduceRowsKernels[f](a)
			sum = f.fold(sum, sums[i])
		}
		sums[i] = sum
	}
}

// foldColumns folds columns columns, of which the first begins at x.
func (r *reduction) foldColumns(w *Workspace, f folding, x []float32, columns int, centres, sums []float64) {
	for i := range sums {
		sums[i] = f.identity()
	}
	a := &w.reduce
	a.Y, a.C, a.XRow, a.N = &sums[0], nil, 4*r.row.stride[0], columns
	if f == foldSquares {
		a.C = &centres[0]
	}
	var c cursor
	for range r.reduced.count() {
		for from := 0; from < r.row.size; from += a.Rows {
			a.Rows = min(r.row.size-from, max(1, callElements/columns))
			a.X = &x[c.offset[0]+from*r.row.stride[0]]
			r.reduceColumnsKernels[f](a)
		}
		r.reduced.next(&c)
	}
	if r.run == 1 {
		return
	}
	for from := 0; from < columns; from += r.run {
		group := sums[from : from+r.run]
		sum := group[0]
		for _, s := range group[1:] {
			sum = f.fold(sum, s)
		}
		for i := range group {
			group[i] = sum
		}
	}
}
