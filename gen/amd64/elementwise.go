package amd64

import (
	"github.com/mmcloughlin/avo/operand"
)

// eights emits body for every 8 of n elements and tail for what is left, one
// at a time; both move their pointers on themselves. n is used up.
func (b *builder) eights(n reg64, body, tail func()) {
	ones, done := b.label("ones"), b.label("done")
	left := b.copy(n)
	b.SHRQ(imm(3), n)
	b.JEQ(operand.LabelRef(ones))
	b.loop("eight", n, body)
	b.Label(ones)
	b.ANDQ(imm(7), left)
	b.JEQ(operand.LabelRef(done))
	b.loop("one", left, tail)
	b.Label(done)
}

// clampAll emits an element-wise clamp.
func clampAll(b *builder) {
	b.doc("min(max(x, Lo), Hi), element by element")
	b.note("elements", y(0))
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	b.limits()
	b.eights(n, func() {
		b.VMOVUPS(mem(in, 0), y(0))
		b.clamp(0)
		b.VMOVUPS(y(0), mem(out, 0))
		b.ADDQ(imm(32), in)
		b.ADDQ(imm(32), out)
	}, func() {
		b.VMOVSS(mem(in, 0), x(0))
		b.VMAXSS(x(0), x(12), x(0))
		b.VMINSS(x(0), x(13), x(0))
		b.VMOVSS(x(0), mem(out, 0))
		b.ADDQ(imm(4), in)
		b.ADDQ(imm(4), out)
	})
	b.VZEROUPPER()
}

// widen emits the conversion of half precision to float32.
func widen(b *builder) {
	b.doc("the conversion of float16 to float32")
	b.note("elements", y(0))
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	word := b.GP64()
	b.eights(n, func() {
		b.VCVTPH2PS(mem(in, 0), y(0))
		b.VMOVUPS(y(0), mem(out, 0))
		b.ADDQ(imm(16), in)
		b.ADDQ(imm(32), out)
	}, func() {
		b.MOVWLZX(mem(in, 0), word.As32())
		b.VMOVD(word.As32(), x(0))
		b.VCVTPH2PS(x(0), x(0))
		b.VMOVSS(x(0), mem(out, 0))
		b.ADDQ(imm(2), in)
		b.ADDQ(imm(4), out)
	})
	b.VZEROUPPER()
}

// widenBytes emits the conversion of uint8 to int16.
func widenBytes(b *builder) {
	b.doc("the conversion of uint8 to int16")
	b.note("elements", y(0))
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	rest, done := b.label("rest"), b.label("done")
	blocks, word := b.copy(n), b.GP64()
	b.SHRQ(imm(4), blocks)
	b.JEQ(operand.LabelRef(rest))
	b.loop("block", blocks, func() {
		b.VPMOVZXBW(mem(in, 0), y(0))
		b.VMOVDQU(y(0), mem(out, 0))
		b.ADDQ(imm(16), in)
		b.ADDQ(imm(32), out)
	})
	b.Label(rest)
	b.ANDQ(imm(15), n)
	b.JEQ(operand.LabelRef(done))
	b.loop("one", n, func() {
		b.MOVBLZX(mem(in, 0), word.As32())
		b.MOVW(word.As16(), mem(out, 0))
		b.INCQ(in)
		b.ADDQ(imm(2), out)
	})
	b.Label(done)
	b.VZEROUPPER()
}

// im2col emits the copy of segments into rows.
func im2col(b *builder) {
	b.doc("im2col: the segments of each row, copied one after the other")
	b.note("elements", y(0))
	a, c := b.load("A"), b.load("C")
	as, cs := b.load("AStride"), b.load("CStride")
	b.loop("row", b.load("Rows"), func() {
		out := b.copy(c)
		b.segments(func(offset reg64) {
			in := offset
			b.LEAQ(index(a, offset, 1), in)
			b.eights(b.load("SegLen"), func() {
				b.VMOVUPS(mem(in, 0), y(0))
				b.VMOVUPS(y(0), mem(out, 0))
				b.ADDQ(imm(32), in)
				b.ADDQ(imm(32), out)
			}, func() {
				b.VMOVSS(mem(in, 0), x(0))
				b.VMOVSS(x(0), mem(out, 0))
				b.ADDQ(imm(4), in)
				b.ADDQ(imm(4), out)
			})
		})
		b.ADDQ(as, a)
		b.ADDQ(cs, c)
	})
	b.VZEROUPPER()
}
