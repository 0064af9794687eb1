package kernels

import (
	"math"
	"slices"
	"testing"
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

func (m *micro) testIm2col(_ asm.Kernel, run func(*asm.Im2colArgs)) {
	for rows := 1; rows <= 4; rows++ {
		for segs := 1; segs <= 4; segs++ {
			for segLen := 1; segLen <= 33; segLen++ {
				m.im2col(run, rows, segs, segLen)
			}
		}
	}
	m.im2col(run, 7, 9, 3)
}

func (m *micro) im2col(kernel func(*asm.Im2colArgs), rows, segs, segLen int) {
	m.Helper()
	seg := m.offsets(segs, segLen)
	p := &asm.Im2colArgs{Seg: m.segments(seg), Segs: segs, SegLen: segLen, Rows: rows, AStride: m.prime(1), CStride: m.prime(segs * segLen)}
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
	kernel(inBytes(p))
	m.check(c, "%d rows, %d segments of %d", rows, segs, segLen)
}

func (m *micro) testClamp(_ asm.Kernel, run func(*asm.ActivateArgs)) {
	for n := 1; n <= 70; n++ {
		for range 6 {
			m.clampAll(run, n)
		}
	}
	for range 20 {
		m.clampInPlace(run, m.between(1, 70))
	}
}

// clampAll compares bits: a zero keeps its sign.
func (m *micro) clampAll(kernel func(*asm.ActivateArgs), n int) {
	m.Helper()
	p := &asm.ActivateArgs{N: n}
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

func (m *micro) clampInPlace(kernel func(*asm.ActivateArgs), n int) {
	m.Helper()
	y := m.target(n)
	for i, x := range m.floats(n) {
		y.got[i] = x
		y.want[i] = exactly(x)
		y.want[i].clamp(0, 0.5)
	}
	kernel(&asm.ActivateArgs{X: &y.got[0], Y: &y.got[0], N: n, Lo: 0, Hi: 0.5})
	m.check(y, "n %d, in place", n)
}

func (m *micro) testActivate(k asm.Kernel, run func(*asm.ActivateArgs)) {
	f := elementFunctions[k.Variant]
	// Up to 64 elements go through a kernel at a time.
	for n := 1; n <= 100; n++ {
		for range 2 {
			m.activate(run, &f, n, false)
		}
	}
	m.activate(run, &f, 35, true)
	m.activate(run, &f, 85, true)
}

// An elementFunction is what a kernel of one operand computes, and how far off
// it may be, in half units of the last place: multiples of 2⁻²⁴ of the result.
type elementFunction struct {
	lo, hi  float32
	f       func(x float64) float64
	bound   float64
	operand float64 // so much of |x| counts besides the result
	largest float64 // operand, if there is a limit
}

// elementFunctions are those of the activate family, by their kernels'
// variants.
var elementFunctions = func() map[string]elementFunction {
	act := func(kind Activation, lo, hi float32) func(float64) float64 {
		return func(x float64) float64 { return refAct(Act{kind, lo, hi}, x) }
	}
	unary := func(kind UnaryKind) func(float64) float64 {
		return func(x float64) float64 { return refUnary(&Unary{Kind: kind}, x) }
	}
	return map[string]elementFunction{
		"leakyrelu":       {lo: 0.1, f: act(ActLeakyRelu, 0.1, 0), bound: 1},
		"hardswish":       {f: act(ActHardSwish, 0, 0), bound: 4, operand: 0.25},
		"hardsigmoid":     {lo: 0.2, hi: 0.5, f: act(ActHardSigmoid, 0.2, 0.5), bound: 4, operand: 0.25},
		"thresholdedrelu": {lo: 0.5, f: act(ActThresholdedRelu, 0.5, 0)},
		"shrink":          {lo: 0.5, hi: 0.25, f: act(ActShrink, 0.5, 0.25), bound: 1},
		"sigmoid":         {f: act(ActSigmoid, 0, 0), bound: 4},
		"silu":            {f: act(ActSiLU, 0, 0), bound: 4},
		"tanh":            {f: act(ActTanh, 0, 0), bound: 4},
		"elu":             {lo: 1.5, hi: 1.25, f: act(ActElu, 1.5, 1.25), bound: 4},
		"celu":            {lo: 1.5, f: act(ActCelu, 1.5, 0), bound: 4},
		"softplus":        {f: act(ActSoftplus, 0, 0), bound: 4},
		"softsign":        {f: act(ActSoftsign, 0, 0), bound: 2},
		"mish":            {f: act(ActMish, 0, 0), bound: 8},
		"gelu":            {f: act(ActGelu, 0, 0), bound: 2, operand: 1},
		"gelutanh":        {f: act(ActGeluTanh, 0, 0), bound: 2, operand: 1},

		"abs":   {f: unary(Abs)},
		"neg":   {f: unary(Neg)},
		"sqrt":  {f: unary(Sqrt), bound: 1},
		"sign":  {f: unary(Sign)},
		"floor": {f: unary(Floor)},
		"ceil":  {f: unary(Ceil)},
		"round": {f: unary(Round)},
		"exp":   {f: unary(Exp), bound: 4},
		"erf":   {f: math.Erf, bound: 4},
		"log":   {f: math.Log, bound: 2},
		"sin":   {f: unary(Sin), bound: 4, largest: maxAngle},
		"cos":   {f: unary(Cos), bound: 4, largest: maxAngle},
		"asin":  {f: unary(Asin), bound: 4},
		"acos":  {f: unary(Acos), bound: 4},
		"atan":  {f: unary(Atan), bound: 4},
	}
}()

// want is the result, within the bound.
func (f *elementFunction) want(x float32) sum {
	s := sum{value: f.f(float64(x))}
	if math.Abs(s.value) > math.MaxFloat32 {
		s.value = math.Copysign(math.Inf(1), s.value)
	}
	s.size = math.Abs(s.value)
	if f.operand > 0 {
		s.size += f.operand * math.Abs(float64(x))
	}
	s.within(f.bound * 0x1p-24)
	return s
}

// takes says whether the kernel takes x.
func (f *elementFunction) takes(x float32) bool {
	return f.largest == 0 || math.Abs(float64(x)) <= f.largest
}

// activate tries numbers over the whole range that matters.
func (m *micro) activate(run func(*asm.ActivateArgs), f *elementFunction, n int, inPlace bool) {
	m.Helper()
	x, y := m.floats(n), m.target(n)
	for i := range x {
		x[i] *= []float32{1, 8, 120}[m.IntN(3)]
		if !f.takes(x[i]) {
			x[i] = -maxAngle
		}
	}
	m.operands[len(m.operands)-1].before = slices.Clone(bytesOf(x))
	a := &asm.ActivateArgs{X: &x[0], Y: &y.got[0], N: n, Lo: f.lo, Hi: f.hi}
	for i, v := range x {
		y.want[i] = f.want(v)
	}
	if inPlace {
		copy(y.got, x)
		a.X = a.Y
	}
	run(a)
	m.check(y, "%d elements", n)
}

// TestActivateAccuracy walks through float32 in steps.
func TestActivateAccuracy(t *testing.T) {
	eachTier(t, func(t *testing.T, tier *Tier) {
		step := uint32(9973)
		if brief() {
			step *= 50
		}
		for variant, f := range elementFunctions {
			run := find[asm.ActivateArgs](tier, asm.Kernel{Op: "activate", Variant: variant})
			x, y := make([]float32, 4096), make([]float32, 4096)
			worst, where := 0.0, float32(0)
			for bits := uint32(0); bits < 0x7f800000-step*4096; {
				for i := range x {
					x[i] = math.Float32frombits(bits | uint32(i&1)<<31)
					bits += step
				}
				if !f.takes(x[0]) {
					break
				}
				for i := range x {
					if !f.takes(x[i]) {
						x[i] = 0
					}
				}
				run(&asm.ActivateArgs{X: &x[0], Y: &y[0], N: len(x), Lo: f.lo, Hi: f.hi})
				for i, v := range x {
					want := f.want(v)
					if err := want.check(y[i]); err != nil {
						t.Fatalf("%s of %v %v", variant, v, err)
					}
					if off := math.Abs(float64(y[i]) - want.value); want.size > 1e-37 && off > worst*want.size {
						worst, where = off/want.size, v
					}
				}
			}
			t.Logf("%s: off by at most %.2f·2⁻²⁴, at %v", variant, worst*(1<<24), where)
		}
	})
}

func (m *micro) testLargest(_ asm.Kernel, run func(*asm.LargestArgs)) {
	for n := 1; n <= 70; n++ {
		for range 4 {
			m.largest(run, n)
		}
	}
}

// largest puts the largest element anywhere, with either sign.
func (m *micro) largest(run func(*asm.LargestArgs), n int) {
	m.Helper()
	x := make([]float32, n)
	for i := range x {
		x[i] = 2*m.Float32() - 1
	}
	most := math.Float32frombits(math.Float32bits(1) + m.Uint32N(1<<20))
	if m.special {
		x[m.IntN(n)] = float32(math.Inf(2*m.IntN(2) - 1))
		most = []float32{float32(math.Inf(1)), float32(math.NaN()), math.Float32frombits(0x7f800001)}[m.IntN(3)]
	}
	x[m.IntN(n)] = float32(math.Copysign(float64(most), float64(m.IntN(2))-0.5))
	y := m.target(1)
	y.want[0] = exactly(most)
	run(&asm.LargestArgs{X: &place(m, x)[0], Y: &y.got[0], N: n})
	m.check(y, "n %d", n)
}

func (m *micro) testBinary(k asm.Kernel, run func(*asm.BinaryArgs)) {
	kind := BinaryKind(slices.Index(binaryKernels[:], k))
	for n := 1; n <= 35; n++ {
		for rows := 1; rows <= 3; rows++ {
			m.binary(kind, run, rows, n, 1, 1)
			m.binary(kind, run, rows, n, 0, 1)
			m.binary(kind, run, rows, n, 1, 0)
			m.running(kind, run, rows, n)
		}
	}
}

// running computes each row from the one before it.
func (m *micro) running(kind BinaryKind, kernel func(*asm.BinaryArgs), rows, n int) {
	if kind != Add {
		return
	}
	m.Helper()
	first, y, z := m.finite(n), m.floats(rows*n), m.target((rows+1)*n)
	copy(z.got, first)
	for i := range n {
		sum := first[i]
		z.want[i] = exactly(sum)
		for r := range rows {
			sum += y[r*n+i]
			z.want[(r+1)*n+i] = exactly(sum)
		}
	}
	inf := float32(math.Inf(1))
	kernel(&asm.BinaryArgs{X: &z.got[0], Y: &y[0], Z: &z.got[n], XRow: 4 * n, YRow: 4 * n, ZRow: 4 * n, XStep: 4, YStep: 4, Rows: rows, N: n, Lo: -inf, Hi: inf})
	m.check(z, "%d rows of %d, one from the other", rows, n)
}

func (m *micro) binary(kind BinaryKind, kernel func(*asm.BinaryArgs), rows, n, xStep, yStep int) {
	m.Helper()
	b := &asm.BinaryArgs{XRow: m.prime(1), YRow: m.prime(1), ZRow: m.prime(n), XStep: xStep, YStep: yStep, Rows: rows, N: n}
	if m.IntN(3) == 0 {
		b.YRow = 0 // one row for all
	}
	b.Lo, b.Hi = m.limits()
	x, y := m.floats((rows-1)*b.XRow+(n-1)*xStep+1), m.floats((rows-1)*b.YRow+(n-1)*yStep+1)
	z := m.target((rows-1)*b.ZRow + n)
	b.X, b.Y, b.Z = &x[0], &y[0], &z.got[0]
	for r := range rows {
		for i := range n {
			// The function is rounded to float32, and no further.
			v := exactly(float32(refBinary(kind, float64(x[r*b.XRow+i*xStep]), float64(y[r*b.YRow+i*yStep]))))
			if kind == Pow {
				v.size = math.Abs(v.value)
				v.within(6 * 0x1p-24)
			}
			v.clamp(b.Lo, b.Hi)
			z.want[r*b.ZRow+i] = v
		}
	}
	kernel(inBytes(b))
	m.check(z, "%d rows of %d, steps %d and %d", rows, n, xStep, yStep)
}

// TestPowAccuracy has powers of all sizes, and the special cases of IEEE 754.
func TestPowAccuracy(t *testing.T) {
	g := newGenerator(12)
	var xs, ys []float32
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	cases := []float32{0, negativeZero, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 2.5, -2.5, 1 << 24, -(1 << 24), 1<<24 - 1, 1e30, -1e30, math.MaxFloat32,
		math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-126, 1 + 0x1p-23, 1 - 0x1p-24, inf, -inf, nan}
	for _, x := range cases {
		for _, y := range cases {
			xs, ys = append(xs, x), append(ys, y)
		}
	}
	n := 400000
	if brief() {
		n = 4000
	}
	for range n {
		x := float32(math.Exp2(260*g.Float64() - 140))
		if g.IntN(2) == 0 {
			x = 0.25 + 4*g.Float32()
		}
		// Results from the least denormal to infinity.
		y := (300*g.Float64() - 160) / math.Log2(float64(x))
		if g.IntN(4) == 0 {
			x, y = -x, math.Round(y)
		}
		xs, ys = append(xs, x), append(ys, float32(y))
	}
	eachTier(t, func(t *testing.T, tier *Tier) {
		z := make([]float32, len(xs))
		tier.binary(Pow)(&asm.BinaryArgs{X: &xs[0], Y: &ys[0], Z: &z[0], XStep: 4, YStep: 4, Rows: 1, N: len(xs), Lo: -inf, Hi: inf})
		worst, where := 0.0, 0
		for i, got := range z {
			exact := math.Pow(float64(xs[i]), float64(ys[i]))
			want := sum{value: exact}
			if math.Abs(exact) > math.MaxFloat32*(1+0x1p-25) {
				want.value = math.Copysign(inf64, exact)
			}
			want.size = math.Abs(want.value)
			want.within(6 * 0x1p-24)
			if math.Abs(exact) > math.MaxFloat32*(1-0x1p-21) && math.Abs(float64(got)) > math.MaxFloat32*(1-0x1p-20) && (got > 0) == (exact > 0) {
				continue // rounding decides whether it is infinite
			}
			if err := want.check(got); err != nil {
				t.Fatalf("%v to the power of %v %v", xs[i], ys[i], err)
			}
			if exact == 0 && got == 0 && math.Signbit(exact) != math.Signbit(float64(got)) {
				t.Fatalf("%v to the power of %v is a zero of the wrong sign", xs[i], ys[i])
			}
			if off := math.Abs(float64(got) - want.value); want.size > 1e-37 && off > worst*want.size {
				worst, where = off/want.size, i
			}
		}
		t.Logf("off by at most %.2f·2⁻²⁴, at %v to the power of %v", worst*(1<<24), xs[where], ys[where])
	})
}

var inf64 = math.Inf(1)

func (m *micro) testTranspose(_ asm.Kernel, run func(*asm.TransposeArgs)) {
	for rows := 1; rows <= 19; rows++ {
		for cols := 1; cols <= 19; cols++ {
			m.transpose(run, rows, cols)
		}
	}
	m.transpose(run, 3, 200)
	m.transpose(run, 200, 3)
}

func (m *micro) transpose(kernel func(*asm.TransposeArgs), rows, cols int) {
	m.Helper()
	xRow, yRow := m.prime(cols), m.prime(rows)
	x, y := m.floats((rows-1)*xRow+cols), m.target((cols-1)*yRow+rows)
	for i := range rows {
		for j := range cols {
			y.want[j*yRow+i] = exactly(x[i*xRow+j])
		}
	}
	kernel(&asm.TransposeArgs{X: &x[0], Y: &y.got[0], XRow: 4 * xRow, YRow: 4 * yRow, Rows: rows, Cols: cols})
	m.check(y, "%d rows, %d columns", rows, cols)
}

func (m *micro) testCompare(k asm.Kernel, run func(*asm.CompareArgs)) {
	says := map[string]func(x, y float32) bool{
		"equal":     func(x, y float32) bool { return x == y },
		"less":      func(x, y float32) bool { return x < y },
		"lessequal": func(x, y float32) bool { return x <= y },
	}[k.Variant]
	for n := 1; n <= 70; n++ {
		m.compare(run, says, n)
	}
	m.compare(run, says, 1000)
}

func (m *micro) compare(run func(*asm.CompareArgs), says func(x, y float32) bool, n int) {
	m.Helper()
	x := m.floats(n)
	same := slices.Clone(x) // every other element is equal
	for i := 1; i < n; i += 2 {
		same[i] = 2*m.Float32() - 1
	}
	y, z := place(m, same), m.byteTarget(asm.U8, n)
	for i := range n {
		z.want[i] = []byte{truth(says(x[i], y[i]))}
	}
	m.checkBytes(z, func() { run(&asm.CompareArgs{X: &x[0], Y: &y[0], Z: &z.got[0], N: n}) }, "%d elements", n)
}

func (m *micro) testSelect(_ asm.Kernel, run func(*asm.SelectArgs)) {
	for n := 1; n <= 70; n++ {
		m.selection(run, n)
	}
	m.selection(run, 1000)
}

// selection compares bits, whatever they mean as float32; any byte but 0 is true.
func (m *micro) selection(run func(*asm.SelectArgs), n int) {
	m.Helper()
	c, bits := make([]byte, n), [2][]uint32{make([]uint32, n), make([]uint32, n)}
	for i := range n {
		if m.IntN(2) == 0 {
			c[i] = 1 << m.IntN(8)
		}
		bits[0][i], bits[1][i] = m.Uint32(), m.Uint32()
	}
	c = place(m, c)
	x, y, z := place(m, bits[0]), place(m, bits[1]), m.byteTarget(asm.F32, 4*n)
	float := func(x []uint32) *float32 { return (*float32)(unsafe.Pointer(&x[0])) }
	for i := range n {
		want := y[i]
		if c[i] != 0 {
			want = x[i]
		}
		z.want[4*i] = bytesOf([]uint32{want})
	}
	to := (*float32)(unsafe.Pointer(&z.got[0]))
	m.checkBytes(z, func() { run(&asm.SelectArgs{C: &c[0], X: float(x), Y: float(y), Z: to, N: n}) }, "%d elements", n)
}

func (m *micro) testInterleave(_ asm.Kernel, run func(*asm.InterleaveArgs)) {
	for n := 1; n <= 40; n++ {
		m.interleave(run, n)
	}
}

func (m *micro) interleave(kernel func(*asm.InterleaveArgs), n int) {
	m.Helper()
	plane := m.prime(n)
	x, y := m.floats(2*plane+n), m.target(3*n)
	for i := range n {
		for c := range 3 {
			y.want[3*i+c] = exactly(x[c*plane+i])
		}
	}
	kernel(&asm.InterleaveArgs{X: &x[0], Y: &y.got[0], XPlane: 4 * plane, N: n})
	m.check(y, "%d pixels", n)
}

func (m *micro) testWiden(_ asm.Kernel, run func(*asm.WidenArgs)) {
	for n := 1; n <= 70; n++ {
		m.widen(run, m.halves(n))
	}
	m.widen(run, place(m, allHalves()))

	// Every value through the kernel's tail, too.
	x, y := make([]uint16, 1), make([]float32, 1)
	for _, h := range allHalves() {
		x[0] = h
		run(&asm.WidenArgs{X: &x[0], Y: &y[0], N: 1})
		if want := float64(tensor.Float32(h)); float64(y[0]) != want && !(math.IsNaN(want) && tensor.IsNaN(y[0])) {
			m.Fatalf("float16 %#04x alone is %v, want %v", h, y[0], want)
		}
	}
}

func (m *micro) widen(kernel func(*asm.WidenArgs), x []uint16) {
	m.Helper()
	y := m.target(len(x))
	for i, h := range x {
		y.want[i] = sum{value: float64(tensor.Float32(h)), set: true}
	}
	kernel(&asm.WidenArgs{X: &x[0], Y: &y.got[0], N: len(x)})
	for i, v := range y.got {
		if v == 0 && math.Signbit(float64(v)) != math.Signbit(y.want[i].value) {
			m.Fatalf("float16 %#04x has the wrong sign", x[i])
		}
	}
	m.check(y, "n %d", len(x))
}

// allHalves are all values of a float16.
func allHalves() []uint16 {
	x := make([]uint16, 1<<16)
	for i := range x {
		x[i] = uint16(i)
	}
	return x
}
