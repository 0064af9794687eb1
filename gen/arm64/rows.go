package arm64

import (
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
)

// rows returns pointers to n rows that stand a stride of bytes apart. The
// first row is at p, which is kept.
func (b *builder) rows(p, stride gp, n int, use string) []gp {
	return b.from(b.copy(p, use), stride, n, use)
}

// from does the same, and takes over p as the pointer to the first row.
func (b *builder) from(p, stride gp, n int, use string) []gp {
	b.r.note(p, use)
	rs := append([]gp{p}, b.r.takeAll(n-1, use)...)
	b.spread(rs, stride)
	return rs
}

// spread sets each pointer but the first a stride after the one before it.
func (b *builder) spread(rs []gp, stride gp) {
	for i := 1; i < len(rs); i++ {
		b.ADD(stride, rs[i-1], rs[i])
	}
}

// addAll moves pointers on.
func (b *builder) addAll(n operand.Op, rs []gp) {
	for _, r := range rs {
		b.ADD(n, r, r)
	}
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
		b.ADD(segment, a, segment)
		body(segment)
	})
}
