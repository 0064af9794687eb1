package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/infer-go/infer/tensor"
)

// BenchmarkConv times single convolutions of well-known nets on the default
// tier, and reports the multiply-adds of a direct convolution per nanosecond,
// whatever the algorithm.
func BenchmarkConv(b *testing.B) {
	same := [4]int{1, 1, 1, 1}
	for _, c := range []struct {
		name            string
		size, cin, cout int
		kernel, stride  int
		pad             [4]int
		pool            bool
		algorithms      []Winograd
	}{
		{"digits1", 28, 1, 32, 3, 1, same, true, []Winograd{NoWinograd}},
		{"digits2", 14, 32, 32, 3, 1, same, true, []Winograd{NoWinograd, WinogradF2, WinogradF4}},
		{"seed", 28, 1, 32, 3, 1, [4]int{}, true, []Winograd{NoWinograd}},
		{"resnet_7x7", 224, 3, 64, 7, 2, [4]int{3, 3, 3, 3}, false, []Winograd{NoWinograd}},
		{"resnet_56", 56, 64, 64, 3, 1, same, false, []Winograd{NoWinograd, WinogradF2, WinogradF4}},
		{"resnet_28", 28, 128, 128, 3, 1, same, false, []Winograd{NoWinograd, WinogradF2, WinogradF4}},
		{"resnet_14", 14, 256, 256, 3, 1, same, false, []Winograd{NoWinograd, WinogradF2, WinogradF4}},
		{"resnet_7", 7, 512, 512, 3, 1, same, false, []Winograd{NoWinograd, WinogradF2, WinogradF4}},
		{"pointwise_56", 56, 64, 256, 1, 1, [4]int{}, false, []Winograd{NoWinograd}},
		{"pointwise_14", 14, 1024, 256, 1, 1, [4]int{}, false, []Winograd{NoWinograd}},
		{"pointwise_7", 7, 512, 2048, 1, 1, [4]int{}, false, []Winograd{NoWinograd}},
		{"mobile_24", 56, 24, 144, 1, 1, [4]int{}, false, []Winograd{NoWinograd}},
	} {
		for _, a := range c.algorithms {
			s := &Conv{Window: Window{Kernel: [2]int{c.kernel, c.kernel}, Stride: [2]int{c.stride, c.stride}, Dilation: [2]int{1, 1}, Pad: c.pad},
				Groups: 1, Channels: c.cout, Act: Act{Kind: Clamp, Hi: 1e30}, Pool: c.pool, Winograd: a}
			w := PanelsParam(Panels{tensor.F32, 1, c.kernel * c.kernel * c.cin, c.cout}, func(_, _, _ int) float32 { return rand.Float32() - 0.5 }, func(_, _ int) float32 { return 0 })
			b.Run(fmt.Sprintf("%s/%s", c.name, [...]string{"direct", "f2", "f4"}[a]), func(b *testing.B) {
				benchmarkOp(b, s, []int{1, c.size, c.size, c.cin}, 1, w)
			})
		}
	}
}

// BenchmarkFully times fully connected layers: one row, as memory gives the
// weights, and many, as a gemm.
func BenchmarkFully(b *testing.B) {
	for _, c := range []struct{ rows, k, n int }{
		{1, 1568, 128}, {1, 5408, 128}, {1, 128, 10}, {1, 512, 1000}, {64, 1568, 128}, {64, 5408, 128},
		{196, 288, 32}, {3136, 64, 64}, {196, 2304, 256}, {49, 4608, 512}, {512, 512, 512}, {1024, 1024, 1024},
	} {
		for _, e := range []tensor.Elem{tensor.F32, tensor.F16} {
			w := PanelsParam(Panels{e, 1, c.k, c.n}, func(_, _, _ int) float32 { return rand.Float32() - 0.5 }, func(_, _ int) float32 { return 0 })
			b.Run(fmt.Sprintf("%dx%dx%d/%v", c.rows, c.n, c.k, e), func(b *testing.B) {
				benchmarkOp(b, &FullyConnected{Channels: c.n}, []int{1, c.k}, c.rows, w)
			})
		}
	}
}

func benchmarkOp(b *testing.B, s Spec, shape []int, n int, params ...Param) {
	tier, err := Default()
	if err != nil {
		b.Fatal(err)
	}
	in := [][]int{shape}
	shapes, err := infer(s, in, params)
	if err != nil {
		b.Fatal(err)
	}
	op, err := bind(s, tier, in, params)
	if err != nil {
		b.Fatal(err)
	}
	w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
	x, y := tensor.Aligned[float32](n*tensor.Shape(shape).Volume()), tensor.Aligned[float32](n*tensor.Shape(shapes[0]).Volume())
	for i := range x {
		x[i] = rand.Float32()
	}
	ins, outs := [][]float32{x}, [][]float32{y}
	best := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		runOp(op, w, ins, outs, n, 0, op.Tasks(n))
		best = min(best, time.Since(start))
	}
	// The best run is what the machine can do; the mean is what its other
	// users leave of it.
	b.ReportMetric(float64(best.Nanoseconds()), "best-ns")
	b.ReportMetric(float64(n)*float64(s.Traits(types(in), params).MACs)/float64(best.Nanoseconds()), "best-GMAC/s")
}
