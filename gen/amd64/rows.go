package amd64

import (
	"github.com/mmcloughlin/avo/operand"
)

// rows addresses rows that stand a stride of bytes apart, with a pointer for
// every three of them and scaled indexing.
type rows struct {
	b        *builder
	pointers []reg64 // rows 0, 3, 6 …
	stride   reg64
}

// rowsFrom takes over p, which points to row 0 of n.
func (b *builder) rowsFrom(p, stride reg64, n int) rows {
	r := rows{b: b, pointers: []reg64{p}, stride: stride}
	for last := p; len(r.pointers)*3 < n; {
		next := b.GP64()
		b.LEAQ(index(last, stride, 2), next)
		b.ADDQ(stride, next)
		r.pointers, last = append(r.pointers, next), next
	}
	return r
}

// at is row i's element at a displacement of bytes.
func (r rows) at(i, disp int) operand.Mem {
	m := operand.Mem{Base: r.pointers[i/3], Disp: disp}
	if i %= 3; i > 0 {
		m.Index, m.Scale = r.stride, uint8(i)
	}
	return m
}

// advance moves all rows on by so many bytes, an immediate or a register.
func (r rows) advance(by operand.Op) {
	for _, p := range r.pointers {
		r.b.ADDQ(by, p)
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
