package kernels

import (
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/internal/guard"
)

// bytes are n random ones.
func (m *micro) bytes(n int) []byte {
	x := make([]byte, n)
	for i := range x {
		x[i] = byte(m.IntN(256))
	}
	return place(m, x)
}

func (m *micro) testWeigh(_ asm.Kernel, run func(*asm.WeighArgs)) {
	for k := 1; k <= 9; k++ {
		for n := 32; n <= 128; n += 32 {
			stride := m.prime(n)
			row := m.offsets(k, stride)
			x, w := m.bytes(slices.Max(row)+n), m.floats(k)
			y := m.target(n)
			for i := range y.want {
				s := &y.want[i]
				for j, off := range row {
					s.multiply(w[j], float32(x[off+i]))
				}
				s.round(k)
			}
			run(&asm.WeighArgs{X: &x[0], Row: &row[0], W: &w[0], Y: &y.got[0], K: k, N: n})
			m.check(y, "%d rows of %d", k, n)
		}
	}
}

func (m *micro) testResample(_ asm.Kernel, run func(*asm.ResampleArgs)) {
	for n := 1; n <= 9; n++ {
		for k := 8; k <= 32; k += 8 {
			from := make([]int, n)
			for i := range from {
				from[i] = m.IntN(3 * n)
			}
			x := m.floats(slices.Max(from) + k)
			w, y := m.finite(n*k), m.target(n)
			offsets := make([]int, n)
			for i := range y.want {
				offsets[i] = 4 * from[i]
				for j := range k {
					y.want[i].multiply(w[i*k+j], x[from[i]+j])
				}
				y.want[i].round(k)
			}
			offsets = place(m, offsets)
			run(&asm.ResampleArgs{X: &x[0], At: &offsets[0], W: &w[0], Y: &y.got[0], K: k, N: n})
			m.check(y, "%d sums of %d", n, k)
		}
	}
}

// multiply adds a product, either factor of which may be anything.
func (s *sum) multiply(a, b float32) {
	s.loose = s.loose || math.IsInf(float64(a), 0) || math.IsInf(float64(b), 0)
	s.add(a, b)
}

func (m *micro) testColours(k asm.Kernel, run func(*asm.ColourArgs)) {
	for n := 16; n <= 80; n += 16 {
		for range 8 {
			m.colours(k, run, n)
		}
	}
}

func (m *micro) colours(k asm.Kernel, run func(*asm.ColourArgs), n int) {
	m.Helper()
	p := asm.ColourArgs{N: n}
	var oracle func(*asm.ColourArgs)
	switch {
	case k.Op == "planes":
		x := make([]byte, 4*n)
		for i := range x {
			x[i] = byte(m.IntN(256))
		}
		for i := 3; i < len(x); i += 4 {
			if m.IntN(2) == 0 {
				x[i] = 255
			}
			for c := i - 3; c < i; c++ {
				x[c] = min(x[c], x[i]) // premultiplied
			}
		}
		p.X = &place(m, x)[0]
		oracle = planesPortable
	case k.Variant == "1":
		p.X, p.Cb, p.Cr = &m.bytes(n)[0], &m.bytes(n)[0], &m.bytes(n)[0]
		oracle = ycbcrPortable(1)
	default:
		p.X, p.Cb, p.Cr = &m.bytes(n)[0], &m.bytes(n / 2)[0], &m.bytes(n / 2)[0]
		oracle = ycbcrPortable(2)
	}
	var got, want [3][]byte
	for c := range got {
		got[c], want[c] = guard.Make[byte](m.memory, n, m.side), make([]byte, n)
		for i := range got[c] {
			got[c][i] = byte(i)
		}
	}
	p.R, p.G, p.B = &want[0][0], &want[1][0], &want[2][0]
	oracle(&p)
	p.R, p.G, p.B = &got[0][0], &got[1][0], &got[2][0]
	run(&p)
	m.checked++
	for c := range got {
		if !slices.Equal(got[c], want[c]) {
			m.Fatalf("%d pixels: colour %d is\n%v, want\n%v", n, c, got[c], want[c])
		}
	}
	m.release(n)
}

// The formula of luma and chroma is image/color's, within 1.
func TestColourFormula(t *testing.T) {
	r := portable.Rows()
	y, chroma := make([]byte, 256), make([]byte, 256)
	for i := range y {
		y[i] = byte(i)
	}
	var out [3][]byte
	for c := range out {
		out[c] = make([]byte, 256)
	}
	cr := make([]byte, 256)
	for u := 0; u < 256; u += 5 {
		for v := 0; v < 256; v += 3 {
			for i := range y {
				chroma[i], cr[i] = byte(u), byte(v)
			}
			r.YCbCr(out[0], out[1], out[2], y, chroma, cr, 1)
			for i := range y {
				var want [3]byte
				want[0], want[1], want[2] = color.YCbCrToRGB(byte(i), byte(u), byte(v))
				for c := range want {
					if d := int(out[c][i]) - int(want[c]); d < -1 || d > 1 {
						t.Fatalf("%d, %d, %d: colour %d is %d, want %d", i, u, v, c, out[c][i], want[c])
					}
				}
			}
		}
	}
}
