package arm64

// weigh emits the weighted sum of rows of bytes, 32 columns at a time.
func weigh(b *builder) {
	b.doc("the weighted sum of rows of bytes")
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	row, weight, k := b.r.take("Row"), b.r.take("W"), b.r.take("K")
	p := b.r.take("a row")
	sums := b.v.takeAll(8, "sums of 32 columns")
	w := b.v.take("a row's weight")
	b.LSR(5, n, n)
	b.loop("columns", n, func() {
		b.reload("Row", row)
		b.reload("W", weight)
		b.reload("K", k)
		for _, v := range sums {
			b.VEOR(v, v, v)
		}
		b.loop("row", k, func() {
			b.loadNext(8, row, p)
			b.ADD(in, p, p)
			b.VLD1R(weight, w)
			b.ADD(imm(4), weight, weight)
			bytes := b.v.takeAll(2, "a row's elements")
			words := b.v.takeAll(4, "a row's elements, wider")
			longs := b.v.takeAll(8, "a row's elements, as float32")
			b.FLDPQ(p, 0, bytes[0], bytes[1])
			for i, v := range words {
				if i%2 == 0 {
					b.USHLL(0, bytes[i/2], "B8", v, "H8")
				} else {
					b.USHLL2(0, bytes[i/2], "B16", v, "H8")
				}
			}
			for i, v := range longs {
				if i%2 == 0 {
					b.USHLL(0, words[i/2], "H4", v, "S4")
				} else {
					b.USHLL2(0, words[i/2], "H8", v, "S4")
				}
			}
			for i, v := range longs {
				b.UCVTF(v, v)
				b.VFMLA(w, v, sums[i])
			}
		})
		b.ADD(imm(32), in, in)
		b.storePiece(16, sums[:4], out)
		b.storePiece(16, sums[4:], out)
	})
}

// resample emits weighted sums of neighbours, one at a time.
func resample(b *builder) {
	b.doc("weighted sums of neighbours in a row")
	in, at, weights, out, n, k := b.load("X"), b.load("At"), b.load("W"), b.load("Y"), b.load("N"), b.load("K")
	b.LSR(3, k, k)
	p, left := b.r.take("neighbours"), b.r.take("eights left")
	b.loop("sum", n, func() {
		sums := b.v.takeAll(2, "sums")
		for _, v := range sums {
			b.VEOR(v, v, v)
		}
		b.loadNext(8, at, p)
		b.ADD(in, p, p)
		b.MOVD(k, left)
		b.loop("eight", left, func() {
			x, w := b.v.takeAll(2, "elements"), b.v.takeAll(2, "weights")
			b.loadPiece(8, p, x)
			b.loadPiece(8, weights, w)
			for i, s := range sums {
				b.VFMLA(w[i], x[i], s)
			}
		})
		b.FADD(sums[1], sums[0], sums[0])
		b.FADDP(sums[0], sums[0], sums[0])
		b.FADDP(sums[0], sums[0], sums[0])
		b.storePiece(1, sums, out)
	})
}

// planes emits the separation of colours, sixteen pixels at a time.
func planes(b *builder) {
	b.doc("colours and opacity on white, as a row of each colour")
	in, n := b.load("X"), b.load("N")
	out := []gp{b.load("R"), b.load("G"), b.load("B")}
	b.LSR(4, n, n)
	b.loop("sixteen", n, func() {
		c := b.v.takeAll(4, "red, green, blue and opacity")
		b.VLD4(in, c)
		b.MVN(c[3], c[3])
		for i, p := range out {
			b.emit("VADD", c[3].as("B16"), c[i].as("B16"), c[i].as("B16"))
			b.emit("FMOVQ.P", c[i], mem(p, 16))
		}
	})
}

// ycbcr emits the conversion of luma and chroma to colours, sixteen pixels at a
// time.
func ycbcr(b *builder) {
	b.doc("luma and chroma as colours")
	in, from, n := b.load("X"), []gp{b.load("Cb"), b.load("Cr")}, b.load("N")
	out := []gp{b.load("R"), b.load("G"), b.load("B")}
	words := func(v uint32, use string) vec { return b.constantBits(v<<16|v, use) }
	middle := words(128<<7, "the middle of chroma")
	red, blue := words(5743, "the coefficient of red"), words(7258, "the coefficient of blue")
	greens := []vec{words(1410, "a coefficient of green"), words(2925, "a coefficient of green")}
	b.LSR(4, n, n)
	b.loop("sixteen", n, func() {
		luma := b.v.take("luma")
		b.emit("FMOVQ.P", mem(in, 16), luma)
		chroma := b.v.takeAll(2, "chroma")
		for i, p := range from {
			if b.kernel.Variant == "1" {
				b.emit("FMOVQ.P", mem(p, 16), chroma[i])
			} else {
				b.emit("FMOVD.P", mem(p, 8), chroma[i])
				b.ZIP1("B16", chroma[i], chroma[i], chroma[i])
			}
		}
		colours := b.v.takeAll(3, "colours")
		for half := range 2 {
			b.scope(func() {
				l, c := b.v.take("luma, 16 times"), b.v.takeAll(2, "chroma, from its middle")
				part := b.v.takeAll(2, "parts of colours")
				wide := func(bits int, n, d vec) {
					if half == 0 {
						b.USHLL(bits, n, "B8", d, "H8")
					} else {
						b.USHLL2(bits, n, "B16", d, "H8")
					}
				}
				wide(4, luma, l)
				for i, v := range c {
					wide(7, chroma[i], v)
					b.VSUB8(middle, v, v)
				}
				b.SQRDMULH8(red, c[1], part[0])
				b.VADD8(part[0], l, part[0])
				b.SQRSHRUN(half, 4, part[0], colours[0])
				b.SQRDMULH8(greens[0], c[0], part[0])
				b.SQRDMULH8(greens[1], c[1], part[1])
				b.VSUB8(part[0], l, part[0])
				b.VSUB8(part[1], part[0], part[0])
				b.SQRSHRUN(half, 4, part[0], colours[1])
				b.SQRDMULH8(blue, c[0], part[0])
				b.VADD8(part[0], l, part[0])
				b.SQRSHRUN(half, 4, part[0], colours[2])
			})
		}
		for i, p := range out {
			b.emit("FMOVQ.P", colours[i], mem(p, 16))
		}
	})
}
