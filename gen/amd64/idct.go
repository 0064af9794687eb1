package amd64

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The inverse DCTs' products are sums of two, of the words of two vectors that
// are interleaved: a multiplier of both stands in the halves of a word of 32
// bits.
func pairOf(first, second int16) uint32 { return uint32(uint16(first)) | uint32(uint16(second))<<16 }

// idct emits the inverse DCT of groups of blocks that fill a row of 16 words:
// two blocks of 8×8 samples, or four of 4×4.
//
// One direction combines vectors: all 16 columns at once. The words are then
// transposed within each block, and the other direction is the same again.
func idct(b *builder) {
	side := map[string]int{"8": 8, "4": 4}[b.kernel.Variant]
	b.doc("the inverse DCT of blocks of " + map[int]string{8: "8×8", 4: "4×4"}[side] + " samples")
	t := &inverse{builder: b, side: side, in: b.load("X"), to: b.load("At"), n: b.load("N"), stride: b.load("YStride"), peak: b.AllocLocal(32)}
	t.stride3 = b.GP64()
	b.LEAQ(index(t.stride, t.stride, 2), t.stride3)
	b.note("what has been seen of sums beyond samples", y(0))
	b.VPXOR(y(0), y(0), y(0))
	b.VMOVDQU(y(0), t.peak)

	group := b.label("group")
	done := b.label("done")
	b.Label(group)
	if side == 8 {
		t.eight(done)
	} else {
		t.four(done)
	}
	b.JMP(operand.LabelRef(group))

	b.Label(done)
	b.VMOVDQU(t.peak, y(0))
	b.note("its halves", y(1))
	b.VEXTRACTI128(imm(1), y(0), x(1))
	b.VPMAXSW(x(1), x(0), x(0))
	// The least word is what the processor can look for.
	b.VPCMPEQW(x(1), x(1), x(1))
	b.VPXOR(x(1), x(0), x(0))
	b.VPHMINPOSUW(x(0), x(0))
	b.VPXOR(x(1), x(0), x(0))
	b.VZEROUPPER()
	found := b.GP64()
	b.VMOVD(x(0), found.As32())
	b.MOVWQZX(found.As16(), found)
	peak, before := b.load("Peak"), b.GP64()
	b.MOVQ(mem(peak, 0), before)
	b.CMPQ(before, found)
	b.CMOVQGT(before, found)
	b.MOVQ(found, mem(peak, 0))
}

// An inverse is the emission of an inverse DCT.
type inverse struct {
	*builder
	side            int
	in, to, n       reg64
	stride, stride3 reg64
	peak            operand.Mem
}

// row is a row of the group's words.
func (t *inverse) row(i int) operand.Mem { return mem(t.in, 32*i) }

// pairs interleaves the words of two vectors: those of the lower halves of lanes
// into low, those of the upper halves into high. The first may be low.
func (t *inverse) pairs(first vec, second operand.Op, low, high vec) {
	t.VPUNPCKHWD(second, first, high)
	t.VPUNPCKLWD(second, first, low)
}

// weigh multiplies pairs, low and high, and adds.
func (t *inverse) weigh(multipliers uint32, from, to [2]vec) {
	for i := range 2 {
		t.VPMADDWD(t.constantBits(multipliers), from[i], to[i])
	}
}

// add is z = x + y, sub z = x − y, of low and high halves.
func (t *inverse) add(x, y, z [2]vec) {
	for i := range 2 {
		t.VPADDD(y[i], x[i], z[i])
	}
}

func (t *inverse) sub(x, y, z [2]vec) {
	for i := range 2 {
		t.VPSUBD(y[i], x[i], z[i])
	}
}

func (t *inverse) round(x [2]vec, shift int) {
	for i := range 2 {
		t.VPADDD(t.constantBits(1<<(shift-1)), x[i], x[i])
	}
}

// narrow shifts sums to the right and makes words of them, in the lower half.
func (t *inverse) narrow(x [2]vec, shift int) {
	for i := range 2 {
		t.VPSRAD(imm(shift), x[i], x[i])
	}
	t.VPACKSSDW(x[1], x[0], x[0])
}

func both(i, j int) [2]vec { return [2]vec{y(i), y(j)} }

// direction8 is one direction of 8 samples, from the group's rows. It returns
// the results.
func (t *inverse) direction8(shift int) []vec {
	t.note("odd frequencies: sums of each result's", ys(0, 8)...)
	t.note("rows of words; even frequencies; results", ys(8, 8)...)
	for i := range 4 {
		t.VMOVDQU(t.row(2*i+1), y(8+i)) // 1, 3, 5, 7
	}
	t.VPADDW(y(11), y(9), y(12))
	t.VPADDW(y(10), y(8), y(13))
	t.pairs(y(12), y(13), y(14), y(15))
	t.weigh(pairOf(9633-16069, 9633), both(14, 15), both(12, 13))
	t.weigh(pairOf(9633, 9633-3196), both(14, 15), both(14, 15))
	t.pairs(y(11), y(8), y(0), y(1))
	t.weigh(pairOf(2446-7373, -7373), both(0, 1), both(6, 7))
	t.weigh(pairOf(-7373, 12299-7373), both(0, 1), both(0, 1))
	t.pairs(y(10), y(9), y(4), y(5))
	t.weigh(pairOf(-20995, 25172-20995), both(4, 5), both(2, 3))
	t.weigh(pairOf(16819-20995, -20995), both(4, 5), both(4, 5))
	t.add(both(6, 7), both(12, 13), both(6, 7))
	t.add(both(0, 1), both(14, 15), both(0, 1))
	t.add(both(2, 3), both(12, 13), both(2, 3))
	t.add(both(4, 5), both(14, 15), both(4, 5))

	t.even8(pairOf(1<<13, 1<<13), pairOf(10703, 4433), both(8, 9), both(10, 11), both(12, 13), shift)
	t.results(both(12, 13), both(0, 1), both(10, 11), shift) // 0 in 10, 7 in 12
	t.results(both(8, 9), both(6, 7), both(14, 15), shift)   // 3 in 14, 4 in 8

	t.even8(pairOf(1<<13, -1<<13), pairOf(4433, 4433-15137), both(0, 1), both(6, 7), both(9, 11), shift)
	t.results(both(9, 11), both(2, 3), both(6, 7), shift) // 1 in 6, 6 in 9
	t.results(both(0, 1), both(4, 5), both(2, 3), shift)  // 2 in 2, 5 in 0
	return []vec{y(10), y(6), y(2), y(14), y(8), y(0), y(9), y(12)}
}

// even8 makes the sum and the difference of what frequencies 0 and 4 give, and 2
// and 6: the latter in a, using c.
func (t *inverse) even8(first, second uint32, a, c, sum [2]vec, shift int) {
	t.VMOVDQU(t.row(0), a[0])
	t.pairs(a[0], t.row(4), a[0], a[1])
	t.VMOVDQU(t.row(2), c[0])
	t.pairs(c[0], t.row(6), c[0], c[1])
	t.weigh(first, a, a)
	t.round(a, shift)
	t.weigh(second, c, c)
	t.add(a, c, sum)
	t.sub(a, c, a)
}

// results makes even + odd, as words in the first of sum, and even − odd, in the
// first of even.
func (t *inverse) results(even, odd, sum [2]vec, shift int) {
	t.add(even, odd, sum)
	t.sub(even, odd, even)
	t.narrow(sum, shift)
	t.narrow(even, shift)
}

// magnitudes leaves the largest of max(v, −1−v) of all words in the first
// register that is free, and uses the second.
func (t *inverse) magnitudes(vs []vec, free []vec) vec {
	high, low := free[0], free[1]
	t.note("the largest words", high)
	t.note("the least words", low)
	t.VPMAXSW(vs[0], vs[1], high)
	t.VPMINSW(vs[0], vs[1], low)
	for _, v := range vs[2:] {
		t.VPMAXSW(v, high, high)
		t.VPMINSW(v, low, low)
	}
	t.VPXOR(t.constantBits(0xffffffff), low, low)
	t.VPMAXSW(low, high, high)
	return high
}

// watchSums looks for what overflows in the second direction.
func (t *inverse) watchSums(vs, free []vec) {
	m := t.magnitudes(vs, free)
	t.VPCMPGTW(t.constantBits(pairOf(1<<14-1, 1<<14-1)), m, m)
	t.VPSRLW(imm(1), m, m)
	t.watch(m)
}

func (t *inverse) watch(m vec) {
	t.VPMAXSW(t.peak, m, m)
	t.VMOVDQU(m, t.peak)
}

// rest are the registers that are not among vs.
func rest(vs []vec) (free []vec) {
next:
	for _, r := range ys(0, 16) {
		for _, v := range vs {
			if v == r {
				continue next
			}
		}
		free = append(free, r)
	}
	return free
}

func (t *inverse) eight(done string) {
	rows := t.direction8(11)
	free := rest(rows)
	t.watchSums(rows, free)
	t.note("squares, being transposed", append(free, rows...)...)
	for i := range 4 {
		t.VPUNPCKLWD(rows[2*i+1], rows[2*i], free[2*i])
		t.VPUNPCKHWD(rows[2*i+1], rows[2*i], free[2*i+1])
	}
	for half := 0; half < 8; half += 4 {
		for i := range 2 {
			t.VPUNPCKLDQ(free[half+i+2], free[half+i], rows[half+2*i])
			t.VPUNPCKHDQ(free[half+i+2], free[half+i], rows[half+2*i+1])
		}
	}
	for i := range 4 {
		t.VPUNPCKLQDQ(rows[4+i], rows[i], free[2*i])
		t.VPUNPCKHQDQ(rows[4+i], rows[i], free[2*i+1])
	}
	for i, v := range free {
		t.VMOVDQU(v, t.row(i))
	}

	rows = t.direction8(18)
	free = rest(rows)
	t.watch(t.magnitudes(rows, free))
	t.clear(free[0])
	t.note("rows of samples", rows...)
	for i := 0; i < 8; i += 2 {
		t.VPACKSSWB(rows[i+1], rows[i], rows[i])
		t.VPXOR(t.constantBits(0x80808080), rows[i], rows[i])
	}
	store := func(half func(i int) reg.VecPhysical) {
		p, q := t.block()
		for i := 0; i < 8; i += 2 {
			v := half(i)
			t.VMOVQ(v, t.at(p, q, i))
			t.VMOVHPS(v, t.at(p, q, i+1))
		}
	}
	store(func(i int) reg.VecPhysical { return x(int(rows[i].PhysicalIndex())) })
	t.DECQ(t.n)
	t.JEQ(operand.LabelRef(done))
	t.note("the second block's", free[0])
	store(func(i int) reg.VecPhysical {
		v := x(int(free[i/2].PhysicalIndex()))
		t.note("the second block's samples", free[i/2])
		t.VEXTRACTI128(imm(1), rows[i], v)
		return v
	})
	t.DECQ(t.n)
	t.JEQ(operand.LabelRef(done))
	t.ADDQ(imm(32*8), t.in)
}

// clear clears the group's words.
func (t *inverse) clear(zero vec) {
	t.note("zero", zero)
	t.VPXOR(zero, zero, zero)
	for i := range t.side {
		t.VMOVDQU(zero, t.row(i))
	}
}

// block returns the next block's first row and its fifth.
func (t *inverse) block() (p, q reg64) {
	p, q = t.GP64(), t.GP64()
	t.MOVQ(mem(t.to, 0), p)
	t.ADDQ(imm(8), t.to)
	t.ADDQ(t.field("Y"), p)
	if t.side > 4 {
		t.LEAQ(index(p, t.stride, 4), q)
	}
	return p, q
}

// at is row i of a block.
func (t *inverse) at(p, q reg64, i int) operand.Mem {
	if i >= 4 {
		p = q
	}
	return []operand.Mem{mem(p, 0), index(p, t.stride, 1), index(p, t.stride, 2), index(p, t.stride3, 1)}[i%4]
}

// direction4 is one direction of 4 samples. The rows become the results.
func (t *inverse) direction4(shift int) {
	t.note("rows of words; results", ys(0, 4)...)
	t.note("even frequencies, odd frequencies", ys(4, 8)...)
	t.note("sums", ys(12, 4)...)
	t.pairs(y(0), y(2), y(4), y(5))
	t.weigh(pairOf(1<<13, -1<<13), both(4, 5), both(6, 7))
	t.weigh(pairOf(1<<13, 1<<13), both(4, 5), both(4, 5))
	t.round(both(4, 5), shift)
	t.round(both(6, 7), shift)
	t.pairs(y(1), y(3), y(8), y(9))
	t.weigh(pairOf(4433, -10703), both(8, 9), both(10, 11))
	t.weigh(pairOf(10703, 4433), both(8, 9), both(8, 9))
	t.results(both(4, 5), both(8, 9), both(12, 13), shift)   // 0 in 12, 3 in 4
	t.results(both(6, 7), both(10, 11), both(14, 15), shift) // 1 in 14, 2 in 6
	for i, v := range []int{12, 14, 6, 4} {
		t.VMOVDQA(y(v), y(i))
	}
}

func (t *inverse) four(done string) {
	for i := range 4 {
		t.VMOVDQU(t.row(i), y(i))
	}
	t.direction4(11)
	t.watchSums(ys(0, 4), ys(4, 2))
	t.note("squares, being transposed", ys(0, 8)...)
	for i := range 2 {
		t.VPUNPCKLWD(y(2*i+1), y(2*i), y(4+2*i))
		t.VPUNPCKHWD(y(2*i+1), y(2*i), y(5+2*i))
	}
	for i := range 2 {
		t.VPUNPCKLDQ(y(6+i), y(4+i), y(2*i))
		t.VPUNPCKHDQ(y(6+i), y(4+i), y(2*i+1))
	}
	for i := range 2 {
		t.VPUNPCKLQDQ(y(2+i), y(i), y(4+2*i))
		t.VPUNPCKHQDQ(y(2+i), y(i), y(5+2*i))
	}
	for i := range 4 {
		t.VMOVDQA(y(4+i), y(i))
	}
	t.direction4(18)
	t.watch(t.magnitudes(ys(0, 4), ys(4, 2)))
	t.clear(y(4))
	t.note("rows of samples", ys(0, 4)...)
	for i := 0; i < 4; i += 2 {
		t.VPACKSSWB(y(i+1), y(i), y(i))
		t.VPXOR(t.constantBits(0x80808080), y(i), y(i))
		t.VEXTRACTI128(imm(1), y(i), x(i+1))
	}
	for block := range 4 {
		p, q := t.block()
		for i := range 4 {
			t.VPEXTRD(imm(block%2+i%2*2), x(i/2*2+block/2), t.at(p, q, i))
		}
		t.DECQ(t.n)
		t.JEQ(operand.LabelRef(done))
	}
	t.ADDQ(imm(32*4), t.in)
}
