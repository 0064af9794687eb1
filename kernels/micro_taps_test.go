package kernels

import (
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/asm"
)

func TestMaxPoolKernels(t *testing.T) {
	eachTier(t, func(t *testing.T, tier *Tier) {
		eachMicro(t, "taps", func(m *micro) { m.eachWindow(func(taps, c, pixels int) { m.maxPool(tier.MaxPool, taps, c, pixels) }) })
	})
}

func TestDepthwiseKernels(t *testing.T) {
	eachTier(t, func(t *testing.T, tier *Tier) {
		eachMicro(t, "taps", func(m *micro) {
			m.eachWindow(func(taps, c, pixels int) { m.depthwise(tier.Depthwise, taps, c, pixels) })
		})
	})
}

// eachWindow calls f with every number of taps, channels and pixels.
func (m *micro) eachWindow(f func(taps, c, pixels int)) {
	for taps := 1; taps <= 9; taps++ {
		for c := 1; c <= 33; c++ {
			for pixels := 1; pixels <= 4; pixels++ {
				f(taps, c, pixels)
			}
		}
	}
	f(25, 40, 3)
	f(49, 7, 3)
}

// tapsArgs is what both kernels take: the block of arguments, the operand, the
// taps, and where the result goes.
func (m *micro) tapsArgs(taps, c, pixels int) (p *asm.TapsArgs, x []float32, tap []int, y *target) {
	tap = m.offsets(taps, m.IntN(c)+1) // taps may overlap
	p = &asm.TapsArgs{Tap: &tap[0], Taps: taps, C: c, Pixels: pixels, XStride: m.prime(1), YStride: m.prime(c)}
	p.Lo, p.Hi = m.limits()
	x = m.floats((pixels-1)*p.XStride + slices.Max(tap) + c)
	y = m.target((pixels-1)*p.YStride + c)
	p.X, p.Y = &x[0], &y.got[0]
	return p, x, tap, y
}

func (m *micro) maxPool(kernel func(*asm.TapsArgs), taps, c, pixels int) {
	m.Helper()
	p, x, tap, y := m.tapsArgs(taps, c, pixels)
	for i := range pixels {
		for j := range c {
			most := exactly(float32(math.Inf(-1)))
			for _, off := range tap {
				most = most.larger(exactly(x[i*p.XStride+off+j]))
			}
			most.clamp(p.Lo, p.Hi)
			y.want[i*p.YStride+j] = most
		}
	}
	kernel(p)
	m.check(y, "%d taps, %d channels, %d pixels", taps, c, pixels)
}

func (m *micro) depthwise(kernel func(*asm.TapsArgs), taps, c, pixels int) {
	m.Helper()
	p, x, tap, y := m.tapsArgs(taps, c, pixels)
	weights, bias := m.finite(taps*c), m.finite(c)
	p.W, p.Bias = &weights[0], &bias[0]
	for i := range pixels {
		for j := range c {
			var s sum
			s.add(bias[j], 1)
			for k, off := range tap {
				s.add(x[i*p.XStride+off+j], weights[k*c+j])
			}
			s.round(taps)
			s.clamp(p.Lo, p.Hi)
			y.want[i*p.YStride+j] = s
		}
	}
	kernel(p)
	m.check(y, "%d taps, %d channels, %d pixels", taps, c, pixels)
}

// TestOneNaN puts one NaN among ordinary numbers, at every tap and in every
// lane: it alone, and always, comes out, though ReLU and a maximum would
// rather not see it.
func TestOneNaN(t *testing.T) {
	const c, taps = 19, 9
	eachTier(t, func(t *testing.T, tier *Tier) {
		weights, bias := slices.Repeat([]float32{1}, taps*c), make([]float32, c)
		var tap [taps]int
		for k := range tap {
			tap[k] = k * c
		}
		for _, kernel := range []struct {
			name string
			run  func(*asm.TapsArgs)
		}{{"maxpool", tier.MaxPool}, {"depthwise", tier.Depthwise}} {
			for at := range taps * c {
				x, y := slices.Repeat([]float32{-2}, taps*c), make([]float32, c)
				x[at] = float32(math.NaN())
				kernel.run(&asm.TapsArgs{
					X: &x[0], Tap: &tap[0], W: &weights[0], Bias: &bias[0], Y: &y[0],
					Taps: taps, C: c, Pixels: 1, Lo: 0, Hi: 6,
				})
				for j, v := range y {
					if isNaN(v) != (j == at%c) || !isNaN(v) && v != 0 {
						t.Errorf("%s: tap %d of channel %d is NaN, result %d is %v", kernel.name, at/c, at%c, j, v)
					}
				}
			}
		}
	})
}

// TestOneNaNInPool puts one NaN into each pixel of a window, then into the
// weights of each column.
func TestOneNaNInPool(t *testing.T) {
	nan := float32(math.NaN())
	eachTier(t, func(t *testing.T, tier *Tier) {
		pool := func(x [4]float32, weights [NR]float32) (y [NR]float32) {
			var bias [NR]float32
			tier.ConvPool(&asm.ConvPoolArgs{
				A: &x[0], Seg: new(int), B: &weights[0], Bias: &bias[0], C: &y[0],
				AStride: 1, ARow: 2, CStride: NR, Segs: 1, SegLen: 1, Windows: 1, N: NR, Lo: 0, Hi: 6,
			})
			return y
		}
		for pixel := range 4 {
			x, weights := [4]float32{-1, 1, -1, 1}, [NR]float32{}
			x[pixel] = nan
			for j, v := range pool(x, weights) {
				if !isNaN(v) {
					t.Errorf("pixel %d is NaN, column %d is %v", pixel, j, v)
				}
			}
		}
		for column := range NR {
			weights := [NR]float32{}
			weights[column] = nan
			for j, v := range pool([4]float32{-1, 1, -1, 1}, weights) {
				if isNaN(v) != (j == column) {
					t.Errorf("column %d's weight is NaN, column %d is %v", column, j, v)
				}
			}
		}
	})
}
