package arm64

// interleave emits the change of three planes to pixels of three channels,
// four pixels at a time.
func interleave(b *builder) {
	b.doc("three planes as pixels of three channels")
	plane, out, n := b.rows(b.load("X"), b.load("XPlane"), 3, "planes of X"), b.load("Y"), b.load("N")
	pixels := b.v.takeAll(3, "pixels of each plane")
	rest := b.label("rest")
	b.scope(func() {
		fours := b.r.take("fours left")
		b.LSR(2, n, fours)
		b.CBZ(fours, rest)
		b.loop("four", fours, func() {
			for c, p := range plane {
				b.loadPiece(4, p, pixels[c:])
			}
			b.storePixels("S4", pixels, out)
		})
	})
	b.place(rest)
	b.rest(n, 4, func(p piece) {
		for range p {
			for c, from := range plane {
				b.loadPiece(1, from, pixels[c:])
				b.storePiece(1, pixels[c:], out)
			}
		}
	})
}
