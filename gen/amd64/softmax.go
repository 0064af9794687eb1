package amd64

import "github.com/mmcloughlin/avo/operand"

// softmax emits the normalisation of rows to probabilities: a pass for the
// largest element, one for the exponentials and their sum, one that divides.
func softmax(b *builder) {
	b.doc("the softmax of each row")
	b.note("elements", y(0))
	b.note("what the exponential function needs, and its results in float64", ys(1, 3)...)
	b.note("the largest elements, then one by the sum", y(4))
	b.note("sums of the exponentials in float64", ys(5, 2)...)
	xp, yp := b.load("X"), b.load("Y")
	b.loop("row", b.load("Rows"), func() {
		in, out := b.copy(xp), b.copy(yp)
		b.VBROADCASTSS(mem(in, 0), y(4))
		b.eightsMasked(b.load("N"), func(masked bool) {
			if masked {
				b.VMASKMOVPS(mem(in, 0), y(15), y(0))
				b.VBLENDVPS(y(15), y(0), y(4), y(0))
				b.VMAXPS(y(0), y(4), y(4))
				return
			}
			b.VMAXPS(mem(in, 0), y(4), y(4))
			b.ADDQ(imm(32), in)
		})
		b.VEXTRACTF128(imm(1), y(4), x(0))
		b.VMAXPS(x(0), x(4), x(4))
		for _, order := range []int{0x4e, 0xb1} { // halves, then neighbours change places
			b.VPERMILPS(operand.U8(order), x(4), x(0))
			b.VMAXPS(x(0), x(4), x(4))
		}
		b.VBROADCASTSS(x(4), y(4))

		b.VXORPD(y(5), y(5), y(5))
		b.VXORPD(y(6), y(6), y(6))
		b.MOVQ(xp, in)
		b.eightsMasked(b.load("N"), func(masked bool) {
			if masked {
				b.VMASKMOVPS(mem(in, 0), y(15), y(0))
			} else {
				b.VMOVUPS(mem(in, 0), y(0))
			}
			b.VSUBPS(y(4), y(0), y(0))
			b.exp()
			if masked {
				b.VANDPS(y(15), y(0), y(0))
				b.VMASKMOVPS(y(0), y(15), mem(out, 0))
			} else {
				b.VMOVUPS(y(0), mem(out, 0))
				b.ADDQ(imm(32), in)
				b.ADDQ(imm(32), out)
			}
			b.VEXTRACTF128(imm(1), y(0), x(1))
			b.VCVTPS2PD(x(0), y(0))
			b.VCVTPS2PD(x(1), y(1))
			b.VADDPD(y(0), y(5), y(5))
			b.VADDPD(y(1), y(6), y(6))
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
