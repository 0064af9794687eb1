package amd64

import (
	"github.com/mmcloughlin/avo/operand"
)

// rows addresses up to six rows that stand a stride of bytes apart, with two
// pointers, three rows apart, and scaled indexing.
type rows struct {
	b      *builder
	low    reg64 // row 0
	high   reg64 // row 3, if there are more than three
	stride reg64
	n      int
}

// rowsFrom takes over p, which points to row 0.
func (b *builder) rowsFrom(p, stride reg64, n int) rows {
	r := rows{b: b, low: p, stride: stride, n: n}
	if n > 3 {
		r.high = b.GP64()
		b.LEAQ(index(p, stride, 2), r.high)
		b.ADDQ(stride, r.high)
	}
	return r
}

// at is row i's element at a displacement of bytes.
func (r rows) at(i, disp int) operand.Mem {
	m := operand.Mem{Base: r.low, Disp: disp}
	if i >= 3 {
		m.Base = r.high
	}
	if i %= 3; i > 0 {
		m.Index, m.Scale = r.stride, uint8(i)
	}
	return m
}

// advance moves all rows on by bytes.
func (r rows) advance(bytes int) {
	r.b.ADDQ(imm(bytes), r.low)
	if r.n > 3 {
		r.b.ADDQ(imm(bytes), r.high)
	}
}

// skip moves p on by n strides.
func (b *builder) skip(p, stride reg64, n int) {
	for ; n >= 8; n -= 8 {
		b.LEAQ(index(p, stride, 8), p)
	}
	for _, s := range []int{4, 2, 1} {
		if n&s != 0 {
			b.LEAQ(index(p, stride, uint8(s)), p)
		}
	}
}
