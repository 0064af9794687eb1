package onnx

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestConstantsOfAnyNumber has constants with NaN and infinities, which are to do
// what the same numbers do in an input.
func TestConstantsOfAnyNumber(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	x := make([]float32, 4*6)
	for i := range x {
		x[i] = float32(i%7)/2 - 1.25
	}
	x[5], x[6], x[7] = nan, inf, -inf
	constants := []struct {
		dims []int
		c    []float32
	}{
		{[]int{}, []float32{nan}},
		{[]int{1}, []float32{inf}},
		{[]int{4, 1, 1}, []float32{1, nan, -inf, 0.5}},
		{[]int{1, 4, 2, 3}, slices.Concat([]float32{nan, inf, -inf, -1}, make([]float32, 20))},
	}
	for _, op := range []string{"Max", "Min", "Add", "Sub", "Mul", "Div", "PRelu", "Less", "Greater", "Equal", "Where", "Sum", "Mean", "Concat"} {
		for k, c := range constants {
			for _, operands := range []string{"x c", "c x", "conv c"} {
				if op == "PRelu" && operands == "c x" || op == "Concat" && len(c.dims) != 4 {
					continue
				}
				t.Run(fmt.Sprintf("%s %d %s", op, k, operands), func(t *testing.T) {
					var results [2][]byte
					for given := range 2 {
						m := newModel(16)
						m.input("x", 1, 4, 2, 3)
						in := [][]byte{tensor.Bytes(x)}
						if given == 1 {
							m.input("c", c.dims...)
							in = append(in, tensor.Bytes(c.c))
						} else {
							m.floats("c", c.dims, c.c...)
						}
						m.weight("w", -1, 1, 4, 4, 1, 1)
						m.node("Conv", "x w", "conv")
						if op == "Where" {
							m.floats("zero", nil, 0)
							m.node("Less", "x zero", "below")
							m.node("Where", "below "+operands, "y")
						} else {
							m.node(op, operands, "y", map[string][]attr{"Concat": {{"axis", 1}}}[op]...)
						}
						m.output("y")
						net, _, err := Freeze(m.bytes(), Options{})
						if err != nil {
							t.Fatal(err)
						}
						results[given] = runBytes(t, net, nil, 1, in...)[0]
						if e := net.Values[net.Outputs[0]].Elem; e != tensor.F32 {
							results[given] = tensor.Bytes(asFloats(e, results[given]))
						}
					}
					got, want := tensor.Slice[float32](results[0]), tensor.Slice[float32](results[1])
					for i, w := range want {
						if g := got[i]; g != w && (g == g || w == w) && !(math.Abs(float64(g-w)) <= 1e-5) {
							t.Errorf("element %d is %v, and %v of an input", i, g, w)
						}
					}
				})
			}
		}
	}
}
