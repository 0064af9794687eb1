package amd64

import "github.com/mmcloughlin/avo/operand"

// quantise emits the conversion of float32 to uint8. What is NaN becomes 0 before
// it is converted, and leaves a trace.
func quantise(b *builder) {
	b.doc("the conversion of float32 to quantised uint8")
	xp, yp, offset := b.load("X"), b.load("Y"), b.GP64()
	whole := lanes{b, 8, false}
	whole.finishIn()
	whole.broadcastField("Scale", "Scale", 11)
	b.note("all ones where a NaN was seen", y(10))
	b.VXORPS(y(10), y(10), y(10))
	b.lanesOf(8, b.load("N"), offset, func(l lanes) {
		l.quotients(operand.Mem{Base: xp, Index: offset, Scale: 4}, 0, 1)
		l.finish(0, l.resultAt(yp, offset))
	})
	b.storeNaN()
	b.VZEROUPPER()
}

// quantisePlanes emits the same for planes, whose elements become the bytes of
// words, one for each pixel. Of three planes the words' upper bytes are then
// squeezed out.
func quantisePlanes(b *builder) {
	b.doc("planes of float32 as pixels of quantised uint8")
	planes := 3
	if b.kernel.Variant == "4" {
		planes = 4
	}
	const order = 9
	out, offset, plane := b.load("Y"), b.GP64(), b.load("XPlane")
	from := []reg64{b.load("X")}
	for len(from) < planes {
		next := b.copy(from[len(from)-1])
		b.ADDQ(plane, next)
		from = append(from, next)
	}
	whole := lanes{b, 8, false}
	whole.finishIn()
	whole.broadcastField("Scale", "Scale", 11)
	b.note("all ones where a NaN was seen", y(10))
	b.VXORPS(y(10), y(10), y(10))
	if planes == 3 {
		b.note("the order of the bytes of four pixels", y(order))
		b.VBROADCASTI128(operand.NewDataAddr(operand.NewStaticSymbol("order_"+b.symbol), 0), y(order))
	}
	b.lanesOf(8, b.load("N"), offset, func(l lanes) {
		for c, p := range from {
			l.quotients(operand.Mem{Base: p, Index: offset, Scale: 4}, c, 4+c)
		}
		for c := range from {
			l.limit(c)
			if c > 0 {
				b.VPSLLD(imm(8*c), y(c), y(c))
				b.VPOR(y(c), y(0), y(0))
			}
		}
		switch {
		case l.n == 1:
			pixel := b.GP32()
			b.VMOVD(x(0), pixel)
			if planes == 4 {
				b.MOVL(pixel, mem(out, 0))
				break
			}
			b.MOVW(pixel.As16(), mem(out, 0))
			b.SHRL(imm(16), pixel)
			b.MOVB(pixel.As8(), mem(out, 2))
		case planes == 4:
			b.VMOVDQU(y(0), mem(out, 0))
		default:
			b.note("the last four pixels", y(1))
			b.VPSHUFB(y(order), y(0), y(0))
			b.VEXTRACTI128(imm(1), y(0), x(1))
			for half := range 2 {
				b.VMOVQ(x(half), mem(out, 12*half))
				b.VPEXTRD(imm(2), x(half), mem(out, 12*half+8))
			}
		}
		b.ADDQ(imm(l.n*planes), out)
	})
	b.storeNaN()
	b.VZEROUPPER()
	if planes == 3 {
		b.StaticGlobal("order_" + b.symbol)
		b.DataAttributes(rodata)
		for i, bytes := range []uint32{0x04020100, 0x09080605, 0x0e0d0c0a, 0x80808080} {
			b.AddDatum(4*i, operand.U32(bytes))
		}
	}
}

// quotients loads float32 and divides them by the scale in register 11. Those that
// are NaN become 0 and leave a trace in register 10; register nan is for that.
func (l lanes) quotients(from operand.Mem, to, nan int) {
	l.note("quotients", y(to))
	l.note("all ones where they are NaN", y(nan))
	l.words(from, to)
	l.VDIVPS(y(11), y(to), y(to))
	l.VCMPPS(unordered, y(to), y(to), y(nan))
	l.VORPS(y(nan), y(10), y(10))
	l.VANDNPS(y(to), y(nan), y(to))
}

// storeNaN tells whether quotients met a NaN.
func (b *builder) storeNaN() {
	seen := b.GP32()
	b.VMOVMSKPS(y(10), seen)
	b.ORQ(seen.As64(), b.field("NaN"))
}

// dequantise emits the conversion of uint8 to float32.
func dequantise(b *builder) {
	b.doc("the conversion of quantised uint8, or int8, to float32")
	xp, yp, offset := b.load("X"), b.load("Y"), b.GP64()
	whole := lanes{b, b.lanesOfTier(), false}
	whole.broadcastField("Scale", "Scale", 11)
	whole.broadcastField("Zero", "Zero", 12)
	whole.broadcastField("Flip", "Flip", 13)
	b.lanesOf(whole.n, b.load("N"), offset, func(l lanes) {
		v := l.vec(0)
		b.note("elements, then values", v)
		l.elements(operand.Mem{Base: xp, Index: offset, Scale: 1}, 0)
		if l.n == 16 {
			b.VPXORD(z(13), z(0), z(0))
		} else {
			b.VPXOR(y(13), y(0), y(0))
		}
		b.VPSUBD(l.vec(12), v, v)
		b.VCVTDQ2PS(v, v)
		b.VMULPS(l.vec(11), v, v)
		l.store(0, l.resultAt(yp, offset))
	})
	b.VZEROUPPER()
}
