package amd64

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// activate emits the function that the kernel's variant names, of each element.
func activate(b *builder) {
	f := activations[b.kernel.Variant]
	b.doc(f.what + ", element by element")
	b.note("elements", y(0))
	b.note("what the function needs", ys(1, 7)...)
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	b.limits()
	b.eightsMasked(n, func(masked bool) {
		if masked {
			b.VMASKMOVPS(mem(in, 0), y(15), y(0))
		} else {
			b.VMOVUPS(mem(in, 0), y(0))
		}
		f.emit(b)
		if masked {
			b.VMASKMOVPS(y(0), y(15), mem(out, 0))
			return
		}
		b.VMOVUPS(y(0), mem(out, 0))
		b.ADDQ(imm(32), in)
		b.ADDQ(imm(32), out)
	})
	b.VZEROUPPER()
}

// eightsMasked emits body for every 8 of n elements, then once more for those
// that are left, which Y15 selects: every element goes through the same
// instructions, wherever it stands. n is used up.
func (b *builder) eightsMasked(n reg64, body func(masked bool)) {
	rest, done := b.label("rest"), b.label("done")
	left := b.copy(n)
	b.SHRQ(imm(3), n)
	b.JEQ(operand.LabelRef(rest))
	b.loop("eight", n, func() { body(false) })
	b.Label(rest)
	b.ANDQ(imm(7), left)
	b.JEQ(operand.LabelRef(done))
	b.setMask(left)
	body(true)
	b.Label(done)
}

// activations are the functions: each emits what turns Y0 into its result,
// with Lo and Hi in Y12 and Y13.
var activations = map[string]struct {
	what string
	emit func(*builder)
}{
	"leakyrelu":   {"x < 0 ? Lo·x : x", leakyRelu},
	"hardswish":   {"x·min(max(x/6 + 1/2, 0), 1)", hardSwish},
	"hardsigmoid": {"min(max(Lo·x + Hi, 0), 1)", hardSigmoid},
	"sigmoid":     {"1 / (1 + exp(−x))", func(b *builder) { b.logistic(1) }},
	"silu":        {"x / (1 + exp(−x))", silu},
	"tanh":        {"the hyperbolic tangent", tanh},
	"exp":         {"the exponential function", func(b *builder) { b.exp() }},
}

const signBit = 1 << 31

func leakyRelu(b *builder) {
	b.VMULPS(y(12), y(0), y(1))
	b.VXORPS(y(2), y(2), y(2))
	b.VCMPPS(lessThan, y(2), y(0), y(2))
	b.VBLENDVPS(y(2), y(1), y(0), y(0))
}

func hardSwish(b *builder) {
	b.VMULPS(b.constant(1./6), y(0), y(1))
	b.VADDPS(b.constant(0.5), y(1), y(1))
	b.unit(1)
	b.VMULPS(y(1), y(0), y(0))
}

func hardSigmoid(b *builder) {
	b.VMULPS(y(12), y(0), y(0))
	b.VADDPS(y(13), y(0), y(0))
	b.unit(0)
}

// unit clamps a register to 0 … 1. NaN stays.
func (b *builder) unit(i int) {
	b.note("0", y(14))
	b.VXORPS(y(14), y(14), y(14))
	b.VMAXPS(y(i), y(14), y(i))
	b.note("1", y(14))
	b.VMOVUPS(b.constant(1), y(14))
	b.VMINPS(y(i), y(14), y(i))
}

func silu(b *builder) {
	b.VMOVAPS(y(0), y(7))
	b.logistic(7)
}

// logistic emits the logistic function of Y0, times what is in register 7 if
// numerator says so, else 1. With z = exp(−|x|), which does not overflow, it
// is z/(1+z) below 0 and 1/(1+z) above.
func (b *builder) logistic(numerator int) {
	b.VMOVAPS(y(0), y(6))
	b.VORPS(b.constantBits(signBit), y(0), y(0))
	b.exp()
	b.VMOVUPS(b.constant(1), y(5))
	b.VADDPS(y(5), y(0), y(4))
	b.VBLENDVPS(y(6), y(0), y(5), y(0))
	if numerator != 1 {
		b.VMULPS(y(numerator), y(0), y(0))
	}
	b.VDIVPS(y(4), y(0), y(0))
}

// tanh emits the hyperbolic tangent as the Cephes library has it: up to 0.625
// an odd polynomial, beyond it 1 − 2/(exp(2·|x|) + 1).
func tanh(b *builder) {
	b.VANDPS(b.constantBits(signBit), y(0), y(7))
	b.VXORPS(y(7), y(0), y(6))
	b.VADDPS(y(6), y(6), y(0))
	b.exp()
	b.VMOVUPS(b.constant(1), y(5))
	b.VADDPS(y(5), y(0), y(0))
	b.VADDPS(y(5), y(5), y(4))
	b.VDIVPS(y(0), y(4), y(4))
	b.VSUBPS(y(4), y(5), y(0))

	b.VMULPS(y(6), y(6), y(3))
	b.polynomial(3, 2, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
	b.VMULPS(y(3), y(2), y(2))
	b.VFMADD213PS(y(6), y(6), y(2))

	b.VCMPPS(lessThan, b.constant(0.625), y(6), y(1))
	b.VBLENDVPS(y(1), y(2), y(0), y(0))
	b.VORPS(y(7), y(0), y(0))
}

// polynomial sets register to to the polynomial of register v with these
// coefficients, that of the highest power first.
func (b *builder) polynomial(v, to int, coefficients ...float32) {
	b.VMOVUPS(b.constant(coefficients[0]), y(to))
	for _, c := range coefficients[1:] {
		b.VFMADD213PS(b.constant(c), y(v), y(to))
	}
}

// exp emits the exponential function of Y0 as the Cephes library has it: with
// n = round(x/ln 2), exp(x) = 2ⁿ·exp(x − n·ln 2), where the last is a
// polynomial, and ln 2 a sum of two numbers of which the first has few digits.
// 2ⁿ is multiplied in two steps, so that results below the least normal number
// are rounded once. It changes Y1 … Y3.
func (b *builder) exp() {
	b.Comment("Beyond these bounds the result is 0, or infinite.")
	b.VMOVUPS(b.constant(-105), y(1))
	b.VMAXPS(y(0), y(1), y(0))
	b.VMOVUPS(b.constant(89), y(1))
	b.VMINPS(y(0), y(1), y(0))

	b.VMULPS(b.constant(math.Log2E), y(0), y(1))
	b.VROUNDPS(toNearest, y(1), y(1))
	b.VFNMADD231PS(b.constant(0.693359375), y(1), y(0))
	b.VFNMADD231PS(b.constant(-2.12194440e-4), y(1), y(0))
	b.polynomial(0, 2, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1)

	b.VCVTPS2DQ(y(1), y(1))
	b.VPSRAD(imm(1), y(1), y(3))
	b.VPSUBD(y(3), y(1), y(1))
	for _, half := range []int{3, 1} {
		b.VPADDD(b.constantBits(127), y(half), y(half))
		b.VPSLLD(imm(23), y(half), y(half))
	}
	b.VMULPS(y(3), y(2), y(2))
	b.VMULPS(y(1), y(2), y(0))
}
