package arm64

// transpose emits the transposition of a matrix by squares of 4×4 elements, of
// which the last ones are cut short.
func transpose(b *builder) {
	b.doc("a matrix transposed")
	x, out, xr, yr := b.load("X"), b.load("Y"), b.load("XRow"), b.load("YRow")
	rows, columns := b.load("Rows"), b.load("Cols")
	in, to := b.r.take("rows of a square in X"), b.r.take("rows of a square in Y")
	square, half := b.v.takeAll(4, "a square"), b.v.takeAll(4, "the same, half transposed")
	b.pieces(rows, 4, func(high piece) {
		b.MOVD(x, in)
		b.MOVD(out, to)
		b.pieces(columns, 4, func(wide piece) {
			b.scope(func() {
				for i, row := range b.rows(in, xr, int(high), "rows of X") {
					b.peek(wide, row, square[i:])
				}
			})
			b.ADD(imm(wide.bytes()), in, in)
			for i := range 2 {
				b.VZIP1(square[i+2], square[i], half[2*i])
				b.VZIP2(square[i+2], square[i], half[2*i+1])
			}
			for i := range 2 {
				b.VZIP1(half[i+2], half[i], square[2*i])
				b.VZIP2(half[i+2], half[i], square[2*i+1])
			}
			b.scope(func() {
				for i, row := range b.rows(to, yr, int(wide), "rows of Y") {
					b.storePiece(high, square[i:], row)
				}
			})
			b.skip(to, yr, int(wide))
		})
		b.skip(x, xr, int(high))
		b.ADD(imm(high.bytes()), out, out)
	})
}
