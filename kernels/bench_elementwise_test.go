package kernels

import (
	"testing"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// BenchmarkElementwise times the kernels of one element and of two on 4,096 of
// them, on each tier.
func BenchmarkElementwise(b *testing.B) {
	for _, tier := range Tiers() {
		if !tier.Supported {
			continue
		}
		for _, e := range tier.kernels {
			x, y := tensor.Aligned[float32](taskSize), tensor.Aligned[float32](taskSize)
			for i := range x {
				x[i] = float32(i%512)/32 - 8
			}
			var call func()
			switch run := e.Run.(type) {
			case func(*asm.ActivateArgs):
				a := &asm.ActivateArgs{X: &x[0], Y: &y[0], N: len(x), Lo: 0.5, Hi: 1}
				call = func() { run(a) }
			case func(*asm.BinaryArgs):
				a := &asm.BinaryArgs{X: &x[0], Y: &x[0], Z: &y[0], XStep: 4, YStep: 4, Rows: 1, N: len(x), Lo: -1, Hi: 1}
				call = func() { run(a) }
			default:
				continue
			}
			b.Run(tier.Name+"/"+e.Name(), func(b *testing.B) {
				for b.Loop() {
					call()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/element")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkResize doubles maps of many and of few channels.
func BenchmarkResize(b *testing.B) {
	for _, c := range []struct {
		name           string
		mode           ResizeMode
		size, channels int
	}{
		{"linear_56x64", Linear, 56, 64}, {"linear_224x3", Linear, 224, 3}, {"linear_256x1", Linear, 256, 1},
		{"cubic_56x64", Cubic, 56, 64}, {"cubic_224x3", Cubic, 224, 3}, {"nearest_56x64", Nearest, 56, 64}, {"nearest_224x3", Nearest, 224, 3},
	} {
		r := &Resize{Mode: c.mode, Scale: [2]float32{2, 2}, Size: [2]int{2 * c.size, 2 * c.size}}
		if c.mode == Cubic {
			r.CubicA = -0.75
		}
		b.Run(c.name, func(b *testing.B) { benchmarkOp(b, r, []int{1, c.size, c.size, c.channels}, 1) })
	}
}
