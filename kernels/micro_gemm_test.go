package kernels

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

func (m *micro) testGemm(k asm.Kernel, run func(*asm.GemmArgs)) {
	for n := 1; n <= NR; n++ {
		for segLen := 1; segLen <= 17; segLen++ {
			for segs := 1; segs <= 4; segs++ {
				if brief() && m.IntN(4) > 0 {
					continue
				}
				m.gemm(run, k.Rows, m.between(1, 4), n, segs, segLen, m.IntN(2) == 0)
			}
		}
	}
	for tiles := 1; tiles <= 4; tiles++ {
		for _, residual := range []bool{false, true} {
			m.gemm(run, k.Rows, tiles, NR, 3, 100, residual)
			m.gemm(run, k.Rows, tiles, NR-1, 1, 301, residual)
		}
	}
}

func (m *micro) gemm(kernel func(*asm.GemmArgs), mr, tiles, n, segs, segLen int, residual bool) {
	m.Helper()
	rows, k := mr*tiles, segs*segLen
	seg := m.offsets(segs, segLen)
	g := &asm.GemmArgs{
		Seg: m.segments(seg), Segs: segs, SegLen: segLen, Tiles: tiles, N: n,
		AStride: m.prime(1), CStride: m.prime(n), DStride: m.prime(n),
	}
	g.Lo, g.Hi = m.limits()
	a := m.floats((rows-1)*g.AStride + slices.Max(seg) + segLen)
	b, bias := m.finite(k*NR), m.finite(NR)
	c := m.target((rows-1)*g.CStride + n)
	g.A, g.B, g.Bias, g.C = &a[0], &b[0], &bias[0], &c.got[0]
	var d []float32
	if residual {
		d = m.floats((rows-1)*g.DStride + n)
		g.D = &d[0]
	}
	for i := range rows {
		for j := range n {
			s := rowTimesColumn(a[i*g.AStride:], seg, segLen, b, bias, j)
			if residual {
				s.add(d[i*g.DStride+j], 1)
			}
			s.round(k)
			s.clamp(g.Lo, g.Hi)
			c.want[i*g.CStride+j] = s
		}
	}
	kernel(inBytes(g))
	m.check(c, "%d tiles, %d columns, %d segments of %d, residual %v", tiles, n, segs, segLen, residual)
}

// rowTimesColumn is the bias plus the product of a row in segments and a
// panel's column.
func rowTimesColumn(a []float32, seg []int, segLen int, b, bias []float32, column int) (s sum) {
	s.add(bias[column], 1)
	for i, off := range seg {
		for j, x := range a[off : off+segLen] {
			s.add(x, b[(i*segLen+j)*NR+column])
		}
	}
	return s
}

func (m *micro) testConvPool(_ asm.Kernel, run func(*asm.ConvPoolArgs)) {
	for n := 1; n <= NR; n++ {
		for segLen := 1; segLen <= 17; segLen++ {
			for segs := 1; segs <= 4; segs++ {
				m.convPool(run, m.between(1, 4), n, segs, segLen)
			}
		}
	}
	for windows := 1; windows <= 8; windows++ {
		m.convPool(run, windows, NR, 3, 96)
	}
}

func (m *micro) convPool(kernel func(*asm.ConvPoolArgs), windows, n, segs, segLen int) {
	m.Helper()
	seg := m.offsets(segs, segLen)
	p := &asm.ConvPoolArgs{
		Seg: m.segments(seg), Segs: segs, SegLen: segLen, Windows: windows, N: n,
		AStride: m.prime(1), ARow: m.prime(1), CStride: m.prime(n),
	}
	p.Lo, p.Hi = m.limits()
	a := m.floats(p.ARow + (2*windows-1)*p.AStride + slices.Max(seg) + segLen)
	b, bias := m.finite(segs*segLen*NR), m.finite(NR)
	c := m.target((windows-1)*p.CStride + n)
	p.A, p.B, p.Bias, p.C = &a[0], &b[0], &bias[0], &c.got[0]
	for w := range windows {
		for j := range n {
			var most sum
			for pixel := range 4 {
				at := pixel/2*p.ARow + (2*w+pixel%2)*p.AStride
				s := rowTimesColumn(a[at:], seg, segLen, b, bias, j)
				s.round(segs * segLen)
				if pixel == 0 {
					most = s
				}
				most = most.larger(s)
			}
			most.clamp(p.Lo, p.Hi)
			c.want[w*p.CStride+j] = most
		}
	}
	kernel(inBytes(p))
	m.check(c, "%d windows, %d columns, %d segments of %d", windows, n, segs, segLen)
}

func (m *micro) testProduct(k asm.Kernel, run func(*asm.ProductArgs)) {
	for depth := 1; depth <= 33; depth++ {
		for freqs := 1; freqs <= 4; freqs++ {
			m.product(run, k.Rows, depth, freqs)
		}
	}
	for _, freqs := range []int{16, 36} {
		m.product(run, k.Rows, 40, freqs)
	}
}

func (m *micro) product(kernel func(*asm.ProductArgs), mr, k, freqs int) {
	m.Helper()
	p := &asm.ProductArgs{AFreq: m.prime(1), AStride: m.prime(1), BFreq: m.prime(k * NR), CStride: m.prime(NR), K: k, Freqs: freqs,
		Ahead: m.prime(1), AheadStep: m.prime(1)}
	p.CFreq = m.prime(mr * p.CStride)
	a := m.floats((freqs-1)*p.AFreq + (mr-1)*p.AStride + k)
	b := m.finite((freqs-1)*p.BFreq + k*NR)
	c := m.target((freqs-1)*p.CFreq + (mr-1)*p.CStride + NR)
	p.A, p.B, p.C = &a[0], &b[0], &c.got[0]
	for f := range freqs {
		for i := range mr {
			for j := range NR {
				var s sum
				for x := range k {
					s.add(a[f*p.AFreq+i*p.AStride+x], b[f*p.BFreq+x*NR+j])
				}
				s.round(k)
				c.want[f*p.CFreq+i*p.CStride+j] = s
			}
		}
	}
	kernel(inBytes(p))
	m.check(c, "K %d, %d frequencies", k, freqs)
}

func (m *micro) testFully(kernel asm.Kernel, run func(*asm.FullyArgs)) {
	for k := 1; k <= 40; k++ {
		for groups := 1; groups <= 4; groups++ {
			m.fully(run, kernel, groups, k)
		}
	}
	m.fully(run, kernel, 2, 777)
}

func (m *micro) fully(run func(*asm.FullyArgs), kernel asm.Kernel, groups, k int) {
	m.Helper()
	elem := tensor.Elem(kernel.Weight)
	panels, size, row := kernel.Panels*groups, elem.Size(), NR
	f := &asm.FullyArgs{BStride: m.prime(k*NR) * size, BiasStride: m.prime(NR), K: k, Groups: groups}
	if kernel.Rows > 1 {
		f.AStride, f.BiasRow, f.CStride = m.prime(1), m.prime(1), m.prime(panels*NR)
	}
	if kernel.Variant == "strided" {
		// Panels side by side in a matrix, or rows anywhere.
		f.BStride, row = NR*size, m.prime(panels*NR)
		if k%2 == 0 {
			f.BStride, row = m.prime(1)*size, m.prime(1)
		}
		f.BRow = row
	}
	f.Lo, f.Hi = m.limits()
	last := kernel.Rows - 1
	a, bias := m.floats(last*f.AStride+k), m.finite(last*f.BiasRow+(panels-1)*f.BiasStride+NR)
	c := m.target(last*f.CStride + panels*NR)
	var weight func(i int) float32
	if elements := (panels-1)*f.BStride/size + (k-1)*row + NR; elem == tensor.F16 {
		b := m.halves(elements)
		f.B, weight = (*byte)(unsafe.Pointer(&b[0])), func(i int) float32 { return tensor.Float32(b[i]) }
	} else {
		b := m.finite(elements)
		f.B, weight = (*byte)(unsafe.Pointer(&b[0])), func(i int) float32 { return b[i] }
	}
	f.A, f.Bias, f.C = &a[0], &bias[0], &c.got[0]
	for i := range kernel.Rows * panels * NR {
		r, p, j := i/NR/panels, i/NR%panels, i%NR
		var s sum
		s.add(bias[r*f.BiasRow+p*f.BiasStride+j], 1)
		for i, x := range a[r*f.AStride:][:k] {
			s.add(x, weight(p*f.BStride/size+i*row+j))
		}
		s.round(k)
		s.clamp(f.Lo, f.Hi)
		c.want[r*f.CStride+p*NR+j] = s
	}
	run(inBytes(f))
	m.check(c, "K %d, %d groups", k, groups)
}

// TestDenormals multiplies a denormal by one, in every lane: none is flushed
// to zero, by any kernel that computes sums.
func TestDenormals(t *testing.T) {
	const tiny = 3e-42
	eachTier(t, func(t *testing.T, tier *Tier) {
		x, zeros, ones := []float32{tiny}, make([]float32, NR), slices.Repeat([]float32{1}, NR)
		half := slices.Repeat([]uint16{tensor.Float16(1)}, NR)
		least := make([]uint16, NR) // 2⁻²⁴, a denormal float16
		for i := range least {
			least[i] = 1
		}
		lo, hi := Act{}.limits()
		check := func(kernel string, want float32, call func(y *float32)) {
			y := make([]float32, NR)
			call(&y[0])
			for i, v := range y {
				if v != want {
					t.Errorf("%s: lane %d is %v, want %v", kernel, i, v, want)
				}
			}
		}
		check("gemm", tiny, func(y *float32) {
			find[asm.GemmArgs](tier, asm.Kernel{Op: "gemm", Rows: 1, Panels: 1})(&asm.GemmArgs{A: &x[0], Seg: new(int), B: &ones[0], Bias: &zeros[0], C: y, Segs: 1, SegLen: 1, Tiles: 1, N: NR, Lo: lo, Hi: hi})
		})
		check("convpool", tiny, func(y *float32) {
			find[asm.ConvPoolArgs](tier, asm.Kernel{Op: "convpool", Rows: 4, Panels: 1})(&asm.ConvPoolArgs{A: &x[0], Seg: new(int), B: &ones[0], Bias: &zeros[0], C: y, Segs: 1, SegLen: 1, Windows: 1, N: NR, Lo: lo, Hi: hi})
		})
		check("product", tiny, func(y *float32) {
			find[asm.ProductArgs](tier, asm.Kernel{Op: "product", Rows: 1, Panels: 1})(&asm.ProductArgs{A: &x[0], B: &ones[0], C: y, K: 1, Freqs: 1})
		})
		check("fully f32", tiny, func(y *float32) {
			find[asm.FullyArgs](tier, fullyKernel(tensor.F32, 1))(&asm.FullyArgs{A: &x[0], B: &bytesOf(ones)[0], Bias: &zeros[0], C: y, K: 1, Groups: 1, Lo: lo, Hi: hi})
		})
		check("fully f16", tiny, func(y *float32) {
			find[asm.FullyArgs](tier, fullyKernel(tensor.F16, 1))(&asm.FullyArgs{A: &x[0], B: &bytesOf(half)[0], Bias: &zeros[0], C: y, K: 1, Groups: 1, Lo: lo, Hi: hi})
		})
		check("fully f16, denormal weights", 0x1p-24, func(y *float32) {
			find[asm.FullyArgs](tier, fullyKernel(tensor.F16, 1))(&asm.FullyArgs{A: &ones[0], B: &bytesOf(least)[0], Bias: &zeros[0], C: y, K: 1, Groups: 1, Lo: lo, Hi: hi})
		})
		tinies := slices.Repeat(x, NR)
		check("clamp", tiny, func(y *float32) {
			tier.activation(Clamp)(&asm.ActivateArgs{X: &tinies[0], Y: y, N: NR, Lo: 0, Hi: hi})
		})
		check("maxpool", tiny, func(y *float32) {
			find[asm.TapsArgs](tier, asm.Kernel{Op: "maxpool"})(&asm.TapsArgs{X: &tinies[0], Y: y, Rows: 1, Cols: 1, C: NR, Pixels: 1, Lo: lo, Hi: hi})
		})
		check("avgpool", tiny, func(y *float32) {
			find[asm.TapsArgs](tier, asm.Kernel{Op: "avgpool"})(&asm.TapsArgs{X: &tinies[0], Y: y, Rows: 1, Cols: 1, C: NR, Pixels: 1, Count: 1})
		})
		check("depthwise", tiny, func(y *float32) {
			find[asm.TapsArgs](tier, asm.Kernel{Op: "depthwise"})(&asm.TapsArgs{X: &tinies[0], W: &ones[0], Bias: &zeros[0], Y: y, Rows: 1, Cols: 1, C: NR, Pixels: 1, Lo: lo, Hi: hi})
		})
	})
}
