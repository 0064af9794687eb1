package arm64

import (
	"fmt"
	"math"
	"slices"
)

// activate emits the function that the kernel's variant names, of each element.
// Every element goes through the same instructions, wherever it stands.
func activate(b *builder) {
	f := activations[b.kernel.Variant]
	b.doc(f.what + ", element by element")
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	m := &function1{builder: b, limits: b.loadLimits(), lanes: b.table(f.lanes), whole: map[float32]vec{}}
	for _, x := range f.whole {
		m.whole[x] = b.constant(x, "constants")
	}
	b.pieces(n, 8, func(p piece) {
		x := b.v.takeAll(p.vectors(), "elements")
		b.loadPiece(p, in, x)
		m.n = len(x)
		f.emit(m, x)
		b.storePiece(p, x, out)
	})
}

// activations are the functions: each emits what turns vectors of elements
// into its results, in place.
var activations = map[string]struct {
	what         string
	lanes, whole []float32 // constants: those that multiply or are copied, and those that fill a vector
	emit         func(m *function1, x []vec)
}{
	"leakyrelu":   {"x < 0 ? Lo·x : x", nil, nil, (*function1).leakyRelu},
	"hardswish":   {"x·min(max(x/6 + 1/2, 0), 1)", []float32{1. / 6}, []float32{0.5, 0, 1}, (*function1).hardSwish},
	"hardsigmoid": {"min(max(Lo·x + Hi, 0), 1)", nil, []float32{0, 1}, (*function1).hardSigmoid},
	"sigmoid":     {"1 / (1 + exp(−x))", expLanes, append(expWhole, 1), (*function1).sigmoid},
	"silu":        {"x / (1 + exp(−x))", expLanes, append(expWhole, 1), (*function1).silu},
	"tanh":        {"the hyperbolic tangent", append(expLanes, tanhPolynomial...), append(expWhole, 1, 2, 0.625), (*function1).tanh},
	"exp":         {"the exponential function", expLanes, expWhole, (*function1).exp},
}

// The polynomials of the Cephes library, that of the highest power first.
var (
	expPolynomial  = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1}
	tanhPolynomial = []float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1}

	// ln 2 is the sum of these, of which the first has few digits.
	ln2High, ln2Low float32 = 0.693359375, -2.12194440e-4

	// exponentBias is the exponent of 1, as an integer.
	exponentBias = math.Float32frombits(127)

	// Beyond these bounds exp is 0, or infinite.
	expLowest, expHighest float32 = -105, 89

	expLanes = slices.Clip(append([]float32{math.Log2E, ln2High, ln2Low}, expPolynomial...))
	expWhole = slices.Clip([]float32{expLowest, expHighest, exponentBias})
)

// A function1 emits functions of n vectors at a time: each instruction for all
// of them before the next, so that none waits for its own result.
type function1 struct {
	*builder
	n      int
	limits limits
	lanes  table
	whole  map[float32]vec
}

// A table is some constants in the lanes of registers.
type table struct {
	constants []float32
	registers []vec
}

// table loads constants into the lanes of registers.
func (b *builder) table(constants []float32) table {
	t := table{constants, b.v.takeAll((len(constants)+3)/4, "constants in lanes")}
	b.scope(func() {
		bits := b.r.take("a constant")
		for i, x := range constants {
			b.MOVD(bitsOf(x), bits)
			b.insert(bits, i%4, t.registers[i/4])
		}
	})
	return t
}

// lane is the register and the lane of a constant.
func (t table) lane(x float32) (v vec, lane int) {
	i := slices.Index(t.constants, x)
	if i < 0 {
		panic(fmt.Sprintf("%v is not in the table", x))
	}
	return t.registers[i/4], i % 4
}

// all is the register of which a constant fills all lanes.
func (m *function1) all(x float32) vec {
	v, ok := m.whole[x]
	if !ok {
		panic(fmt.Sprintf("%v is in no register", x))
	}
	return v
}

// scratch takes a register for each vector.
func (m *function1) scratch() []vec { return m.v.takeAll(m.n, "what the function needs") }

// each emits an instruction for each vector.
func (m *function1) each(f func(i int)) {
	for i := range m.n {
		f(i)
	}
}

func (m *function1) leakyRelu(x []vec) {
	y, below := m.scratch(), m.scratch()
	m.each(func(i int) { m.FMUL(m.limits.lo, x[i], y[i]) })
	m.each(func(i int) { m.FCMLT0(x[i], below[i]) })
	m.each(func(i int) { m.VBIT(below[i], y[i], x[i]) })
}

func (m *function1) hardSwish(x []vec) {
	y := m.scratch()
	sixth, lane := m.lanes.lane(1. / 6)
	half := m.all(0.5)
	m.each(func(i int) { m.FMULElement(sixth, lane, x[i], y[i]) })
	m.each(func(i int) { m.FADD(half, y[i], y[i]) })
	m.unit(y)
	m.each(func(i int) { m.FMUL(y[i], x[i], x[i]) })
}

func (m *function1) hardSigmoid(x []vec) {
	m.each(func(i int) { m.FMUL(m.limits.lo, x[i], x[i]) })
	m.each(func(i int) { m.FADD(m.limits.hi, x[i], x[i]) })
	m.unit(x)
}

// unit clamps vectors to 0 … 1. NaN stays.
func (m *function1) unit(x []vec) {
	m.clamp(limits{lo: m.all(0), hi: m.all(1)}, x)
}

func (m *function1) sigmoid(x []vec) { m.logistic(x, nil) }

func (m *function1) silu(x []vec) {
	numerator := m.scratch()
	m.each(func(i int) { m.VMOV(x[i], numerator[i]) })
	m.logistic(x, numerator)
}

// logistic emits the logistic function, times the numerator if there is one.
// With z = exp(−|x|), which does not overflow, it is z/(1+z) below 0 and
// 1/(1+z) above.
func (m *function1) logistic(x, numerator []vec) {
	below, y := m.scratch(), m.scratch()
	m.each(func(i int) { m.FCMLT0(x[i], below[i]) })
	m.each(func(i int) { m.FABS(x[i], x[i]) })
	m.each(func(i int) { m.FNEG(x[i], x[i]) })
	m.exp(x)
	one := m.all(1)
	m.each(func(i int) { m.FADD(one, x[i], y[i]) })
	m.each(func(i int) { m.VBIF(below[i], one, x[i]) })
	if numerator != nil {
		m.each(func(i int) { m.FMUL(numerator[i], x[i], x[i]) })
	}
	m.each(func(i int) { m.FDIV(y[i], x[i], x[i]) })
}

// tanh emits the hyperbolic tangent as the Cephes library has it: up to 0.625
// an odd polynomial, beyond it 1 − 2/(exp(2·|x|) + 1).
func (m *function1) tanh(x []vec) {
	sign, y, p := m.scratch(), m.scratch(), m.scratch()
	m.each(func(i int) { m.FABS(x[i], y[i]) })
	m.each(func(i int) { m.VEOR(y[i], x[i], sign[i]) })
	m.each(func(i int) { m.FADD(y[i], y[i], x[i]) })
	m.exp(x)
	m.scope(func() {
		one, two := m.all(1), m.all(2)
		m.each(func(i int) { m.FADD(one, x[i], x[i]) })
		m.each(func(i int) { m.FDIV(x[i], two, x[i]) })
		m.each(func(i int) { m.FSUB(x[i], one, x[i]) })
	})
	m.scope(func() {
		square := m.scratch()
		m.each(func(i int) { m.FMUL(y[i], y[i], square[i]) })
		m.polynomial(square, p, tanhPolynomial)
		m.each(func(i int) { m.FMUL(square[i], p[i], p[i]) })
		m.each(func(i int) { m.VMOV(y[i], square[i]) })
		m.each(func(i int) { m.VFMLA(p[i], y[i], square[i]) })
		small, inner := m.all(0.625), p
		m.each(func(i int) { m.FCMGT(y[i], small, inner[i]) })
		m.each(func(i int) { m.VBIT(inner[i], square[i], x[i]) })
	})
	m.each(func(i int) { m.VORR(sign[i], x[i], x[i]) })
}

// polynomial sets p to the polynomial of x with these coefficients.
func (m *function1) polynomial(x, p []vec, coefficients []float32) {
	m.scope(func() {
		next := m.scratch()
		for k, c := range coefficients {
			from, lane := m.lanes.lane(c)
			m.each(func(i int) { m.VDUP(from.lane("S", lane), next[i]) })
			if k > 0 {
				m.each(func(i int) { m.VFMLA(p[i], x[i], next[i]) })
			}
			p, next = next, p
		}
		if len(coefficients)%2 == 0 {
			return // p is the caller's again
		}
		m.each(func(i int) { m.VMOV(p[i], next[i]) })
	})
}

// exp emits the exponential function as the Cephes library has it: with
// n = round(x/ln 2), exp(x) = 2ⁿ·exp(x − n·ln 2), where the last is a
// polynomial. 2ⁿ is multiplied in two steps, so that results below the least
// normal number are rounded once.
func (m *function1) exp(x []vec) {
	m.scope(func() {
		m.clamp(limits{lo: m.all(expLowest), hi: m.all(expHighest)}, x)
		n, p := m.scratch(), m.scratch()
		log2e, lane := m.lanes.lane(math.Log2E)
		m.each(func(i int) { m.FMULElement(log2e, lane, x[i], n[i]) })
		m.each(func(i int) { m.FRINTN(n[i], n[i]) })
		for _, part := range []float32{ln2High, ln2Low} {
			c, lane := m.lanes.lane(part)
			m.each(func(i int) { m.FMLSElement(c, lane, n[i], x[i]) })
		}
		m.polynomial(x, p, expPolynomial)

		half := x
		m.each(func(i int) { m.FCVTNS(n[i], n[i]) })
		m.each(func(i int) { m.SSHR(1, n[i], half[i]) })
		m.each(func(i int) { m.VSUB(half[i], n[i], n[i]) })
		bias := m.all(exponentBias)
		for _, h := range [][]vec{half, n} {
			m.each(func(i int) { m.VADD(bias, h[i], h[i]) })
			m.each(func(i int) { m.VSHL(23, h[i], h[i]) })
		}
		m.each(func(i int) { m.FMUL(half[i], p[i], p[i]) })
		m.each(func(i int) { m.FMUL(n[i], p[i], x[i]) })
	})
}
