package amd64

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// Maxima and minima of float32 need no float64. The instruction returns its
// second source if either is NaN: that is the extreme so far, which so stays NaN
// once it is. Elements that are NaN leave their trace beside it, so that the
// extreme's chain is one instruction long.

// extreme emits the fold of elements v into sum, and of what is NaN into seen;
// free is overwritten.
func (b *builder) extreme(v, sum, seen, free vec) {
	b.VCMPPS(unordered, v, v, free)
	b.VORPS(free, seen, seen)
	if b.kernel.Variant == "max" {
		b.VMAXPS(sum, v, sum)
	} else {
		b.VMINPS(sum, v, sum)
	}
}

// extremes says that the kernel folds by extreme.
func (b *builder) extremes() bool { return b.kernel.Variant == "max" || b.kernel.Variant == "min" }

// extremeRows emits the extremes of rows: four vectors at a time, then one.
func extremeRows(b *builder) {
	r := b.reduction("each row")
	b.note("elements", ys(0, 4)...)
	b.note("extremes", ys(4, 4)...)
	b.note("all ones where elements are NaN", y(8))
	b.note("whether elements are NaN", y(9))
	b.note("what folding nothing yields", y(11))
	b.VBROADCASTSS(b.constantBits(math.Float32bits(float32(r.identity))), y(11))
	xp, xr, yp := b.load("X"), b.load("XRow"), b.load("Y")
	b.loop("row", b.load("Rows"), func() {
		p := b.copy(xp)
		for i := range 4 {
			b.VMOVAPS(y(11), y(4+i))
		}
		b.VXORPS(y(8), y(8), y(8))
		n := b.load("N")
		fewer := b.label("fewer")
		fours := b.copy(n)
		b.SHRQ(imm(5), fours)
		b.JEQ(operand.LabelRef(fewer))
		b.loop("four", fours, func() {
			for i := range 4 {
				b.VMOVUPS(mem(p, 32*i), y(i))
				b.extreme(y(i), y(4+i), y(8), y(9))
			}
			b.ADDQ(imm(128), p)
		})
		b.Label(fewer)
		b.ANDQ(imm(31), n)
		b.eightsMasked(n, func(masked bool) {
			if masked {
				b.VMASKMOVPS(mem(p, 0), y(15), y(0))
				b.VBLENDVPS(y(15), y(0), y(11), y(0))
			} else {
				b.VMOVUPS(mem(p, 0), y(0))
				b.ADDQ(imm(32), p)
			}
			b.extreme(y(0), y(4), y(8), y(9))
		})
		b.extreme(y(5), y(4), y(8), y(9))
		b.extreme(y(7), y(6), y(8), y(9))
		b.extreme(y(6), y(4), y(8), y(9))
		b.VORPS(y(8), y(4), y(4))
		b.VXORPS(y(8), y(8), y(8))
		b.VEXTRACTF128(imm(1), y(4), x(0))
		b.extreme(x(0), x(4), x(8), x(9))
		b.VUNPCKHPD(x(4), x(4), x(0))
		b.extreme(x(0), x(4), x(8), x(9))
		b.VMOVSHDUP(x(4), x(0))
		b.extreme(x(0), x(4), x(8), x(9))
		// NaN may have been in another lane than the one that is stored.
		b.VUNPCKHPD(x(8), x(8), x(9))
		b.VORPS(x(9), x(8), x(8))
		b.VMOVSHDUP(x(8), x(9))
		b.VORPS(x(9), x(8), x(8))
		b.VORPS(x(8), x(4), x(4))
		b.VCVTSS2SD(x(4), x(4), x(4))
		b.VMOVSD(x(4), mem(yp, 0))
		b.ADDQ(imm(8), yp)
		b.ADDQ(xr, xp)
	})
	b.VZEROUPPER()
}

// extremeColumns emits the extremes of columns, 16 at a time.
func extremeColumns(b *builder) {
	b.reduction("each column")
	b.note("elements", ys(0, 2)...)
	b.note("whether elements are NaN", ys(2, 2)...)
	b.note("extremes", ys(4, 2)...)
	b.note("all ones where elements were NaN", ys(6, 2)...)
	b.note("half of what is loaded", y(8))
	xp, xr, yp := b.load("X"), b.load("XRow"), b.load("Y")
	b.sixteens(func(masked bool) {
		for i := range 2 {
			b.VCVTPD2PSY(mem(yp, 64*i), x(4+i))
			b.VCVTPD2PSY(mem(yp, 64*i+32), x(8))
			b.VINSERTF128(imm(1), x(8), y(4+i), y(4+i))
			b.VXORPS(y(6+i), y(6+i), y(6+i))
		}
		p := b.copy(xp)
		b.loop("row", b.load("Rows"), func() {
			for i := range 2 {
				if masked {
					b.VMASKMOVPS(mem(p, 32*i), y(14+i), y(i))
				} else {
					b.VMOVUPS(mem(p, 32*i), y(i))
				}
				b.extreme(y(i), y(4+i), y(6+i), y(2+i))
			}
			b.ADDQ(xr, p)
		})
		for i := range 2 {
			b.VORPS(y(6+i), y(4+i), y(4+i))
			b.VCVTPS2PD(x(4+i), y(8))
			b.VMOVUPD(y(8), mem(yp, 64*i))
			b.VEXTRACTF128(imm(1), y(4+i), x(4+i))
			b.VCVTPS2PD(x(4+i), y(8))
			b.VMOVUPD(y(8), mem(yp, 64*i+32))
		}
		if !masked {
			b.ADDQ(imm(64), xp)
			b.ADDQ(imm(128), yp)
		}
	})
	b.VZEROUPPER()
}
