package kernels

import (
	"math"
	"testing"

	"github.com/infer-go/infer/tensor"
)

func TestInstanceNorm(t *testing.T) {
	g := newGenerator(40)
	for range 60 {
		shape := g.shape(4, 6)
		shape[3] = g.between(1, 40)
		s := &InstanceNorm{Epsilon: 1e-5}
		params := []Param{PlainParam([]int{2, shape[3]}, g.floats(2*shape[3]))}
		p := arrayOf(params[0].Shape, params[0].Floats())
		trial{spec: s, in: [][]int{shape}, params: params, ref: func(in, out []array) {
			pixels := float64(shape[1] * shape[2])
			for index := range out[0].indices() {
				mean, variance := 0.0, 0.0
				for at := range indices([]int{shape[1], shape[2]}) {
					mean += in[0].at(index[0], at[0], at[1], index[3]) / pixels
				}
				for at := range indices([]int{shape[1], shape[2]}) {
					d := in[0].at(index[0], at[0], at[1], index[3]) - mean
					variance += d * d / pixels
				}
				v := (in[0].at(index...) - mean) / math.Sqrt(variance+float64(s.Epsilon))
				out[0].set(v*p.at(0, index[3])+p.at(1, index[3]), index...)
			}
		}}.run(t, g)
	}
}

// TestNormKeepsNaN spoils one channel of one item: that one alone is NaN.
func TestNormKeepsNaN(t *testing.T) {
	shape := []int{2, 3, 3, 20}
	x := newGenerator(41).floats(tensor.Shape(shape).Volume())
	x[7] = float32(math.NaN()) // item 0, channel 7
	op, err := bind((&InstanceNorm{Epsilon: 1e-5}), Tiers()[0], [][]int{shape}, []Param{PlainParam([]int{2, 20}, make([]float32, 40))})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(x))
	runOp(op, &Workspace{}, [][]float32{x}, [][]float32{got}, 1, 0, op.Tasks(1))
	for i, v := range got {
		if spoiled := i < 180 && i%20 == 7; tensor.IsNaN(v) != spoiled {
			t.Fatalf("element %d is %v", i, v)
		}
	}
}

func TestLRN(t *testing.T) {
	g := newGenerator(42)
	for _, g.special = range []bool{false, true} {
		for range 200 {
			shape := g.shape(4, 4)
			shape[3] = g.between(1, 20)
			l := &LRN{Size: g.between(1, 7), Alpha: g.Float32(), Beta: 0.75, Bias: 1 + g.Float32()}
			if g.IntN(2) == 0 {
				l.Beta = g.Float32()
			}
			trial{spec: l, in: [][]int{shape}, ref: func(in, out []array) {
				for index := range out[0].indices() {
					sum := 0.0
					c := index[3]
					first := c - int(math.Floor(float64(l.Size-1)/2))
					last := c + int(math.Ceil(float64(l.Size-1)/2))
					for i := first; i <= last; i++ {
						if in[0].inside(index[0], index[1], index[2], i) {
							v := in[0].at(index[0], index[1], index[2], i)
							sum += v * v
						}
					}
					base := float64(l.Bias) + float64(l.Alpha)/float64(l.Size)*sum
					out[0].set(in[0].at(index...)/math.Pow(base, float64(l.Beta)), index...)
				}
			}}.run(t, g)
		}
	}
}
