package neon

import "fmt"

// A piece is a power of two of elements, 1 … 16, that fill up to four vector
// registers; lanes past its end hold whatever comes. Any number of elements
// is a sum of pieces, so that nothing past the end is touched.
type piece int

// vectors is how many registers a piece takes.
func (p piece) vectors() int { return max(1, int(p)/4) }

// bytes is the size of a piece of float32.
func (p piece) bytes() int { return 4 * int(p) }

func (p piece) String() string { return fmt.Sprintf("%d elements", int(p)) }

// load emits the load of a piece of float32 from from, which moves on.
func (b *builder) loadPiece(p piece, from gp, to []vec) {
	b.movePiece(p.bytes(), from, func(opcode string, bytes, i int) {
		if bytes == 32 {
			b.emit(opcode, mem(from, bytes), pair(to[i], to[i+1]))
		} else {
			b.emit(opcode, mem(from, bytes), to[i])
		}
	}, "FLDPQ")
}

// store emits the store of a piece of float32 to to, which moves on.
func (b *builder) storePiece(p piece, from []vec, to gp) {
	b.movePiece(p.bytes(), to, func(opcode string, bytes, i int) {
		if bytes == 32 {
			b.emit(opcode, pair(from[i], from[i+1]), mem(to, bytes))
		} else {
			b.emit(opcode, from[i], mem(to, bytes))
		}
	}, "FSTPQ")
}

// movePiece emits the loads or stores of so many bytes: their opcodes, sizes
// and first registers.
func (b *builder) movePiece(bytes int, p gp, one func(opcode string, bytes, i int), double string) {
	switch bytes {
	case 64:
		one(double+".P", 32, 0)
		one(double+".P", 32, 2)
	case 32:
		one(double+".P", 32, 0)
	case 16:
		one("FMOVQ.P", 16, 0)
	case 8:
		one("FMOVD.P", 8, 0)
	case 4:
		one("FMOVS.P", 4, 0)
	default:
		panic(fmt.Sprintf("no instruction moves %d bytes", bytes))
	}
}

// pieces emits body for every 16 of n elements, then for each smaller piece
// that is left. n is kept.
func (b *builder) pieces(n gp, body func(p piece)) {
	rest := b.label("rest")
	b.scope(func() {
		sixteens := b.r.take("sixteens left")
		b.LSR(4, n, sixteens)
		b.CBZ(sixteens, rest)
		b.loop("sixteen", sixteens, func() { body(16) })
	})
	b.place(rest)
	b.rest(n, body)
}

// rest emits body for the pieces of n modulo 16 elements, the largest first.
func (b *builder) rest(n gp, body func(p piece)) {
	for bit := 3; bit >= 0; bit-- {
		none := b.label("none")
		b.TBZ(bit, n, none)
		b.scope(func() { body(1 << bit) })
		b.place(none)
	}
}
