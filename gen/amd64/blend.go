package amd64

import "github.com/mmcloughlin/avo/operand"

// Where the fields of a Sample stand, and its size, in bytes.
const (
	sampleTaps, sampleAt, sampleWeight = 0, 8, 40
	sampleSize                         = 56
)

// blend emits the weighted sums of pixels: for 32 channels at a time, then for
// 8, then for 4, 2 and 1 of those that are left. Masked stores would take
// several times as long on processors of AMD, and maps to be resized often have
// 1 or 3 channels.
func blend(b *builder) {
	b.doc("weighted sums of pixels")
	b.note("−0", y(5))
	b.VMOVUPS(b.constantBits(1<<31), y(5))
	in, out, sample := b.load("X"), b.load("Y"), b.load("Samples")
	stride := b.load("YStride")

	offset, n := b.GP64(), b.GP64()
	// each emits body n times, or not at all.
	each := func(name string, body func()) {
		none := b.label("no" + name)
		b.TESTQ(n, n)
		b.JEQ(operand.LabelRef(none))
		b.loop(name, n, body)
		b.Label(none)
	}
	b.loop("pixel", b.load("Pixels"), func() {
		b.XORQ(offset, offset)
		b.MOVQ(b.field("C"), n)
		b.SHRQ(imm(5), n)
		each("wide", func() { b.blendChannels(in, out, sample, offset, 32) })
		b.MOVQ(b.field("C"), n)
		b.SHRQ(imm(3), n)
		b.ANDQ(imm(3), n)
		each("eight", func() { b.blendChannels(in, out, sample, offset, 8) })
		for _, channels := range []int{4, 2, 1} {
			none := b.label("none")
			b.TESTB(imm(channels), b.field("C"))
			b.JEQ(operand.LabelRef(none))
			b.blendChannels(in, out, sample, offset, channels)
			b.Label(none)
		}
		b.ADDQ(imm(sampleSize), sample)
		b.ADDQ(stride, out)
	})
	b.VZEROUPPER()
}

// blendChannels emits the sums of some channels of a pixel, and moves offset on.
func (b *builder) blendChannels(in, out, sample, offset reg64, channels int) {
	vectors := (channels + 7) / 8
	b.note("sums", ys(0, vectors)...)
	for v := range vectors {
		b.VMOVAPS(y(5), y(v))
	}
	none, top := b.label("notap"), b.label("tap")
	tap, at := b.GP64(), b.GP64()
	b.XORQ(tap, tap)
	b.CMPQ(mem(sample, sampleTaps), imm(0))
	b.JEQ(operand.LabelRef(none))
	b.Label(top)
	b.MOVQ(operand.Mem{Base: sample, Index: tap, Scale: 8, Disp: sampleAt}, at)
	b.ADDQ(offset, at)
	b.note("the weight", y(4))
	b.VBROADCASTSS(operand.Mem{Base: sample, Index: tap, Scale: 4, Disp: sampleWeight}, y(4))
	from := index(in, at, 1)
	switch channels {
	case 4:
		b.VFMADD231PS(from, x(4), x(0))
	case 2:
		b.note("elements", y(6))
		b.VMOVSD(from, x(6))
		b.VFMADD231PS(x(6), x(4), x(0))
	case 1:
		b.VFMADD231SS(from, x(4), x(0))
	default:
		for v := range vectors {
			from.Disp = 32 * v
			b.VFMADD231PS(from, y(4), y(v))
		}
	}
	b.INCQ(tap)
	b.CMPQ(tap, mem(sample, sampleTaps))
	b.JNE(operand.LabelRef(top))
	b.Label(none)
	to := index(out, offset, 1)
	switch channels {
	case 4:
		b.VMOVUPS(x(0), to)
	case 2:
		b.VMOVSD(x(0), to)
	case 1:
		b.VMOVSS(x(0), to)
	default:
		for v := range vectors {
			to.Disp = 32 * v
			b.VMOVUPS(y(v), to)
		}
	}
	b.ADDQ(imm(4*channels), offset)
}
