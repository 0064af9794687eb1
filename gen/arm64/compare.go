package arm64

// compare emits the comparison that the kernel's variant names. Comparisons are
// all ones or zeros, of which a byte of each is kept, and the lowest bit of that.
func compare(b *builder) {
	c := map[string]struct {
		what string
		emit func(x, y, d vec)
	}{
		"equal":     {"x = y", func(x, y, d vec) { b.FCMEQ(y, x, d) }},
		"less":      {"x < y", func(x, y, d vec) { b.FCMGT(x, y, d) }},
		"lessequal": {"x ≤ y", func(x, y, d vec) { b.FCMGE(x, y, d) }},
	}[b.kernel.Variant]
	b.doc("whether " + c.what + ", element by element")
	xp, yp, zp, n := b.load("X"), b.load("Y"), b.load("Z"), b.load("N")
	x, y := b.v.takeAll(2, "elements of X, then comparisons"), b.v.takeAll(2, "elements of Y")
	ones := b.constantBits(0x01010101, "1 in all bytes")
	b.pieces(n, 8, func(p piece) {
		b.loadPiece(p, xp, x)
		b.loadPiece(p, yp, y)
		for i := range p.vectors() {
			c.emit(x[i], y[i], x[i])
		}
		b.XTN(32, x[0], x[0])
		if p.vectors() == 2 {
			b.XTN2(32, x[1], x[0])
		}
		b.XTN(16, x[0], x[0])
		b.VAND(ones, x[0], x[0])
		b.storeBytePiece(p, x[0], zp)
		b.ADD(imm(int(p)), zp, zp)
	})
}

// selectElements emits the choice between two elements: less what a byte is, a
// word is negative unless that is 0.
func selectElements(b *builder) {
	b.doc("x or y, as bytes say, element by element")
	cp, xp, yp, zp, n := b.load("C"), b.load("X"), b.load("Y"), b.load("Z"), b.load("N")
	x, y := b.v.takeAll(2, "elements of X"), b.v.takeAll(2, "elements of Y, then results")
	c, masks, zero := b.v.take("bytes"), b.v.takeAll(2, "whether a byte is not 0"), b.v.take("zeros")
	b.VEOR(zero, zero, zero)
	b.pieces(n, 8, func(p piece) {
		b.loadPiece(p, xp, x)
		b.loadPiece(p, yp, y)
		b.loadBytePiece(p, cp, c)
		b.VUXTL("B8", c, "H8", c)
		b.VUXTL("H4", c, "S4", masks[0])
		if p.vectors() == 2 {
			b.VUXTL2("H8", c, "S4", masks[1])
		}
		for i := range p.vectors() {
			b.VSUB(masks[i], zero, masks[i])
			b.SSHR(31, masks[i], masks[i])
			b.VBIT(masks[i], x[i], y[i])
		}
		b.storePiece(p, y, zp)
		b.ADD(imm(int(p)), cp, cp)
	})
}
