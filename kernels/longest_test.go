package kernels

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// BenchmarkLongestCall reports the longest call of a micro-kernel in layers of
// well-known nets, the largest that there are: no goroutine can be stopped
// during one. A call's time is the least of several, so that what the machine
// does meanwhile does not count.
func BenchmarkLongestCall(b *testing.B) {
	tier, err := Default()
	if err != nil {
		b.Fatal(err)
	}
	conv := func(k, stride, channels int, pool bool, a Winograd) *Conv {
		return &Conv{Window: Window{Kernel: [2]int{k, k}, Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1}, Pad: [4]int{k / 2, k / 2, k / 2, k / 2}},
			Groups: 1, Channels: channels, Pool: pool, Winograd: a}
	}
	panels := func(e tensor.Elem, k, n int) Param {
		return PanelsParam(Panels{e, 1, k, n}, func(_, _, _ int) float32 { return 0.5 }, func(_, _ int) float32 { return 0 })
	}
	taps := TapsParam(25, 960, func(_, _ int) float32 { return 0.5 }, func(int) float32 { return 0 })
	depth := conv(5, 1, 960, false, NoWinograd)
	depth.Groups = 960
	grouped := conv(3, 1, 1024, false, NoWinograd)
	grouped.Groups = 256
	transposed := &ConvTranspose{Window: square(4, 2, 1), Groups: 1, Channels: 64}
	few := &ConvTranspose{Window: square(9, 2, 4), Groups: 1, Channels: 1}
	for _, c := range []struct {
		name   string
		spec   Spec
		shape  []int
		n      int
		params []Param
	}{
		{"vgg_first", conv(3, 1, 64, true, NoWinograd), []int{1, 224, 224, 3}, 1, []Param{panels(tensor.F32, 27, 64)}},
		{"vgg_second", conv(3, 1, 64, true, NoWinograd), []int{1, 224, 224, 64}, 1, []Param{panels(tensor.F32, 576, 64)}},
		{"vgg_winograd", conv(3, 1, 64, false, WinogradF4), []int{1, 224, 224, 64}, 1, []Param{panels(tensor.F32, 576, 64)}},
		{"resnet_first", conv(7, 2, 64, false, NoWinograd), []int{1, 224, 224, 3}, 1, []Param{panels(tensor.F32, 147, 64)}},
		{"resnet_last_direct", conv(3, 1, 512, false, NoWinograd), []int{1, 7, 7, 512}, 1, []Param{panels(tensor.F32, 4608, 512)}},
		{"resnet_last_f2", conv(3, 1, 512, false, WinogradF2), []int{1, 7, 7, 512}, 1, []Param{panels(tensor.F32, 4608, 512)}},
		{"resnet_pointwise", conv(1, 1, 256, false, NoWinograd), []int{1, 56, 56, 64}, 1, []Param{panels(tensor.F32, 64, 256)}},
		{"grouped_3x3", grouped, []int{1, 56, 56, 1024}, 1, []Param{PanelsParam(Panels{tensor.F32, 256, 36, 4}, func(_, _, _ int) float32 { return 0.5 }, func(_, _ int) float32 { return 0 })}},
		{"transposed", transposed, []int{1, 64, 64, 512}, 1, []Param{panels(tensor.F32, 16*512, 64)}},
		{"transposed_to_one_channel", few, []int{1, 320, 320, 64}, 1, []Param{panels(tensor.F32, 64, 81)}},
		{"to_planes", &Transpose{Perm: []int{0, 3, 1, 2}}, []int{1, 56, 56, 2048}, 1, nil},
		{"depthwise_5x5", depth, []int{1, 56, 56, 960}, 1, []Param{taps}},
		{"vgg_fully_f32", &FullyConnected{Channels: 256}, []int{1, 25088}, 1, []Param{panels(tensor.F32, 25088, 256)}},
		{"vgg_fully_f16", &FullyConnected{Channels: 256}, []int{1, 25088}, 1, []Param{panels(tensor.F16, 25088, 256)}},
		{"vgg_fully_batch", &FullyConnected{Channels: 256}, []int{1, 25088}, 64, []Param{panels(tensor.F32, 25088, 256)}},
		{"max_pool", &Pool{Window: Window{Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}}, Kind: MaxPool}, []int{1, 112, 112, 256}, 1, nil},
		{"relu", &Unary{Kind: Activate, Act: Act{Kind: Clamp, Hi: 6}}, []int{1, 224, 224, 64}, 1, nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			var times []time.Duration // of the calls of a run, in order
			op, err := bind(c.spec, timed(tier, &times), [][]int{c.shape}, c.params)
			if err != nil {
				b.Fatal(err)
			}
			shapes, err := infer(c.spec, [][]int{c.shape}, c.params)
			if err != nil {
				b.Fatal(err)
			}
			w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
			in := [][]float32{tensor.Aligned[float32](c.n * tensor.Shape(c.shape).Volume())}
			out := [][]float32{tensor.Aligned[float32](c.n * tensor.Shape(shapes[0]).Volume())}
			var best []time.Duration
			for range 5 {
				times = times[:0]
				runOp(op, w, in, out, c.n, 0, op.Tasks(c.n))
				if best == nil {
					best = slices.Clone(times)
				}
				for i, t := range times {
					best[i] = min(best[i], t)
				}
			}
			for b.Loop() {
			}
			b.ReportMetric(float64(slices.Max(best).Nanoseconds())/1e3, "longest-µs")
			b.ReportMetric(float64(len(best)), "calls")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// timed is a tier whose kernels append to times what each call takes.
func timed(tier *Tier, times *[]time.Duration) *Tier {
	return wrapped(tier, func(_ asm.Kernel, run any) any {
		kernel := reflect.ValueOf(run)
		return reflect.MakeFunc(kernel.Type(), func(args []reflect.Value) []reflect.Value {
			start := time.Now()
			kernel.Call(args)
			*times = append(*times, time.Since(start))
			return nil
		}).Interface()
	})
}
