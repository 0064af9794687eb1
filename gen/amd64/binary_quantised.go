package amd64

import "github.com/mmcloughlin/avo/operand"

// binaryQuantised emits a function of two elements: of two rows, or of one and an
// element that stands still, which has been made ready beforehand.
func binaryQuantised(b *builder) {
	b.doc(b.kernel.Variant + " of two elements")
	xp, yp, zp := b.load("X"), b.load("Y"), b.load("Z")
	whole := lanes{builder: b, n: b.lanesOfTier()}
	whole.finishIn()
	whole.broadcastField("XZero", "XZero", 8)
	whole.broadcastField("YZero", "YZero", 9)
	whole.broadcastField("XScale", "XScale", 10)
	whole.broadcastField("YScale", "YScale", 11)
	still := map[string]string{"X": b.label("xstill"), "Y": b.label("ystill")}
	end := b.label("end")
	for _, side := range []string{"X", "Y"} {
		b.CMPQ(b.field(side+"Step"), imm(0))
		b.JEQ(operand.LabelRef(still[side]))
	}
	// ready takes an element's zero point off, and scales it, but for a product.
	ready := func(l lanes, side, i int) {
		l.VPSUBD(l.vec(8+side), l.vec(i), l.vec(i))
		if b.kernel.Variant != "mul" {
			l.VCVTDQ2PS(l.vec(i), l.vec(i))
			l.VMULPS(l.vec(10+side), l.vec(i), l.vec(i))
		}
	}
	for _, fixed := range []string{"", "X", "Y"} {
		if fixed != "" {
			b.Label(still[fixed])
		}
		for side, p := range []reg64{xp, yp} {
			if fixed == []string{"X", "Y"}[side] {
				e := b.GP32()
				b.MOVBLZX(mem(p, 0), e)
				b.note("the element that stands still", whole.vec(2+side))
				b.VMOVD(e, x(2+side))
				b.VPBROADCASTD(x(2+side), whole.vec(2+side))
				ready(whole, side, 2+side)
			}
		}
		offset := b.GP64()
		b.lanesOf(whole.n, b.load("N"), offset, func(l lanes) {
			operands := [2]int{0, 1}
			for side, p := range []reg64{xp, yp} {
				if fixed == []string{"X", "Y"}[side] {
					operands[side] = 2 + side
					continue
				}
				l.note([]string{"x", "y"}[side], l.vec(side))
				l.elements(index(p, offset, 1), side)
				ready(l, side, side)
			}
			first, second, v := l.vec(operands[0]), l.vec(operands[1]), l.vec(0)
			l.note("values", v)
			switch b.kernel.Variant {
			case "add":
				l.VADDPS(second, first, v)
			case "sub":
				l.VSUBPS(second, first, v)
			case "mul":
				l.VPMULLD(second, first, v)
				l.VCVTDQ2PS(v, v)
				l.VMULPS(l.vec(10), v, v)
			}
			l.finish(0, l.resultAt(zp, offset))
		})
		if fixed != "Y" {
			b.JMP(operand.LabelRef(end))
		}
	}
	b.Label(end)
	b.VZEROUPPER()
}
