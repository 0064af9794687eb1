package kernels

import (
	"math/bits"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// TopK takes the K largest elements along Axis in descending order, or with
// Smallest the smallest in ascending order. The second result, int64, is their
// places. Equal elements keep their order. NaN ranks above every number.
type TopK struct {
	Axis, K  int
	Smallest bool
}

func (*TopK) Op() string { return "TopK" }

func (*TopK) Order() Order { return ByAxis }

func (*TopK) Results() int { return 2 }

func (k *TopK) Permute(order []int) Spec {
	return &TopK{Axis: slices.Index(order, k.Axis), K: k.K, Smallest: k.Smallest}
}

func (k *TopK) Traits(in []tensor.Type, _ []Param) Traits {
	return Traits{MixesItems: k.Axis == 0, Extra: macs(in[0], 4*bits.Len(uint(k.K)))}
}

func (k *TopK) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := ordered(k, in, params); err != nil {
		return nil, err
	}
	x := in[0].Shape
	if err := checkAxis(k, k.Axis, x); err != nil {
		return nil, err
	}
	if k.K < 1 || k.K > x[k.Axis] {
		return nil, errorf(k, "%d elements of dimension %d of shape %s", k.K, k.Axis, x)
	}
	out := slices.Clone(x)
	out[k.Axis] = k.K
	return []tensor.Type{in[0].Of(out...), {Elem: tensor.I64, Shape: slices.Clone(out)}}, nil
}

func (k *TopK) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := k.Infer(in, params); err != nil {
		return nil, err
	}
	return &topOp{k, newRows(in[0], k.Axis)}, nil
}

// topOp is a TopK. A task is one row; its scratch is a heap of the K best places
// so far, the worst of them first.
type topOp struct {
	*TopK
	rows
}

func (op *topOp) Scratch() int { return 4 * op.K }

func (op *topOp) Tasks(n int) int { return n * op.outer * op.inner }

func (op *topOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	heap := tensor.Slice[int32](w.Scratch)[:op.K]
	switch op.elem {
	case tensor.F32:
		runTop[float32](op, heap, in[0], out, lo, hi)
	case tensor.U8:
		runTop[uint8](op, heap, in[0], out, lo, hi)
	case tensor.I8:
		runTop[int8](op, heap, in[0], out, lo, hi)
	case tensor.I16:
		runTop[int16](op, heap, in[0], out, lo, hi)
	case tensor.I32:
		runTop[int32](op, heap, in[0], out, lo, hi)
	case tensor.I64:
		runTop[int64](op, heap, in[0], out, lo, hi)
	}
}

func runTop[T number](op *topOp, heap []int32, in []byte, out [][]byte, lo, hi int) {
	x, values, places := tensor.Slice[T](in), tensor.Slice[T](out[0]), tensor.Slice[int64](out[1])
	for task := lo; task < hi; task++ {
		outer, inner := task/op.inner, task%op.inner
		s := ranking[T]{x[outer*op.dim*op.inner+inner:], op.inner, op.Smallest}
		for i := range heap {
			heap[i] = int32(i)
		}
		for i := op.K/2 - 1; i >= 0; i-- {
			s.sink(heap, i)
		}
		for i := s.better(heap[0], op.K, op.dim); i < op.dim; i = s.better(heap[0], i+1, op.dim) {
			heap[0] = int32(i)
			s.sink(heap, 0)
		}
		// The worst one goes to the end of what is left.
		for n := op.K - 1; n >= 0; n-- {
			worst := heap[0]
			heap[0] = heap[n]
			s.sink(heap[:n], 0)
			to := (outer*op.K+n)*op.inner + inner
			values[to], places[to] = s.x[int(worst)*op.inner], int64(worst)
		}
	}
}

// A ranking is the elements of a row, which are step apart.
type ranking[T number] struct {
	x        []T
	step     int
	smallest bool
}

// before says that place i comes before place j in the result.
func (s *ranking[T]) before(i, j int32) bool {
	a, b := s.x[int(i)*s.step], s.x[int(j)*s.step]
	if s.smallest {
		a, b = b, a
	}
	switch {
	case a > b || a != a && b == b:
		return true
	case a < b || b != b && a == a:
		return false
	}
	return i < j
}

// better is the first place from i on, or n, that comes before a worst one, which
// lies before i: so an equal element does not. Nearly all elements take one
// comparison, which NaN fails.
func (s *ranking[T]) better(worst int32, i, n int) int {
	limit := s.x[int(worst)*s.step]
	if s.smallest {
		for at := i * s.step; i < n; i, at = i+1, at+s.step {
			if !(s.x[at] >= limit) && s.before(int32(i), worst) {
				return i
			}
		}
		return n
	}
	if s.step == 1 { // no multiple to check
		for k, v := range s.x[i:n] {
			if !(v <= limit) && s.before(int32(i+k), worst) {
				return i + k
			}
		}
		return n
	}
	for at := i * s.step; i < n; i, at = i+1, at+s.step {
		if !(s.x[at] <= limit) && s.before(int32(i), worst) {
			return i
		}
	}
	return n
}

// sink moves element i of a heap down to where it belongs.
func (s *ranking[T]) sink(heap []int32, i int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && s.before(heap[child], heap[child+1]) {
			child++
		}
		if !s.before(heap[i], heap[child]) {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}
