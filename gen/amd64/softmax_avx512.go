package amd64

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/infer-go/infer/gen/function"
)

// softmaxWide emits softmax by vectors of 64 bytes.
func softmaxWide(b *builder) {
	const most, sums = 12, 13 // the second register of sums is the next
	b.doc("the softmax of each row")
	b.constantLanes = 16
	exp := function.ByVariant["exp"].Scaled
	held, free := b.hold(exp)
	free = slices.DeleteFunc(free, func(r int) bool { return r == sums+1 })
	b.note("the largest element, then one by the sum", z(most))
	b.note("sums of the exponentials in float64", zs(sums, 2)...)
	b.note("largest elements, then sums", z(0), z(1))
	xp, yp := b.load("X"), b.load("Y")
	b.loop("row", b.load("Rows"), func() {
		in, out := b.copy(xp), b.copy(yp)
		b.VBROADCASTSS(mem(in, 0), z(0))
		b.VMOVAPS(z(0), z(1))
		b.sixteensMasked(b.load("N"), 2, func(vectors int, masked bool) {
			if masked {
				b.VMAXPS(mem(in, 0), z(0), reg.K1, z(0))
				return
			}
			for i := range vectors {
				b.VMAXPS(mem(in, 64*i), z(i), z(i))
			}
			b.ADDQ(imm(64*vectors), in)
		})
		b.VMAXPS(z(1), z(0), z(0))
		b.VEXTRACTF64X4(imm(1), z(0), y(1))
		b.VMAXPS(y(1), y(0), y(0))
		b.VEXTRACTF128(imm(1), y(0), x(1))
		b.VMAXPS(x(1), x(0), x(0))
		for _, order := range []uint8{0x4e, 0xb1} { // halves, then neighbours change places
			b.VPERMILPS(operand.U8(order), x(0), x(1))
			b.VMAXPS(x(1), x(0), x(0))
		}
		b.VBROADCASTSS(x(0), z(most))

		b.VXORPD(y(sums), y(sums), y(sums))
		b.VXORPD(y(sums+1), y(sums+1), y(sums+1))
		b.MOVQ(xp, in)
		b.sixteensMasked(b.load("N"), together(exp, len(free)), func(vectors int, masked bool) {
			es := b.evaluations(exp, vectors, held, free)
			for i, e := range es {
				x := z(e.elements)
				if masked {
					b.VMOVUPS_Z(mem(in, 0), reg.K1, x)
				} else {
					b.VMOVUPS(mem(in, 64*i), x)
				}
				b.VSUBPS(z(most), x, x)
			}
			results := evaluateAll(es, exp)
			for i, r := range results {
				if masked {
					b.VMOVUPS_Z(z(r), reg.K1, z(r))
					b.VMOVUPS(z(r), reg.K1, mem(out, 0))
				} else {
					b.VMOVUPS(z(r), mem(out, 64*i))
				}
			}
			if !masked {
				b.ADDQ(imm(64*vectors), in)
				b.ADDQ(imm(64*vectors), out)
			}
			// Two vectors are one before they become float64.
			for pair := range slices.Chunk(results, 2) {
				r := pair[0]
				if len(pair) == 2 {
					b.VADDPS(z(pair[1]), z(r), z(r))
				}
				upper := es[0].take()
				b.VEXTRACTF64X4(imm(1), z(r), y(upper))
				b.VCVTPS2PD(y(r), z(r))
				b.VCVTPS2PD(y(upper), z(upper))
				b.VADDPD(z(r), z(sums), z(sums))
				b.VADDPD(z(upper), z(sums+1), z(sums+1))
				es[0].release(upper)
			}
		})
		b.VADDPD(z(sums+1), z(sums), z(sums))
		b.VEXTRACTF64X4(imm(1), z(sums), y(0))
		b.VADDPD(y(0), y(sums), y(sums))
		b.VEXTRACTF128(imm(1), y(sums), x(0))
		b.VADDPD(x(0), x(sums), x(sums))
		b.VUNPCKHPD(x(sums), x(sums), x(0))
		b.VADDPD(x(0), x(sums), x(sums))
		b.double(1, 0)
		b.VDIVPD(x(sums), x(0), x(0))
		b.VCVTPD2PSX(x(0), x(0))
		b.VBROADCASTSS(x(0), z(most))

		b.MOVQ(yp, out)
		b.sixteensMasked(b.load("N"), 2, func(vectors int, masked bool) {
			if masked {
				b.VMOVUPS_Z(mem(out, 0), reg.K1, z(0))
				b.VMULPS(z(most), z(0), z(0))
				b.VMOVUPS(z(0), reg.K1, mem(out, 0))
				return
			}
			for i := range vectors {
				b.VMULPS(mem(out, 64*i), z(most), z(i))
				b.VMOVUPS(z(i), mem(out, 64*i))
			}
			b.ADDQ(imm(64*vectors), out)
		})
		b.ADDQ(b.field("XRow"), xp)
		b.ADDQ(b.field("YRow"), yp)
	})
	b.VZEROUPPER()
}
