package amd64

import "fmt"

// productWords emits the products of Winograd's algorithm in int16: for each two
// rows of a panel a load of each vector, and for each row of A a broadcast of two
// elements, of which VPMADDWD makes the sum of both products.
func productWords(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the product kernel of %d rows by 16 columns of int16", mr))
	b.note("sums", ys(0, 2*mr)...)
	b.note("two rows of B", ys(12, 2)...)
	b.note("elements of A", y(14))
	b.note("products", y(15))

	a, panels, c := b.load("A"), b.load("B"), b.load("C")
	as, cs := b.load("AStride"), b.load("CStride")
	ahead, freqs := b.load("Ahead"), b.local("Freqs")

	b.loop("frequency", freqs, func() {
		for i := range 2 * mr {
			b.VPXOR(y(i), y(i), y(i))
		}
		row := b.rowsFrom(b.copy(a), as, mr)
		panel := b.copy(panels)
		b.loop("k", b.load("Pairs"), func() {
			b.VMOVDQU(mem(panel, 0), y(12))
			b.VMOVDQU(mem(panel, 32), y(13))
			b.PREFETCHT1(index(panel, ahead, 1))
			for i := range mr {
				b.VPBROADCASTD(row.at(i, 0), y(14))
				for v := range 2 {
					b.VPMADDWD(y(12+v), y(14), y(15))
					b.VPADDD(y(15), y(2*i+v), y(2*i+v))
				}
			}
			b.ADDQ(imm(64), panel)
			row.advance(imm(4))
		})
		out := b.rowsFrom(b.copy(c), cs, mr)
		for i := range mr {
			b.VMOVDQU(y(2*i), out.at(i, 0))
			b.VMOVDQU(y(2*i+1), out.at(i, 32))
		}
		b.ADDQ(b.field("AFreq"), a)
		b.ADDQ(b.field("BFreq"), panels)
		b.ADDQ(b.field("CFreq"), c)
	})
	b.VZEROUPPER()
}

// productWordsWide emits the same with VPDPWSSD, which broadcasts its two elements
// of A from memory: both of its operands are signed.
func productWordsWide(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the product kernel of %d rows by 16 columns of int16", mr))
	b.note("sums", zs(0, mr)...)
	b.note("two rows of B", z(31))

	a, panels, c, freqs := b.load("A"), b.load("B"), b.local("C"), b.local("Freqs")
	as, ahead := b.load("AStride"), b.load("Ahead")
	b.loop("frequency", freqs, func() {
		for i := range mr {
			b.VPXOR(y(i), y(i), y(i))
		}
		row := b.rowsFrom(b.copy(a), as, mr)
		panel := b.copy(panels)
		b.loop("k", b.load("Pairs"), func() {
			b.VMOVDQU32(mem(panel, 0), z(31))
			b.PREFETCHT1(index(panel, ahead, 1))
			for i := range mr {
				b.VPDPWSSD_BCST(row.at(i, 0), z(31), z(i))
			}
			b.ADDQ(imm(64), panel)
			row.advance(imm(4))
		})
		at, by := b.GP64(), b.load("CStride")
		b.MOVQ(c, at)
		for i := range mr {
			b.VMOVDQU32(z(i), mem(at, 0))
			b.ADDQ(by, at)
		}
		next := b.load("CFreq")
		b.ADDQ(next, c)
		b.ADDQ(b.field("AFreq"), a)
		b.ADDQ(b.field("BFreq"), panels)
	})
	b.VZEROUPPER()
}
