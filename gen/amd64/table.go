package amd64

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// byteTable emits the function of bytes that a table of 256 has, of which a shuffle
// looks up rows of 16.
//
// A shuffle makes 0 of a negative index, and takes the lower half of another one.
// So the sum, without carries, of what rows have is that of all rows up to the
// element's own, if from row to row 16 is taken off the index, saturating: each row
// has then to be what it changes. That is three instructions for a row; it is done
// for elements up to 127, and for the others with the upper bit inverted.
func byteTable(b *builder) {
	b.doc("any function of a byte")
	const vectors, size = 4, 32
	const index, sum, row, found, step, upper = 0, 4, 8, 9, 13, 14
	in, to, p, n := b.load("X"), b.load("Y"), b.load("Table"), b.load("N")
	rest, one, done := b.label("rest"), b.label("one"), b.label("done")
	b.CMPQ(n, imm(size))
	b.JLT(operand.LabelRef(rest))

	b.Comment("What each row changes.")
	b.note("a row, then what it changes, in both halves", y(row))
	changes := b.AllocLocal(256)
	for r := range 16 {
		b.VMOVDQU(mem(p, 16*r), x(row))
		if r%8 > 0 {
			b.VPXOR(mem(p, 16*(r-1)), x(row), x(row))
		}
		b.VMOVDQU(x(row), changes.Offset(16*r))
	}
	b.note("16 in all bytes", y(step))
	b.VPBROADCASTD(b.constantBits(0x10101010), y(step))
	b.note("the upper bit of all bytes", y(upper))
	b.VPBROADCASTD(b.constantBits(0x80808080), y(upper))

	look := func(vectors int) {
		b.note("elements, less 16 for each row", ys(index, vectors)...)
		b.note("sums without carries", ys(sum, vectors)...)
		b.note("what an element finds in a row", ys(found, vectors)...)
		for r := range 16 {
			b.VBROADCASTI128(changes.Offset(16*r), y(row))
			for v := range vectors {
				from := mem(in, size*v)
				switch r {
				case 0:
					b.VMOVDQU(from, y(index+v))
				case 8:
					b.VPXOR(from, y(upper), y(index+v))
				default:
					b.VPSUBSB(y(step), y(index+v), y(index+v))
				}
			}
			for v := range vectors {
				if r == 0 {
					b.VPSHUFB(y(index+v), y(row), y(sum+v))
					continue
				}
				b.VPSHUFB(y(index+v), y(row), y(found+v))
				b.VPXOR(y(found+v), y(sum+v), y(sum+v))
			}
		}
		for v := range vectors {
			b.VMOVDQU(y(sum+v), mem(to, size*v))
		}
		b.ADDQ(imm(size*vectors), in)
		b.ADDQ(imm(size*vectors), to)
	}
	for _, k := range []int{vectors, 1} {
		fewer, top := b.label("fewer"), b.label("several")
		b.CMPQ(n, imm(size*k))
		b.JLT(operand.LabelRef(fewer))
		b.Label(top)
		look(k)
		b.SUBQ(imm(size*k), n)
		b.CMPQ(n, imm(size*k))
		b.JGE(operand.LabelRef(top))
		b.Label(fewer)
	}

	b.Label(rest)
	b.TESTQ(n, n)
	b.JEQ(operand.LabelRef(done))
	b.Label(one)
	e := b.GP32()
	b.MOVBLZX(mem(in, 0), e)
	b.MOVBLZX(operand.Mem{Base: p, Index: e.As64(), Scale: 1}, e)
	b.MOVB(e.As8(), mem(to, 0))
	b.INCQ(in)
	b.INCQ(to)
	b.DECQ(n)
	b.JNE(operand.LabelRef(one))
	b.Label(done)
	b.VZEROUPPER()
}

// byteTableWide emits it with the table in registers, and with masks: one for each of
// the upper four bits of elements. By the lowest of these a shuffle replaces what
// the one before it has found, by the others rows are blended.
func byteTableWide(b *builder) {
	b.doc("any function of a byte")
	const size = 64
	const elements, low, found, constants, rows = 0, 1, 2, 10, 16
	in, to, n := b.load("X"), b.load("Y"), b.load("N")
	p := b.load("Table")
	for r := range 16 {
		b.note("a row of the table, in all quarters", z(rows+r))
		b.VBROADCASTI32X4(mem(p, 16*r), z(rows+r))
	}
	for i, use := range []string{"the lower half of bytes", "bit 4 of bytes", "bit 5 of bytes", "bit 6 of bytes"} {
		b.note(use, z(constants+i))
		b.VPBROADCASTD(b.constantBits([]uint32{0x0f0f0f0f, 0x10101010, 0x20202020, 0x40404040}[i]), z(constants+i))
	}
	look := func() {
		bits := []opmask{reg.K2, reg.K3, reg.K4, reg.K5}
		for i, k := range bits {
			b.noteMask("elements with bit "+string(rune('4'+i)), k)
			if i < 3 {
				b.VPTESTMB(z(constants+1+i), z(elements), k)
			} else {
				b.VPMOVB2M(z(elements), k)
			}
		}
		b.note("the lower half of elements", z(low))
		b.VPANDD(z(constants), z(elements), z(low))
		b.note("what elements find in two rows, then in more", zs(found, 8)...)
		for i := range 8 {
			b.VPSHUFB(z(low), z(rows+2*i), z(found+i))
			b.VPSHUFB(z(low), z(rows+2*i+1), bits[0], z(found+i))
		}
		for level, step := range []int{1, 2, 4} {
			for i := 0; i < 8; i += 2 * step {
				b.VPBLENDMB(z(found+i+step), z(found+i), bits[1+level], z(found+i))
			}
		}
	}
	b.note("elements", z(elements))
	fewer, top, done := b.label("fewer"), b.label("vector"), b.label("done")
	b.CMPQ(n, imm(size))
	b.JLT(operand.LabelRef(fewer))
	b.Label(top)
	b.VMOVDQU32(mem(in, 0), z(elements))
	look()
	b.VMOVDQU32(z(found), mem(to, 0))
	b.ADDQ(imm(size), in)
	b.ADDQ(imm(size), to)
	b.SUBQ(imm(size), n)
	b.CMPQ(n, imm(size))
	b.JGE(operand.LabelRef(top))
	b.Label(fewer)
	b.TESTQ(n, n)
	b.JEQ(operand.LabelRef(done))
	b.noteMask("the last elements", reg.K1)
	mask := b.GP64()
	b.XORL(mask.As32(), mask.As32())
	b.BTSQ(n, mask)
	b.DECQ(mask)
	b.KMOVQ(mask, reg.K1)
	b.VMOVDQU8_Z(mem(in, 0), reg.K1, z(elements))
	look()
	b.VMOVDQU8(z(found), reg.K1, mem(to, 0))
	b.Label(done)
	b.VZEROUPPER()
}
