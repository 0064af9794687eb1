package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// BenchmarkQuantised times operations on quantised operands on the default tier,
// each in turns with the same on float32, and reports both, and for products the
// share of what a tile reaches whose operands are in the nearest cache.
func BenchmarkQuantised(b *testing.B) {
	tier, err := Default()
	if err != nil {
		b.Fatal(err)
	}
	x := Elements{tensor.U8, 0.02, 0}
	result := Elements{tensor.U8, 0.5, 0}
	relu := Act{Kind: Clamp, Hi: float32(math.Inf(1))}
	weight := func(_, _, _ int) int8 { return int8(rand.IntN(255) - 127) }
	scale, bias := func(_, _ int) float32 { return 0.01 }, func(_, _ int) int32 { return 0 }
	type layer struct {
		name      string
		spec      Quantising
		shape     []int
		quantised []Param
		float     []Param
		isProduct bool
	}
	var layers []layer
	for _, s := range [][3]int{{196, 288, 32}, {3136, 64, 64}, {196, 2304, 256}, {49, 4608, 512}, {512, 512, 512}, {1024, 1024, 1024}, {12544, 16, 32}, {784, 32, 192}, {1, 1568, 128}, {1, 5408, 128}, {1, 512, 1000}} {
		rows, k, n := s[0], s[1], s[2]
		layers = append(layers, layer{
			fmt.Sprintf("product/%dx%dx%d", rows, n, k), &FullyConnected{Channels: n, Act: relu}, []int{rows, k},
			[]Param{QuantisedPanelsParam(Panels{Groups: 1, K: k, N: n}, weight, scale, bias)},
			[]Param{PanelsParam(Panels{tensor.F32, 1, k, n}, func(_, _, _ int) float32 { return rand.Float32() - 0.5 }, func(_, _ int) float32 { return 0 })}, true,
		})
	}
	for _, c := range []struct {
		name                                 string
		size, cin, cout, kernel, stride, pad int
		pool                                 bool
	}{
		{"digits1", 28, 1, 32, 3, 1, 1, true}, {"digits2", 14, 32, 32, 3, 1, 1, true}, {"resnet_7x7", 224, 3, 64, 7, 2, 3, false},
		{"resnet_56", 56, 64, 64, 3, 1, 1, false}, {"resnet_28", 28, 128, 128, 3, 1, 1, false}, {"resnet_14", 14, 256, 256, 3, 1, 1, false}, {"resnet_7", 7, 512, 512, 3, 1, 1, false},
		{"pointwise_56", 56, 64, 256, 1, 1, 0, false}, {"pointwise_14", 14, 1024, 256, 1, 1, 0, false}, {"pointwise_7", 7, 512, 2048, 1, 1, 0, false},
	} {
		k := c.kernel * c.kernel * c.cin
		conv := &Conv{Window: square(c.kernel, c.stride, c.pad), Groups: 1, Channels: c.cout, Act: relu, Pool: c.pool}
		if conv.FitsWinograd() {
			conv.Winograd = WinogradF4
		}
		layers = append(layers, layer{
			"conv/" + c.name, conv, []int{1, c.size, c.size, c.cin},
			[]Param{QuantisedPanelsParam(Panels{Groups: 1, K: k, N: c.cout}, weight, scale, bias)},
			[]Param{PanelsParam(Panels{tensor.F32, 1, k, c.cout}, func(_, _, _ int) float32 { return rand.Float32() - 0.5 }, func(_, _ int) float32 { return 0 })}, false,
		})
	}
	for _, c := range [][3]int{{112, 32, 1}, {56, 144, 2}, {14, 576, 1}, {7, 960, 1}} {
		layers = append(layers, layer{
			fmt.Sprintf("depthwise/%dx%d", c[0], c[1]), &Conv{Window: square(3, c[2], 1), Groups: c[1], Channels: c[1], Act: relu}, []int{1, c[0], c[0], c[1]},
			[]Param{QuantisedTapsParam(9, c[1], func(_, _ int) int8 { return int8(rand.IntN(255) - 127) }, func(int) float32 { return 0.01 }, func(int) int32 { return 0 })},
			[]Param{TapsParam(9, c[1], func(_, _ int) float32 { return rand.Float32() }, func(int) float32 { return 0 })}, false,
		})
	}
	sigmoid := &Unary{Act: Act{Kind: ActSigmoid}}
	layers = append(layers,
		layer{name: "maxpool/112x64", spec: &Pool{Window: square(3, 2, 1)}, shape: []int{1, 112, 112, 64}},
		layer{name: "avgpool/7x2048", spec: &Pool{Window: square(7, 1, 0), Kind: AveragePool}, shape: []int{1, 7, 7, 2048}},
		layer{name: "add/56x256", spec: &Binary{Kind: Add, Act: relu}, shape: []int{1, 56, 56, 256}},
		layer{
			name: "sigmoid/56x256", spec: sigmoid, shape: []int{1, 56, 56, 256},
			quantised: []Param{TableParam(x, result, sigmoid.Of)},
		},
	)
	for _, l := range layers {
		b.Run(l.name, func(b *testing.B) {
			run := func(in tensor.Type, params []Param) func() {
				ins := []tensor.Type{in}
				operands := [][]byte{tensor.AlignedBytes(in.Bytes())}
				if _, ok := l.spec.(*Binary); ok {
					ins, operands = append(ins, in), append(operands, operands[0])
				}
				for i := range operands[0] {
					operands[0][i] = byte(rand.IntN(64))
				}
				out, err := l.spec.Infer(ins, params)
				if err != nil {
					b.Fatal(err)
				}
				op, err := l.spec.Bind(tier, ins, params)
				if err != nil {
					b.Fatal(err)
				}
				w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
				outs := [][]byte{tensor.AlignedBytes(out[0].Bytes())}
				return func() { op.Run(w, operands, outs, 1, 0, op.Tasks(1)) }
			}
			float := run(tensor.Floats(l.shape...), l.float)
			*l.spec.ResultElements(x.Of()) = result
			if p, ok := l.spec.(*Pool); ok && p.Kind == MaxPool {
				p.Result = x
			}
			if c, ok := l.spec.(*Conv); ok {
				c.Winograd = NoWinograd
			}
			quantised := run(x.Of(l.shape...), l.quantised)
			peak := quantisedPeak(tier)
			best := [3]time.Duration{math.MaxInt64, math.MaxInt64, math.MaxInt64}
			for b.Loop() {
				for i, f := range []func(){float, quantised, peak.run} {
					start := time.Now()
					f()
					best[i] = min(best[i], time.Since(start))
				}
			}
			macs := l.spec.Traits([]tensor.Type{x.Of(l.shape...), x.Of(l.shape...)}, l.quantised).MACs
			b.ReportMetric(float64(best[1].Nanoseconds())/1e3, "best-µs")
			b.ReportMetric(float64(best[0])/float64(best[1]), "×float32")
			if macs > 0 {
				speed := float64(macs) / float64(best[1].Nanoseconds())
				b.ReportMetric(speed, "best-GMAC/s")
				b.ReportMetric(100*speed/(float64(peak.macs)/float64(best[2].Nanoseconds())), "%peak")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// A peak is a tile's sums over and over, of operands in the nearest cache.
type peak struct {
	run  func()
	macs int
}

func quantisedPeak(tier *Tier) peak {
	const k, tiles = 512, 40
	q := tier.quantisedGemms(asm.U8)
	rows, panels := q.rows(), q.panels()
	a, b := tensor.AlignedBytes(k), tensor.AlignedBytes(panels*k*NR)
	c := tensor.AlignedBytes(rows * tiles * panels * NR)
	bias, scale := tensor.Aligned[int32](panels*NR), tensor.Aligned[float32](panels*NR)
	g := &asm.QuantisedGemmArgs{
		A: &a[0], Seg: &zeroOffset[0], B: (*int8)(unsafe.Pointer(&b[0])), Bias: &bias[0], SignedBias: &bias[0], Scale: &scale[0], C: &c[0],
		BStride: k * NR, CStride: panels * NR, Segs: 1, SegLen: k, Tiles: tiles, N: panels * NR, Hi: 255,
	}
	return peak{func() { q[panels][rows](g) }, rows * tiles * panels * NR * k}
}
