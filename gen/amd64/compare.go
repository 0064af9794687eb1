package amd64

import "github.com/mmcloughlin/avo/operand"

// compare emits the comparison that the kernel's variant names. Comparisons are
// all ones or zeros: packing with saturation keeps that, and the absolute value
// of a byte of ones is 1.
func compare(b *builder) {
	c := map[string]struct {
		predicate operand.Constant
		what      string
	}{
		"equal":     {equal, "x = y"},
		"less":      {lessThan, "x < y"},
		"lessequal": {atMost, "x ≤ y"},
	}[b.kernel.Variant]
	b.doc("whether " + c.what + ", element by element")
	xp, yp, zp, n := b.load("X"), b.load("Y"), b.load("Z"), b.load("N")
	b.note("elements of X, then results", y(0))
	b.note("the upper half of results", y(1))
	b.eights(n, func() {
		b.VMOVUPS(mem(xp, 0), y(0))
		b.VCMPPS(c.predicate, mem(yp, 0), y(0), y(0))
		b.VEXTRACTI128(imm(1), y(0), x(1))
		b.VPACKSSDW(x(1), x(0), x(0))
		b.VPACKSSWB(x(0), x(0), x(0))
		b.VPABSB(x(0), x(0))
		b.VMOVQ(x(0), mem(zp, 0))
		b.ADDQ(imm(32), xp)
		b.ADDQ(imm(32), yp)
		b.ADDQ(imm(8), zp)
	}, func() {
		b.VMOVSS(mem(xp, 0), x(0))
		b.VCMPSS(c.predicate, mem(yp, 0), x(0), x(0))
		yes := b.GP32()
		b.VMOVD(x(0), yes)
		b.ANDL(imm(1), yes)
		b.MOVB(yes.As8(), mem(zp, 0))
		b.ADDQ(imm(4), xp)
		b.ADDQ(imm(4), yp)
		b.INCQ(zp)
	})
	b.VZEROUPPER()
}

// selectElements emits the choice between two elements.
func selectElements(b *builder) {
	b.doc("x or y, as bytes say, element by element")
	cp, xp, yp, zp, n := b.load("C"), b.load("X"), b.load("Y"), b.load("Z"), b.load("N")
	b.note("zeros", y(0))
	b.VPXOR(y(0), y(0), y(0))
	b.note("whether a byte is 0", y(1))
	b.note("elements of X, then results", y(2))
	b.eights(n, func() {
		b.VPMOVZXBD(mem(cp, 0), y(1))
		b.VPCMPEQD(y(0), y(1), y(1))
		b.VMOVUPS(mem(xp, 0), y(2))
		b.VBLENDVPS(y(1), mem(yp, 0), y(2), y(2))
		b.VMOVUPS(y(2), mem(zp, 0))
		b.ADDQ(imm(8), cp)
		b.ADDQ(imm(32), xp)
		b.ADDQ(imm(32), yp)
		b.ADDQ(imm(32), zp)
	}, func() {
		e, from := b.GP32(), b.copy(yp)
		b.CMPB(mem(cp, 0), imm(0))
		b.CMOVQNE(xp, from)
		b.MOVL(mem(from, 0), e)
		b.MOVL(e, mem(zp, 0))
		b.INCQ(cp)
		b.ADDQ(imm(4), xp)
		b.ADDQ(imm(4), yp)
		b.ADDQ(imm(4), zp)
	})
	b.VZEROUPPER()
}
