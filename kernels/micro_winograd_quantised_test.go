package kernels

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/infer-go/infer/asm"
)

// int16s are n random int16, of which many are extreme: but for −2¹⁵, which no
// transform makes.
func (m *micro) int16s(n int) []int16 {
	x := make([]int16, n)
	for i := range x {
		x[i] = int16(max(m.IntN(1<<16)-1<<15, -math.MaxInt16))
		if m.special && m.IntN(4) == 0 {
			x[i] = math.MaxInt16 * int16(2*m.IntN(2)-1)
		}
	}
	return place(m, x)
}

func (m *micro) testQuantisedProduct(k asm.Kernel, run func(*asm.QuantisedProductArgs)) {
	for pairs := 1; pairs <= 20; pairs++ {
		for freqs := 1; freqs <= 3; freqs++ {
			m.quantisedProduct(run, k.Rows, pairs, freqs)
		}
	}
	m.quantisedProduct(run, k.Rows, 131, 36)
}

func (m *micro) quantisedProduct(run func(*asm.QuantisedProductArgs), rows, pairs, freqs int) {
	m.Helper()
	p := &asm.QuantisedProductArgs{
		AStride: 2 * m.prime(2*pairs), BFreq: 2 * m.prime(2*NR*pairs), CStride: 4 * m.prime(NR),
		Pairs: pairs, Freqs: freqs,
	}
	p.AFreq, p.CFreq = 2*m.prime(rows*p.AStride/2), 4*m.prime(rows*p.CStride/4)
	a := m.int16s(((freqs-1)*p.AFreq+(rows-1)*p.AStride)/2 + 2*pairs)
	b := m.int16s((freqs-1)*p.BFreq/2 + 2*NR*pairs)
	c := m.byteTarget(asm.I32, (freqs-1)*p.CFreq+(rows-1)*p.CStride+4*NR)
	p.A, p.B, p.C = &a[0], &b[0], (*int32)(unsafe.Pointer(&c.got[0]))
	for f := range freqs {
		for i := range rows {
			for j := range NR {
				sum := int64(0)
				for k := range 2 * pairs {
					sum += int64(a[(f*p.AFreq+i*p.AStride)/2+k]) * int64(b[f*p.BFreq/2+k/2*2*NR+2*j+k%2])
				}
				c.want[f*p.CFreq+i*p.CStride+4*j] = binary.LittleEndian.AppendUint32(nil, uint32(sum))
			}
		}
	}
	m.checkBytes(c, func() { run(p) }, "%d pairs, %d frequencies", pairs, freqs)
}

func (m *micro) testQuantisedPatch(_ asm.Kernel, run func(*asm.QuantisedPatchArgs)) {
	for tiles := 1; tiles <= 4; tiles++ {
		for blocks := 1; blocks <= 5; blocks++ {
			for _, zero := range []int32{0, 255, int32(m.IntN(256))} {
				m.quantisedPatch(run, tiles, blocks, zero)
			}
		}
	}
}

func (m *micro) quantisedPatch(run func(*asm.QuantisedPatchArgs), tiles, blocks int, zero int32) {
	m.Helper()
	channels := NR * blocks
	p := &asm.QuantisedPatchArgs{
		Temp: &place(m, make([]byte, patchTemp))[0], Tiles: tiles, Blocks: blocks, Zero: zero,
		XPixel: m.prime(1), XRow: m.prime(1), XTile: m.prime(1), YTile: 2 * m.prime(channels),
	}
	m.operands = m.operands[:len(m.operands)-1] // the kernel writes Temp
	p.YFreq = 2 * m.prime(tiles*p.YTile/2)
	x := m.uint8s((tiles-1)*p.XTile + 5*(p.XRow+p.XPixel) + channels)
	y := m.byteTarget(asm.I16, 35*p.YFreq+(tiles-1)*p.YTile+2*channels)
	p.X, p.Y = &x[0], (*int16)(unsafe.Pointer(&y.got[0]))
	for tile := range tiles {
		for c := range channels {
			for f := range 36 {
				sum := 0.0
				for k, a := range f4.bt[f/6] {
					for l, b := range f4.bt[f%6] {
						sum += float64(a*b) * float64(int32(x[tile*p.XTile+k*p.XRow+l*p.XPixel+c])-zero)
					}
				}
				if math.Abs(sum) > 25500 {
					m.Fatalf("%v does not fit", sum)
				}
				y.want[f*p.YFreq+tile*p.YTile+2*c] = binary.LittleEndian.AppendUint16(nil, uint16(int16(sum)))
			}
		}
	}
	m.checkBytes(y, func() { run(p) }, "%d tiles, %d blocks, zero point %d", tiles, blocks, zero)
}

func (m *micro) testQuantisedTile(k asm.Kernel, run func(*asm.QuantisedTileArgs)) {
	for tiles := 1; tiles <= 5; tiles++ {
		for range 3 {
			m.quantisedTile(k, run, tiles, false)
			m.quantisedTile(k, run, tiles, k.Variant == "out4")
		}
	}
}

// added and scaled are operations on float32, rounded once.
func added(a, b float32) float32  { return float32(float64(a) + float64(b)) }
func scaled(a, b float32) float32 { return float32(float64(a) * float64(b)) }

// referenceLine is Aᵀ m in the order of QuantisedTileArgs.
func referenceLine(m []float32) []float32 {
	s, d := added(m[1], m[2]), added(m[1], -m[2])
	p, q := added(m[3], m[4]), added(m[3], -m[4])
	return []float32{added(added(m[0], s), p), added(d, scaled(2, q)), added(s, scaled(4, p)), added(added(d, m[5]), scaled(8, q))}
}

// referenceTile is Aᵀ M A of a tile's 36 frequencies.
func referenceTile(frequency func(f int) float32) (y [4][]float32) {
	for v := range 6 {
		var column []float32
		for u := range 6 {
			column = append(column, frequency(6*u+v))
		}
		for i, h := range referenceLine(column) {
			y[i] = append(y[i], h)
		}
	}
	for i := range y {
		y[i] = referenceLine(y[i])
	}
	return y
}

func (m *micro) quantisedTile(k asm.Kernel, run func(*asm.QuantisedTileArgs), tiles int, residual bool) {
	m.Helper()
	size, side := resultSize(k.Result), 4
	if k.Variant == "outpool4" {
		side = 2
	}
	p := &asm.QuantisedTileArgs{
		Temp: &place(m, make([]byte, tileTemp))[0], Tiles: tiles, XFreq: 4 * m.prime(1), XTile: 4 * m.prime(1),
		YPixel: m.prime(NR) * size, DPixel: m.prime(1), DRow: m.prime(1), DTile: m.prime(1),
		DZero: int32(m.IntN(256)), DScale: m.Float32(),
	}
	m.operands = m.operands[:len(m.operands)-1] // the kernel writes Temp
	p.YTile = m.prime(side*p.YPixel/size) * size
	p.YRow = m.prime(tiles*p.YTile/size) * size
	p.Zero, p.Lo, p.Hi = m.bounds(k.Result)
	sums := make([]int32, (35*p.XFreq+(tiles-1)*p.XTile)/4+NR)
	for i := range sums {
		sums[i] = int32(m.Uint32()) >> (1 + m.IntN(20))
		if m.special && m.IntN(8) == 0 {
			sums[i] = []int32{0, math.MaxInt32, -math.MaxInt32}[m.IntN(3)]
		}
	}
	x := place(m, sums)
	factor, bias := make([]float32, 36*NR), make([]float32, NR)
	for i := range factor {
		factor[i] = m.Float32() / (1 << 12)
		if m.special && m.IntN(16) == 0 {
			factor[i] = 0
		}
	}
	for i := range bias {
		bias[i] = 100 * (m.Float32() - 0.5)
	}
	factor, bias = place(m, factor), place(m, bias)
	y := m.byteTarget(k.Result, (side-1)*(p.YRow+p.YPixel)+(tiles-1)*p.YTile+NR*size)
	p.X, p.Factor, p.Bias, p.Y = &x[0], &factor[0], &bias[0], &y.got[0]
	var d []byte
	if residual {
		d = m.uint8s((tiles-1)*p.DTile + 3*(p.DRow+p.DPixel) + NR)
		p.D = &d[0]
	}
	for tile := range tiles {
		for c := range NR {
			t := referenceTile(func(f int) float32 {
				return product32(x[(f*p.XFreq+tile*p.XTile)/4+c], factor[f*NR+c])
			})
			for row := range side {
				for col := range side {
					v := t[row][col%4]
					if side == 2 {
						v = max(t[2*row][2*col], t[2*row][2*col+1], t[2*row+1][2*col], t[2*row+1][2*col+1])
					}
					v = added(v, bias[c])
					if residual {
						v = added(v, product32(int32(d[tile*p.DTile+row*p.DRow+col*p.DPixel+c])-p.DZero, p.DScale))
					}
					y.set(tile*p.YTile+row*p.YRow+col*p.YPixel+c*size, v, p.Zero, p.Lo, p.Hi)
				}
			}
		}
	}
	m.checkBytes(y, func() { run(p) }, "%d tiles, residual %v", tiles, residual)
}
