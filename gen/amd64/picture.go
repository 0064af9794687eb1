package amd64

import "github.com/mmcloughlin/avo/operand"

// weigh emits the weighted sum of rows of bytes, 32 columns at a time.
func weigh(b *builder) {
	b.doc("the weighted sum of rows of bytes")
	b.note("sums of 32 columns", ys(0, 4)...)
	b.note("a row's elements", ys(4, 4)...)
	b.note("its weight", y(8))
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	b.SHRQ(imm(5), n)
	b.loop("columns", n, func() {
		row, weight, k := b.load("Row"), b.load("W"), b.load("K")
		for i := range 4 {
			b.VXORPS(y(i), y(i), y(i))
		}
		b.loop("row", k, func() {
			p := b.GP64()
			b.MOVQ(mem(row, 0), p)
			b.ADDQ(in, p)
			b.VBROADCASTSS(mem(weight, 0), y(8))
			for i := range 4 {
				b.VPMOVZXBD(mem(p, 8*i), y(4+i))
				b.VCVTDQ2PS(y(4+i), y(4+i))
				b.VFMADD231PS(y(8), y(4+i), y(i))
			}
			b.ADDQ(imm(8), row)
			b.ADDQ(imm(4), weight)
		})
		for i := range 4 {
			b.VMOVUPS(y(i), mem(out, 32*i))
		}
		b.ADDQ(imm(32), in)
		b.ADDQ(imm(128), out)
	})
	b.VZEROUPPER()
}

// resample emits weighted sums of neighbours, one at a time.
func resample(b *builder) {
	b.doc("weighted sums of neighbours in a row")
	b.note("sums", y(0))
	b.note("elements, then sums of lanes", y(1))
	in, at, weights, out, n := b.load("X"), b.load("At"), b.load("W"), b.load("Y"), b.load("N")
	k := b.load("K")
	b.SHRQ(imm(3), k)
	b.loop("sum", n, func() {
		p, left := b.GP64(), b.copy(k)
		b.MOVQ(mem(at, 0), p)
		b.ADDQ(in, p)
		b.VXORPS(y(0), y(0), y(0))
		b.loop("eight", left, func() {
			b.VMOVUPS(mem(p, 0), y(1))
			b.VFMADD231PS(mem(weights, 0), y(1), y(0))
			b.ADDQ(imm(32), p)
			b.ADDQ(imm(32), weights)
		})
		b.VEXTRACTF128(imm(1), y(0), x(1))
		b.VADDPS(x(1), x(0), x(0))
		b.VMOVHLPS(x(0), x(0), x(1))
		b.VADDPS(x(1), x(0), x(0))
		b.VMOVSHDUP(x(0), x(1))
		b.VADDSS(x(1), x(0), x(0))
		b.VMOVSS(x(0), mem(out, 0))
		b.ADDQ(imm(8), at)
		b.ADDQ(imm(4), out)
	})
	b.VZEROUPPER()
}

// colourRows are the pointers to R, G and B.
func (b *builder) colourRows() [3]reg64 { return [3]reg64{b.load("R"), b.load("G"), b.load("B")} }

// planes emits the separation of colours, eight pixels at a time: bytes of a
// colour are brought together in each lane, and then those of the lanes.
func planes(b *builder) {
	b.doc("colours and opacity on white, as a row of each colour")
	in, n := b.load("X"), b.load("N")
	out := b.colourRows()
	b.SHRQ(imm(3), n)
	order := "order_" + b.symbol
	b.note("bytes of the same colour, within lanes", y(0))
	b.note("the places of lanes", y(1))
	b.note("pixels, then colours", y(2))
	b.note("what is white", y(3))
	b.VMOVDQU(operand.NewDataAddr(operand.NewStaticSymbol(order), 0), y(0))
	b.VMOVDQU(operand.NewDataAddr(operand.NewStaticSymbol(order), 32), y(1))
	b.loop("eight", n, func() {
		b.VMOVDQU(mem(in, 0), y(2))
		b.VPSHUFB(y(0), y(2), y(2))
		b.VPERMD(y(2), y(1), y(2))
		b.VPERMQ(operand.Imm(0xff), y(2), y(3))
		b.VPXOR(b.constantBits(0xffffffff), y(3), y(3))
		b.VPADDB(y(3), y(2), y(2))
		b.VMOVQ(x(2), mem(out[0], 0))
		b.VMOVHPS(x(2), mem(out[1], 0))
		b.VEXTRACTI128(imm(1), y(2), x(2))
		b.VMOVQ(x(2), mem(out[2], 0))
		b.ADDQ(imm(32), in)
		for _, p := range out {
			b.ADDQ(imm(8), p)
		}
	})
	b.VZEROUPPER()

	b.StaticGlobal(order)
	b.DataAttributes(rodata)
	for i := range 32 {
		b.AddDatum(i, operand.U8(i%16/4+i%4*4))
	}
	for i := range 8 {
		b.AddDatum(32+4*i, operand.U32(i/2+i%2*4))
	}
}

// ycbcr emits the conversion of luma and chroma to colours, 16 pixels at a time.
func ycbcr(b *builder) {
	b.doc("luma and chroma as colours")
	in, cb, cr, n := b.load("X"), b.load("Cb"), b.load("Cr"), b.load("N")
	out := b.colourRows()
	b.SHRQ(imm(4), n)
	b.note("luma, 16 times", y(0))
	b.note("chroma, from its middle", ys(1, 2)...)
	b.note("colours", ys(3, 3)...)
	b.note("a part of green", y(6))
	words := func(v uint32) operand.Mem { return b.constantBits(v<<16 | v) }
	b.loop("sixteen", n, func() {
		b.VPMOVZXBW(mem(in, 0), y(0))
		b.VPSLLW(imm(4), y(0), y(0))
		b.VPADDW(words(8), y(0), y(0))
		for i, p := range []reg64{cb, cr} {
			c := y(1 + i)
			if b.kernel.Variant == "1" {
				b.VPMOVZXBW(mem(p, 0), c)
			} else {
				b.VPMOVZXBD(mem(p, 0), c)
				b.VPSLLD(imm(16), c, y(3))
				b.VPOR(y(3), c, c)
			}
			b.VPSUBW(words(128), c, c)
			b.VPSLLW(imm(7), c, c)
		}
		b.VPMULHRSW(words(5743), y(2), y(3))
		b.VPMULHRSW(words(1410), y(1), y(4))
		b.VPMULHRSW(words(2925), y(2), y(6))
		b.VPMULHRSW(words(7258), y(1), y(5))
		b.VPADDW(y(3), y(0), y(3))
		b.VPSUBW(y(4), y(0), y(4))
		b.VPSUBW(y(6), y(4), y(4))
		b.VPADDW(y(5), y(0), y(5))
		for i, p := range out {
			c := y(3 + i)
			b.VPSRAW(imm(4), c, c)
			b.VPACKUSWB(c, c, c)
			b.VPERMQ(imm(0b1000), c, c)
			b.VMOVDQU(x(3+i), mem(p, 0))
			b.ADDQ(imm(16), p)
		}
		b.ADDQ(imm(16), in)
		step := 16
		if b.kernel.Variant == "2" {
			step = 8
		}
		b.ADDQ(imm(step), cb)
		b.ADDQ(imm(step), cr)
	})
	b.VZEROUPPER()
}
