package kernels

import (
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestNoAllocation runs one of each operation but those that
// TestLayersDoNotAllocate runs; Run may not allocate.
func TestNoAllocation(t *testing.T) {
	two, one := [2]int{2, 2}, [2]int{1, 1}
	w := Window{Kernel: two, Stride: two, Dilation: one, Pad: [4]int{1, 0, 1, 0}}
	m := []int{1, 6, 6, 20}
	for _, c := range []struct {
		spec   Spec
		in     [][]int
		params []Param
	}{
		{&ConvTranspose{Window: w, Groups: 1, Channels: 3, Act: Act{Kind: ActTanh}}, [][]int{m}, []Param{sized(FormPanels, 1, 20, 12)}},
		{&MatMul{}, [][]int{{1, 3, 4}, {1, 4, 5}}, nil},
		{&Pool{Window: w, Kind: MaxPool}, [][]int{m}, nil},
		{&Pool{Window: w, Kind: AveragePool}, [][]int{m}, nil},
		{&Unary{Act: Act{Kind: Clamp, Hi: 6}}, [][]int{m}, nil},
		{&Unary{Act: Act{Kind: ActElu, Lo: 1, Hi: 1}}, [][]int{m}, nil},
		{&Unary{Kind: Sin}, [][]int{m}, nil},
		{&Binary{Kind: Add, Act: Act{Kind: Clamp, Hi: 6}}, [][]int{m, m}, nil},
		{&Binary{Kind: Mul}, [][]int{m, {1, 1, 1, 20}}, nil},
		{&Binary{Kind: Div, Swap: true}, [][]int{m}, []Param{sized(FormPlain)}},
		{&Concat{Axis: 3}, [][]int{m, m}, nil},
		{&Slice{Start: []int{0, 5, 0, 0}, Step: []int{1, -2, 1, 1}, Size: []int{1, 3, 6, 20}}, [][]int{m}, nil},
		{&Split{Axis: 3, Sizes: []int{5, 15}}, [][]int{m}, nil},
		{&Padding{Before: make([]int, 4), After: []int{0, 1, 1, 0}}, [][]int{m}, nil},
		{&Transpose{Perm: []int{0, 3, 1, 2}}, [][]int{m}, nil},
		{&Reshape{Shape: []int{1, 720}}, [][]int{m}, nil},
		{&Softmax{Axis: 3}, [][]int{m}, nil},
		{&Softmax{Axis: 1, Log: true}, [][]int{m}, nil},
		{&Reduce{Axes: []int{1, 2}}, [][]int{m}, nil},
		{&Reduce{Kind: ReduceLogSumExp, Axes: []int{2, 3}}, [][]int{m}, nil},
		{&Normalise{Axes: []int{1, 2}, Epsilon: 1e-5}, [][]int{m}, []Param{sized(FormPlain, 2, 1, 1, 1, 20)}},
		{&Normalise{Axes: []int{3}, Epsilon: 1e-5}, [][]int{m}, []Param{sized(FormPlain, 2, 1, 1, 1, 20)}},
		{&LRN{Size: 5, Alpha: 1, Beta: 0.75, Bias: 1}, [][]int{m}, nil},
		{&LRN{Size: 60, Alpha: 1, Beta: 0.75, Bias: 1}, [][]int{{1, 2, 3, 100}}, nil},
		{&CumulativeSum{Axis: 1}, [][]int{m}, nil},
		{&Resize{Mode: Linear, Scale: [2]float32{2, 2}, Size: [2]int{12, 12}}, [][]int{m}, nil},
		{&Resize{Mode: Cubic, Scale: [2]float32{2, 2}, Size: [2]int{12, 12}, CubicA: -0.75}, [][]int{m}, nil},
	} {
		shapes, err := infer(c.spec, c.in, c.params)
		if err != nil {
			t.Fatal(err)
		}
		op, err := bind(c.spec, Tiers()[0], c.in, c.params)
		if err != nil {
			t.Fatal(err)
		}
		const n = 3
		alloc := func(shapes [][]int) (x [][]float32) {
			for _, shape := range shapes {
				x = append(x, make([]float32, n*tensor.Shape(shape).Volume()))
			}
			return x
		}
		in, out := allBytes(alloc(c.in)), allBytes(alloc(shapes))
		ws := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
		if allocs := testing.AllocsPerRun(5, func() { op.Run(ws, in, out, n, 0, op.Tasks(n)) }); allocs != 0 {
			t.Errorf("%s%+v: %v allocations", c.spec.Op(), c.spec, allocs)
		}
	}
}
