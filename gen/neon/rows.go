package neon

import "math/bits"

// rows returns pointers to n rows that stand a stride of bytes apart. The
// first row is at p.
func (b *builder) rows(p, stride gp, n int, use string) []gp {
	rs := b.r.takeAll(n, use)
	b.MOVD(p, rs[0])
	for i := 1; i < n; i++ {
		b.ADD(stride, rs[i-1], rs[i])
	}
	return rs
}

// skip moves p on by n strides.
func (b *builder) skip(p, stride gp, n int) {
	for ; n > 0; n &= n - 1 {
		b.ADD(shifted(stride, bits.TrailingZeros(uint(n))), p, p)
	}
}

// segments emits body for every segment, with a pointer to it in row 0 of a.
func (b *builder) segments(a gp, body func(segment gp)) {
	seg := b.load("Seg")
	b.loop("segment", b.load("Segs"), func() {
		segment := b.r.take("the segment")
		b.loadNext(8, seg, segment)
		b.ADD(shifted(segment, 2), a, segment)
		body(segment)
	})
}
