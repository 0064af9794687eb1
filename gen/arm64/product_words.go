package arm64

import "fmt"

// productWords emits the products of Winograd's algorithm in int16. Two rows of a
// panel, whose elements alternate, are loaded apart; the multiply-adds take a lane
// of A's elements each.
func productWords(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the product kernel of %d rows by 16 columns of int16", mr))
	a, panels, c := b.load("A"), b.load("B"), b.load("C")
	as, cs := b.load("AStride"), b.load("CStride")
	af, bf, cf := b.load("AFreq"), b.load("BFreq"), b.load("CFreq")
	pairs, ahead := b.load("Pairs"), b.load("Ahead")
	elements := b.v.takeAll(mr, "elements of A") // a lane is taken of V0 … V15 only
	t := &tile{builder: b, rows: mr, vectors: 4, sums: b.v.takeAll(4*mr, "sums")}

	b.loop("frequency", b.load("Freqs"), func() {
		for _, v := range t.sums {
			b.VEOR(v, v, v)
		}
		b.scope(func() {
			t.multiplyWords(b.rows(a, as, mr, "rows of A"), b.copy(panels, "the panel"), pairs, ahead, elements)
		})
		for i, row := range b.rows(c, cs, mr, "rows of C") {
			b.storePiece(16, t.row(i), row)
		}
		b.ADD(af, a, a)
		b.ADD(bf, panels, panels)
		b.ADD(cf, c, c)
	})
}

// multiplyWords adds the products of n pairs of int16 of each row of A with as many
// of B, which panel points to. It moves all pointers on.
func (t *tile) multiplyWords(a []gp, panel, n, ahead gp, elements []vec) {
	t.fours(n, func(k int) {
		for i, e := range elements {
			t.loadPiece(piece(k), a[i], []vec{e})
		}
		next := t.r.take("what is to be prefetched")
		t.ADD(ahead, panel, next)
		for i := range k {
			t.PRFM(next, 64*i, "PLDL2KEEP")
		}
		depth := min(2, len(t.v.free)/2)
		rows := t.v.takeAll(2*depth, "rows of B")
		pipelined(2*k, depth, func(i int) {
			t.VLD2(panel, rows[2*(i%depth):][:2])
		}, func(i int) {
			for odd, row := range rows[2*(i%depth):][:2] {
				for r, e := range elements {
					for half := range 2 {
						t.SMLAL(half, e, i/2*2+odd, row, t.row(r)[i%2*2+half])
					}
				}
			}
		})
	})
}
