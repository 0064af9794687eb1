package arm64

import "fmt"

// product emits the products of Winograd's algorithm: the gemm kernel's inner
// loop, once for each frequency.
func product(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the product kernel of %d rows by 16 columns", mr))
	a, panels, c := b.load("A"), b.load("B"), b.load("C")
	as, cs := b.load("AStride"), b.load("CStride")
	af, bf, cf := b.load("AFreq"), b.load("BFreq"), b.load("CFreq")
	k, ahead, step := b.load("K"), b.load("Ahead"), b.load("AheadStep")
	b.ADD(panels, ahead, ahead)
	t := &tile{builder: b, rows: mr, vectors: 4, sums: b.v.takeAll(4*mr, "sums")}
	t.prefetch = func(k int, _ gp) {
		for range k {
			b.PRFM(ahead, 0, "PLDL2KEEP")
			b.ADD(step, ahead, ahead)
		}
	}

	b.loop("frequency", b.load("Freqs"), func() {
		for _, v := range t.sums {
			b.VEOR(v, v, v)
		}
		b.scope(func() {
			t.multiply(b.rows(a, as, mr, "rows of A"), b.copy(panels, "the panel"), k)
		})
		for i, row := range b.rows(c, cs, mr, "rows of C") {
			b.storePiece(16, t.row(i), row)
		}
		b.ADD(af, a, a)
		b.ADD(bf, panels, panels)
		b.ADD(cf, c, c)
	})
}
