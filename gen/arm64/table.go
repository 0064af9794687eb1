package arm64

// byteTable emits the function of bytes that a table of 256 has: a quarter of it in
// four registers. With the quarter's upper two bits inverted, an index is within
// it or beyond.
func byteTable(b *builder) {
	b.doc("any function of a byte")
	in, to, n := b.load("X"), b.load("Y"), b.load("N")
	table := b.v.takeAll(16, "the table")
	b.scope(func() {
		p := b.load("Table")
		for i := 0; i < len(table); i += 4 {
			b.loadPiece(16, p, table[i:i+4])
		}
	})
	quarters := []vec{
		b.constantBits(0x40404040, "the difference to the second quarter"),
		b.constantBits(0x80808080, "the difference to the third quarter"),
		b.constantBits(0xc0c0c0c0, "the difference to the fourth quarter"),
	}
	elements, results := b.v.takeAll(4, "elements"), b.v.takeAll(4, "results")
	at := b.v.takeAll(4, "indices into a quarter")
	look := func(vectors int) {
		for i := range vectors {
			b.VTBL(table[:4], elements[i], results[i])
		}
		for q, bits := range quarters {
			for i := range vectors {
				b.VEOR(bits, elements[i], at[i])
			}
			for i := range vectors {
				b.VTBX(table[4*q+4:], at[i], results[i])
			}
		}
	}
	b.pieces(n, 64, func(p piece) {
		if p >= 4 { // as many bytes as of a quarter of float32
			b.loadPiece(p/4, in, elements)
			look((p / 4).vectors())
			b.storePiece(p/4, results, to)
			return
		}
		b.loadBytePiece(p, in, elements[0])
		look(1)
		b.storeBytePiece(p, results[0], to)
		b.ADD(imm(int(p)), in, in)
		b.ADD(imm(int(p)), to, to)
	})
}
