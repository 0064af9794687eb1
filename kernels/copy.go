package kernels

import (
	"slices"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// squareSide is the side of the squares in which a matrix is transposed: a cache
// line of elements, so that each line of both sides is used up while it is in
// the nearest cache.
const squareSide = lanes

// A copyOp only moves elements, of any type: it is Concat, Slice, Split,
// Padding, Transpose and Reshape. Its moves write disjoint parts of the results.
type copyOp struct {
	scratchless
	size  int // bytes of an element
	moves []move
	fill  []byte // the one element that a move of operand fillOperand spreads

	// transpose is the kernel for planes of four-byte elements that are
	// transposed.
	transpose func(*asm.TransposeArgs)
}

// fillOperand stands for the operand of a move that copies copyOp.fill.
const fillOperand = -1

// A move copies a box of elements of one operand to a box of one result, item
// by item. The loops around a plane of two dimensions are separate, because
// the plane is copied in tiles.
type move struct {
	in, out   int    // which operand, which result
	item      [2]int // elements of an item of operand and result
	from      [2]int // the box's first element in operand and result
	outer     nest
	row, col  loop // col is the inner one
	taskRows  int  // rows of a plane in a task
	rowTasks  int  // tasks in a plane
	itemTasks int  // tasks in an item
}

// newMove makes a move of the box with these loops, whose stride[0] is the
// operand's and stride[1] the result's.
func newMove(in, out int, item, from [2]int, l nest) move {
	m := move{in: in, out: out, item: item, from: from, row: loop{size: 1}, col: loop{size: 1}}
	if last := len(l.size) - 1; last >= 0 {
		m.col = l.remove(last)
	}
	if last := len(l.size) - 1; last >= 0 {
		row := last
		if !m.whole() {
			row = l.closest(last)
		}
		m.row = l.remove(row)
	}
	m.outer = l
	m.taskRows = max(taskSize/m.col.size, 1)
	if !m.whole() {
		// Within a square the order does not matter, so that the longer side can
		// be the one that is cut into tasks.
		if m.row.size < m.col.size {
			m.row, m.col = m.col, m.row
		}
		m.taskRows = ceilDiv(max(taskSize/m.col.size, 1), squareSide) * squareSide
	}
	m.rowTasks = ceilDiv(m.row.size, m.taskRows)
	m.itemTasks = m.outer.count() * m.rowTasks
	return m
}

// closest is the loop that shares a plane with the innermost one: that along
// which the operand is contiguous, or, if it is so short that the loops around
// it would take longer than it, the one of the least stride that is not.
func (l *nest) closest(otherwise int) int {
	best := slices.Index(l.stride[0], 1)
	if best >= 0 && l.size[best] >= squareSide/2 {
		return best
	}
	for i, n := range l.size {
		if n >= squareSide/2 && l.stride[0][i] > 0 && (best < 0 || l.size[best] < squareSide/2 || l.stride[0][i] < l.stride[0][best]) {
			best = i
		}
	}
	if best < 0 {
		return otherwise
	}
	return best
}

// transposes says that a plane's rows become columns, contiguous in both.
func (m *move) transposes() bool {
	return m.row.stride[0] == 1 && m.col.stride[1] == 1 || m.col.stride[0] == 1 && m.row.stride[1] == 1
}

// contiguous says that whole rows are copied.
func (m *move) contiguous() bool { return m.col.stride == [2]int{1, 1} }

// spreads says that rows are filled with an element each.
func (m *move) spreads() bool { return m.col.stride == [2]int{0, 1} }

// whole says that rows are written as a whole.
func (m *move) whole() bool { return m.contiguous() || m.spreads() }

func (op *copyOp) Tasks(n int) int {
	sum := 0
	for i := range op.moves {
		sum += n * op.moves[i].itemTasks
	}
	return sum
}

func (op *copyOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	if op.transpose != nil {
		op.runTranspose(w, floats(in[0]), floats(out[0]), lo, hi)
		return
	}
	switch op.size {
	case 1:
		runMoves[uint8](op, in, out, n, lo, hi)
	case 2:
		runMoves[uint16](op, in, out, n, lo, hi)
	case 4:
		runMoves[uint32](op, in, out, n, lo, hi)
	case 8:
		runMoves[uint64](op, in, out, n, lo, hi)
	}
}

// A word is an element that is only moved, whatever it means.
type word interface {
	uint8 | uint16 | uint32 | uint64
}

func runMoves[T word](op *copyOp, in, out [][]byte, n, lo, hi int) {
	for i := range op.moves {
		m := &op.moves[i]
		tasks := n * m.itemTasks
		if lo < tasks {
			src := op.fill
			if m.in != fillOperand {
				src = in[m.in]
			}
			runMove(m, tensor.Slice[T](src), tensor.Slice[T](out[m.out]), lo, min(hi, tasks))
		}
		lo, hi = max(lo-tasks, 0), hi-tasks
		if hi <= 0 {
			return
		}
	}
}

func runMove[T word](m *move, src, dst []T, lo, hi int) {
	m.eachPlane(lo, hi, func(s, d, rows int) { movePlane(m, src, dst, s, d, rows) })
}

// runTranspose is runMove for the only move of op.
func (op *copyOp) runTranspose(w *Workspace, src, dst []float32, lo, hi int) {
	m, a := &op.moves[0], &w.transpose
	m.eachPlane(lo, hi, func(s, d, rows int) {
		// The matrix has the rows of the operand.
		height, width, row, col := rows, m.col.size, m.row.stride, m.col.stride
		if col[0] != 1 {
			height, width, row, col = width, height, col, row
		}
		a.XRow, a.YRow, a.Rows = 4*row[0], 4*col[1], height
		most := max(squareSide, callCycles/height)
		if height > width {
			// Few planes at a time, whose lines are then written whole: planes that
			// stand a power of two apart drive each other out of the cache.
			most = squareSide / 2
		}
		for done := 0; done < width; done += most {
			a.X, a.Y, a.Cols = &src[s+done], &dst[d+done*col[1]], min(most, width-done)
			op.transpose(a)
		}
	})
}

// eachPlane calls f for each task's plane: the places of its first element in
// operand and result, and its rows.
func (m *move) eachPlane(lo, hi int, f func(s, d, rows int)) {
	item, task := lo/m.itemTasks, lo%m.itemTasks
	part := task % m.rowTasks
	c := m.outer.seek(task / m.rowTasks)
	for range hi - lo {
		first := part * m.taskRows
		s := item*m.item[0] + m.from[0] + c.offset[0] + first*m.row.stride[0]
		d := item*m.item[1] + m.from[1] + c.offset[1] + first*m.row.stride[1]
		f(s, d, min(m.taskRows, m.row.size-first))
		if part++; part == m.rowTasks {
			part = 0
			m.outer.next(&c)
		}
		if task++; task == m.itemTasks {
			task = 0
			item++
		}
	}
}

// movePlane copies rows of the plane whose first element is src[s] and dst[d].
func movePlane[T word](m *move, src, dst []T, s, d, rows int) {
	if m.contiguous() {
		for range rows {
			copy(dst[d:d+m.col.size], src[s:s+m.col.size])
			s += m.row.stride[0]
			d += m.row.stride[1]
		}
		return
	}
	if m.spreads() {
		for range rows {
			fill(dst[d:d+m.col.size], src[s])
			s += m.row.stride[0]
			d += m.row.stride[1]
		}
		return
	}
	for i := 0; i < rows; i += squareSide {
		for j := 0; j < m.col.size; j += squareSide {
			moveSquare(m, src, dst,
				s+i*m.row.stride[0]+j*m.col.stride[0],
				d+i*m.row.stride[1]+j*m.col.stride[1],
				min(squareSide, rows-i), min(squareSide, m.col.size-j))
		}
	}
}

// fill sets all of x to an element: what is filled is copied behind itself, from
// the nearest cache.
func fill[T word](x []T, v T) {
	const loop, most = 16, 2048
	n := min(len(x), loop)
	for i := range x[:n] {
		x[i] = v
	}
	for n < len(x) {
		n += copy(x[n:], x[:min(n, most)])
	}
}

// moveSquare copies a square of a plane whose rows are not contiguous in both.
func moveSquare[T word](m *move, src, dst []T, s, d, height, width int) {
	row, col := m.row.stride, m.col.stride
	if height == squareSide && width == squareSide {
		switch {
		case row[0] == 1 && col[1] == 1:
			transposeSquare(dst[d:], src[s:], row[1], col[0])
			return
		case col[0] == 1 && row[1] == 1:
			transposeSquare(dst[d:], src[s:], col[1], row[0])
			return
		}
	}
	if width < height {
		height, width, row, col = width, height, col, row
	}
	for y := range height {
		s, d := s+y*row[0], d+y*row[1]
		for range width {
			dst[d] = src[s]
			s += col[0]
			d += col[1]
		}
	}
}

// transposeSquare transposes a square whose rows start srcStride apart in src to
// one whose rows start dstStride apart in dst. Each cache line of either is
// touched once, by way of a copy: strides of a power of two would otherwise
// have the lines drive each other out of the cache.
func transposeSquare[T word](dst, src []T, dstStride, srcStride int) {
	var copied [squareSide * squareSide]T
	for i := range squareSide {
		copy(copied[i*squareSide:][:squareSide], src[i*srcStride:][:squareSide])
	}
	for j := range squareSide {
		row := dst[j*dstStride:][:squareSide]
		for i := range row {
			row[i] = copied[i*squareSide+j]
		}
	}
}
