package amd64

import "github.com/mmcloughlin/avo/operand"

// interleave emits the change of three planes to pixels of three channels,
// eight pixels at a time. Element e of the 24 is channel e mod 3 of pixel ⌊e/3⌋:
// each vector of the result is a permutation of each plane's vector, blended.
func interleave(b *builder) {
	b.doc("three planes as pixels of three channels")
	b.note("eight pixels of each plane", ys(0, 3)...)
	b.note("the same, permuted", ys(3, 3)...)
	b.note("the pixels of a vector of the result", ys(6, 3)...)
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	plane := b.load("XPlane")
	name := "pixels_" + b.symbol
	for v := range 3 {
		b.VMOVDQU(operand.NewDataAddr(operand.NewStaticSymbol(name), 32*v), y(6+v))
	}
	planes := []operand.Mem{mem(in, 0), index(in, plane, 1), index(in, plane, 2)}
	b.eights(n, func() {
		for c, p := range planes {
			b.VMOVUPS(p, y(c))
		}
		for v := range 3 {
			blend := [3]int{}
			for lane := range 8 {
				blend[(8*v+lane)%3] |= 1 << lane
			}
			for c := range 3 {
				b.VPERMPS(y(c), y(6+v), y(3+c))
			}
			b.VBLENDPS(operand.Imm(uint64(blend[1])), y(4), y(3), y(3))
			b.VBLENDPS(operand.Imm(uint64(blend[2])), y(5), y(3), y(3))
			b.VMOVUPS(y(3), mem(out, 32*v))
		}
		b.ADDQ(imm(32), in)
		b.ADDQ(imm(96), out)
	}, func() {
		for c, p := range planes {
			b.VMOVSS(p, x(0))
			b.VMOVSS(x(0), mem(out, 4*c))
		}
		b.ADDQ(imm(4), in)
		b.ADDQ(imm(12), out)
	})
	b.VZEROUPPER()

	b.StaticGlobal(name)
	b.DataAttributes(rodata)
	for e := range 24 {
		b.AddDatum(4*e, operand.U32(e/3))
	}
}
