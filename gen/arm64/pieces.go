package arm64

import (
	"fmt"
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
)

// A piece is a power of two of elements, 1 … 16, that fill up to four vector
// registers; lanes past its end hold whatever comes. Any number of elements
// is a sum of pieces, so that nothing past the end is touched.
type piece int

// vectors is how many registers a piece takes.
func (p piece) vectors() int { return max(1, int(p)/4) }

// bytes is the size of a piece of float32.
func (p piece) bytes() int { return 4 * int(p) }

// loadPiece emits the load of a piece of float32 from from, which moves on.
func (b *builder) loadPiece(p piece, from gp, to []vec) {
	for _, m := range moves(p.bytes()) {
		b.emit(m.load+".P", mem(from, m.bytes), m.operand(to))
	}
}

// peek emits the load of a piece of float32 from from, which stays.
func (b *builder) peek(p piece, from gp, to []vec) {
	for i, m := range moves(p.bytes()) {
		b.emit(m.load, mem(from, i*m.bytes), m.operand(to))
	}
}

// storePiece emits the store of a piece of float32 to to, which moves on.
func (b *builder) storePiece(p piece, from []vec, to gp) {
	for _, m := range moves(p.bytes()) {
		b.emit(m.store+".P", m.operand(from), mem(to, m.bytes))
	}
}

// A move is an instruction that loads or stores one or two registers.
type move struct {
	load, store string
	bytes       int
	first       int // register
}

func (m move) operand(vs []vec) operand.Op {
	if m.bytes == 32 {
		return pair(vs[m.first], vs[m.first+1])
	}
	return vs[m.first]
}

// moves are the instructions that load or store so many bytes.
func moves(bytes int) []move {
	switch bytes {
	case 64:
		return []move{{"FLDPQ", "FSTPQ", 32, 0}, {"FLDPQ", "FSTPQ", 32, 2}}
	case 32:
		return []move{{"FLDPQ", "FSTPQ", 32, 0}}
	case 16:
		return []move{{"FMOVQ", "FMOVQ", 16, 0}}
	case 8:
		return []move{{"FMOVD", "FMOVD", 8, 0}}
	case 4:
		return []move{{"FMOVS", "FMOVS", 4, 0}}
	}
	panic(fmt.Sprintf("no instruction moves %d bytes", bytes))
}

// pieces emits body for every whole piece of n elements, then for each smaller
// one that is left. n is kept.
func (b *builder) pieces(n gp, whole piece, body func(p piece)) {
	rest := b.label("rest")
	b.scope(func() {
		left := b.r.take("pieces left")
		b.LSR(bits.TrailingZeros(uint(whole)), n, left)
		b.CBZ(left, rest)
		b.loop("piece", left, func() { body(whole) })
	})
	b.place(rest)
	b.rest(n, whole, body)
}

// rest emits body for the pieces of n modulo whole elements, the largest
// first.
func (b *builder) rest(n gp, whole piece, body func(p piece)) {
	for p := whole / 2; p >= 1; p /= 2 {
		none := b.label("none")
		b.TBZ(bits.TrailingZeros(uint(p)), n, none)
		b.scope(func() { body(p) })
		b.place(none)
	}
}
