package kernels

import (
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/asm"
)

func TestIm2colKernels(t *testing.T) {
	eachTier(t, func(t *testing.T, tier *Tier) {
		eachMicro(t, "rows", func(m *micro) {
			for rows := 1; rows <= 4; rows++ {
				for segs := 1; segs <= 4; segs++ {
					for segLen := 1; segLen <= 33; segLen++ {
						m.im2col(tier.Im2col, rows, segs, segLen)
					}
				}
			}
			m.im2col(tier.Im2col, 7, 9, 3)
		})
	})
}

func (m *micro) im2col(kernel func(*asm.Im2colArgs), rows, segs, segLen int) {
	m.Helper()
	seg := m.offsets(segs, segLen)
	p := &asm.Im2colArgs{Seg: &seg[0], Segs: segs, SegLen: segLen, Rows: rows, AStride: m.prime(1), CStride: m.prime(segs * segLen)}
	a := m.floats((rows-1)*p.AStride + slices.Max(seg) + segLen)
	c := m.target((rows-1)*p.CStride + segs*segLen)
	p.A, p.C = &a[0], &c.got[0]
	for i := range rows {
		for s, off := range seg {
			for j, x := range a[i*p.AStride+off:][:segLen] {
				c.want[i*p.CStride+s*segLen+j] = exactly(x)
			}
		}
	}
	kernel(p)
	m.check(c, "%d rows, %d segments of %d", rows, segs, segLen)
}

func TestClampKernels(t *testing.T) {
	eachTier(t, func(t *testing.T, tier *Tier) {
		eachMicro(t, "n", func(m *micro) {
			for n := 1; n <= 70; n++ {
				for range 6 {
					m.clampAll(tier.Clamp, n)
				}
			}
			for range 20 {
				m.clampInPlace(tier.Clamp, m.between(1, 70))
			}
		})
	})
}

// clampAll compares bits: a zero keeps its sign.
func (m *micro) clampAll(kernel func(*asm.ClampArgs), n int) {
	m.Helper()
	p := &asm.ClampArgs{N: n}
	p.Lo, p.Hi = m.limits()
	x, y := m.floats(n), m.target(n)
	p.X, p.Y = &x[0], &y.got[0]
	for i, v := range x {
		switch {
		case v < p.Lo:
			v = p.Lo
		case v > p.Hi:
			v = p.Hi
		}
		y.want[i] = exactly(v)
	}
	kernel(p)
	for i, v := range y.got {
		if v == 0 && math.Signbit(float64(v)) != math.Signbit(y.want[i].value) {
			m.Fatalf("n %d: element %d, a zero, has the wrong sign", n, i)
		}
	}
	m.check(y, "n %d", n)
}

func (m *micro) clampInPlace(kernel func(*asm.ClampArgs), n int) {
	m.Helper()
	y := m.target(n)
	for i, x := range m.floats(n) {
		y.got[i] = x
		y.want[i] = exactly(x)
		y.want[i].clamp(0, 0.5)
	}
	kernel(&asm.ClampArgs{X: &y.got[0], Y: &y.got[0], N: n, Lo: 0, Hi: 0.5})
	m.check(y, "n %d, in place", n)
}

func TestWidenKernels(t *testing.T) {
	eachTier(t, func(t *testing.T, tier *Tier) {
		eachMicro(t, "n", func(m *micro) {
			for n := 1; n <= 70; n++ {
				m.widen(tier.Widen, m.halves(n))
			}
			m.widen(tier.Widen, place(m, allHalves()))
		})
		// Every value through the kernel's tail, too.
		x, y := make([]uint16, 1), make([]float32, 1)
		for _, h := range allHalves() {
			x[0] = h
			tier.Widen(&asm.WidenArgs{X: &x[0], Y: &y[0], N: 1})
			if want := halfValue(h); float64(y[0]) != want && !(math.IsNaN(want) && isNaN(y[0])) {
				t.Fatalf("float16 %#04x alone is %v, want %v", h, y[0], want)
			}
		}
	})
}

func (m *micro) widen(kernel func(*asm.WidenArgs), x []uint16) {
	m.Helper()
	y := m.target(len(x))
	for i, h := range x {
		y.want[i] = sum{value: halfValue(h), set: true}
	}
	kernel(&asm.WidenArgs{X: &x[0], Y: &y.got[0], N: len(x)})
	for i, v := range y.got {
		if v == 0 && math.Signbit(float64(v)) != math.Signbit(y.want[i].value) {
			m.Fatalf("float16 %#04x has the wrong sign", x[i])
		}
	}
	m.check(y, "n %d", len(x))
}
