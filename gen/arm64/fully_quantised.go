package arm64

import (
	"fmt"

	"github.com/infer-go/infer/gen/spec"
)

// fullyDot emits one row by four panels of int8: the weights are read once, as
// four streams, each prefetched well ahead of its use. They are multiplied with
// x − 128, as in gemmDot.
func fullyDot(b *builder) {
	width := b.kernel.Panels
	b.doc(fmt.Sprintf("one row by %d columns of int8", 16*width))
	a, quads := b.load("A"), b.load("SegLen")
	b.LSR(2, quads, quads)
	least := b.byteConstant(128, "16 times −128")
	t := &tile{builder: b, rows: width, vectors: 4, sums: b.v.takeAll(4*width, "sums")}
	b.scope(func() {
		bias := b.load("SignedBias")
		for p := range width {
			b.loadPiece(16, bias, t.row(p))
		}
	})
	b.scope(func() {
		stride := b.load("BStride")
		panel := b.from(b.load("B"), stride, width, "rows of the panels")
		b.fours(quads, func(k int) {
			element := b.v.take("elements of A")
			b.loadPiece(piece(k), a, []vec{element})
			b.VEOR(least, element, element)
			const depth = 6
			pairs := b.v.takeAll(2*depth, "weights")
			at := func(i int) (quad, p, half int) { return i / 2 / width, i / 2 % width, i % 2 }
			pipelined(2*k*width, depth, func(i int) {
				quad, p, half := at(i)
				b.FLDPQ(panel[p], 64*quad+32*half, pairs[2*(i%depth)], pairs[2*(i%depth)+1])
				if half == 0 {
					b.PRFM(panel[p], 64*quad+prefetchAhead, "PLDL1KEEP")
				}
			}, func(i int) {
				quad, p, half := at(i)
				for j := range 2 {
					b.SDOTElement(element, quad, pairs[2*(i%depth)+j], t.row(p)[2*half+j])
				}
			})
			b.addAll(imm(64*k), panel)
		})
	})
	scale, c := b.load("Scale"), b.load("C")
	t.storePanels(scale, c, true)
}

// fullyBytes emits the same of exact products of bytes, two panels after the other
// two, as addBytes makes them.
func fullyBytes(b *builder) {
	const together = 2
	width := b.kernel.Panels
	b.doc(fmt.Sprintf("one row by %d columns of int8", 16*width))
	quads, stride := b.load("SegLen"), b.load("BStride")
	b.LSR(2, quads, quads)
	panels, bias, scale, c := b.load("B"), b.load("SignedBias"), b.load("Scale"), b.load("C")
	least := b.byteConstant(128, "16 times −128")
	for first := 0; first < width; first += together {
		b.scope(func() {
			halves := b.newHalves(together)
			b.scope(func() {
				b.addBytes([]gp{b.load("A")}, b.rows(panels, stride, together, "rows of the panels"), quads, least, halves)
			})
			b.skip(panels, stride, together)
			t := &tile{builder: b, rows: together, vectors: 4}
			for p := range together {
				t.sums = append(t.sums, b.whole(halves[8*p:][:8], bias)...)
				b.ADD(imm(64), bias, bias)
			}
			t.storePanels(scale, c, first+together == width)
		})
	}
}

// storePanels makes results of the sums of one row, of one panel after the other,
// and stores them. It moves scale and c on. Of the last panel those columns are
// stored that N leaves to it.
func (t *tile) storePanels(scale, c gp, last bool) {
	t.scope(func() {
		f, factors := t.newFinish(), t.v.takeAll(4, "multipliers")
		for p := range t.rows {
			row := t.row(p)
			t.loadPiece(16, scale, factors)
			for v, s := range row {
				t.SCVTF(s, s)
				t.FMUL(factors[v], s, s)
			}
			if !last || p < t.rows-1 {
				f.store(16, row, c)
				continue
			}
			n := t.load("N")
			t.SUB(imm(16*(t.kernel.Panels-1)), n, n)
			if t.kernel.Result == spec.U8 {
				f.bytes(row)
				t.storeBytes(n, row[0], c)
				continue
			}
			one := &tile{builder: t.builder, rows: 1, vectors: 4, sums: row}
			one.columns(n, func(p piece) { one.storeClamped(p, f.limits, []gp{c}) })
		}
	})
}
