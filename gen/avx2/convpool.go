package avx2

import "github.com/mmcloughlin/avo/operand"

// convPool emits the convolution of one pool window, 4 pixels by 16 channels:
// the unpooled map never leaves the registers. Each k takes 2 loads of B, 4
// broadcasts and 8 multiply-adds: 6 loads in 4 cycles.
func convPool(b *builder) {
	b.doc("the convolution of 2×2 pixels by 16 channels and their maximum",
		"Y0…Y7 sums, pixels in reading order", "Y8 a row of B's first half, Y9 its second", "Y10, Y11 elements of A", "Y12…Y15 NaN, limits and masks")

	a, c := b.load("A"), b.load("C")
	as, ar, cs := b.stride("AStride"), b.stride("ARow"), b.stride("CStride")

	b.loop("window", b.load("Windows"), func() {
		bias := b.load("Bias")
		for p := range 4 {
			b.VMOVUPS(mem(bias, 0), y(2*p))
			b.VMOVUPS(mem(bias, 32), y(2*p+1))
		}
		panel := b.load("B")
		b.segments(func(offset reg64) {
			upper := offset
			b.LEAQ(index(a, offset, 4), upper)
			lower := b.GP64()
			b.LEAQ(index(upper, ar, 1), lower)
			b.loop("k", b.load("SegLen"), func() {
				b.VMOVUPS(mem(panel, 0), y(8))
				b.VMOVUPS(mem(panel, 32), y(9))
				for p, at := range []operand.Mem{mem(upper, 0), index(upper, as, 1), mem(lower, 0), index(lower, as, 1)} {
					e := y(10 + p%2)
					b.VBROADCASTSS(at, e)
					b.VFMADD231PS(y(8), e, y(2*p))
					b.VFMADD231PS(y(9), e, y(2*p+1))
				}
				b.ADDQ(imm(64), panel)
				b.ADDQ(imm(4), upper)
				b.ADDQ(imm(4), lower)
			})
		})

		b.Comment("The maximum of the four; a NaN among them shows as all ones in Y8, Y9.")
		for h := range 2 {
			b.maxNaN(y(h), y(2+h), y(4+h), y(6+h), y(8+h), y(12))
		}
		b.clampStored(c)
		b.LEAQ(index(a, as, 2), a)
		b.ADDQ(cs, c)
	})
	b.VZEROUPPER()
}

// maxNaN leaves the maximum of p0…p3 in p0, or NaN if one of them is; nan and
// t are overwritten.
func (b *builder) maxNaN(p0, p1, p2, p3, nan, t vec) {
	unordered := imm(3)
	b.VCMPPS(unordered, p0, p1, nan)
	b.VCMPPS(unordered, p2, p3, t)
	b.VORPS(t, nan, nan)
	b.VMAXPS(p1, p0, p0)
	b.VMAXPS(p3, p2, p2)
	b.VMAXPS(p2, p0, p0)
	b.VORPS(nan, p0, p0)
}

// clampStored clamps Y0 and Y1 and stores the first N of their 16 elements.
func (b *builder) clampStored(c reg64) {
	partial, done := b.label("partial"), b.label("done")
	b.clamp(2)
	n := b.load("N")
	b.CMPQ(n, imm(16))
	b.JNE(operand.LabelRef(partial))
	b.VMOVUPS(y(0), mem(c, 0))
	b.VMOVUPS(y(1), mem(c, 32))
	b.JMP(operand.LabelRef(done))
	b.Label(partial)
	b.masks(n)
	b.VMASKMOVPS(y(0), y(14), mem(c, 0))
	b.VMASKMOVPS(y(1), y(15), mem(c, 32))
	b.Label(done)
}
