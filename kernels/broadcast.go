package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// maxBroadcast is how many operands are broadcast to one another at most.
const maxBroadcast = 3

// A broadcastOp makes each element of its result, which is contiguous, of one
// element of each operand, by numpy's rule of broadcasting. It walks through
// the result row by row; along a row an operand moves on by 1, or stands still.
type broadcastOp struct {
	flat
	size    []int               // the loops around a row
	rows    int                 // of an item
	row     int                 // elements of one
	stride  [maxBroadcast][]int // of each operand along the loops, in bytes
	step    [maxBroadcast]int   // along a row, in elements
	bytes   [maxBroadcast]int   // of an element of each operand; 0 if there is none
	item    [maxBroadcast]int   // bytes of an item of it, 0 if it is constant
	param   [maxBroadcast][]byte
	from    [maxBroadcast]int // which In it is, if it is not constant
	result  int               // bytes of an element of the result
	compute rowFunc
}

// A rowFunc makes n elements of z from the operands x, of which operand i moves
// on by step[i] elements.
type rowFunc func(w *Workspace, z []byte, x *[maxBroadcast][]byte, step *[maxBroadcast]int, n int)

// laneOf is how many elements of a row of n a function takes at a time: as many
// as a lane has, if an operand needs one, or else so few that a call of a kernel
// is short.
func laneOf(n int, steps ...int) int {
	if slices.Contains(steps, 0) {
		return min(n, laneSize)
	}
	return min(n, taskSize)
}

// laneSize is the most elements of a lane whose operand stands still.
const laneSize = 128

// A lane gives the elements of an operand side by side, also where it stands
// still along a row: loops over them need neither steps nor checks.
type lane[T any] struct {
	x    []T
	same [laneSize]T
	step int
}

func newLane[T any](x []T, step, n int) (s lane[T]) {
	s.x, s.step = x, step
	if step == 0 {
		same := s.same[:min(n, laneSize)]
		for i := range same {
			same[i] = x[0]
		}
	}
	return s
}

// at is n elements from index lo of the row on.
func (s *lane[T]) at(lo, n int) []T {
	if s.step == 0 {
		return s.same[:n]
	}
	return s.x[lo:][:n]
}

// newBroadcastOp makes an op whose result is of the Type z. Operand i of the
// function is the constant params[0] if constant says so, and what follows is
// counted on from the next; else it is in[0], and so on.
func newBroadcastOp(z tensor.Type, in []tensor.Type, params []Param, constant []bool, f rowFunc) *broadcastOp {
	op := &broadcastOp{flat: flat{volume: z.Shape.Volume()}, result: z.Elem.Size(), compute: f}
	rank := len(z.Shape)
	var strides [maxBroadcast][]int
	next, nextParam := 0, 0
	for i, c := range constant {
		if c {
			p := params[nextParam]
			nextParam++
			op.bytes[i], op.param[i] = p.Elem.Size(), p.Data
			strides[i] = p.Shape.BroadcastStrides(rank)
			continue
		}
		t := in[next]
		op.from[i] = next
		next++
		op.bytes[i], op.item[i] = t.Elem.Size(), t.Bytes()
		strides[i] = t.Shape.BroadcastStrides(rank)
	}
	for d, n := range z.Shape {
		if n != 1 {
			op.add(n, d, &strides, len(constant))
		}
	}
	op.row, op.rows = 1, 1
	if last := len(op.size) - 1; last >= 0 {
		op.row = op.size[last]
		op.size = op.size[:last]
		for i := range constant {
			op.step[i] = op.stride[i][last]
			op.stride[i] = op.stride[i][:last]
			for d := range op.stride[i] {
				op.stride[i][d] *= op.bytes[i]
			}
		}
	}
	for _, n := range op.size {
		op.rows *= n
	}
	return op
}

// add puts a loop inside the others; it runs through the last one's steps where
// all operands let it.
func (op *broadcastOp) add(n, dim int, strides *[maxBroadcast][]int, operands int) {
	last := len(op.size) - 1
	join := last >= 0
	for i := range operands {
		join = join && op.stride[i][last] == n*strides[i][dim]
	}
	if join {
		op.size[last] *= n
	} else {
		op.size = append(op.size, n)
	}
	for i := range operands {
		if join {
			op.stride[i][last] = strides[i][dim]
		} else {
			op.stride[i] = append(op.stride[i], strides[i][dim])
		}
	}
}

func (op *broadcastOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	start, end := op.elements(n, lo, hi)
	for from := start; from < end; {
		row, col := from/op.row, from%op.row
		count := min(op.row-col, end-from)
		item, place := row/op.rows, row%op.rows
		var at [maxBroadcast]int
		for i := range at {
			at[i] = item*op.item[i] + col*op.step[i]*op.bytes[i]
		}
		for d := len(op.size) - 1; d >= 0 && place > 0; d-- {
			k := place % op.size[d]
			place /= op.size[d]
			for i := range at {
				if op.bytes[i] > 0 {
					at[i] += k * op.stride[i][d]
				}
			}
		}
		var x [maxBroadcast][]byte
		for i := range at {
			switch {
			case op.bytes[i] == 0:
			case op.param[i] != nil:
				x[i] = op.param[i][at[i]:]
			default:
				x[i] = in[op.from[i]][at[i]:]
			}
		}
		op.compute(w, out[0][from*op.result:][:count*op.result], &x, &op.step, count)
		from += count
	}
}

// An integer is the Go type of an element type of integers.
type integer interface {
	uint8 | int8 | int16 | int32 | int64
}

// A number is the Go type of an element type with an order.
type number interface {
	float32 | integer
}
