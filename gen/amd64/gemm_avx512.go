package amd64

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemmWide emits a tile of MR rows by one panel whose rows are one register of
// 512 bits each: for each k a load of B, and MR multiply-adds that broadcast
// their element of A from memory. Fourteen rows read a row of the panel once
// where six read it more than twice, and have so many sums under way that two
// multiply-adds a cycle need not wait for them.
func gemmWide(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the gemm kernel of %d rows by 16 columns", mr))

	// What only a new tile needs stays on the stack: the rows take most general
	// registers.
	a, as, ahead := b.load("A"), b.load("AStride"), b.load("Ahead")
	c, d, tiles := b.local("C"), b.local("D"), b.local("Tiles")

	b.columnMask(b.load("N"))
	b.Comment("A panel of no more than 8 channels needs half of the bytes.")
	half, end := b.label("half"), b.label("end")
	b.CMPQ(b.field("N"), imm(8))
	b.JLE(operand.LabelRef(half))
	for _, bytes := range []int{64, 32} {
		if bytes == 32 {
			b.JMP(operand.LabelRef(end))
			b.Label(half)
		}
		b.loop("tile", tiles, func() {
			b.gemmWideSums(mr, bytes, a, as, ahead)
			b.gemmWideEpilogue(mr, bytes, c, d)
			b.skip(a, as, mr)
		})
	}
	b.Label(end)
	b.VZEROUPPER()
}

// local copies a field to the stack.
func (b *builder) local(field string) operand.Mem {
	m := b.AllocLocal(8)
	b.MOVQ(b.load(field), m)
	return m
}

// columnMask sets K1 to select the first n of 16 columns.
func (b *builder) columnMask(n reg64) {
	b.noteMask("the columns to store", reg.K1)
	mask := b.GP64()
	b.XORL(mask.As32(), mask.As32())
	b.BTSQ(n, mask)
	b.DECQ(mask)
	b.KMOVW(mask.As32(), reg.K1)
}

// gemmWideSums emits a tile's sums: of row i in register i.
func (b *builder) gemmWideSums(mr, bytes int, a, as, ahead reg64) {
	b.Comment("Every sum starts at its bias.")
	b.note("sums", zs(0, mr)...)
	b.note("a row of B", z(31))
	bias := b.load("Bias")
	for i := range mr {
		b.VMOVUPS(mem(bias, 0), wide(i, bytes))
	}
	panel := b.load("B")
	b.segments(func(offset reg64) {
		b.LEAQ(index(a, offset, 1), offset)
		row := b.rowsFrom(offset, as, mr)
		b.loop("k", b.load("SegLen"), func() {
			b.VMOVUPS(mem(panel, 0), wide(31, bytes))
			b.PREFETCHT1(index(panel, ahead, 1))
			for i := range mr {
				b.VFMADD231PS_BCST(row.at(i, 0), wide(31, bytes), wide(i, bytes))
			}
			b.ADDQ(imm(64), panel)
			row.advance(imm(4))
		})
	})
}

// gemmWideEpilogue adds the residual, clamps and stores mr rows of sums. It
// moves c and d on by a tile.
func (b *builder) gemmWideEpilogue(mr, bytes int, c, d operand.Mem) {
	lo, hi := wide(28, bytes), wide(29, bytes)
	b.note("Lo", z(28))
	b.note("Hi", z(29))
	b.note("residual", z(30))
	// each takes p, on the stack, from row to row.
	each := func(p operand.Mem, stride string, f func(at operand.Mem, i int)) {
		at, by := b.GP64(), b.load(stride)
		b.MOVQ(p, at)
		for i := range mr {
			f(mem(at, 0), i)
			b.ADDQ(by, at)
		}
		b.MOVQ(at, p)
	}
	none := b.label("noresidual")
	b.CMPQ(d, imm(0))
	b.JEQ(operand.LabelRef(none))
	each(d, "DStride", func(at operand.Mem, i int) {
		b.VMOVUPS_Z(at, reg.K1, wide(30, bytes))
		b.VADDPS(wide(30, bytes), wide(i, bytes), wide(i, bytes))
	})
	b.Label(none)

	b.Comment("Sums of few products would wait for bounds that change nothing.")
	clamped, unclamped := b.label("clamped"), b.label("unclamped")
	b.CMPL(b.field("Lo"), operand.U32(math.Float32bits(float32(math.Inf(-1)))))
	b.JNE(operand.LabelRef(clamped))
	b.CMPL(b.field("Hi"), operand.U32(math.Float32bits(float32(math.Inf(1)))))
	b.JEQ(operand.LabelRef(unclamped))
	b.Label(clamped)
	b.VBROADCASTSS(b.field("Lo"), lo)
	b.VBROADCASTSS(b.field("Hi"), hi)
	// The minimum and the maximum return their second source if either is NaN, so
	// that is the sum.
	for i := range mr {
		b.VMAXPS(wide(i, bytes), lo, wide(i, bytes))
		b.VMINPS(wide(i, bytes), hi, wide(i, bytes))
	}
	b.Label(unclamped)
	partial, done := b.label("partial"), b.label("done")
	b.CMPQ(b.field("N"), imm(bytes/4))
	b.JNE(operand.LabelRef(partial))
	each(c, "CStride", func(at operand.Mem, i int) { b.VMOVUPS(wide(i, bytes), at) })
	b.JMP(operand.LabelRef(done))
	b.Label(partial)
	each(c, "CStride", func(at operand.Mem, i int) { b.VMOVUPS(wide(i, bytes), reg.K1, at) })
	b.Label(done)
}

// productWide emits the products of Winograd's algorithm: the gemm kernel's
// inner loop, once for each frequency.
func productWide(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the product kernel of %d rows by 16 columns", mr))
	b.note("sums", zs(0, mr)...)
	b.note("a row of B", z(31))

	a, panels, c, freqs := b.load("A"), b.load("B"), b.local("C"), b.local("Freqs")
	as, ahead := b.load("AStride"), b.prefetched(panels)
	b.loop("frequency", freqs, func() {
		for i := range mr {
			b.VXORPS(y(i), y(i), y(i))
		}
		row := b.rowsFrom(b.copy(a), as, mr)
		panel := b.copy(panels)
		b.loop("k", b.load("K"), func() {
			b.VMOVUPS(mem(panel, 0), z(31))
			b.prefetchNext(ahead)
			for i := range mr {
				b.VFMADD231PS_BCST(row.at(i, 0), z(31), z(i))
			}
			b.ADDQ(imm(64), panel)
			row.advance(imm(4))
		})
		at, by := b.GP64(), b.load("CStride")
		b.MOVQ(c, at)
		for i := range mr {
			b.VMOVUPS(z(i), mem(at, 0))
			b.ADDQ(by, at)
		}
		next := b.load("CFreq")
		b.ADDQ(next, c)
		b.ADDQ(b.field("AFreq"), a)
		b.ADDQ(b.field("BFreq"), panels)
	})
	b.VZEROUPPER()
}
