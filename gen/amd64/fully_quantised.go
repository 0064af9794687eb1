package amd64

import "fmt"

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
