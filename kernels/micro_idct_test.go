package kernels

import (
	"math"
	"slices"
	"strconv"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/internal/guard"
)

func (m *micro) testIDCT(k asm.Kernel, run func(*asm.IDCTArgs)) {
	side, err := strconv.Atoi(k.Variant)
	if err != nil {
		m.Fatal(err)
	}
	for n := 1; n <= 9; n++ {
		for _, most := range []int{0, 1, 30, 300, 1024, 8192} {
			for _, share := range []float64{0.05, 0.5, 1} {
				m.idct(run, side, n, most, share)
			}
		}
	}
}

// idct compares n blocks, in which a share of the coefficients is up to most,
// with the oracle; and samples with the sum of cosines, which the fast
// algorithm comes close to.
func (m *micro) idct(kernel func(*asm.IDCTArgs), side, n, most int, share float64) {
	m.Helper()
	per := 16 / side
	groups := (n + per - 1) / per
	x := guard.Make[int16](m.memory, groups*16*side, m.side)
	clear(x)
	block := func(i int) []int16 { return x[i/per*16*side+i%per*side:] }
	for i := range n {
		for u := range side {
			for v := range side {
				if m.Float64() < share {
					block(i)[16*u+v] = int16(m.IntN(2*most+1) - most)
				}
			}
		}
	}
	stride := m.prime(n * side)
	offsets := make([]int, n) // in any order
	for i := range offsets {
		offsets[i] = side * i
	}
	m.Shuffle(n, func(i, j int) { offsets[i], offsets[j] = offsets[j], offsets[i] })
	offsets = place(m, offsets)
	y := guard.Make[byte](m.memory, (side-1)*stride+side*n, m.side)
	for i := range y {
		y[i] = 0xa5
	}
	peak, before := m.IntN(300), slices.Clone(x)

	want := slices.Clone(y)
	wantPeak, copied := peak, slices.Clone(x)
	transform := map[int]func(*[8]int32){8: idct8, 4: idct4}[side]
	idctPortable(side, transform)(&asm.IDCTArgs{X: &copied[0], Y: &want[0], At: &offsets[0], Peak: &wantPeak, YStride: stride, N: n})
	kernel(&asm.IDCTArgs{X: &x[0], Y: &y[0], At: &offsets[0], Peak: &peak, YStride: stride, N: n})

	for i, v := range x {
		if v != 0 {
			m.Fatalf("coefficient %d of %d blocks is %d afterwards", i, n, v)
		}
	}
	if (peak == math.MaxInt16) != (wantPeak == math.MaxInt16) {
		m.Fatalf("%d blocks, coefficients up to %d: peak %d, want %d", n, most, peak, wantPeak)
	}
	m.checked++
	if peak == math.MaxInt16 {
		m.release(n)
		return
	}
	if peak != wantPeak {
		m.Fatalf("%d blocks, coefficients up to %d: peak %d, want %d", n, most, peak, wantPeak)
	}
	if i := slices.Compare(y, want); i != 0 {
		m.Fatalf("%d blocks, coefficients up to %d: samples are\n%v, want\n%v", n, most, y, want)
	}
	x = before
	for i, at := range offsets {
		for py := range side {
			for px := range side {
				sum := 0.0
				for u := range side {
					for v := range side {
						sum += float64(block(i)[16*u+v]) * cosine(side, px, u) * cosine(side, py, v)
					}
				}
				sum = min(max(sum/8+128, 0), 255)
				// Half a step for rounding, a sixth for that of the first
				// direction, and what the constants are off.
				if got := float64(y[at+py*stride+px]); math.Abs(got-sum) > 0.7+float64(most)/1000 {
					m.Fatalf("sample %d, %d of block %d is %v, want %v", px, py, i, got, sum)
				}
			}
		}
	}
	m.release(n)
}

// release ends a case.
func (m *micro) release(n int) {
	m.Helper()
	for _, o := range m.operands {
		if !slices.Equal(o.now, o.before) {
			m.Fatalf("%d: an operand was written", n)
		}
	}
	m.operands = m.operands[:0]
	m.memory.Release()
}

// cosine is a base function of the DCT.
func cosine(side, x, u int) float64 {
	if u == 0 {
		return 1
	}
	return math.Sqrt2 * math.Cos(float64((2*x+1)*u)*math.Pi/float64(2*side))
}
