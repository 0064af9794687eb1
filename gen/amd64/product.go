package amd64

import "fmt"

// product emits the products of Winograd's algorithm: the gemm kernel's inner
// loop, once for each frequency.
func product(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the product kernel of %d rows by 16 columns", mr))
	b.note("sums", ys(0, 2*mr)...)
	b.note("a row of B", ys(12, 2)...)
	b.note("elements of A", ys(14, 2)...)

	a, panels, c := b.load("A"), b.load("B"), b.load("C")
	as, cs := b.load("AStride"), b.load("CStride")
	af, bf, cf := b.load("AFreq"), b.load("BFreq"), b.load("CFreq")
	ahead := b.prefetched(panels)

	b.loop("frequency", b.load("Freqs"), func() {
		for i := range 2 * mr {
			b.VXORPS(y(i), y(i), y(i))
		}
		row := b.rowsFrom(b.copy(a), as, mr)
		panel := b.copy(panels)
		b.loop("k", b.load("K"), func() {
			b.VMOVUPS(mem(panel, 0), y(12))
			b.VMOVUPS(mem(panel, 32), y(13))
			b.prefetchNext(ahead)
			for i := range mr {
				e := y(14 + i%2)
				b.VBROADCASTSS(row.at(i, 0), e)
				b.VFMADD231PS(y(12), e, y(2*i))
				b.VFMADD231PS(y(13), e, y(2*i+1))
			}
			b.ADDQ(imm(64), panel)
			row.advance(imm(4))
		})
		out := b.rowsFrom(b.copy(c), cs, mr)
		for i := range mr {
			b.VMOVUPS(y(2*i), out.at(i, 0))
			b.VMOVUPS(y(2*i+1), out.at(i, 32))
		}
		b.ADDQ(af, a)
		b.ADDQ(bf, panels)
		b.ADDQ(cf, c)
	})
	b.VZEROUPPER()
}

// prefetched is the address of what a product kernel prefetches first.
func (b *builder) prefetched(panels reg64) reg64 {
	ahead := b.load("Ahead")
	b.ADDQ(panels, ahead)
	return ahead
}

// prefetchNext prefetches a line into the second-level cache, and moves on to the
// next one.
func (b *builder) prefetchNext(ahead reg64) {
	b.PREFETCHT1(mem(ahead, 0))
	b.ADDQ(b.field("AheadStep"), ahead)
}
