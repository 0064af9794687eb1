package kernels

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/internal/guard"
)

// A byteTarget is a buffer of results that a kernel writes, u8 or float32, and
// what should be in it.
type byteTarget struct {
	result asm.Elem
	got    []byte
	want   map[int][]byte // by offset
}

func (m *micro) byteTarget(result asm.Elem, n int) *byteTarget {
	return &byteTarget{result, guard.Make[byte](m.memory, n, m.side), map[int][]byte{}}
}

// resultSize is the bytes of an element of a result.
func resultSize(e asm.Elem) int {
	if e == asm.F32 {
		return 4
	}
	return 1
}

// set says what the element that stands off bytes into it is made of.
func (r *byteTarget) set(off int, v float32, zero int32, lo, hi float32) {
	switch { // a zero that equals a bound keeps its sign
	case v < lo:
		v = lo
	case v > hi:
		v = hi
	}
	if r.result == asm.F32 {
		r.want[off] = bytesOf([]float32{v})
	} else {
		r.want[off] = []byte{byte(nearest(float64(v)) + float64(zero))}
	}
}

// quantise says that an element is what float32 x becomes with a scale, and whether
// x is NaN.
func (r *byteTarget) quantise(off int, x, scale float32, zero int32, lo, hi float32) bool {
	if x != x {
		r.set(off, 0, zero, lo, hi)
		return true
	}
	r.set(off, float32(float64(x)/float64(scale)), zero, lo, hi)
	return false
}

// checkBytes runs the kernel on a target of two different contents, so that what
// it leaves alone shows, and ends the case.
func (m *micro) checkBytes(r *byteTarget, run func(), format string, args ...any) {
	m.Helper()
	m.checked++
	what := func() string { return fmt.Sprintf(format, args...) + ", " + m.side.String() }
	for _, before := range []byte{0xa5, 0x5a} {
		for i := range r.got {
			r.got[i] = before
		}
		run()
		for i := 0; i < len(r.got); {
			want := r.want[i]
			if want == nil {
				want = []byte{before}
			}
			if got := r.got[i : i+len(want)]; !slices.Equal(got, want) {
				m.Fatalf("%s: byte %d is %v, want %v; written: %v", what(), i, got, want, r.want[i] != nil)
			}
			i += len(want)
		}
	}
	for _, o := range m.operands {
		if !slices.Equal(o.now, o.before) {
			m.Fatalf("%s: an operand was written", what())
		}
	}
	m.operands = m.operands[:0]
	m.memory.Release()
}

// uint8s are n random elements, of which many are extreme.
func (m *micro) uint8s(n int) []byte {
	x := make([]byte, n)
	for i := range x {
		x[i] = byte(m.IntN(256))
		if m.special && m.IntN(4) == 0 {
			x[i] = byte(255 * m.IntN(2))
		}
	}
	return place(m, x)
}

// weights8 are n random int8, as bytes, of which many are extreme.
func (m *micro) weights8(n int) []byte {
	x := make([]byte, n)
	for i := range x {
		x[i] = byte(m.IntN(256))
		if m.special && m.IntN(4) == 0 {
			x[i] = 127 + byte(m.IntN(2))
		}
	}
	return place(m, x)
}

// int32s are n random biases; special ones take sums over the end of int32.
func (m *micro) int32s(n int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(m.IntN(1<<16)) - 1<<15
		if m.special && m.IntN(16) == 0 {
			x[i] = math.MaxInt32 - int32(m.IntN(1000))
		}
	}
	return place(m, x)
}

// factors are n random multipliers with which sums of k products have a good size.
func (m *micro) factors(n, k int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = m.Float32() / 64 / float32(math.Sqrt(float64(k)))
		if m.special && m.IntN(16) == 0 {
			x[i] = []float32{1, 0.5, minMultiplier, maxMultiplier}[m.IntN(4)]
		}
	}
	return place(m, x)
}

// bounds are those of a random result, and its zero point.
func (m *micro) bounds(result asm.Elem) (zero int32, lo, hi float32) {
	if result == asm.F32 {
		lo, hi = m.limits()
		return 0, lo, hi
	}
	zero = []int32{0, 128, 255, int32(m.IntN(256))}[m.IntN(4)]
	lo, hi = float32(-zero), float32(255-zero)
	if m.IntN(3) == 0 {
		lo = max(lo, 0)
	}
	return zero, lo, hi
}

// product32 is the rounded product of an int32, rounded, and a factor.
func product32(n int32, factor float32) float32 {
	return float32(float64(float32(n)) * float64(factor))
}

func int8Of(b []byte) *int8 { return (*int8)(unsafe.Pointer(unsafe.SliceData(b))) }

func (m *micro) testQuantisedGemm(k asm.Kernel, run func(*asm.QuantisedGemmArgs)) {
	for n := NR*(k.Panels-1) + 1; n <= NR*k.Panels; n++ {
		for range 4 {
			m.quantisedGemm(k, run, m.between(1, 4), n, m.between(1, 4), m.between(1, 9)*quad, m.IntN(2) == 0)
		}
	}
	for tiles := 1; tiles <= 4; tiles++ {
		for _, residual := range []bool{false, true} {
			m.quantisedGemm(k, run, tiles, NR*k.Panels, 3, 100, residual)
			m.quantisedGemm(k, run, tiles, NR*k.Panels-1, 1, 304, residual)
		}
	}
}

func (m *micro) quantisedGemm(kernel asm.Kernel, run func(*asm.QuantisedGemmArgs), tiles, n, segs, segLen int, residual bool) {
	m.Helper()
	rows, k, size := kernel.Rows*tiles, segs*segLen, resultSize(kernel.Result)
	if kernel.Op == "fully" {
		tiles, rows, segs, k, residual = 0, 1, 1, segLen, false
	}
	pools := kernel.Op == "convpool"
	if pools {
		rows, residual = rows/4, false
	}
	seg := m.offsets(segs, segLen)
	g := &asm.QuantisedGemmArgs{
		Segs: segs, SegLen: segLen, Tiles: tiles, N: n, Seg: &place(m, seg)[0],
		BStride: m.prime(NR * k), AStride: m.prime(1), CStride: m.prime(n) * size, DStride: m.prime(n),
		DZero: int32(m.IntN(256)), DScale: m.Float32(),
	}
	g.Zero, g.Lo, g.Hi = m.bounds(kernel.Result)
	last := (rows - 1) * g.AStride
	if pools {
		g.ARow = m.prime(1)
		last = g.ARow + (2*rows-1)*g.AStride
	}
	a := m.rows16(kernel.Operand, last+slices.Max(seg)+segLen)
	b := m.weights8((kernel.Panels-1)*g.BStride + NR*k)
	bias, scale := m.int32s(NR*kernel.Panels), m.factors(NR*kernel.Panels, k)
	c := m.byteTarget(kernel.Result, (rows-1)*g.CStride+n*size)
	g.A, g.B, g.Bias, g.Scale, g.C = a.first, int8Of(b), &bias[0], &scale[0], &c.got[0]
	if kernel.Operand == asm.U8 {
		g.SignedBias = m.signedBias(bias, b, g.BStride, k)
	}
	var d []byte
	if residual {
		d = m.uint8s((rows-1)*g.DStride + n)
		g.D = &d[0]
	}
	for i := range rows {
		for j := range n {
			panel := b[j/NR*g.BStride:]
			of := func(row int) int32 {
				sum, at := bias[j], 0
				for _, off := range seg {
					for _, x := range a.values[row+off:][:segLen] {
						in := at % quad
						if kernel.Operand == asm.I16 {
							in = wordOrder[in]
						}
						sum += int32(x) * int32(int8(panel[at/quad*NR*quad+j%NR*quad+in]))
						at++
					}
				}
				return sum
			}
			sum := of(i * g.AStride)
			if pools {
				left, right := 2*i*g.AStride, (2*i+1)*g.AStride
				sum = max(of(left), of(right), of(g.ARow+left), of(g.ARow+right))
			}
			v := product32(sum, scale[j])
			if residual {
				v = float32(float64(v) + float64(product32(int32(d[i*g.DStride+j])-g.DZero, g.DScale)))
			}
			c.set(i*g.CStride+j*size, v, g.Zero, g.Lo, g.Hi)
		}
	}
	m.inBytes(kernel.Operand, g)
	m.checkBytes(c, func() { run(g) }, "%d tiles, %d columns, %d segments of %d, residual %v", tiles, n, segs, segLen, residual)
}

// signedBias is what sums of k products of A − 128 start at.
func (m *micro) signedBias(bias []int32, b []byte, panel, k int) *int32 {
	signed := slices.Clone(bias)
	for j := range signed {
		for at := range k {
			signed[j] += 128 * int32(int8(b[j/NR*panel+at/quad*NR*quad+j%NR*quad+at%quad]))
		}
	}
	return &place(m, signed)[0]
}

// leftRows are the rows of a product, of uint8 or of int16.
type leftRows struct {
	values []int16
	first  *uint8
}

func (m *micro) rows16(e asm.Elem, n int) leftRows {
	values := make([]int16, n)
	if e == asm.U8 {
		x := m.uint8s(n)
		for i, v := range x {
			values[i] = int16(v)
		}
		return leftRows{values, &x[0]}
	}
	for i := range values {
		values[i] = int16(m.IntN(1 << 16))
	}
	x := place(m, values)
	return leftRows{values, (*uint8)(unsafe.Pointer(&x[0]))}
}

// inBytes makes offsets and strides of elements those of bytes.
func (m *micro) inBytes(e asm.Elem, g *asm.QuantisedGemmArgs) {
	if e != asm.I16 {
		return
	}
	g.AStride *= 2
	seg := make([]int, g.Segs)
	for i, off := range unsafe.Slice(g.Seg, g.Segs) {
		seg[i] = 2 * off
	}
	g.Seg = &place(m, seg)[0]
}

func (m *micro) testWidenBytes(_ asm.Kernel, run func(*asm.WidenBytesArgs)) {
	for n := 1; n <= 100; n++ {
		x := m.uint8s(n)
		y := m.byteTarget(asm.U8, 2*n)
		for i, v := range x {
			y.want[2*i] = []byte{v, 0}
		}
		m.checkBytes(y, func() { run(&asm.WidenBytesArgs{X: &x[0], Y: (*int16)(unsafe.Pointer(&y.got[0])), N: n}) }, "%d elements", n)
	}
}

func (m *micro) testQuantisedPlane(_ asm.Kernel, run func(*asm.QuantisedPlaneArgs)) {
	for n := 1; n <= NR; n++ {
		for windows := 1; windows <= 9; windows++ {
			m.quantisedPlane(run, m.between(1, 3), windows, n)
		}
	}
	m.quantisedPlane(run, 2, 37, NR)
}

func (m *micro) quantisedPlane(run func(*asm.QuantisedPlaneArgs), lines, windows, n int) {
	m.Helper()
	g := &asm.QuantisedPlaneArgs{XRow: m.prime(2*windows + 2), YStride: m.prime(n), Lines: lines, Windows: windows, N: n}
	g.YLine = m.prime(windows * g.YStride)
	g.Zero, g.Lo, g.Hi = m.bounds(asm.U8)
	x := m.uint8s((2*lines+1)*g.XRow + 2*windows + 2)
	y := m.byteTarget(asm.U8, (lines-1)*g.YLine+(windows-1)*g.YStride+n)
	weights, bias, scale := m.weights8(9*NR), m.int32s(NR), m.factors(NR, 9)
	rows := make([]byte, 3*NR*quad)
	for tap := range 9 {
		for j := range NR {
			rows[(tap/3*NR+j)*quad+tap%3] = weights[tap*NR+j]
		}
	}
	rows = place(m, rows)
	g.X, g.Y, g.B, g.Bias, g.Scale = &x[0], &y.got[0], int8Of(rows), &bias[0], &scale[0]
	g.SignedBias = m.signedBias(bias, rows, 0, 3*quad)
	for i := range lines * windows {
		line, window := i/windows, i%windows
		for j := range n {
			of := func(row, column int) int32 {
				sum := bias[j]
				for tap := range 9 {
					sum += int32(x[(row+tap/3)*g.XRow+column+tap%3]) * int32(int8(weights[tap*NR+j]))
				}
				return sum
			}
			row, column := 2*line, 2*window
			most := max(of(row, column), of(row, column+1), of(row+1, column), of(row+1, column+1))
			y.set(line*g.YLine+window*g.YStride+j, product32(most, scale[j]), g.Zero, g.Lo, g.Hi)
		}
	}
	m.checkBytes(y, func() { run(g) }, "%d lines of %d windows, %d columns", lines, windows, n)
}

func (m *micro) testQuantisedTaps(k asm.Kernel, run func(*asm.QuantisedTapsArgs)) {
	for c := 1; c <= 70; c++ {
		for _, w := range [][2]int{{1, 1}, {3, 3}, {2, 2}, {m.between(1, 5), m.between(1, 5)}} {
			if brief() && m.IntN(4) > 0 {
				continue
			}
			m.quantisedTaps(k, run, w[0], w[1], c, m.between(1, 14), false)
			if k.Op == "depthwise" {
				m.quantisedTaps(k, run, w[0], w[1], c, m.between(1, 14), true)
			}
		}
	}
	m.quantisedTaps(k, run, 7, 7, 130, 3, k.Op == "depthwise")
}

// A tapsResidual is that of a kernel of QuantisedTapsArgs, or nil.
type tapsResidual []byte

// tapsResidual makes one of n elements, and many of them so large that values are
// beyond int32.
func (m *micro) tapsResidual(p *asm.QuantisedTapsArgs, n int) tapsResidual {
	p.DZero, p.DScale = int32(m.IntN(256)), m.Float32()
	if m.special && m.IntN(4) == 0 {
		p.DScale = []float32{1 << 30, minMultiplier, maxMultiplier}[m.IntN(3)]
	}
	d := m.uint8s(n)
	p.D = &d[0]
	return d
}

// add adds element i to a value.
func (d tapsResidual) add(p *asm.QuantisedTapsArgs, i int, v float32) float32 {
	if d == nil {
		return v
	}
	return float32(float64(v) + float64(product32(int32(d[i])-p.DZero, p.DScale)))
}

func (m *micro) quantisedTaps(kernel asm.Kernel, run func(*asm.QuantisedTapsArgs), rows, cols, channels, pixels int, residual bool) {
	m.Helper()
	size := resultSize(kernel.Result)
	p := &asm.QuantisedTapsArgs{
		XRow: m.prime(1), XCol: m.prime(1), XStride: m.prime(1), YStride: m.prime(channels) * size,
		Rows: rows, Cols: cols, C: channels, Pixels: pixels,
	}
	x := m.uint8s((rows-1)*p.XRow + (cols-1)*p.XCol + (pixels-1)*p.XStride + channels)
	y := m.byteTarget(kernel.Result, (pixels-1)*p.YStride+channels*size)
	p.X, p.Y = &x[0], &y.got[0]
	var weights []byte
	var bias []int32
	var scale []float32
	var d tapsResidual
	if residual {
		d = m.tapsResidual(p, (pixels-1)*p.YStride/size+channels)
	}
	switch kernel.Op {
	case "maxpool":
		p.Lo, p.Hi = -1e9, 1e9
	case "avgpool":
		p.Zero, p.Lo, p.Hi = m.bounds(kernel.Result)
		p.Offset, p.Factor = -int32(rows*cols*m.IntN(256)), m.Float32()/float32(rows*cols)
	case "depthwise":
		p.Zero, p.Lo, p.Hi = m.bounds(kernel.Result)
		p.WRow, p.WCol = m.prime(1), m.prime(1)
		weights = m.weights8((rows-1)*p.WRow + (cols-1)*p.WCol + channels)
		bias, scale = m.int32s(channels), m.factors(channels, rows*cols)
		p.W, p.Bias, p.Scale = int8Of(weights), &bias[0], &scale[0]
	}
	for i := range pixels {
		for c := range channels {
			sum, most := p.Offset, byte(0)
			if bias != nil {
				sum = bias[c]
			}
			for r := range rows {
				for k := range cols {
					v := x[i*p.XStride+r*p.XRow+k*p.XCol+c]
					most = max(most, v)
					if weights != nil {
						sum += int32(v) * int32(int8(weights[r*p.WRow+k*p.WCol+c]))
					} else {
						sum += int32(v)
					}
				}
			}
			v := float32(most)
			switch kernel.Op {
			case "avgpool":
				v = product32(sum, p.Factor)
			case "depthwise":
				v = d.add(p, i*p.YStride/size+c, product32(sum, scale[c]))
			}
			y.set(i*p.YStride+c*size, v, p.Zero, p.Lo, p.Hi)
		}
	}
	m.checkBytes(y, func() { run(p) }, "%d×%d taps, %d channels, %d pixels, residual %v", rows, cols, channels, pixels, residual)
}

func (m *micro) testThrees(k asm.Kernel, run func(*asm.QuantisedTapsArgs)) {
	for c := 1; c <= 140; c++ {
		if brief() && m.IntN(4) > 0 {
			continue
		}
		for _, residual := range []bool{false, true} {
			m.threes(k, run, c, 1+c%7, m.between(1, 3), residual)
		}
	}
	m.threes(k, run, 192, 9, 2, false)
	m.threes(k, run, 320, 4, 1, true)
}

func (m *micro) threes(kernel asm.Kernel, run func(*asm.QuantisedTapsArgs), channels, pixels, lines int, residual bool) {
	m.Helper()
	stride := int(kernel.Variant[0] - '0')
	p := &asm.QuantisedTapsArgs{XRow: m.prime(1), XCol: m.prime(1), YStride: m.prime(channels), XLine: m.prime(1), C: channels, Pixels: pixels, Lines: lines}
	p.YLine = m.prime(pixels * p.YStride)
	p.Zero, p.Lo, p.Hi = m.bounds(asm.U8)
	x := m.uint8s((lines-1)*p.XLine + 2*p.XRow + ((pixels-1)*stride+2)*p.XCol + channels)
	y := m.byteTarget(asm.U8, (lines-1)*p.YLine+(pixels-1)*p.YStride+channels)
	var d tapsResidual
	if residual {
		d = m.tapsResidual(p, len(y.got))
	}
	// What belongs to channels is in blocks of 64, filled up.
	n := (channels + 63) / 64 * 64
	weights, bias, scale := m.weights8(9*n), m.int32s(n), m.factors(n, 9)
	for i := range scale {
		scale[i] = min(scale[i], 1-0x1p-24)
	}
	copy(m.operands[len(m.operands)-1].before, bytesOf(scale))
	order := func(c int) int { return c/64*64 + c/4%4*16 + c/16%4*4 + c%4 }
	packed := make([]byte, 12*n)
	for c := range n {
		for tap := range 9 {
			i := order(c)
			packed[i/64*768+tap%3*256+i%64*4+tap/3] = weights[tap*n+c]
		}
	}
	packed = place(m, packed)
	p.X, p.Y, p.W, p.Bias, p.Scale = &x[0], &y.got[0], int8Of(packed), &bias[0], &scale[0]
	for i := range lines * pixels {
		line, pixel := i/pixels, i%pixels
		for c := range channels {
			sum := bias[order(c)]
			for tap := range 9 {
				v := x[line*p.XLine+(pixel*stride+tap%3)*p.XCol+tap/3*p.XRow+c]
				sum += int32(v) * int32(int8(weights[tap*n+c]))
			}
			at := line*p.YLine + pixel*p.YStride + c
			y.set(at, d.add(p, at, product32(sum, scale[order(c)])), p.Zero, p.Lo, p.Hi)
		}
	}
	m.checkBytes(y, func() { run(p) }, "%d channels, %d lines of %d pixels, residual %v", channels, lines, pixels, residual)
}

func (m *micro) testQuantisedBinary(k asm.Kernel, run func(*asm.QuantisedBinaryArgs)) {
	for n := 1; n <= 100; n++ {
		for steps := range 3 {
			m.quantisedBinary(k, run, n, min(steps, 1), min(2-steps, 1))
		}
	}
	for _, n := range []int{127, 128, 192 + m.IntN(64)} {
		m.quantisedBinary(k, run, n, 1, 1)
	}
}

func (m *micro) quantisedBinary(k asm.Kernel, run func(*asm.QuantisedBinaryArgs), n, xStep, yStep int) {
	m.Helper()
	size := resultSize(k.Result)
	p := &asm.QuantisedBinaryArgs{
		N: n, XStep: xStep, YStep: yStep, XZero: int32(m.IntN(256)), YZero: int32(m.IntN(256)),
		XScale: m.Float32(), YScale: m.Float32(),
	}
	if m.special && m.IntN(4) == 0 {
		p.XScale, p.YScale = 1<<15, []float32{1 << 15, 0.5}[m.IntN(2)]
	}
	p.Zero, p.Lo, p.Hi = m.bounds(k.Result)
	x, y, z := m.uint8s((n-1)*xStep+1), m.uint8s((n-1)*yStep+1), m.byteTarget(k.Result, n*size)
	p.X, p.Y, p.Z = &x[0], &y[0], &z.got[0]
	for i := range n {
		a, b := int32(x[i*xStep])-p.XZero, int32(y[i*yStep])-p.YZero
		var v float32
		switch k.Variant {
		case "mul":
			v = product32(a*b, p.XScale)
		case "sub":
			v = float32(float64(product32(a, p.XScale)) - float64(product32(b, p.YScale)))
		case "add":
			v = float32(float64(product32(a, p.XScale)) + float64(product32(b, p.YScale)))
		}
		z.set(i*size, v, p.Zero, p.Lo, p.Hi)
	}
	m.checkBytes(z, func() { run(p) }, "%d elements, steps %d and %d", n, xStep, yStep)
}

func (m *micro) testQuantise(_ asm.Kernel, run func(*asm.QuantiseArgs)) {
	for n := 1; n <= 70; n++ {
		p := &asm.QuantiseArgs{N: n, Scale: m.Float32() + 0.01}
		p.Zero, p.Lo, p.Hi = m.bounds(asm.U8)
		x, y := m.unquantised(n, p.Scale), m.byteTarget(asm.U8, n)
		nan := false
		for i, v := range x {
			nan = y.quantise(i, v, p.Scale, p.Zero, p.Lo, p.Hi) || nan
		}
		p.X, p.Y = &x[0], &y.got[0]
		m.checkBytes(y, func() { run(p) }, "%d elements", n)
		if (p.NaN != 0) != nan {
			m.Fatalf("%d elements: NaN is %d, want %v", n, p.NaN, nan)
		}
	}
}

func (m *micro) testQuantisePlanes(k asm.Kernel, run func(*asm.QuantisePlanesArgs)) {
	planes := int(k.Variant[0] - '0')
	for n := 1; n <= 70; n++ {
		plane := m.prime(n)
		p := &asm.QuantisePlanesArgs{N: n, XPlane: 4 * plane, Scale: m.Float32() + 0.01}
		p.Zero, p.Lo, p.Hi = m.bounds(asm.U8)
		x, y := m.unquantised((planes-1)*plane+n, p.Scale), m.byteTarget(asm.U8, planes*n)
		nan := false
		for i := range n {
			for c := range planes {
				nan = y.quantise(planes*i+c, x[c*plane+i], p.Scale, p.Zero, p.Lo, p.Hi) || nan
			}
		}
		p.X, p.Y = &x[0], &y.got[0]
		m.checkBytes(y, func() { run(p) }, "%d pixels", n)
		if (p.NaN != 0) != nan {
			m.Fatalf("%d pixels: NaN is %d, want %v", n, p.NaN, nan)
		}
	}
}

// unquantised returns n elements to be quantised with a scale, of which some are
// ties or next to them.
func (m *micro) unquantised(n int, scale float32) []float32 {
	x := m.floats(n)
	for i := range x {
		switch m.IntN(3) {
		case 0:
			x[i] = (float32(m.IntN(300)) - 150.5) * scale
		case 1:
			x[i] *= 300 * scale
		}
	}
	copy(m.operands[len(m.operands)-1].before, bytesOf(x))
	return x
}

func (m *micro) testDequantise(k asm.Kernel, run func(*asm.DequantiseArgs)) {
	inf := float32(math.Inf(1))
	for n := 1; n <= 300; n++ {
		p := &asm.DequantiseArgs{N: n, Scale: m.Float32() + 0.01, Zero: int32(m.IntN(256)), Flip: 128 * int32(m.IntN(2))}
		x, y := m.uint8s(n), m.byteTarget(k.Result, 4*n)
		for i, q := range x {
			number := int32(q)
			if p.Flip != 0 {
				number = int32(int8(q)) + 128
			}
			y.set(4*i, product32(number-p.Zero, p.Scale), 0, -inf, inf)
		}
		p.X, p.Y = &x[0], (*float32)(unsafe.Pointer(&y.got[0]))
		m.checkBytes(y, func() { run(p) }, "%d elements", n)
	}
}

func (m *micro) testTable(_ asm.Kernel, run func(*asm.TableArgs)) {
	for n := 1; n <= 300; n++ {
		m.table(run, n)
	}
	m.table(run, taskSize)
}

// table looks n elements up, in another place and in their own.
func (m *micro) table(run func(*asm.TableArgs), n int) {
	m.Helper()
	x, table := m.uint8s(n), m.bytes(256)
	for i := range min(n, 256) { // from 256 on every element comes
		x[i] = byte(i + n)
	}
	copy(m.operands[0].before, x)
	y, same := m.byteTarget(asm.U8, n), guard.Make[byte](m.memory, n, m.side)
	copy(same, x)
	for i, v := range x {
		y.want[i] = []byte{table[v]}
	}
	run(&asm.TableArgs{X: &same[0], Y: &same[0], Table: &table[0], N: n})
	for i, v := range x {
		if same[i] != table[v] {
			m.Fatalf("%d elements in place, %v: element %d, which was %d, is %d, want %d", n, m.side, i, v, same[i], table[v])
		}
	}
	m.checkBytes(y, func() { run(&asm.TableArgs{X: &x[0], Y: &y.got[0], Table: &table[0], N: n}) }, "%d elements", n)
}

func (m *micro) testRescale(_ asm.Kernel, run func(*asm.RescaleArgs)) {
	for n := 1; n <= 100; n++ {
		p := &asm.RescaleArgs{
			N: n, Rows: 1 + m.IntN(4), XRow: m.prime(n), YRow: m.prime(n), Shift: 1 + int32(m.IntN(15)),
			Factor: int32(m.IntN(1 << 16)), Add: int32(m.IntN(1<<16)) >> m.IntN(16), Sub: int32(m.IntN(1<<16)) >> m.IntN(16),
		}
		p.Lo = int32(m.IntN(256)) >> m.IntN(9)
		p.Hi = p.Lo + int32(m.IntN(256-int(p.Lo)))
		x, y := m.uint8s((p.Rows-1)*p.XRow+n), m.byteTarget(asm.U8, (p.Rows-1)*p.YRow+n)
		for i := range p.Rows {
			for j := range n {
				product := math.Floor(257 * float64(x[i*p.XRow+j]) * float64(p.Factor) / (1 << 16))
				moved := max(min(product+float64(p.Add), 1<<16-1)-float64(p.Sub), 0)
				v := math.Floor(moved / float64(int(1)<<p.Shift))
				y.want[i*p.YRow+j] = []byte{byte(min(max(v, float64(p.Lo)), float64(p.Hi)))}
			}
		}
		p.X, p.Y = &x[0], &y.got[0]
		m.checkBytes(y, func() { run(p) }, "%d rows of %d elements", p.Rows, n)

		same := guard.Make[byte](m.memory, n, m.side)
		copy(same, x)
		in := *p
		in.Rows, in.X, in.Y = 1, &same[0], &same[0]
		run(&in)
		for j := range n {
			if want := y.want[j][0]; same[j] != want {
				m.Fatalf("%d elements in place: element %d is %d, want %d", n, j, same[j], want)
			}
		}
	}
}
