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

// reduceIntegers makes results from … to of all items.
func reduceIntegers[T integer](op *integerReduceOp, in, out []byte, from, to int) {
	x, z := tensor.Slice[T](in), tensor.Slice[T](out)
	for i := from; i < to; i++ {
		first := op.kept.seek(i % op.results).offset[0] + i/op.results*op.item
		y := op.kind.identity()
		var c cursor
		for range op.reduced.count() {
			at := first + c.offset[0]
			for range op.row.size {
				y = op.kind.foldIntegers(y, int64(x[at]))
				at += op.row.stride[0]
			}
			op.reduced.next(&c)
		}
		if op.kind == ReduceMean {
			y = int64(T(y)) / int64(op.count)
		}
		z[i] = T(y)
	}
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
