package arm64

import "math"

// Where the fields of a Sample stand, and its size, in bytes.
const (
	sampleTaps, sampleAt, sampleWeight = 0, 8, 40
	sampleSize                         = 56
)

// blend emits the weighted sums of pixels.
func blend(b *builder) {
	b.doc("weighted sums of pixels")
	in, out, sample := b.load("X"), b.load("Y"), b.load("Samples")
	stride, channels := b.load("YStride"), b.load("C")
	zero := b.constant(math.Float32frombits(1<<31), "−0")
	b.loop("pixel", b.load("Pixels"), func() {
		x, y := b.copy(in, "X of these channels"), b.copy(out, "Y of these channels")
		b.pieces(channels, 16, func(p piece) {
			sums := b.v.takeAll(p.vectors(), "sums")
			elements := b.v.takeAll(p.vectors(), "elements")
			weight := b.v.take("the weight")
			for _, v := range sums {
				b.VMOV(zero, v)
			}
			none := b.label("notap")
			taps := b.r.take("taps left")
			b.MOVD(mem(sample, sampleTaps), taps)
			b.CBZ(taps, none)
			at, weights := b.r.take("offsets"), b.r.take("weights")
			b.ADD(imm(sampleAt), sample, at)
			b.ADD(imm(sampleWeight), sample, weights)
			b.loop("tap", taps, func() {
				from := b.r.take("elements of the tap")
				b.loadNext(8, at, from)
				b.ADD(x, from, from)
				b.VLD1R(weights, weight)
				b.ADD(imm(4), weights, weights)
				b.peek(p, from, elements)
				for i, v := range sums {
					b.VFMLA(weight, elements[i], v)
				}
			})
			b.place(none)
			b.storePiece(p, sums, y)
			b.ADD(imm(p.bytes()), x, x)
		})
		b.ADD(imm(sampleSize), sample, sample)
		b.ADD(stride, out, out)
	})
}
