package amd64

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/infer-go/infer/gen/spec"
)

// binaryQuantised emits a function of two elements: of two rows, or of one and an
// element that stands still, which has been made ready beforehand.
func binaryQuantised(b *builder) {
	b.doc(b.kernel.Variant + " of two elements")
	xp, yp, zp := b.load("X"), b.load("Y"), b.load("Z")
	whole := lanes{builder: b, n: b.lanesOfTier()}
	bytes := b.kernel.Result == spec.U8
	var limits byteLimits
	if bytes {
		limits = b.byteLimits()
	}
	still := map[string]string{"X": b.label("xstill"), "Y": b.label("ystill")}
	end := b.label("end")
	for _, side := range []string{"X", "Y"} {
		b.CMPQ(b.field(side+"Step"), imm(0))
		b.JEQ(operand.LabelRef(still[side]))
	}
	// ready takes an element's zero point off, and scales it, but for a product.
	ready := func(l lanes, side, i int) {
		l.VPSUBD(l.vec(8+side), l.vec(i), l.vec(i))
		if b.kernel.Variant != "mul" {
			l.VCVTDQ2PS(l.vec(i), l.vec(i))
			l.VMULPS(l.vec(10+side), l.vec(i), l.vec(i))
		}
	}
	for _, fixed := range []string{"", "X", "Y"} {
		if fixed != "" {
			b.Label(still[fixed])
		}
		n := b.load("N")
		if bytes {
			b.binaryBytes(limits, n, fixed, xp, yp, zp)
		}
		whole.finishIn()
		whole.broadcastField("XZero", "XZero", 8)
		whole.broadcastField("YZero", "YZero", 9)
		whole.broadcastField("XScale", "XScale", 10)
		whole.broadcastField("YScale", "YScale", 11)
		for side, p := range []reg64{xp, yp} {
			if fixed == []string{"X", "Y"}[side] {
				e := b.GP32()
				b.MOVBLZX(mem(p, 0), e)
				b.note("the element that stands still", whole.vec(2+side))
				b.VMOVD(e, x(2+side))
				b.VPBROADCASTD(x(2+side), whole.vec(2+side))
				ready(whole, side, 2+side)
			}
		}
		offset := b.GP64()
		b.lanesOf(whole.n, n, offset, func(l lanes) {
			operands := [2]int{0, 1}
			for side, p := range []reg64{xp, yp} {
				if fixed == []string{"X", "Y"}[side] {
					operands[side] = 2 + side
					continue
				}
				l.note([]string{"x", "y"}[side], l.vec(side))
				l.elements(index(p, offset, 1), side)
				ready(l, side, side)
			}
			first, second, v := l.vec(operands[0]), l.vec(operands[1]), l.vec(0)
			l.note("values", v)
			switch b.kernel.Variant {
			case "add":
				l.VADDPS(second, first, v)
			case "sub":
				l.VSUBPS(second, first, v)
			case "mul":
				l.VPMULLD(second, first, v)
				l.VCVTDQ2PS(v, v)
				l.VMULPS(l.vec(10), v, v)
			}
			l.finish(0, l.resultAt(zp, offset))
		})
		if fixed != "Y" {
			b.JMP(operand.LabelRef(end))
		}
	}
	b.Label(end)
	b.VZEROUPPER()
}

// binaryBytes emits the function for as many elements as are bytes of a vector, as
// long as there are so many, and moves n and the pointers on. A byte becomes a
// float32 where it is put below the exponent of 2²³; that less 2²³ and the zero point
// is exact. Packing undoes the order that this leaves.
func (b *builder) binaryBytes(limits byteLimits, n reg64, fixed string, xp, yp, zp reg64) {
	size := 4 * b.lanesOfTier()
	v := func(i int) vec { return wide(i, size) }
	const values, low, high, other, zero, exponent, offset, scale, constant = 0, 4, 5, 6, 7, 8, 9, 11, 13
	fewer, top := b.label("fewer"), b.label("bytes")
	b.CMPQ(n, imm(size))
	b.JLT(operand.LabelRef(fewer))
	set := func(r reg.GPVirtual, use string, to int) {
		b.note(use, v(to))
		b.VMOVD(r, x(to))
		b.VPBROADCASTD(x(to), v(to))
	}
	bits := b.GP32()
	b.MOVL(operand.U32(0x4b004b00), bits)
	set(bits, "the upper half of 2²³, twice", exponent)
	b.note("0", v(zero))
	if b.wide {
		b.VPXORD(v(zero), v(zero), v(zero))
	} else {
		b.VPXOR(v(zero), v(zero), v(zero))
	}
	sides := []string{"X", "Y"}
	for side, name := range sides {
		bits := b.GP32()
		b.MOVL(b.field(name+"Zero"), bits)
		b.ORL(operand.U32(0x4b000000), bits)
		set(bits, "2²³ and the zero point of "+name, offset+side)
		b.note("the scale of "+name, v(scale+side))
		b.VBROADCASTSS(b.field(name+"Scale"), v(scale+side))
	}
	product := b.kernel.Variant == "mul"
	// ready makes 2²³ and an element into what is added or multiplied.
	ready := func(side, i int) {
		b.VSUBPS(v(offset+side), v(i), v(i))
		if !product {
			b.VMULPS(v(scale+side), v(i), v(i))
		}
	}
	const held = 14
	for side, name := range sides {
		if fixed == name {
			e := b.GP32()
			b.MOVBLZX(mem([]reg64{xp, yp}[side], 0), e)
			b.ORL(operand.U32(0x4b000000), e)
			set(e, "the element that stands still", held)
			ready(side, held)
		}
	}
	join := func(second, first, to int) {
		switch b.kernel.Variant {
		case "add":
			b.VADDPS(v(second), v(first), v(to))
		case "sub":
			b.VSUBPS(v(second), v(first), v(to))
		case "mul":
			b.VMULPS(v(second), v(first), v(to))
		}
	}
	b.Label(top)
	moving := 0
	for side, name := range sides {
		if fixed == name {
			continue
		}
		p := []reg64{xp, yp}[side]
		b.note("elements, then words of the lower halves of lanes", v(low))
		b.note("words of the upper halves of lanes", v(high))
		if b.wide {
			b.VMOVDQU32(mem(p, 0), v(low))
		} else {
			b.VMOVDQU(mem(p, 0), v(low))
		}
		b.ADDQ(imm(size), p)
		b.VPUNPCKHBW(v(zero), v(low), v(high))
		b.VPUNPCKLBW(v(zero), v(low), v(low))
		for i := range 4 {
			to := values + i
			b.note("values", v(to))
			if moving > 0 {
				to = other
				b.note("of the second operand", v(to))
			}
			if i%2 == 0 {
				b.VPUNPCKLWD(v(exponent), v(low+i/2), v(to))
			} else {
				b.VPUNPCKHWD(v(exponent), v(low+i/2), v(to))
			}
			ready(side, to)
			switch {
			case fixed == "X":
				join(to, held, values+i)
			case fixed == "Y":
				join(held, to, values+i)
			case moving > 0:
				join(to, values+i, values+i)
			}
		}
		moving++
	}
	for i := range 4 {
		if product {
			b.VMULPS(v(scale), v(values+i), v(values+i))
		}
		b.VCVTPS2DQ(v(values+i), v(values+i))
	}
	limits.pack(b, []vec{v(values), v(values + 1), v(values + 2), v(values + 3)}, v(constant))
	if b.wide {
		b.VMOVDQU32(v(values), mem(zp, 0))
	} else {
		b.VMOVDQU(v(values), mem(zp, 0))
	}
	b.ADDQ(imm(size), zp)
	b.SUBQ(imm(size), n)
	b.CMPQ(n, imm(size))
	b.JGE(operand.LabelRef(top))
	b.Label(fewer)
}
