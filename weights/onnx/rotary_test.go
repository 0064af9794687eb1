package onnx

import (
	"strings"
	"testing"
)

// TestRotaryEmbedding compares with the formula: of halves and of neighbours, by heads
// and not, of all numbers of a head and of some.
func TestRotaryEmbedding(t *testing.T) {
	const n, heads, length, size, places = 2, 3, 4, 6, 5
	for _, flat := range []bool{false, true} {
		for _, interleaved := range []bool{false, true} {
			for _, turned := range []int{size, 4} {
				pairs := turned / 2
				m := newModel(23)
				m.weight("cos", -1, 1, places, pairs)
				m.weight("sin", -1, 1, places, pairs)
				cos, sin := floatsOf(m.tensors[0]), floatsOf(m.tensors[1])
				at := make([]int64, n*length)
				for i := range at {
					at[i] = int64(i * 3 % places)
				}
				m.integers("at", typeInt64, []int{n, length}, at...)
				attrs := []attr{{"interleaved", 0}, {"rotary_embedding_dim", turned % size}}
				if interleaved {
					attrs[0].value = 1
				}
				shape := []int{n, heads, length, size}
				if flat {
					shape = []int{n, length, heads * size}
					attrs = append(attrs, attr{"num_heads", heads})
				}
				m.node("RotaryEmbedding", "x0 cos sin at", "y", attrs...)
				runsTo(t, m, [][]int{shape}, shape, func(in [][]float64) []float64 {
					y := append([]float64{}, in[0]...)
					for row := range n * heads * length { // of a head's numbers
						item, place := row/(heads*length), row%length
						if flat {
							place = row / heads % length
						}
						angle := int(at[item*length+place]) * pairs
						for k := range pairs {
							a, b := row*size+k, row*size+pairs+k
							if interleaved {
								a, b = row*size+2*k, row*size+2*k+1
							}
							y[a] = in[0][a]*cos[angle+k] - in[0][b]*sin[angle+k]
							y[b] = in[0][a]*sin[angle+k] + in[0][b]*cos[angle+k]
						}
					}
					return y
				})
			}
		}
	}
}

func TestBadRotaryEmbedding(t *testing.T) {
	for _, c := range []struct {
		x     []int
		table []int
		in    string
		attrs []attr
		want  string
	}{
		{[]int{1, 2, 3, 4}, []int{1, 3, 2}, "x t t", nil, ""},
		{[]int{1, 2, 3, 4}, []int{1, 2, 2}, "x t t", nil, `the cosines, "t", of shape 1×2×2 where there should be 1×3×2`},
		{[]int{1, 2, 3, 4}, []int{5, 2}, "x t t", nil, `the cosines, "t", of shape 5×2 where there should be 1×3×2`},
		{[]int{1, 2, 3, 4}, []int{1, 3, 2}, "x t t x", nil, "where both have two dimensions"},
		{[]int{1, 2, 3, 4}, []int{1, 3, 2}, "x t", nil, "operand 2 is missing"},
		{[]int{1, 2, 3, 4}, []int{1, 3, 2}, "x t t", []attr{{"rotary_embedding_dim", 3}}, "rotary_embedding_dim 3 of heads of 4 numbers"},
		{[]int{1, 2, 3, 4}, []int{1, 3, 2}, "x t t", []attr{{"rotary_embedding_dim", 6}}, "rotary_embedding_dim 6 of heads of 4 numbers"},
		{[]int{1, 3, 8}, []int{1, 3, 2}, "x t t", nil, `"x" of shape 1×3×8 in 0 heads`},
		{[]int{1, 3, 8}, []int{1, 3, 2}, "x t t", []attr{{"num_heads", 3}}, `"x" of shape 1×3×8 in 3 heads`},
		{[]int{1, 8}, []int{1, 3, 2}, "x t t", nil, "is neither by heads nor of three dimensions"},
	} {
		m := newModel(23)
		m.input("x", c.x...)
		m.weight("t", -1, 1, c.table...)
		m.node("RotaryEmbedding", c.in, "y", c.attrs...)
		m.output("y")
		_, _, err := Freeze(m.bytes(), Options{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: error %v, want one that contains %q", c, err, c.want)
		}
	}
}
