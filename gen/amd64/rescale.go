package amd64

import "github.com/mmcloughlin/avo/operand"

// rescale emits a linear function of bytes. A byte twice in a word is 257 times the
// byte, so that no bit of the upper half of the product is lost.
func rescale(b *builder) {
	b.doc("a linear function of bytes")
	const size, factor, add, sub, shift, lo, hi = 32, 8, 9, 10, 11, 12, 13
	in, out, rows := b.load("X"), b.load("Y"), b.load("Rows")
	for _, f := range []struct {
		name string
		to   int
	}{{"Factor", factor}, {"Add", add}, {"Sub", sub}} {
		b.note(f.name, y(f.to))
		b.VPBROADCASTW(b.field(f.name), y(f.to))
	}
	b.note("Shift", x(shift))
	b.VMOVD(b.field("Shift"), x(shift))
	b.note("Lo", y(lo))
	b.VPBROADCASTB(b.field("Lo"), y(lo))
	b.note("Hi", y(hi))
	b.VPBROADCASTB(b.field("Hi"), y(hi))
	b.note("bytes", y(0))
	b.note("words of them", ys(1, 2)...)
	words := func() {
		b.VPUNPCKLBW(y(0), y(0), y(1))
		b.VPUNPCKHBW(y(0), y(0), y(2))
		for v := 1; v <= 2; v++ {
			b.VPMULHUW(y(factor), y(v), y(v))
			b.VPADDUSW(y(add), y(v), y(v))
			b.VPSUBUSW(y(sub), y(v), y(v))
			b.VPSRLW(x(shift), y(v), y(v))
		}
		b.VPACKUSWB(y(2), y(1), y(0))
		b.VPMAXUB(y(lo), y(0), y(0))
		b.VPMINUB(y(hi), y(0), y(0))
	}
	b.loop("row", rows, func() {
		from, to, n := b.copy(in), b.copy(out), b.load("N")
		rest, done, top := b.label("rest"), b.label("done"), b.label("vector")
		b.SUBQ(imm(size), n)
		b.JLT(operand.LabelRef(rest))
		b.Label(top)
		b.VMOVDQU(mem(from, 0), y(0))
		words()
		b.VMOVDQU(y(0), mem(to, 0))
		b.ADDQ(imm(size), from)
		b.ADDQ(imm(size), to)
		b.SUBQ(imm(size), n)
		b.JGE(operand.LabelRef(top))
		b.Label(rest)
		b.ADDQ(imm(size), n)
		b.JEQ(operand.LabelRef(done))
		b.loop("one", n, func() {
			e := b.GP32()
			b.MOVBLZX(mem(from, 0), e)
			b.VMOVD(e, x(0))
			words()
			b.VPEXTRB(imm(0), x(0), mem(to, 0))
			b.INCQ(from)
			b.INCQ(to)
		})
		b.Label(done)
		b.ADDQ(b.field("XRow"), in)
		b.ADDQ(b.field("YRow"), out)
	})
	b.VZEROUPPER()
}
