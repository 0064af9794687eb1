package onnx

import (
	"math"
	"math/rand/v2"
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
