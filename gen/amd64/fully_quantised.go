package amd64

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"

	"github.com/infer-go/infer/gen/spec"
)

// fullyVNNI emits one row by four panels of int8. The weights are read once, so
// that the second-level cache decides: four chains of products wait for it, not
// for one another, and it is asked well ahead.
func fullyVNNI(b *builder) {
	panels := b.kernel.Panels
	b.doc(fmt.Sprintf("one row by %d columns of int8", 16*panels))
	last := b.load("N")
	b.SUBQ(imm(16*(panels-1)), last)
	b.columnMask(last)
	b.Comment("Every sum starts at its bias.")
	b.note("sums, then values", zs(0, panels)...)
	bias := b.load("Bias")
	for p := range panels {
		b.VMOVDQU32(mem(bias, 64*p), z(p))
	}
	a, k := b.load("A"), b.load("SegLen")
	b.SHRQ(imm(2), k)
	panel := b.rowsFrom(b.load("B"), b.load("BStride"), panels)
	b.note("elements of A", z(28))
	b.loop("k", k, func() {
		b.VPBROADCASTD(mem(a, 0), z(28))
		for p := range panels {
			b.VPDPBUSD(panel.at(p, 0), z(28), z(p))
			b.PREFETCHT0(panel.at(p, prefetchAhead))
		}
		b.ADDQ(imm(4), a)
		panel.advance(imm(64))
	})
	scale, c := b.load("Scale"), b.load("C")
	b.wideLimits()
	for p := range panels {
		b.VCVTDQ2PS(z(p), z(p))
		b.VMULPS(mem(scale, 64*p), z(p), z(p))
		b.store(p, mem(c, 16*p*b.resultSize()), p == panels-1)
	}
	b.VZEROUPPER()
}

// fullyWords emits one row by four panels of int8, with sums of words as gemmWords
// makes them of a single row.
func fullyWords(b *builder) {
	panels := b.kernel.Panels
	b.doc(fmt.Sprintf("one row by %d columns of int8", 16*panels))
	slot := b.AllocLocal(16)
	b.Comment("Every sum starts at its bias.")
	b.note("sums, then values", ys(0, 2*panels)...)
	bias := b.load("Bias")
	for i := range 2 * panels {
		b.VMOVDQU(mem(bias, 32*i), y(i))
	}
	b.wordConstants(1)
	a, k := b.load("A"), b.load("SegLen")
	b.SHRQ(imm(2), k)
	panel := b.rowsFrom(b.load("B"), b.load("BStride"), panels)
	b.note("bytes of B, then the odd ones", y(9))
	b.loop("k", k, func() {
		b.quad(mem(a, 0))
		for i := range 2 * panels {
			b.VMOVDQU(panel.at(i/2, 32*(i%2)), y(9))
			b.singleRow(y(9), y(i))
			if i%2 == 0 {
				b.PREFETCHT0(panel.at(i/2, wordsAhead))
			}
		}
		b.ADDQ(imm(4), a)
		panel.advance(imm(64))
	})
	scale := b.load("Scale")
	for i := range 2 * panels {
		b.VCVTDQ2PS(y(i), y(i))
		b.VMULPS(mem(scale, 32*i), y(i), y(i))
	}
	b.storeRow(panels, slot)
	b.VZEROUPPER()
}

// wordsAhead is how many bytes ahead of its use a panel of fullyWords is prefetched:
// as good as prefetchAhead for weights that the second-level cache holds, and
// better for those that come from the third, a megabyte of MobileNetV2's.
const wordsAhead = 256

// storeRow makes results of one row of values by so many panels, and stores them.
func (b *builder) storeRow(panels int, slot operand.Mem) {
	c, n := b.load("C"), b.load("N")
	b.SUBQ(imm(16*(panels-1)), n)
	lanes{b, 8, false}.finishIn()
	if b.kernel.Result == spec.F32 {
		for i := range 2 * panels {
			b.VMAXPS(y(i), y(12), y(i))
			b.VMINPS(y(i), y(13), y(i))
		}
		last := 2 * (panels - 1)
		for i := range last {
			b.VMOVUPS(y(i), mem(c, 32*i))
		}
		b.setMasks(n)
		for v := range 2 {
			b.VMASKMOVPS(y(last+v), y(14+v), mem(c, 32*(last+v)))
		}
		return
	}
	b.wordRows(panels)
	for p := range panels - 1 {
		b.VMOVDQU(x(2*p), mem(c, 16*p))
	}
	last := x(2 * (panels - 1))
	part, stored := b.label("part"), b.label("stored")
	b.CMPQ(n, imm(16))
	b.JLT(operand.LabelRef(part))
	b.VMOVDQU(last, mem(c, 16*(panels-1)))
	b.JMP(operand.LabelRef(stored))
	b.Label(part)
	b.VMOVDQU(last, slot)
	b.copyBytes(n, slot, mem(c, 16*(panels-1)))
	b.Label(stored)
}
