package kernels

import (
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

func (m *micro) testBlend(_ asm.Kernel, run func(*asm.BlendArgs)) {
	for c := 1; c <= 75; c++ {
		for pixels := 1; pixels <= 3; pixels++ {
			m.blend(run, c, pixels)
		}
	}
	m.blend(run, 7, 40)
}

func (m *micro) blend(kernel func(*asm.BlendArgs), c, pixels int) {
	m.Helper()
	at := m.offsets(5, c)
	x := m.floats(slices.Max(at) + c)
	p := &asm.BlendArgs{X: &x[0], YStride: m.prime(c), Pixels: pixels, C: c}
	y := m.target((pixels-1)*p.YStride + c)
	p.Y = &y.got[0]
	samples := make([]asm.Sample, pixels)
	for i := range samples {
		s := &samples[i]
		s.Taps = m.between(0, 4)
		for t := range s.Taps {
			from := at[m.IntN(len(at))]
			s.At[t], s.Weight[t] = 4*from, 2*m.Float32()-1
			if s.Taps == 1 {
				s.Weight[t] = 1
			}
			for k := range c {
				y.want[i*p.YStride+k].add(x[from+k], s.Weight[t])
			}
		}
		for k := range c {
			y.want[i*p.YStride+k].within(float64(s.Taps) * 0x1p-24)
		}
	}
	p.Samples = &place(m, samples)[0]
	kernel(inBytes(p))
	m.check(y, "%d pixels of %d channels", pixels, c)
}

func (m *micro) testMaxPool(_ asm.Kernel, run func(*asm.TapsArgs)) {
	m.eachWindow(func(c tapsCase) { m.maxPool(run, c) })
}

func (m *micro) testAveragePool(k asm.Kernel, run func(*asm.TapsArgs)) {
	m.eachWindow(func(c tapsCase) {
		if k == narrowKernel {
			c.cols = min(c.cols, 3)
			m.averagePoolNarrow(run, c)
			return
		}
		m.averagePool(run, c)
	})
}

func (m *micro) testDepthwise(_ asm.Kernel, run func(*asm.TapsArgs)) {
	m.eachWindow(func(c tapsCase) { m.depthwise(run, c) })
}

// A tapsCase is a window's rows and columns, and for how many channels and
// pixels it is to be computed, which stand so many columns apart; 0 is any
// distance.
type tapsCase struct{ rows, cols, c, pixels, apart int }

// eachWindow calls f with every number of channels and pixels, and with
// windows of many sizes.
func (m *micro) eachWindow(f func(tapsCase)) {
	for c := 1; c <= 50; c++ {
		for pixels := 1; pixels <= 13; pixels++ {
			f(tapsCase{m.between(1, 4), m.between(1, 5), c, pixels, m.between(0, 2)})
		}
	}
	for rows := 1; rows <= 5; rows++ {
		for cols := 1; cols <= 5; cols++ {
			for apart := range 3 {
				f(tapsCase{rows, cols, 43, 11, apart})
			}
		}
	}
	f(tapsCase{7, 7, 23, 7, 1})
}

// tapsArgs is what these kernels take: the block of arguments, the operand,
// where each tap of the first pixel stands, and where the result goes. Taps
// and pixels may overlap.
func (m *micro) tapsArgs(c tapsCase) (p *asm.TapsArgs, x []float32, tap []int, y *target) {
	p = &asm.TapsArgs{
		Rows: c.rows, Cols: c.cols, C: c.c, Pixels: c.pixels,
		XRow: m.prime(1), XCol: m.prime(1), XStride: m.prime(1), YStride: m.prime(c.c),
	}
	if c.apart > 0 {
		p.XStride = c.apart * p.XCol
	}
	p.Lo, p.Hi = m.limits()
	for r := range c.rows {
		for k := range c.cols {
			tap = append(tap, r*p.XRow+k*p.XCol)
		}
	}
	x = m.floats((c.pixels-1)*p.XStride + slices.Max(tap) + c.c)
	y = m.target((c.pixels-1)*p.YStride + c.c)
	p.X, p.Y = &x[0], &y.got[0]
	return p, x, tap, y
}

func (m *micro) maxPool(kernel func(*asm.TapsArgs), c tapsCase) {
	m.Helper()
	p, x, tap, y := m.tapsArgs(c)
	for i := range c.pixels {
		for j := range c.c {
			most := exactly(float32(math.Inf(-1)))
			for _, off := range tap {
				most = most.larger(exactly(x[i*p.XStride+off+j]))
			}
			most.clamp(p.Lo, p.Hi)
			y.want[i*p.YStride+j] = most
		}
	}
	kernel(inBytes(p))
	m.check(y, "%+v", c)
}

// averagePool wants the very bits: the order of the sum is fixed, and it is
// rounded to float32 once.
func (m *micro) averagePool(kernel func(*asm.TapsArgs), c tapsCase) {
	m.Helper()
	p, x, tap, y := m.tapsArgs(c)
	p.Count = float64(m.between(1, 50))
	for i := range c.pixels {
		for j := range c.c {
			sum := 0.0
			for _, off := range tap {
				sum += float64(x[i*p.XStride+off+j])
			}
			y.want[i*p.YStride+j] = exactly(float32(sum / p.Count))
		}
	}
	kernel(inBytes(p))
	m.check(y, "%+v", c)
}

// averagePoolNarrow wants the very bits, too.
func (m *micro) averagePoolNarrow(kernel func(*asm.TapsArgs), c tapsCase) {
	m.Helper()
	p, x, tap, y := m.tapsArgs(c)
	p.Count = float64(m.between(1, 50))
	for i := range c.pixels {
		for j := range c.c {
			var sum float32
			for k := range c.cols {
				var column float32
				for r := range c.rows {
					column += x[i*p.XStride+tap[r*c.cols+k]+j]
				}
				sum += column
			}
			y.want[i*p.YStride+j] = exactly(sum / float32(p.Count))
		}
	}
	kernel(inBytes(p))
	m.check(y, "%+v", c)
}

func (m *micro) depthwise(kernel func(*asm.TapsArgs), c tapsCase) {
	m.Helper()
	p, x, tap, y := m.tapsArgs(c)
	p.WCol = m.prime(c.c)
	p.WRow = m.prime(c.cols * p.WCol)
	weights, bias := m.finite((c.rows-1)*p.WRow+(c.cols-1)*p.WCol+c.c), m.finite(c.c)
	p.W, p.Bias = &weights[0], &bias[0]
	for i := range c.pixels {
		for j := range c.c {
			var s sum
			s.add(bias[j], 1)
			for k, off := range tap {
				s.add(x[i*p.XStride+off+j], weights[k/c.cols*p.WRow+k%c.cols*p.WCol+j])
			}
			s.round(len(tap))
			s.clamp(p.Lo, p.Hi)
			y.want[i*p.YStride+j] = s
		}
	}
	kernel(inBytes(p))
	m.check(y, "%+v", c)
}

func (m *micro) testGrouped(k asm.Kernel, run func(*asm.TapsArgs)) {
	for _, depth := range groupedDepths {
		if k == groupedKernel(depth) {
			m.eachWindow(func(c tapsCase) {
				c.c = ceilDiv(c.c, depth) * depth
				m.grouped(run, c, depth)
			})
		}
	}
}

func (m *micro) grouped(kernel func(*asm.TapsArgs), c tapsCase, depth int) {
	m.Helper()
	p, x, tap, y := m.tapsArgs(c)
	p.WIn = m.prime(c.c)
	p.WCol = m.prime(depth * p.WIn)
	p.WRow = m.prime(c.cols * p.WCol)
	weights, bias := m.finite((c.rows-1)*p.WRow+(c.cols-1)*p.WCol+(depth-1)*p.WIn+c.c), m.finite(c.c)
	p.W, p.Bias = &weights[0], &bias[0]
	for i := range c.pixels {
		for j := range c.c {
			var s sum
			s.add(bias[j], 1)
			for k, off := range tap {
				for in := range depth {
					s.add(x[i*p.XStride+off+j/depth*depth+in], weights[k/c.cols*p.WRow+k%c.cols*p.WCol+in*p.WIn+j])
				}
			}
			s.round(depth * len(tap))
			s.clamp(p.Lo, p.Hi)
			y.want[i*p.YStride+j] = s
		}
	}
	kernel(inBytes(p))
	m.check(y, "%+v", c)
}

// TestOneNaN puts one NaN among ordinary numbers, at every tap and in every
// lane: it alone, and always, comes out, though ReLU and a maximum would
// rather not see it.
func TestOneNaN(t *testing.T) {
	const c, taps = 19, 9
	eachTier(t, func(t *testing.T, tier *Tier) {
		weights, bias := slices.Repeat([]float32{1}, taps*c), make([]float32, c)
		for _, op := range []string{"maxpool", "depthwise"} {
			kernel := find[asm.TapsArgs](tier, asm.Kernel{Op: op})
			for at := range taps * c {
				x, y := slices.Repeat([]float32{-2}, taps*c), make([]float32, c)
				x[at] = float32(math.NaN())
				kernel(&asm.TapsArgs{
					X: &x[0], W: &weights[0], Bias: &bias[0], Y: &y[0], XRow: 4 * 3 * c, XCol: 4 * c, WRow: 4 * 3 * c, WCol: 4 * c,
					Rows: 3, Cols: 3, C: c, Pixels: 1, Lo: 0, Hi: 6,
				})
				for j, v := range y {
					if tensor.IsNaN(v) != (j == at%c) || !tensor.IsNaN(v) && v != 0 {
						t.Errorf("%s: tap %d of channel %d is NaN, result %d is %v", op, at/c, at%c, j, v)
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
		kernel := find[asm.ConvPoolArgs](tier, asm.Kernel{Op: "convpool", Rows: 4, Panels: 1})
		pool := func(x [4]float32, weights [NR]float32) (y [NR]float32) {
			var bias [NR]float32
			kernel(&asm.ConvPoolArgs{
				A: &x[0], Seg: new(int), B: &weights[0], Bias: &bias[0], C: &y[0],
				AStride: 4, ARow: 4 * 2, CStride: 4 * NR, Segs: 1, SegLen: 1, Windows: 1, N: NR, Lo: 0, Hi: 6,
			})
			return y
		}
		for pixel := range 4 {
			x, weights := [4]float32{-1, 1, -1, 1}, [NR]float32{}
			x[pixel] = nan
			for j, v := range pool(x, weights) {
				if !tensor.IsNaN(v) {
					t.Errorf("pixel %d is NaN, column %d is %v", pixel, j, v)
				}
			}
		}
		for column := range NR {
			weights := [NR]float32{}
			weights[column] = nan
			for j, v := range pool([4]float32{-1, 1, -1, 1}, weights) {
				if tensor.IsNaN(v) != (j == column) {
					t.Errorf("column %d's weight is NaN, column %d is %v", column, j, v)
				}
			}
		}
	})
}
