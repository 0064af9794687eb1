package amd64

import (
	"github.com/mmcloughlin/avo/operand"
)

// convPool emits the convolution of pool windows: the unpooled map never
// leaves the registers. One window by 16 channels takes, for each k, 2 loads
// of B, 4 broadcasts and 8 multiply-adds: 6 loads in 4 cycles. Where a panel
// has no more than 8 channels, two windows are taken at a time instead.
func convPool(b *builder) {
	b.doc("the convolution of 2×2 pixels by 16 channels and their maximum")
	b.note("sums, pixels in reading order", ys(0, 8)...)

	a, c := b.load("A"), b.load("C")
	as, ar := b.load("AStride"), b.load("ARow")
	windows := b.load("Windows")
	single, end := b.label("single"), b.label("end")

	b.CMPQ(b.field("N"), imm(8))
	b.JGT(operand.LabelRef(single))
	pair := b.label("pair")
	b.Label(pair)
	b.CMPQ(windows, imm(2))
	b.JLT(operand.LabelRef(single))
	b.twoWindows(a, c, as, ar)
	b.SUBQ(imm(2), windows)
	b.JNE(operand.LabelRef(pair))
	b.JMP(operand.LabelRef(end))

	b.Label(single)
	b.loop("window", windows, func() {
		b.oneWindow(a, c, as, ar)
	})
	b.Label(end)
	b.VZEROUPPER()
}

// windowSums emits the loop over segments and k. step is given where the
// upper and the lower pixels and the row of B stand.
func (b *builder) windowSums(a, ar reg64, step func(upper, lower, panel reg64)) {
	panel := b.load("B")
	b.segments(func(offset reg64) {
		upper := offset
		b.LEAQ(index(a, offset, 1), upper)
		lower := b.GP64()
		b.LEAQ(index(upper, ar, 1), lower)
		b.loop("k", b.load("SegLen"), func() {
			step(upper, lower, panel)
			b.ADDQ(imm(64), panel)
			b.ADDQ(imm(4), upper)
			b.ADDQ(imm(4), lower)
		})
	})
}

func (b *builder) oneWindow(a, c, as, ar reg64) {
	b.note("a row of B", ys(8, 2)...)
	b.note("elements of A", ys(10, 2)...)
	bias := b.load("Bias")
	for p := range 4 {
		b.VMOVUPS(mem(bias, 0), y(2*p))
		b.VMOVUPS(mem(bias, 32), y(2*p+1))
	}
	b.windowSums(a, ar, func(upper, lower, panel reg64) {
		b.VMOVUPS(mem(panel, 0), y(8))
		b.VMOVUPS(mem(panel, 32), y(9))
		for p := range 4 {
			row := upper
			if p >= 2 {
				row = lower
			}
			e := y(10 + p%2)
			b.VBROADCASTSS(pixel(row, as, p%2), e)
			b.VFMADD231PS(y(8), e, y(2*p))
			b.VFMADD231PS(y(9), e, y(2*p+1))
		}
	})
	b.Comment("The maximum of the four; a NaN among them shows as all ones in Y8, Y9.")
	for h := range 2 {
		b.maxNaN(y(h), y(2+h), y(4+h), y(6+h), y(8+h), y(12))
	}
	b.clampStored(c)
	b.LEAQ(index(a, as, 2), a)
	b.ADDQ(b.load("CStride"), c)
}

// twoWindows emits 2×4 pixels by 8 channels: a load of B, 8 broadcasts and 8
// multiply-adds for each k.
func (b *builder) twoWindows(a, c, as, ar reg64) {
	b.note("a row of B", y(8))
	b.note("elements of A", ys(9, 4)...)
	bias := b.load("Bias")
	for p := range 8 {
		b.VMOVUPS(mem(bias, 0), y(p))
	}
	as3 := b.GP64()
	b.LEAQ(index(as, as, 2), as3)
	b.windowSums(a, ar, func(upper, lower, panel reg64) {
		b.VMOVUPS(mem(panel, 0), y(8))
		for p := range 8 {
			row, stride, i := upper, as, p%4
			if p >= 4 {
				row = lower
			}
			if i == 3 {
				stride, i = as3, 1
			}
			e := y(9 + p%4)
			b.VBROADCASTSS(pixel(row, stride, i), e)
			b.VFMADD231PS(y(8), e, y(p))
		}
	})
	cs := b.load("CStride")
	for w := range 2 {
		b.maxNaN(y(2*w), y(2*w+1), y(2*w+4), y(2*w+5), y(8+w), y(12))
		if w == 1 {
			b.VMOVAPS(y(2), y(0))
		}
		b.limits()
		b.clamp(0)
		n := b.load("N")
		partial, done := b.label("partial"), b.label("done")
		b.CMPQ(n, imm(8))
		b.JNE(operand.LabelRef(partial))
		b.VMOVUPS(y(0), mem(c, 0))
		b.JMP(operand.LabelRef(done))
		b.Label(partial)
		b.setMasks(n)
		b.VMASKMOVPS(y(0), y(14), mem(c, 0))
		b.Label(done)
		b.ADDQ(cs, c)
	}
	b.LEAQ(index(a, as, 4), a)
}

// pixel is the element i strides behind row, i being 0, 1 or 2.
func pixel(row, stride reg64, i int) operand.Mem {
	m := mem(row, 0)
	if i > 0 {
		m.Index, m.Scale = stride, uint8(i)
	}
	return m
}

// maxNaN leaves the maximum of p0…p3 in p0, or NaN if one of them is; nan and
// t are overwritten.
func (b *builder) maxNaN(p0, p1, p2, p3, nan, t vec) {
	b.note("all ones where a NaN was seen", nan, t)
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
	b.limits()
	b.clamp(0)
	b.clamp(1)
	n := b.load("N")
	b.CMPQ(n, imm(16))
	b.JNE(operand.LabelRef(partial))
	b.VMOVUPS(y(0), mem(c, 0))
	b.VMOVUPS(y(1), mem(c, 32))
	b.JMP(operand.LabelRef(done))
	b.Label(partial)
	b.setMasks(n)
	b.VMASKMOVPS(y(0), y(14), mem(c, 0))
	b.VMASKMOVPS(y(1), y(15), mem(c, 32))
	b.Label(done)
}
