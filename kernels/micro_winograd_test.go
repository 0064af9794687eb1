package kernels

import (
	"math"
	"testing"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/internal/guard"
	"github.com/infer-go/infer/tensor"
)

// transformError is the error of a Winograd transform relative to the sum of
// the absolute values of what it adds up: two passes of at most four roundings
// each, then bias and residual, with a little to spare.
const transformError = 12 * 0x1p-24

// TestWinogradMatrices convolves in one dimension: Aᵀ[(G g) ⊙ (Bᵀ d)] is the
// correlation of d with g.
func TestWinogradMatrices(t *testing.T) {
	g := newGenerator(1)
	for _, alg := range []*winograd{&f2, &f4} {
		for range 100 {
			d, kernel := g.floats(alg.t()), g.floats(3)
			var u [6]float32
			if alg == &f2 {
				u[0], u[1], u[2], u[3] = kernel2(kernel[0], kernel[1], kernel[2])
			} else {
				u[0], u[1], u[2], u[3], u[4], u[5] = kernel4(kernel[0], kernel[1], kernel[2])
			}
			var products [6]float64
			for i, row := range alg.bt {
				for k, v := range row {
					products[i] += float64(v) * float64(d[k]) * float64(u[i])
				}
			}
			for i, row := range alg.at {
				var got, want float64
				for k, v := range row {
					got += float64(v) * products[k]
				}
				for k, v := range kernel {
					want += float64(v) * float64(d[i+k])
				}
				if math.Abs(got-want) > 1e-4 {
					t.Fatalf("F(%d×%d): output %d of %v and %v is %v, want %v", alg.m, alg.m, i, d, kernel, got, want)
				}
			}
		}
	}
}

func (m *micro) testWinograd(k asm.Kernel, run func(*asm.WinogradArgs)) {
	for _, alg := range []*winograd{&f2, &f4} {
		for tiles := 1; tiles <= 4; tiles++ {
			for blocks := 1; blocks <= 4; blocks++ {
				for range max(1, trials(4)) {
					switch k {
					case alg.kernel("in"):
						m.transformIn(run, alg, tiles, blocks)
					case alg.kernel("out"):
						m.transformOut(run, alg, tiles, blocks, false, false)
						m.transformOut(run, alg, tiles, blocks, true, false)
					case alg.kernel("outpool"):
						m.transformOut(run, alg, tiles, blocks, false, true)
					}
				}
			}
		}
	}
}

// bilinear is element (i, j) of M x Mᵀ for a square x given by its elements.
// Where a weight is zero an infinity or NaN may or may not count.
func bilinear(m [][]float32, i, j int, x func(k, l int) float32) (s sum) {
	loose := false
	for k, p := range m[i] {
		for l, q := range m[j] {
			v := x(k, l)
			if p*q != 0 {
				s.add(p*q, v)
			} else {
				loose = loose || !tensor.IsFinite(v)
			}
		}
	}
	s.loose = loose || math.IsInf(s.value, 0)
	return s
}

func (m *micro) temp() *float32 { return &guard.Make[float32](m.memory, 36*blockLanes, m.side)[0] }

func (m *micro) transformIn(kernel func(*asm.WinogradArgs), alg *winograd, tiles, blocks int) {
	m.Helper()
	t, channels := alg.t(), blockLanes*blocks
	a := &asm.WinogradArgs{
		Temp: m.temp(), Tiles: tiles, Blocks: blocks,
		XPixel: m.prime(1), XRow: m.prime(1), XTile: m.prime(1), YTile: m.prime(channels),
	}
	a.YFreq = m.prime(tiles * a.YTile)
	x := m.floats((tiles-1)*a.XTile + (t-1)*(a.XRow+a.XPixel) + channels)
	y := m.target((t*t-1)*a.YFreq + (tiles-1)*a.YTile + channels)
	a.X, a.Y = &x[0], &y.got[0]
	for tile := range tiles {
		for c := range channels {
			for f := range t * t {
				s := bilinear(alg.bt, f/t, f%t, func(k, l int) float32 { return x[tile*a.XTile+k*a.XRow+l*a.XPixel+c] })
				s.within(transformError)
				y.want[f*a.YFreq+tile*a.YTile+c] = s
			}
		}
	}
	kernel(inBytes(a))
	m.check(y, "%d tiles, %d blocks", tiles, blocks)
}

func (m *micro) transformOut(kernel func(*asm.WinogradArgs), alg *winograd, tiles, blocks int, residual, pool bool) {
	m.Helper()
	t, channels, side := alg.t(), blockLanes*blocks, alg.m
	if pool {
		side /= 2
	}
	a := &asm.WinogradArgs{
		Temp: m.temp(), Tiles: tiles, Blocks: blocks,
		XFreq: m.prime(1), XTile: m.prime(1), YPixel: m.prime(channels),
		DPixel: m.prime(1), DRow: m.prime(1), DTile: m.prime(1),
	}
	a.YTile = m.prime(side * a.YPixel)
	a.YRow = m.prime(tiles * a.YTile)
	a.Lo, a.Hi = m.limits()
	x := m.floats((t*t-1)*a.XFreq + (tiles-1)*a.XTile + channels)
	bias := m.finite(channels)
	y := m.target((side-1)*(a.YRow+a.YPixel) + (tiles-1)*a.YTile + channels)
	a.X, a.Bias, a.Y = &x[0], &bias[0], &y.got[0]
	var d []float32
	if residual {
		d = m.floats((tiles-1)*a.DTile + (side-1)*(a.DRow+a.DPixel) + channels)
		a.D = &d[0]
	}
	for tile := range tiles {
		for c := range channels {
			pixel := func(row, col int) sum {
				s := bilinear(alg.at, row, col, func(k, l int) float32 { return x[(k*t+l)*a.XFreq+tile*a.XTile+c] })
				s.add(bias[c], 1)
				if residual {
					s.add(d[tile*a.DTile+row*a.DRow+col*a.DPixel+c], 1)
				}
				s.within(transformError)
				return s
			}
			for row := range side {
				for col := range side {
					var s sum
					if pool {
						s = pixel(2*row, 2*col).larger(pixel(2*row, 2*col+1)).larger(pixel(2*row+1, 2*col)).larger(pixel(2*row+1, 2*col+1))
					} else {
						s = pixel(row, col)
					}
					s.clamp(a.Lo, a.Hi)
					y.want[tile*a.YTile+row*a.YRow+col*a.YPixel+c] = s
				}
			}
		}
	}
	kernel(inBytes(a))
	m.check(y, "%d tiles, %d blocks, residual %v", tiles, blocks, residual)
}
