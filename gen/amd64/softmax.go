package amd64

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// softmax emits the normalisation of rows to probabilities: a pass for the
// largest element, one for the exponentials and their sum, one that divides.
func softmax(b *builder) {
	b.doc("the softmax of each row")
	b.note("elements", y(0), y(3))
	b.note("what the exponential function needs, and its results in float64", ys(1, 2)...)
	b.note("the largest elements, then one by the sum", y(4), y(7))
	b.note("sums of the exponentials in float64", ys(5, 2)...)
	b.note("round", y(8))
	b.note("the bounds, and factors, of the exponential function", ys(9, 4)...)
	b.broadcast(roundToInteger, 8)
	b.broadcast(math.Log2E, 9)
	b.broadcast(leastExponent, 10)
	b.broadcast(0.693359375, 11)
	b.broadcast(-2.12194440e-4, 12)
	xp, yp := b.load("X"), b.load("Y")
	b.loop("row", b.load("Rows"), func() {
		in, out := b.copy(xp), b.copy(yp)
		b.VBROADCASTSS(mem(in, 0), y(4))
		b.VMOVAPS(y(4), y(7))
		b.pairsMasked(func() {
			b.VMAXPS(mem(in, 0), y(4), y(4))
			b.VMAXPS(mem(in, 32), y(7), y(7))
			b.ADDQ(imm(64), in)
		}, func(masked bool) {
			if masked {
				b.VMASKMOVPS(mem(in, 0), y(15), y(0))
				b.VBLENDVPS(y(15), y(0), y(4), y(0))
				b.VMAXPS(y(0), y(4), y(4))
				return
			}
			b.VMAXPS(mem(in, 0), y(4), y(4))
			b.ADDQ(imm(32), in)
		})
		b.VMAXPS(y(7), y(4), y(4))
		b.VEXTRACTF128(imm(1), y(4), x(0))
		b.VMAXPS(x(0), x(4), x(4))
		for _, order := range []uint8{0x4e, 0xb1} { // halves, then neighbours change places
			b.VPERMILPS(operand.U8(order), x(4), x(0))
			b.VMAXPS(x(0), x(4), x(4))
		}
		b.VBROADCASTSS(x(4), y(4))

		b.VXORPD(y(5), y(5), y(5))
		b.VXORPD(y(6), y(6), y(6))
		b.MOVQ(xp, in)
		sum := func() {
			b.VEXTRACTF128(imm(1), y(0), x(1))
			b.VCVTPS2PD(x(0), y(0))
			b.VCVTPS2PD(x(1), y(1))
			b.VADDPD(y(0), y(5), y(5))
			b.VADDPD(y(1), y(6), y(6))
		}
		b.pairsMasked(func() {
			for i, v := range []int{0, 3} {
				b.VMOVUPS(mem(in, 32*i), y(v))
				b.VSUBPS(y(4), y(v), y(v))
				b.expBelow(v)
				b.VMOVUPS(y(v), mem(out, 32*i))
			}
			b.VADDPS(y(3), y(0), y(0))
			sum()
			b.ADDQ(imm(64), in)
			b.ADDQ(imm(64), out)
		}, func(masked bool) {
			if masked {
				b.VMASKMOVPS(mem(in, 0), y(15), y(0))
			} else {
				b.VMOVUPS(mem(in, 0), y(0))
			}
			b.VSUBPS(y(4), y(0), y(0))
			b.expBelow(0)
			if masked {
				b.VANDPS(y(15), y(0), y(0))
				b.VMASKMOVPS(y(0), y(15), mem(out, 0))
			} else {
				b.VMOVUPS(y(0), mem(out, 0))
				b.ADDQ(imm(32), in)
				b.ADDQ(imm(32), out)
			}
			sum()
		})
		b.VADDPD(y(6), y(5), y(5))
		b.VEXTRACTF128(imm(1), y(5), x(0))
		b.VADDPD(x(0), x(5), x(5))
		b.VUNPCKHPD(x(5), x(5), x(0))
		b.VADDPD(x(0), x(5), x(5))
		b.double(1, 0)
		b.VDIVPD(x(5), x(0), x(0))
		b.VCVTPD2PSX(x(0), x(0))
		b.VBROADCASTSS(x(0), y(4))

		b.MOVQ(yp, out)
		b.eightsMasked(b.load("N"), func(masked bool) {
			if masked {
				b.VMASKMOVPS(mem(out, 0), y(15), y(0))
				b.VMULPS(y(4), y(0), y(0))
				b.VMASKMOVPS(y(0), y(15), mem(out, 0))
				return
			}
			b.VMULPS(mem(out, 0), y(4), y(0))
			b.VMOVUPS(y(0), mem(out, 0))
			b.ADDQ(imm(32), out)
		})
		b.ADDQ(b.field("XRow"), xp)
		b.ADDQ(b.field("YRow"), yp)
	})
	b.VZEROUPPER()
}

// pairsMasked emits pair for every 16 of N elements, then single as eightsMasked
// does for those that are left.
func (b *builder) pairsMasked(pair func(), single func(masked bool)) {
	rest, done := b.label("pairsleft"), b.label("pairsdone")
	n := b.load("N")
	left := b.copy(n)
	b.SHRQ(imm(4), n)
	b.JEQ(operand.LabelRef(rest))
	b.loop("pair", n, pair)
	b.Label(rest)
	b.ANDQ(imm(15), left)
	b.JEQ(operand.LabelRef(done))
	b.eightsMasked(left, single)
	b.Label(done)
}

// roundToInteger is 3·2²²: a small number that is added to it is rounded to the
// nearest integer, which stands in the sum's last bits.
const roundToInteger = 3 << 22

// leastExponent is where the exponential function is still a normal number.
const leastExponent = -87

// expBelow emits the exponential function of register v, of numbers that are
// not above 0, as exp does; below leastExponent it is 0. 2ⁿ so needs one step.
// It reads Y8 … Y12 and changes Y1 and Y2.
func (b *builder) expBelow(v int) {
	b.VMOVAPS(y(8), y(1))
	b.VFMADD231PS(y(9), y(v), y(1))
	b.VSUBPS(y(8), y(1), y(2))
	b.note("whether elements are far below 0", y(13))
	b.VCMPPS(lessThan, y(10), y(v), y(13))
	b.VFNMADD231PS(y(11), y(2), y(v))
	b.VFNMADD231PS(y(12), y(2), y(v))
	b.polynomial(v, 2, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1)
	b.VPSLLD(imm(23), y(1), y(1))
	b.VPADDD(b.constantBits(127<<23), y(1), y(1))
	b.VMULPS(y(1), y(2), y(v))
	b.VANDNPS(y(v), y(13), y(v))
}

// polynomial sets register to to the polynomial of register v with these
// coefficients, that of the highest power first.
func (b *builder) polynomial(v, to int, coefficients ...float32) {
	b.VMOVUPS(b.constantBits(math.Float32bits(coefficients[0])), y(to))
	for _, c := range coefficients[1:] {
		b.VFMADD213PS(b.constantBits(math.Float32bits(c)), y(v), y(to))
	}
}
