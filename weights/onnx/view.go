package onnx

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// A view says how a value lies in the storage of one of the net's values. The
// value is a row-major tensor over factors, finer than its shape or coarser;
// storage holds it with the factors in another order. A map of 32 channels of
// 7×7 stored channels-last has the factors 32, 7, 7 in the order 1, 2, 0. So a
// transposition is a change of view, and so is a reshape: nothing moves until
// an operation wants another order.
//
// A view speaks of one item, since items always lie one after the other. Factors
// of 1, such as the batch, are left out.
type view struct {
	id      int   // a value of the net
	factors []int // row-major over the value
	order   []int // storage is row-major over factors[order[0]], factors[order[1]], …
}

// newView makes a view of dims stored in an order.
func newView(id int, dims, order []int) view {
	v := view{id: id}
	rank := make([]int, len(dims)) // of each dimension among those that are not 1
	for i, d := range dims {
		rank[i] = len(v.factors)
		if d != 1 {
			v.factors = append(v.factors, d)
		}
	}
	for _, i := range order {
		if dims[i] != 1 {
			v.order = append(v.order, rank[i])
		}
	}
	return v
}

// identity is the order in which n dimensions stand in a row-major tensor.
func identity(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

// canonical merges factors that follow each other in storage as they do in the
// value.
func (v view) canonical() view {
	follows := make([]bool, len(v.factors)) // factor i comes right after i−1
	for i := 1; i < len(v.order); i++ {
		if v.order[i] == v.order[i-1]+1 {
			follows[v.order[i]] = true
		}
	}
	c := view{id: v.id}
	merged := make([]int, len(v.factors))
	for i, f := range v.factors {
		if follows[i] {
			c.factors[len(c.factors)-1] *= f
		} else {
			c.factors = append(c.factors, f)
		}
		merged[i] = len(c.factors) - 1
	}
	for _, i := range v.order {
		if !follows[i] {
			c.order = append(c.order, merged[i])
		}
	}
	return c
}

// commonFactors returns the coarsest factors of which both a and b are
// products; false if there are none, as for 8·3 and 6·4.
func commonFactors(a, b []int) ([]int, bool) {
	a, b = slices.Clone(a), slices.Clone(b)
	var common []int
	for len(a) > 0 && len(b) > 0 {
		x, y := &a[len(a)-1], &b[len(b)-1]
		f := min(*x, *y)
		if *x%f != 0 || *y%f != 0 {
			return nil, false
		}
		common = append(common, f)
		if *x /= f; *x == 1 {
			a = a[:len(a)-1]
		}
		if *y /= f; *y == 1 {
			b = b[:len(b)-1]
		}
	}
	slices.Reverse(common)
	return common, len(a) == 0 && len(b) == 0
}

// split expresses a view by finer factors.
func (v view) split(factors []int) view {
	first := make([]int, len(v.factors)+1) // where the parts of each factor start
	at := 0
	for i, f := range v.factors {
		first[i] = at
		for product := 1; product < f; at++ {
			product *= factors[at]
		}
	}
	first[len(v.factors)] = at
	s := view{id: v.id, factors: factors}
	for _, i := range v.order {
		for part := first[i]; part < first[i+1]; part++ {
			s.order = append(s.order, part)
		}
	}
	return s
}

// aligned expresses two views of a value by the same factors, if there are any.
func aligned(a, b view) (view, view, bool) {
	common, ok := commonFactors(a.factors, b.factors)
	if !ok {
		return a, b, false
	}
	return a.split(common), b.split(common), true
}

// sameOrder says whether two views of a value have it in the same order.
func sameOrder(a, b view) bool {
	a, b, ok := aligned(a.canonical(), b.canonical())
	return ok && slices.Equal(a.order, b.order)
}

// orderOver returns the order of dims in which the view has the value, if each
// dimension lies in one piece.
func (v view) orderOver(dims []int) ([]int, bool) {
	_, s, ok := aligned(newView(0, dims, identity(len(dims))), v.canonical())
	if !ok {
		return nil, false
	}
	// The parts of each dimension are to follow each other in storage.
	var order []int
	part, at := make([]int, len(dims)+1), 0
	for i, d := range dims {
		part[i] = at
		for product := 1; product < d; at++ {
			product *= s.factors[at]
		}
	}
	part[len(dims)] = at
	for p := 0; p < len(s.order); {
		d := slices.IndexFunc(identity(len(dims)), func(i int) bool { return part[i] == s.order[p] && part[i+1] > part[i] })
		if d < 0 {
			return nil, false
		}
		for f := part[d]; f < part[d+1]; f++ {
			if p >= len(s.order) || s.order[p] != f {
				return nil, false
			}
			p++
		}
		order = append(order, d)
	}
	// Dimensions of 1 stand behind the one that they follow in the value.
	for i, d := range dims {
		if d == 1 {
			order = slices.Insert(order, slices.Index(order, i-1)+1, i)
		}
	}
	return order, true
}

// tailOrder returns the order in which the last n elements of the value lie in
// each row of storage: element k of a stored row is element tail(k) of the
// value's. False says that the value does not lie row by row.
func (v view) tailOrder(n int) (tail func(k int) int, ok bool) {
	total, _ := tensor.Shape(v.factors).Elements()
	rows := newView(0, []int{total / n, n}, []int{0, 1})
	_, s, ok := aligned(rows, v.canonical())
	if !ok {
		return nil, false
	}
	lead := 0
	for product := 1; product < total/n; lead++ {
		product *= s.factors[lead]
	}
	for p := range lead {
		if s.order[p] != p {
			return nil, false
		}
	}
	order, factors := s.order[lead:], s.factors[lead:]
	stride := make([]int, len(factors)) // of each factor in the value
	for i, step := len(factors)-1, 1; i >= 0; i-- {
		stride[i] = step
		step *= factors[i]
	}
	return func(k int) int {
		at := 0
		for _, f := range slices.Backward(order) {
			f -= lead
			at += k % factors[f] * stride[f]
			k /= factors[f]
		}
		return at
	}, true
}

// transposed is the view of a value whose dimensions, dims, are permuted. False
// says that the view does not keep dims apart.
func (v view) transposed(dims, perm []int) (view, bool) {
	common, ok := commonFactors(v.canonical().factors, newView(0, dims, identity(len(dims))).factors)
	if !ok {
		return view{}, false
	}
	s := v.canonical().split(common)
	t := view{id: v.id}
	renamed := make([]int, len(s.factors))
	for _, d := range perm {
		at := 0
		for i := 0; i <= d; i++ {
			for product := 1; product < dims[i]; at++ {
				if i == d {
					renamed[at] = len(t.factors)
					t.factors = append(t.factors, s.factors[at])
				}
				product *= s.factors[at]
			}
		}
	}
	for _, f := range s.order {
		t.order = append(t.order, renamed[f])
	}
	return t, true
}
