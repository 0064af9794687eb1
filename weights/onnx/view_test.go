package onnx

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// stored is the storage that a view describes: at each place the index of the
// element of the value that lies there.
func (v view) stored() []int {
	n, _ := tensor.Shape(v.factors).Elements()
	shape := permuted(v.factors, v.order)
	at, from := make([]int, len(shape)), make([]int, len(shape))
	out := make([]int, n)
	for i := range out {
		for j, f := range v.order {
			from[f] = at[j]
		}
		out[i] = flatIndex(from, v.factors)
		next(at, shape)
	}
	return out
}

// TestView compares what views say with the storage that they describe.
func TestView(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	sizes := []int{1, 1, 2, 2, 3, 4, 6}
	random := func(rank int) (dims, order []int) {
		for range rank {
			dims = append(dims, sizes[r.IntN(len(sizes))])
		}
		return dims, r.Perm(rank)
	}
	var merged, over, tails, moved, common int
	for range 3000 {
		dims, order := random(r.IntN(5))
		v := newView(0, dims, order)
		want := v.stored()
		c := v.canonical()
		if !slices.Equal(c.stored(), want) {
			t.Fatalf("%v in order %v: %+v is not %+v", dims, order, c, v)
		}
		if len(c.factors) < len(v.factors) {
			merged++
		}

		// The order over another shape of the same elements.
		other := slices.Clone(dims)
		if i := r.IntN(len(other) + 1); i+1 < len(other) {
			other[i] *= other[i+1]
			other = slices.Delete(other, i+1, i+2)
		} else {
			other = slices.Insert(other, i, 1)
		}
		if o, ok := v.orderOver(other); ok {
			over++
			if len(o) != len(other) || !slices.Equal(newView(0, other, o).stored(), want) {
				t.Fatalf("%v in order %v is not %v in order %v", dims, order, other, o)
			}
		}
		if o, ok := v.orderOver(dims); !ok || !slices.Equal(newView(0, dims, o).stored(), want) {
			t.Fatalf("%v in order %v: order over itself is %v", dims, order, o)
		}

		// Rows of the last dimensions.
		{
			n := tensor.Shape(dims[r.IntN(len(dims)+1):]).Volume()
			tail, ok := v.tailOrder(n)
			rows := true
			for i, e := range want {
				rows = rows && e/n == i/n
			}
			if ok != rows {
				t.Fatalf("%v in order %v: rows of %d: %v", dims, order, n, ok)
			}
			for i, e := range want {
				if ok && tail(i%n) != e%n {
					t.Fatalf("%v in order %v: element %d of a row is %d, not %d", dims, order, i%n, e%n, tail(i%n))
				}
			}
			if ok && !slices.IsSorted(want) {
				tails++
			}
		}

		// A transposition: element e of the value becomes element to[e].
		perm := r.Perm(len(dims))
		shape := permuted(dims, perm)
		to := make([]int, len(want))
		at, from := make([]int, len(dims)), make([]int, len(dims))
		for i := range to {
			for j, p := range perm {
				from[p] = at[j]
			}
			to[flatIndex(from, dims)] = i
			next(at, shape)
		}
		if p, ok := v.transposed(dims, perm); !ok {
			t.Fatalf("%v in order %v cannot be transposed by %v", dims, order, perm)
		} else {
			moved++
			for i, e := range p.stored() {
				if e != to[want[i]] {
					t.Fatalf("%v in order %v, transposed by %v, is %+v", dims, order, perm, p)
				}
			}
		}

		// Same order or not.
		w := newView(0, dims, r.Perm(len(dims)))
		if got := sameOrder(v, w); got != slices.Equal(want, w.stored()) {
			t.Fatalf("sameOrder(%+v, %+v) is %v", v, w, got)
		} else if got {
			common++
		}
	}
	if min(merged, over, tails, moved, common) < 20 {
		t.Errorf("too few cases: %d merged, %d over another shape, %d rows out of order, %d moved, %d in one order", merged, over, tails, moved, common)
	}
}

func TestCommonFactors(t *testing.T) {
	for _, c := range []struct {
		a, b, want []int
		ok         bool
	}{
		{[]int{6, 4}, []int{6, 2, 2}, []int{6, 2, 2}, true},
		{[]int{2, 12}, []int{8, 3}, []int{2, 4, 3}, true},
		{[]int{24}, []int{2, 3, 4}, []int{2, 3, 4}, true},
		{nil, nil, nil, true},
		{[]int{6, 4}, []int{8, 3}, nil, false},
	} {
		got, ok := commonFactors(c.a, c.b)
		if ok != c.ok || ok && !slices.Equal(got, c.want) {
			t.Errorf("commonFactors(%v, %v) = %v, %v", c.a, c.b, got, ok)
		}
	}
}
