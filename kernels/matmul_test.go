package kernels

import (
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestMatMul multiplies stacks of matrices in any order that is accepted.
func TestMatMul(t *testing.T) {
	g := newGenerator(30)
	for _, g.special = range []bool{false, true} {
		for i := range 250 {
			lead := g.shape(g.between(0, 3), 3)
			m, k, n := g.between(1, 20), g.between(1, 40), g.between(1, 40)
			switch {
			case i%40 == 0:
				m, n = g.between(90, 400), 17
			case i%5 == 0: // whole groups of panels for a few rows
				m, n = g.between(1, fewRows+1), g.between(wide*NR-1, 3*wide*NR)
			}
			a, b := append(g.repeatable(lead), m, k), append(g.repeatable(lead), k, n)
			spec := &MatMul{Scale: []float32{0, 1, 0.5}[g.IntN(3)]}
			if g.special && spec.Scale == 0.5 {
				spec.Scale = 2 // half of the least denormal is nothing, times infinity
			}
			if g.IntN(2) == 0 {
				spec.Left = g.orderEnding(len(a), len(a)-1)
				spec.Right = g.orderEnding(len(b), len(b)-1-g.IntN(2))
				rank := max(len(a), len(b))
				spec.Result = g.orderEnding(rank, rank-1)
			}
			matMulTrial(spec, a, b, nil).run(t, g)
		}
	}
}

// orderEnding is an order of dimensions of which one is the last.
func (g generator) orderEnding(rank, last int) []int {
	order := slices.DeleteFunc(g.Perm(rank), func(d int) bool { return d == last })
	return append(order, last)
}

// TestMatMulDeep has sums, rows and columns of more than a task packs at a time.
func TestMatMulDeep(t *testing.T) {
	g := newGenerator(34)
	for _, c := range []struct{ m, k, n int }{
		{7, depthOfProduct + 5, 33}, {2, 2*depthOfProduct + 1, 1}, {rowsOfProduct + 3, 256, 40}, {3, 1024, 100},
		{1, 2*depthOfProduct + 3, 130}, {fewRows, 1024, 64},
	} {
		for _, right := range [][]int{nil, {1, 0}} {
			for _, scale := range []float32{1, 0.125} {
				matMulTrial(&MatMul{Right: right, Scale: scale}, []int{c.m, c.k}, []int{c.k, c.n}, nil).run(t, g)
			}
		}
	}
}

// TestMatMulStack multiplies by constant matrices.
func TestMatMulStack(t *testing.T) {
	g := newGenerator(35)
	for i := range 200 {
		lead := g.shape(g.between(0, 3), 3)
		m, k, n := g.between(1, 20), g.between(1, 40), g.between(1, 40)
		switch {
		case i == 0:
			k = depthOfProduct + 3
		case i%5 == 0:
			m, n = g.between(1, fewRows+1), g.between(wide*NR-1, 3*wide*NR)
		}
		stack := g.repeatable(lead)
		matrices := g.floats(tensor.Shape(stack).Volume() * k * n)
		elem := tensor.F32
		if i%3 == 1 {
			elem = tensor.F16
			for j, x := range matrices {
				matrices[j] = tensor.Float32(tensor.Float16(x))
			}
		}
		p := PanelsParam(Panels{Elem: elem, Groups: tensor.Shape(stack).Volume(), K: k, N: n},
			func(g, i, j int) float32 { return matrices[(g*k+i)*n+j] }, func(int, int) float32 { return 0 })
		spec := &MatMul{Stack: stack, Scale: []float32{0, -2}[g.IntN(2)]}
		b := arrayOf(append(slices.Clone(stack), k, n), matrices)
		tr := matMulTrial(spec, append(g.repeatable(lead), m, k), b.shape, &b)
		tr.params = []Param{p}
		tr.run(t, g)
	}
}

// matMulTrial multiplies matrices of these shapes; the second operand may be
// constant.
func matMulTrial(spec *MatMul, a, b []int, constant *array) trial {
	stored := func(shape, order []int) []int {
		if len(order) == 0 {
			return shape
		}
		return permuted(shape, order)
	}
	bounds := &array{}
	tr := trial{spec: spec, in: [][]int{stored(a, spec.Left)}, bounds: bounds}
	if constant == nil {
		tr.in = append(tr.in, stored(b, spec.Right))
	}
	tr.ref = func(in, out []array) {
		x, y := logical(in[0], spec.Left), array{}
		if constant != nil {
			y = *constant
		} else {
			y = logical(in[1], spec.Right)
		}
		scale := float64(spec.Scale)
		if scale == 0 {
			scale = 1
		}
		*bounds = newArray(out[0].shape...)
		order := spec.Result
		if len(order) == 0 {
			order = make([]int, len(out[0].shape))
			for i := range order {
				order[i] = i
			}
		}
		k := a[len(a)-1]
		for place := range out[0].indices() {
			index := make([]int, len(place))
			for i, d := range order {
				index[d] = place[i]
			}
			rank := len(index)
			sum, size := 0.0, 0.0
			for i := range k {
				// Broadcasting repeats a matrix, of which only the row and the
				// column in question are looked at.
				a, b := slices.Clone(index), slices.Clone(index)
				a[rank-1], b[rank-2] = i, i
				p := repeated(x, a) * repeated(y, b) * scale
				sum += p
				size += math.Abs(p)
			}
			out[0].set(sum, place...)
			bounds.set(float64(k+16)*0x1p-24*size, place...)
		}
	}
	return tr
}

// logical is a tensor that is stored in an order.
func logical(x array, order []int) array {
	if len(order) == 0 {
		return x
	}
	shape := make([]int, len(order))
	for i, d := range order {
		shape[d] = x.shape[i]
	}
	y := newArray(shape...)
	for place := range x.indices() {
		index := make([]int, len(place))
		for i, d := range order {
			index[d] = place[i]
		}
		y.set(x.at(place...), index...)
	}
	return y
}
