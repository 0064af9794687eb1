package avx2

import "github.com/mmcloughlin/avo/operand"

// lanes are the instructions on eight elements at a time, or on one.
type lanes struct {
	load, store, max, min, multiplyAdd func(...operand.Op)

	unordered func(a, b, to operand.Op)
	r         func(int) vec
	bytes     int
}

func (b *builder) eight() lanes {
	return lanes{
		load: b.VMOVUPS, store: b.VMOVUPS, max: b.VMAXPS, min: b.VMINPS, multiplyAdd: b.VFMADD231PS,
		unordered: func(p, q, to operand.Op) { b.VCMPPS(imm(3), p, q, to) }, r: y, bytes: 32,
	}
}

func (b *builder) one() lanes {
	return lanes{
		load: b.VMOVSS, store: b.VMOVSS, max: b.VMAXSS, min: b.VMINSS, multiplyAdd: b.VFMADD231SS,
		unordered: func(p, q, to operand.Op) { b.VCMPSS(imm(3), p, q, to) }, r: x, bytes: 4,
	}
}

// slide emits the loops of the kernels that slide a window over a map: pixels,
// then channels, then taps. channel emits what comes before and after the loop
// over taps; it is given the byte offset of the channel.
func (b *builder) slide(channel func(l lanes, offset reg64, taps func(each func(tap operand.Mem)))) {
	in, out := b.load("X"), b.load("Y")
	b.limits()
	b.loop("pixel", b.load("Pixels"), func() {
		offset := b.GP64()
		b.XORQ(offset, offset)
		group := func(l lanes) func() {
			return func() {
				channel(l, offset, func(each func(tap operand.Mem)) {
					tap := b.load("Tap")
					b.loop("tap", b.load("Taps"), func() {
						at := b.GP64()
						b.MOVQ(mem(tap, 0), at)
						b.LEAQ(index(in, at, 4), at)
						each(index(at, offset, 1))
						b.ADDQ(imm(8), tap)
					})
				})
				b.Comment("The sum, or the maximum, stands in register 0.")
				l.max(l.r(0), l.r(12), l.r(0))
				l.min(l.r(0), l.r(13), l.r(0))
				if b.kernel.Op == "maxpool" {
					b.VORPS(y(2), y(0), y(0))
				}
				l.store(l.r(0), index(out, offset, 1))
				b.ADDQ(imm(l.bytes), offset)
			}
		}
		b.eights(b.load("C"), group(b.eight()), group(b.one()))
		b.ADDQ(b.stride("XStride"), in)
		b.ADDQ(b.stride("YStride"), out)
	})
	b.VZEROUPPER()
}

// maxPool emits the maximum over a window's taps, channel by channel. A NaN
// among them shows as all ones in a mask that is or-ed into the maximum.
func maxPool(b *builder) {
	b.doc("the maximum over a window's taps, channel by channel",
		"Y0 maximum", "Y1 the tap's elements", "Y2 all ones where a NaN was seen", "Y3 this tap's NaNs", "Y12 Lo", "Y13 Hi")
	b.slide(func(l lanes, offset reg64, taps func(func(operand.Mem))) {
		b.VBROADCASTSS(b.minusInf(), y(0))
		b.VXORPS(y(2), y(2), y(2))
		taps(func(tap operand.Mem) {
			l.load(tap, l.r(1))
			l.unordered(l.r(1), l.r(1), l.r(3))
			b.VORPS(y(3), y(2), y(2))
			l.max(l.r(1), l.r(0), l.r(0))
		})
	})
}

// depthwise emits the sum over a window's taps of products with one weight for
// each tap and channel.
func depthwise(b *builder) {
	b.doc("the weighted sum over a window's taps, channel by channel",
		"Y0 sum", "Y1 the tap's elements", "Y12 Lo", "Y13 Hi")
	b.slide(func(l lanes, offset reg64, taps func(func(operand.Mem))) {
		bias, weights := b.load("Bias"), b.load("W")
		l.load(index(bias, offset, 1), l.r(0))
		taps(func(tap operand.Mem) {
			l.load(tap, l.r(1))
			l.multiplyAdd(index(weights, offset, 1), l.r(1), l.r(0))
			b.LEAQ(index(weights, b.load("C"), 4), weights)
		})
	})
}

// minusInf is −Inf in memory.
func (b *builder) minusInf() operand.Mem {
	slot := b.AllocLocal(8)
	b.MOVL(operand.U32(0xff800000), slot)
	return slot
}
