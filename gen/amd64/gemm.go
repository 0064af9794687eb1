package amd64

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// gemm emits a tile of MR rows by one panel: for each k two loads of B, MR
// broadcasts of A and 2·MR multiply-adds. At 6 rows that is 8 loads in the 6
// cycles which the multiply-adds take, where 12 would fit.
func gemm(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the gemm kernel of %d rows by 16 columns", mr))

	a, c, d := b.load("A"), b.load("C"), b.load("D")
	as, cs := b.load("AStride"), b.load("CStride")
	tiles, ahead := b.load("Tiles"), b.load("Ahead")

	b.Comment("A panel of no more than 8 channels needs half of the work.")
	half, end := b.label("half"), b.label("end")
	b.CMPQ(b.field("N"), imm(8))
	b.JLE(operand.LabelRef(half))
	for _, vectors := range []int{2, 1} {
		if vectors == 1 {
			b.JMP(operand.LabelRef(end))
			b.Label(half)
		}
		b.loop("tile", tiles, func() {
			b.gemmSums(mr, vectors, a, as, ahead)
			b.gemmEpilogue(mr, vectors, c, cs, d)
			b.skip(a, as, mr)
			b.skip(c, cs, mr)
		})
	}
	b.Label(end)
	b.VZEROUPPER()
}

// gemmSums emits a tile's sums: of row i and vector v in register 2·i+v.
func (b *builder) gemmSums(mr, vectors int, a, as, ahead reg64) {
	b.Comment("Every sum starts at its bias.")
	b.note("sums", ys(0, 2*mr)...)
	b.note("a row of B", ys(12, vectors)...)
	b.note("elements of A", ys(14, 2)...)
	bias := b.load("Bias")
	for i := range mr {
		for v := range vectors {
			b.VMOVUPS(mem(bias, 32*v), y(2*i+v))
		}
	}
	panel := b.load("B")
	b.segments(func(offset reg64) {
		b.LEAQ(index(a, offset, 1), offset)
		row := b.rowsFrom(offset, as, mr)
		b.loop("k", b.load("SegLen"), func() {
			for v := range vectors {
				b.VMOVUPS(mem(panel, 32*v), y(12+v))
			}
			b.PREFETCHT1(index(panel, ahead, 1))
			for i := range mr {
				e := y(14 + i%2)
				b.VBROADCASTSS(row.at(i, 0), e)
				for v := range vectors {
					b.VFMADD231PS(y(12+v), e, y(2*i+v))
				}
			}
			b.ADDQ(imm(64), panel)
			row.advance(imm(4))
		})
	})
}

// segments emits body for every segment; it is given a register of its own
// that holds the segment's offset.
func (b *builder) segments(body func(offset reg64)) {
	seg := b.load("Seg")
	b.loop("segment", b.load("Segs"), func() {
		offset := b.GP64()
		b.MOVQ(mem(seg, 0), offset)
		b.ADDQ(imm(8), seg)
		body(offset)
	})
}

// gemmEpilogue adds the residual, clamps and stores mr rows of sums. It moves
// d on by a tile.
func (b *builder) gemmEpilogue(mr, vectors int, c, cs, d reg64) {
	out := b.rowsFrom(b.copy(c), cs, mr)
	partial, done := b.label("partial"), b.label("done")
	each := func(f func(i, v int)) {
		for i := range mr {
			for v := range vectors {
				f(i, v)
			}
		}
	}
	residual := func(add func(row rows)) {
		none := b.label("noresidual")
		b.TESTQ(d, d)
		b.JEQ(operand.LabelRef(none))
		ds := b.load("DStride")
		add(b.rowsFrom(b.copy(d), ds, mr))
		b.skip(d, ds, mr)
		b.Label(none)
	}
	clamp := func() {
		b.limits()
		each(func(i, v int) { b.clamp(2*i + v) })
	}

	n := b.load("N")
	b.CMPQ(n, imm(8*vectors))
	b.JNE(operand.LabelRef(partial))
	residual(func(row rows) {
		each(func(i, v int) { b.VADDPS(row.at(i, 32*v), y(2*i+v), y(2*i+v)) })
	})
	clamp()
	each(func(i, v int) { b.VMOVUPS(y(2*i+v), out.at(i, 32*v)) })
	b.JMP(operand.LabelRef(done))

	b.Label(partial)
	b.setMasks(n)
	residual(func(row rows) {
		b.note("residual", ys(12, vectors)...)
		each(func(i, v int) {
			b.VMASKMOVPS(row.at(i, 32*v), y(14+v), y(12+v))
			b.VADDPS(y(12+v), y(2*i+v), y(2*i+v))
		})
	})
	clamp()
	each(func(i, v int) { b.VMASKMOVPS(y(2*i+v), y(14+v), out.at(i, 32*v)) })
	b.Label(done)
}

// limits broadcasts Lo and Hi to Y12 and Y13.
func (b *builder) limits() {
	b.note("Lo", y(12))
	b.note("Hi", y(13))
	b.VBROADCASTSS(b.field("Lo"), y(12))
	b.VBROADCASTSS(b.field("Hi"), y(13))
}

// clamp limits a vector to what limits has set. The minimum and the maximum
// return their second source if either is NaN, so that is the vector.
func (b *builder) clamp(i int) {
	b.VMAXPS(y(i), y(12), y(i))
	b.VMINPS(y(i), y(13), y(i))
}
