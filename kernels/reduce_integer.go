package kernels

import (
	"math"

	"github.com/infer-go/infer/tensor"
)

// takesIntegers says whether a kind makes an integer of integers. A mean is
// rounded towards zero.
func (k ReduceKind) takesIntegers() bool {
	return k <= ReduceL1 || k == ReduceSquares
}

// integerReduceOp is a Reduce of integers, which wrap around. A task is some
// results.
type integerReduceOp struct {
	scratchless
	kind          ReduceKind
	elem          tensor.Elem
	item          int // elements of an item of the operand
	kept, reduced nest
	row           loop // the innermost of the reduced loops
	results       int  // of an item
	count         int  // elements that become one
	perTask       int  // results
}

func newIntegerReduce(r *Reduce, x tensor.Type) *integerReduceOp {
	op := &integerReduceOp{kind: r.Kind, elem: x.Elem, item: x.Shape.Volume(), results: 1, count: 1}
	stride := x.Shape.Strides()
	reduced := make([]bool, len(x.Shape))
	for _, axis := range r.Axes {
		reduced[axis] = true
	}
	for i, d := range x.Shape {
		switch {
		case reduced[i]:
			op.count *= d
			op.reduced.add(d, stride[i], 0)
		default:
			op.results *= d
			op.kept.add(d, stride[i], 0)
		}
	}
	op.row = loop{size: 1}
	if n := len(op.reduced.size); n > 0 {
		op.row = op.reduced.remove(n - 1)
	}
	op.perTask = max(1, taskSize/op.count)
	return op
}

func (op *integerReduceOp) Tasks(n int) int { return ceilDiv(n*op.results, op.perTask) }

func (op *integerReduceOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := lo*op.perTask, min(hi*op.perTask, n*op.results)
	switch op.elem {
	case tensor.U8:
		reduceIntegers[uint8](op, in[0], out[0], from, to)
	case tensor.I8:
		reduceIntegers[int8](op, in[0], out[0], from, to)
	case tensor.I16:
		reduceIntegers[int16](op, in[0], out[0], from, to)
	case tensor.I32:
		reduceIntegers[int32](op, in[0], out[0], from, to)
	case tensor.I64:
		reduceIntegers[int64](op, in[0], out[0], from, to)
	}
}

// reduceIntegers makes results from … to of all items: neighbours together if
// their elements are.
func reduceIntegers[T integer](op *integerReduceOp, in, out []byte, from, to int) {
	x, z := tensor.Slice[T](in), tensor.Slice[T](out)
	var sums [4 * lanes]int64
	width := op.width()
	for i := from; i < to; {
		n := min(len(sums), width-i%op.results%width, to-i)
		first := op.kept.seek(i % op.results).offset[0] + i/op.results*op.item
		y := sums[:n]
		for k := range y {
			y[k] = op.kind.identity()
		}
		var c cursor
		for range op.reduced.count() {
			at := first + c.offset[0]
			switch {
			case width > 1:
				for range op.row.size {
					foldColumns(op.kind, y, x[at:])
					at += op.row.stride[0]
				}
			case op.row.stride[0] == 1:
				y[0] = foldElements(op.kind, y[0], x[at:][:op.row.size])
			default:
				for range op.row.size {
					y[0] = op.kind.foldIntegers(y[0], int64(x[at]))
					at += op.row.stride[0]
				}
			}
			op.reduced.next(&c)
		}
		for k, v := range y {
			if op.kind == ReduceMean {
				v = int64(T(v)) / int64(op.count)
			}
			z[i+k] = T(v)
		}
		i += n
	}
}

// width is how many results have elements that are neighbours.
func (op *integerReduceOp) width() int {
	if last := len(op.kept.size) - 1; last >= 0 && op.kept.stride[0][last] == 1 {
		return op.kept.size[last]
	}
	return 1
}

// foldColumns folds an element of a row into each number of y.
func foldColumns[T integer](k ReduceKind, y []int64, row []T) {
	row = row[:len(y)]
	switch k {
	case ReduceMean, ReduceSum:
		for i, v := range row {
			y[i] += int64(v)
		}
	case ReduceMax:
		for i, v := range row {
			y[i] = max(y[i], int64(v))
		}
	case ReduceMin:
		for i, v := range row {
			y[i] = min(y[i], int64(v))
		}
	default:
		for i, v := range row {
			y[i] = k.foldIntegers(y[i], int64(v))
		}
	}
}

// foldElements folds the elements of a row into y.
func foldElements[T integer](k ReduceKind, y int64, row []T) int64 {
	switch k {
	case ReduceMean, ReduceSum:
		var sums [4]int64
		for len(row) >= len(sums) {
			sums[0] += int64(row[0])
			sums[1] += int64(row[1])
			sums[2] += int64(row[2])
			sums[3] += int64(row[3])
			row = row[len(sums):]
		}
		y += sums[0] + sums[1] + sums[2] + sums[3]
		for _, v := range row {
			y += int64(v)
		}
	case ReduceMax:
		for _, v := range row {
			y = max(y, int64(v))
		}
	case ReduceMin:
		for _, v := range row {
			y = min(y, int64(v))
		}
	default:
		for _, v := range row {
			y = k.foldIntegers(y, int64(v))
		}
	}
	return y
}

// identity is what folding no integers yields.
func (k ReduceKind) identity() int64 {
	switch k {
	case ReduceMax:
		return math.MinInt64
	case ReduceMin:
		return math.MaxInt64
	case ReduceProduct:
		return 1
	}
	return 0
}

// foldIntegers folds another integer.
func (k ReduceKind) foldIntegers(y, x int64) int64 {
	switch k {
	case ReduceMax:
		return max(y, x)
	case ReduceMin:
		return min(y, x)
	case ReduceProduct:
		return y * x
	case ReduceL1:
		return y + max(x, -x)
	case ReduceSquares:
		return y + x*x
	}
	return y + x
}
