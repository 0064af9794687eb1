package amd64

import "github.com/mmcloughlin/avo/operand"

// quantise emits the conversion of float32 to uint8. What is NaN becomes 0 before
// it is converted, and leaves a trace.
func quantise(b *builder) {
	b.doc("the conversion of float32 to quantised uint8")
	xp, yp, offset := b.load("X"), b.load("Y"), b.GP64()
	whole := lanes{b, 8, false}
	whole.finishIn()
	whole.broadcastField("Scale", "Scale", 11)
	b.note("all ones where a NaN was seen", y(10))
	b.VXORPS(y(10), y(10), y(10))
	b.lanesOf(8, b.load("N"), offset, func(l lanes) {
		b.note("quotients", y(0))
		b.note("all ones where they are NaN", y(1))
		l.words(operand.Mem{Base: xp, Index: offset, Scale: 4}, 0)
		b.VDIVPS(y(11), y(0), y(0))
		b.VCMPPS(unordered, y(0), y(0), y(1))
		b.VORPS(y(1), y(10), y(10))
		b.VANDNPS(y(0), y(1), y(0))
		l.finish(0, l.resultAt(yp, offset))
	})
	seen := b.GP32()
	b.VMOVMSKPS(y(10), seen)
	b.ORQ(seen.As64(), b.field("NaN"))
	b.VZEROUPPER()
}

// dequantise emits the conversion of uint8 to float32.
func dequantise(b *builder) {
	b.doc("the conversion of quantised uint8, or int8, to float32")
	xp, yp, offset := b.load("X"), b.load("Y"), b.GP64()
	whole := lanes{b, b.lanesOfTier(), false}
	whole.broadcastField("Scale", "Scale", 11)
	whole.broadcastField("Zero", "Zero", 12)
	whole.broadcastField("Flip", "Flip", 13)
	b.lanesOf(whole.n, b.load("N"), offset, func(l lanes) {
		v := l.vec(0)
		b.note("elements, then values", v)
		l.elements(operand.Mem{Base: xp, Index: offset, Scale: 1}, 0)
		if l.n == 16 {
			b.VPXORD(z(13), z(0), z(0))
		} else {
			b.VPXOR(y(13), y(0), y(0))
		}
		b.VPSUBD(l.vec(12), v, v)
		b.VCVTDQ2PS(v, v)
		b.VMULPS(l.vec(11), v, v)
		l.store(0, l.resultAt(yp, offset))
	})
	b.VZEROUPPER()
}
