package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/infer-go/infer/tensor"
)

// BenchmarkQuantisedWinograd times convolutions of quantised operands on the
// default tier by both algorithms in turns: alone, with operands and weights as
// near as they fit; and one after the other, as often as weights of 48 MB have
// been read in between, as in a large net. It reports both ratios.
func BenchmarkQuantisedWinograd(b *testing.B) {
	tier, err := Default()
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range [][3]int{
		{56, 64, 64}, {28, 128, 128}, {14, 256, 256}, {7, 512, 512},
		{56, 16, 16}, {56, 32, 32}, {28, 16, 16}, {28, 32, 32}, {28, 64, 64}, {14, 16, 16}, {14, 32, 32}, {14, 64, 64}, {14, 128, 128}, {7, 32, 32}, {7, 64, 64}, {7, 128, 128}, {7, 256, 256},
		{8, 256, 256}, {8, 512, 512}, {10, 512, 512}, {12, 512, 512}, {14, 512, 512}, {16, 512, 512}, {20, 256, 256}, {20, 512, 512}, {40, 128, 128}, {80, 64, 64},
		{55, 16, 64}, {27, 32, 128}, {13, 48, 192}, {13, 64, 256}, {112, 16, 16}, {224, 64, 64},
	} {
		b.Run(fmt.Sprintf("%dx%dx%d", s[0], s[1], s[2]), func(b *testing.B) {
			x := Elements{tensor.U8, 0.02, 0}
			in := x.Of(1, s[0], s[0], s[1])
			operands := [][]byte{tensor.AlignedBytes(in.Bytes())}
			for i := range operands[0] {
				operands[0][i] = byte(rand.IntN(64))
			}
			results := [][]byte{tensor.AlignedBytes(s[0] * s[0] * s[2])}
			var scratch int
			bind := func(w Winograd, p Param) Op {
				c := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: s[2], Act: Act{Kind: Clamp, Hi: float32(math.Inf(1))}, Winograd: w, Result: Elements{tensor.U8, 0.5, 0}}
				op, err := c.Bind(tier, []tensor.Type{in}, []Param{p})
				if err != nil {
					b.Fatal(err)
				}
				scratch = max(scratch, op.Scratch())
				return op
			}
			panels := func() Param {
				return QuantisedPanelsParam(Panels{Groups: 1, K: 9 * s[1], N: s[2]}, func(_, _, _ int) int8 { return int8(rand.IntN(255) - 127) },
					func(_, _ int) float32 { return 0.01 }, func(_, _ int) int32 { return 0 })
			}
			const away = 48 << 20
			first := panels()
			direct, winograd := bind(NoWinograd, first), bind(WinogradF4, first)
			sets := [][]Op{{direct}, {winograd}}
			for range away/(45*s[1]*s[2]*2) + 1 {
				p := panels()
				sets[0] = append(sets[0], bind(NoWinograd, p))
				sets[1] = append(sets[1], bind(WinogradF4, p))
				if len(sets[0]) > 24 {
					break
				}
			}
			w := &Workspace{Scratch: tensor.AlignedBytes(scratch)}
			run := func(op Op) time.Duration {
				start := time.Now()
				op.Run(w, operands, results, 1, 0, op.Tasks(1))
				return time.Since(start)
			}
			near := [2]time.Duration{math.MaxInt64, math.MaxInt64}
			far := [2][]time.Duration{slices.Repeat(near[:1], len(sets[0])), slices.Repeat(near[:1], len(sets[0]))}
			for b.Loop() {
				for i := range sets {
					run(sets[i][0])
					near[i] = min(near[i], run(sets[i][0]))
				}
				for i := range sets {
					for j, op := range sets[i] {
						far[i][j] = min(far[i][j], run(op))
					}
				}
			}
			var all [2]time.Duration
			for i := range all {
				for _, d := range far[i] {
					all[i] += d / time.Duration(len(far[i]))
				}
			}
			b.ReportMetric(float64(near[0].Nanoseconds())/1e3, "direct-µs")
			b.ReportMetric(float64(near[1].Nanoseconds())/1e3, "winograd-µs")
			b.ReportMetric(float64(near[0])/float64(near[1]), "×direct")
			b.ReportMetric(float64(all[0].Nanoseconds())/1e3, "far-direct-µs")
			b.ReportMetric(float64(all[1].Nanoseconds())/1e3, "far-winograd-µs")
			b.ReportMetric(float64(all[0])/float64(all[1]), "×far")
			b.ReportMetric(0, "ns/op")
		})
	}
}
