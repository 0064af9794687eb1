package onnx

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestBatchNormOfElements compares a BatchNormalization with statistics of each
// element with its formula.
func TestBatchNormOfElements(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	m := newModel(7)
	dims := []int{3, 4, 5}
	m.input("x", 0, 3, 4, 5)
	var w [4][]float32
	for i, name := range []string{"scale", "shift", "mean", "variance"} {
		w[i] = uniform(r, dims...)
		if name == "variance" {
			for k := range w[i] {
				w[i][k] = 0.5 + w[i][k]*w[i][k]
			}
		}
		m.floats(name, dims, w[i]...)
	}
	m.node("BatchNormalization", "x scale shift mean variance", "y", attr{"spatial", 0}, attr{"epsilon", float32(0.01)})
	m.output("y")
	net, report, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !net.Batched {
		t.Errorf("not batched: %s", report.Unbatched)
	}
	x := uniform(r, 2, 3, 4, 5)
	want := make([]float32, len(x))
	for i := range x {
		k := i % 60
		want[i] = float32(float64(w[0][k])*(float64(x[i])-float64(w[2][k]))/math.Sqrt(float64(w[3][k])+0.01) + float64(w[1][k]))
	}
	if at, ok := differs(run(t, net, 2, x)[0], want); ok {
		t.Errorf("element %d differs", at)
	}
}

// TestBatchNormComputed has operands that are values, at which the formula says
// the same as of constants.
func TestBatchNormComputed(t *testing.T) {
	operands := strings.Fields("scale shift mean variance")
	for _, dims := range [][]int{{1, 3, 4, 5}, {2, 3}} {
		for computed := range operands {
			var results [2][]float32
			r := rand.New(rand.NewPCG(4, uint64(computed)))
			x := uniform(r, dims...)
			given := make([][]float32, len(operands))
			for i := range given {
				given[i] = []float32{0.5 + r.Float32(), 0.5 + r.Float32(), 0.5 + r.Float32()}
			}
			for i := range results {
				m := newModel(15)
				m.input("x", dims...)
				in := [][]float32{x}
				for k, name := range operands {
					if i == 0 && k >= computed {
						m.input(name, 3)
						in = append(in, given[k])
					} else {
						m.floats(name, []int{3}, given[k]...)
					}
				}
				m.node("BatchNormalization", "x scale shift mean variance", "y", attr{"epsilon", float32(0.25)})
				m.output("y")
				net, _, err := Freeze(m.bytes(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				results[i] = run(t, net, 1, in...)[0]
			}
			if at, ok := differs(results[0], results[1]); ok {
				t.Errorf("%v from %s on: element %d is %v, want %v", dims, operands[computed], at, results[0][at], results[1][at])
			}
		}
	}
	m := newModel(15)
	m.input("x", 1, 3, 4, 5)
	m.input("scale", 4)
	m.floats("c", []int{3}, 1, 1, 1)
	m.node("BatchNormalization", "x scale c c c", "y")
	m.output("y")
	if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), `the scale, "scale", of shape 4`) {
		t.Errorf("error %v", err)
	}
}
