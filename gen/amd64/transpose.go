package amd64

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// transpose emits the transposition of a matrix by squares of 8×8 elements. At
// the last rows and columns squares are cut short: what is not there of X is
// not loaded, and the rest of a register not stored.
//
// Two squares below one another are done one after the other: their results stand
// side by side, in the same lines of the cache, which would be written twice
// otherwise. They do not where results cross lines; and sixteen rows of X that are
// pages apart would evict one another.
func transpose(b *builder) {
	b.doc("a matrix transposed")
	b.note("a square", ys(0, 8)...)
	b.note("the same, on its way", ys(8, 8)...)
	xr, yr := b.load("XRow"), b.load("YRow")
	x, out, rows := b.AllocLocal(8), b.AllocLocal(8), b.AllocLocal(8)
	b.MOVQ(b.load("X"), x)
	b.MOVQ(b.load("Y"), out)
	b.MOVQ(b.load("Rows"), rows)
	nextRows, nextColumns, nextSquare := b.label("rows"), b.label("columns"), b.label("square")
	together, one, pairs := b.AllocLocal(8), b.label("one"), b.label("pairs")
	b.TESTQ(operand.I32(31), yr)
	b.JNZ(operand.LabelRef(one))
	b.TESTQ(operand.I32(4095), xr)
	b.JNZ(operand.LabelRef(pairs))
	b.Label(one)
	b.MOVQ(operand.I32(8), together)
	b.JMP(operand.LabelRef(nextRows))
	b.Label(pairs)
	b.MOVQ(operand.I32(16), together)
	b.Label(nextRows)
	in, to, columns := b.GP64(), b.GP64(), b.load("Cols")
	b.MOVQ(x, in)
	b.MOVQ(out, to)
	b.Label(nextColumns)
	left := b.GP64()
	b.MOVQ(rows, left)
	b.CMPQ(left, together)
	b.CMOVQGT(together, left)
	from, target := b.copy(in), b.copy(to)
	b.Label(nextSquare)
	b.transposeAt(from, target, xr, yr, left, columns)
	b.LEAQ(index(from, xr, 8), from)
	b.ADDQ(imm(32), target)
	b.SUBQ(imm(8), left)
	b.JGT(operand.LabelRef(nextSquare))
	b.ADDQ(imm(32), in)
	b.LEAQ(index(to, yr, 8), to)
	b.SUBQ(imm(8), columns)
	b.JGT(operand.LabelRef(nextColumns))
	step := b.GP64()
	b.MOVQ(together, step)
	b.SUBQ(step, rows)
	below := b.copy(step)
	b.IMULQ(xr, below)
	b.ADDQ(below, x)
	b.SHLQ(imm(2), step)
	b.ADDQ(step, out)
	b.CMPQ(rows, imm(0))
	b.JGT(operand.LabelRef(nextRows))
	b.VZEROUPPER()
}

// transposeAt emits the transposition of a square, of which there may be fewer
// rows and columns than 8.
func (b *builder) transposeAt(in, to, xr, yr, rows, columns reg64) {
	partial, loaded := b.label("partial"), b.label("loaded")
	from := b.eightRows(in, xr)
	b.CMPQ(columns, imm(8))
	b.JLT(operand.LabelRef(partial))
	b.upTo(rows, loaded, func(i int) { b.VMOVUPS(from[i], y(i)) })
	b.JMP(operand.LabelRef(loaded))
	b.Label(partial)
	b.setMask(b.copy(columns))
	b.upTo(rows, loaded, func(i int) { b.VMASKMOVPS(from[i], y(15), y(i)) })
	b.Label(loaded)
	b.transposeSquare()

	stored := b.label("stored")
	target := b.eightRows(to, yr)
	for n := 8; n >= 1; n-- {
		fewer := b.label(fmt.Sprintf("fewer%d_", n))
		if n > 1 {
			b.CMPQ(rows, imm(n))
			b.JLT(operand.LabelRef(fewer))
		}
		b.upTo(columns, stored, func(i int) { b.storeFirst(n, i, target[i]) })
		if n > 1 {
			b.JMP(operand.LabelRef(stored))
			b.Label(fewer)
		}
	}
	b.Label(stored)
}

// eightRows addresses eight rows, the first at p, with three pointers.
func (b *builder) eightRows(p, stride reg64) (rows [8]operand.Mem) {
	for i := range rows {
		if i > 0 && i%3 == 0 {
			next := b.GP64()
			b.LEAQ(index(p, stride, 2), next)
			b.ADDQ(stride, next)
			p = next
		}
		rows[i] = mem(p, 0)
		if i%3 > 0 {
			rows[i] = index(p, stride, uint8(i%3))
		}
	}
	return rows
}

// upTo emits body for 0 ≤ i < min(n, 8), and leaves for done after the last of
// fewer than 8.
func (b *builder) upTo(n reg64, done string, body func(i int)) {
	for i := range 8 {
		body(i)
		if i < 7 {
			b.CMPQ(n, imm(i+1))
			b.JEQ(operand.LabelRef(done))
		}
	}
}

// transposeSquare transposes Y0 … Y7.
func (b *builder) transposeSquare() {
	for i := 0; i < 8; i += 2 { // pairs of rows, element by element
		b.VUNPCKLPS(y(i+1), y(i), y(8+i))
		b.VUNPCKHPS(y(i+1), y(i), y(9+i))
	}
	for i := 0; i < 8; i += 4 { // four rows, in either half
		for j := range 2 {
			p, q := y(8+i+j), y(10+i+j)
			b.VUNPCKLPD(q, p, y(i+2*j))
			b.VUNPCKHPD(q, p, y(i+2*j+1))
		}
	}
	for i := range 4 { // the low halves of eight, and the high ones
		b.VINSERTF128(imm(1), x(4+i), y(i), y(8+i))
		b.VPERM2F128(imm(0x31), y(4+i), y(i), y(4+i))
	}
	for i := range 4 {
		b.VMOVAPS(y(8+i), y(i))
	}
}

// storeFirst stores the first n elements of Y_i, which is lost.
func (b *builder) storeFirst(n, i int, to operand.Mem) {
	if n == 8 {
		b.VMOVUPS(y(i), to)
		return
	}
	if n >= 4 {
		b.VMOVUPS(x(i), to)
		b.VEXTRACTF128(imm(1), y(i), x(i))
		to.Disp += 16
	}
	if n&2 != 0 {
		b.VMOVLPS(x(i), to)
		b.VPERMILPS(imm(0b1110), x(i), x(i))
		to.Disp += 8
	}
	if n&1 != 0 {
		b.VMOVSS(x(i), to)
	}
}
