package amd64

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/infer-go/infer/gen/spec"
)

// lanes are how many elements of quantised operands a vector holds as int32: 8,
// or 1 where fewer than 8 are left; or 16, of which K1 selects the last.
type lanes struct {
	*builder
	n      int
	masked bool
}

// vec is vector register i.
func (l lanes) vec(i int) vec {
	if l.n == 16 {
		return z(i)
	}
	return y(i)
}

// lanesOf emits body for all of count elements, and moves offset on: by as many
// lanes as there are, then for what is left. It destroys count.
func (b *builder) lanesOf(vector int, count, offset reg64, body func(l lanes)) {
	b.XORQ(offset, offset)
	rest, done := b.label("rest"), b.label("done")
	left, end := b.AllocLocal(8), b.AllocLocal(8)
	b.MOVQ(count, left)
	b.ANDQ(operand.I32(-vector), count)
	b.MOVQ(count, end)
	b.JEQ(operand.LabelRef(rest))
	block := b.label("block")
	b.Label(block)
	body(lanes{b, vector, false})
	b.ADDQ(imm(vector), offset)
	b.CMPQ(offset, end)
	b.JLT(operand.LabelRef(block))
	b.Label(rest)
	b.ANDQ(operand.I32(vector-1), left)
	b.JEQ(operand.LabelRef(done))
	if vector == 16 {
		n := b.GP64()
		b.MOVQ(left, n)
		b.columnMask(n)
		body(lanes{b, vector, true})
	} else {
		b.loop("one", left, func() {
			body(lanes{b, 1, false})
			b.INCQ(offset)
		})
	}
	b.Label(done)
}

// elements loads uint8.
func (l lanes) elements(from operand.Mem, to int) {
	switch {
	case l.n == 1:
		e := l.GP32()
		l.MOVBLZX(from, e)
		l.VMOVD(e, x(to))
	case l.masked:
		l.VPMOVZXBD_Z(from, reg.K1, z(to))
	default:
		l.VPMOVZXBD(from, l.vec(to))
	}
}

// weights loads int8, as multiplyAdd takes them.
func (l lanes) weights(from operand.Mem, to int) {
	switch l.n {
	case 1:
		e := l.GP32()
		l.MOVBLSX(from, e)
		l.VMOVD(e, x(to))
	case 8:
		l.VPMOVSXBD(from, y(to))
	default:
		l.elements(from, to) // only the lowest byte of each lane counts
	}
}

// words loads int32 or float32.
func (l lanes) words(from operand.Mem, to int) {
	switch {
	case l.n == 1:
		l.VMOVD(from, x(to))
	case l.masked:
		l.VMOVDQU32_Z(from, reg.K1, z(to))
	case l.n == 8:
		l.VMOVDQU(from, y(to))
	default:
		l.VMOVDQU32(from, z(to))
	}
}

// multiplyAdd adds products of elements e and weights w to sums. Of an element,
// whose upper half is zero, VPMADDWD makes no second product.
func (l lanes) multiplyAdd(e, w, product, sums int) {
	if l.n == 16 {
		l.VPDPBUSD(z(w), z(e), z(sums))
		return
	}
	l.VPMADDWD(y(e), y(w), y(product))
	l.VPADDD(y(product), y(sums), y(sums))
}

// broadcastField sets all lanes to a field of 32 bits.
func (l lanes) broadcastField(field, use string, to int) {
	l.note(use, l.vec(to))
	l.VBROADCASTSS(l.field(field), l.vec(to))
}

// finishIn sets what finish uses: Lo, Hi and Zero, in registers 12, 13 and 14.
func (l lanes) finishIn() {
	l.broadcastField("Lo", "Lo", 12)
	l.broadcastField("Hi", "Hi", 13)
	if l.kernel.Result != spec.F32 {
		l.broadcastField("Zero", "Zero", 14)
	}
}

// limit brings values within Lo and Hi, and makes int32 of them where results are
// bytes. The minimum and the maximum return their second source if both are zero,
// so that is the value.
func (l lanes) limit(i int) {
	v := l.vec(i)
	l.VMAXPS(v, l.vec(12), v)
	l.VMINPS(v, l.vec(13), v)
	if l.kernel.Result != spec.F32 {
		l.VCVTPS2DQ(v, v)
		l.VPADDD(l.vec(14), v, v)
	}
}

// finish makes results of values and stores them; register 15 is its own.
func (l lanes) finish(i int, to operand.Mem) {
	l.limit(i)
	switch {
	case l.kernel.Result == spec.F32:
		l.store(i, to)
	case l.n == 1:
		l.VPEXTRB(imm(0), x(i), to)
	case l.n == 8:
		l.note("upper half", y(15))
		l.VEXTRACTI128(imm(1), y(i), x(15))
		l.VPACKSSDW(x(15), x(i), x(i))
		l.VPACKUSWB(x(i), x(i), x(i))
		l.VMOVQ(x(i), to)
	case l.masked:
		l.VPMOVDB(z(i), x(i))
		l.VMOVDQU8(x(i), reg.K1, to)
	default:
		l.VPMOVDB(z(i), x(i))
		l.VMOVDQU(x(i), to)
	}
}

// store stores float32.
func (l lanes) store(i int, to operand.Mem) {
	switch {
	case l.n == 1:
		l.VMOVD(x(i), to)
	case l.masked:
		l.VMOVUPS(z(i), reg.K1, to)
	default:
		l.VMOVUPS(l.vec(i), to)
	}
}

// resultAt is the place of the result of the element at an offset.
func (l lanes) resultAt(to, offset reg64) operand.Mem {
	return operand.Mem{Base: to, Index: offset, Scale: uint8(l.resultSize())}
}

// lanesOfTier is the lanes of the tier that a kernel is emitted for.
func (b *builder) lanesOfTier() int {
	if b.wide {
		return 16
	}
	return 8
}
