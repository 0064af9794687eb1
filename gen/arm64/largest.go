package arm64

// largest emits the search for the largest magnitude. FMAX keeps NaN, and what
// loads less than a register clears the rest of it.
func largest(b *builder) {
	b.doc("the largest magnitude")
	in, n := b.load("X"), b.load("N")
	most := b.v.takeAll(4, "the largest so far")
	for _, v := range most {
		b.VEOR(v, v, v)
	}
	b.pieces(n, 16, func(p piece) {
		elements := b.v.takeAll(p.vectors(), "elements")
		b.loadPiece(p, in, elements)
		for i, v := range elements {
			b.FABS(v, v)
			b.FMAX(v, most[i], most[i])
		}
	})
	b.FMAX(most[1], most[0], most[0])
	b.FMAX(most[3], most[2], most[2])
	b.FMAX(most[2], most[0], most[0])
	for i, v := range most[1:] {
		b.VDUP(most[0].lane("S", i+1), v)
	}
	for _, v := range most[1:] {
		b.FMAX(v, most[0], most[0])
	}
	b.storePiece(1, most, b.load("Y"))
}
