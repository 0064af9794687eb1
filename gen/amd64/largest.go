package amd64

import "github.com/mmcloughlin/avo/operand"

// largest emits the search for the largest magnitude. Magnitudes are compared
// as integers, of which NaN's are the largest.
func largest(b *builder) {
	b.doc("the largest magnitude")
	const chains = 4
	b.note("the largest so far", ys(0, chains)...)
	b.note("elements", y(chains))
	b.note("all bits but the sign", y(15))
	b.VPCMPEQD(y(15), y(15), y(15))
	b.VPSRLD(imm(1), y(15), y(15))
	for i := range chains {
		b.VPXOR(y(i), y(i), y(i))
	}
	in, n := b.load("X"), b.load("N")
	rest, many := b.label("rest"), b.copy(n)
	b.SHRQ(imm(5), many)
	b.JEQ(operand.LabelRef(rest))
	b.loop("many", many, func() {
		for i := range chains {
			b.VPAND(mem(in, 32*i), y(15), y(chains))
			b.VPMAXSD(y(chains), y(i), y(i))
		}
		b.ADDQ(imm(32*chains), in)
	})
	b.Label(rest)
	b.ANDQ(imm(8*chains-1), n)
	b.eights(n, func() {
		b.VPAND(mem(in, 0), y(15), y(chains))
		b.VPMAXSD(y(chains), y(0), y(0))
		b.ADDQ(imm(32), in)
	}, func() {
		b.VMOVSS(mem(in, 0), x(chains))
		b.VPAND(x(chains), x(15), x(chains))
		b.VPMAXSD(y(chains), y(1), y(1))
		b.ADDQ(imm(4), in)
	})
	b.VPMAXSD(y(1), y(0), y(0))
	b.VPMAXSD(y(3), y(2), y(2))
	b.VPMAXSD(y(2), y(0), y(0))
	b.VEXTRACTI128(imm(1), y(0), x(1))
	b.VPMAXSD(x(1), x(0), x(0))
	for _, order := range []int{0b01_00_11_10, 0b10_11_00_01} { // halves change places, then neighbours
		b.VPSHUFD(operand.U8(order), x(0), x(1))
		b.VPMAXSD(x(1), x(0), x(0))
	}
	b.VMOVSS(x(0), mem(b.load("Y"), 0))
	b.VZEROUPPER()
}
