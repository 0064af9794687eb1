package amd64

import "github.com/mmcloughlin/avo/operand"

// Where the fields of a Sample stand, and its size, in bytes.
const (
	sampleTaps, sampleAt, sampleWeight = 0, 8, 40
	sampleSize                         = 56
)

// blend emits the weighted sums of pixels: for 32 channels at a time, then for
// 8, then for those that are left.
func blend(b *builder) {
	b.doc("weighted sums of pixels")
	b.note("−0", y(5))
	b.VMOVUPS(b.constantBits(1<<31), y(5))
	in, out, sample := b.load("X"), b.load("Y"), b.load("Samples")
	stride := b.load("YStride")

	rest := b.load("C")
	whole := b.label("whole")
	b.ANDQ(imm(7), rest)
	b.JEQ(operand.LabelRef(whole))
	b.mask(rest)
	b.Label(whole)

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
		each("wide", func() { b.blendVectors(in, out, sample, offset, 4, false) })
		b.MOVQ(b.field("C"), n)
		b.SHRQ(imm(3), n)
		b.ANDQ(imm(3), n)
		each("eight", func() { b.blendVectors(in, out, sample, offset, 1, false) })
		done := b.label("done")
		b.TESTB(imm(7), b.field("C"))
		b.JEQ(operand.LabelRef(done))
		b.blendVectors(in, out, sample, offset, 1, true)
		b.Label(done)
		b.ADDQ(imm(sampleSize), sample)
		b.ADDQ(stride, out)
	})
	b.VZEROUPPER()
}

// blendVectors emits the sums of some vectors of a pixel, and moves offset on.
func (b *builder) blendVectors(in, out, sample, offset reg64, vectors int, masked bool) {
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
	for v := range vectors {
		from := operand.Mem{Base: in, Index: at, Scale: 1, Disp: 32 * v}
		if masked {
			b.note("elements", y(6))
			b.VMASKMOVPS(from, y(15), y(6))
			b.VFMADD231PS(y(6), y(4), y(v))
		} else {
			b.VFMADD231PS(from, y(4), y(v))
		}
	}
	b.INCQ(tap)
	b.CMPQ(tap, mem(sample, sampleTaps))
	b.JNE(operand.LabelRef(top))
	b.Label(none)
	for v := range vectors {
		to := operand.Mem{Base: out, Index: offset, Scale: 1, Disp: 32 * v}
		if masked {
			b.VMASKMOVPS(y(v), y(15), to)
		} else {
			b.VMOVUPS(y(v), to)
		}
	}
	b.ADDQ(imm(32*vectors), offset)
}
