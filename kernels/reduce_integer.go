package kernels

import "github.com/infer-go/infer/tensor"

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
	results       int // of an item
	count         int // elements that become one
	perTask       int // results
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
		at := op.kept.seek(i % op.results)
		first := x[i/op.results*op.item+at.offset[0]:]
		var c cursor
		y := op.kind.term(int64(first[0]))
		for range op.count - 1 {
			op.reduced.next(&c)
			y = op.kind.foldIntegers(y, op.kind.term(int64(first[c.offset[0]])))
		}
		if op.kind == ReduceMean {
			y = int64(T(y)) / int64(op.count)
		}
		z[i] = T(y)
	}
}

// term is what of an integer is folded.
func (k ReduceKind) term(x int64) int64 {
	switch k {
	case ReduceL1:
		return max(x, -x)
	case ReduceSquares:
		return x * x
	}
	return x
}

// foldIntegers makes one integer of two.
func (k ReduceKind) foldIntegers(a, b int64) int64 {
	switch k {
	case ReduceMax:
		return max(a, b)
	case ReduceMin:
		return min(a, b)
	case ReduceProduct:
		return a * b
	}
	return a + b
}
