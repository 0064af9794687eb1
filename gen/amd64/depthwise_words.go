package amd64

import "github.com/mmcloughlin/avo/operand"

// depthwiseWords emits the kernel for 32 channels at a time, then for 8, then for
// single ones. VPMADDWD adds two products of words: of the first two rows' taps of
// a column, and of two neighbours in the third row. So many registers make 16 of
// 32 channels at a time, those of the lower or of the upper halves of lanes.
func depthwiseWords(b *builder) {
	t := &wordThrees{
		threes: b.threes(), w: b.load("W"), bias: b.load("Bias"), scale: b.load("Scale"),
		pairs: b.GP64(), limits: b.byteLimits(),
	}
	b.Comment("What is read again and again crosses no line of the cache.")
	b.LEAQ(b.AllocLocal(5*2*32+32), t.pairs)
	b.ADDQ(imm(31), t.pairs)
	b.ANDQ(operand.I32(-32), t.pairs)
	left, odd := b.AllocLocal(8), b.AllocLocal(8)
	passes := func(shift, rest int, body func()) {
		none, n := b.label("none"), b.load("C")
		if rest > 0 {
			b.ANDQ(imm(rest), n)
		}
		if shift > 0 {
			b.SHRQ(imm(shift), n)
		} else {
			b.TESTQ(n, n)
		}
		b.JEQ(operand.LabelRef(none))
		b.MOVQ(n, left)
		b.MOVQ(operand.I32(0), odd)
		b.loop("channels", left, body)
		b.Label(none)
	}
	// turn moves on by an even step, and every other time by a further one.
	turn := func(first, further, furtherWeights int) {
		t.advance(first, first)
		b.XORQ(imm(1), odd)
		once := b.label("once")
		b.JNE(operand.LabelRef(once))
		t.advance(further, furtherWeights)
		b.Label(once)
	}
	passes(5, 0, func() {
		t.vectors(32, 0)
		t.vectors(32, 1)
		b.ADDQ(imm(32), t.x)
		b.ADDQ(imm(32), t.to)
		turn(32, 256-64, 768-64)
	})
	passes(3, 31, func() {
		t.vectors(8, 0)
		b.ADDQ(imm(8), t.x)
		b.ADDQ(imm(8), t.to)
		turn(128, 16-256, 16-256)
	})
	passes(0, 7, func() {
		t.single()
		b.INCQ(t.x)
		b.INCQ(t.to)
		t.advance(4, 4)
		four := b.label("four")
		b.INCQ(odd)
		b.CMPQ(odd, imm(4))
		b.JNE(operand.LabelRef(four))
		t.advance(64-16, 64-16)
		b.Label(four)
	})
	b.VZEROUPPER()
}

// wordThrees is threes with what some channels have.
type wordThrees struct {
	*threes
	w, bias, scale reg64

	// The weights of five pairs of taps by two vectors, as words: the first two rows
	// of tap 0, 1 and 2; the third row of tap 0 and 1; 0 and the third row of tap 2.
	pairs  reg64
	limits byteLimits
}

// advance moves on what there is for each channel.
func (t *wordThrees) advance(words, weights int) {
	t.ADDQ(operand.I32(weights), t.w)
	t.ADDQ(operand.I32(words), t.bias)
	t.ADDQ(operand.I32(words), t.scale)
}

// pair is the place of the weights of a pair of taps.
func (t *wordThrees) pair(i, v int) operand.Mem { return mem(t.pairs, 32*(2*i+v)) }

// vectors emits the pass of so many bytes of which half are made, in two vectors;
// or of 8, all.
func (t *wordThrees) vectors(bytes, half int) {
	b := t.builder
	v := func(i int) vec {
		if bytes == 32 {
			return y(i)
		}
		return x(i)
	}
	b.Comment("Weights are widened to words, and paired.")
	for i := range 2 {
		b.note("weights of the first two rows", v(0))
		b.note("weights of the second row", v(1))
		for tap := range 3 {
			third := v(2 + tap)
			b.note("weights of the third row", third)
			b.VMOVDQU(mem(t.w, 256*tap+64*(2*half+i)), v(0))
			b.VPSRAW(imm(8), v(0), v(1))
			b.VPSLLW(imm(8), v(0), v(0))
			b.VPSRAW(imm(8), v(0), v(0))
			b.VPSRLD(imm(16), v(0), third)
			b.VPSLLD(imm(16), v(1), v(1))
			b.VPBLENDW(operand.Imm(0xaa), v(1), v(0), v(0))
			b.VMOVDQU(v(0), t.pair(tap, i))
		}
		b.VPSLLD(imm(16), v(3), v(3))
		b.VPOR(v(3), v(2), v(2))
		b.VPSLLD(imm(16), v(4), v(4))
		b.VMOVDQU(v(2), t.pair(3, i))
		b.VMOVDQU(v(4), t.pair(4, i))
	}
	sums := func(set, i int) vec { return v(2*set + i) }
	const upper, third, product, raw, both, before, zero = 6, 8, 10, 11, 12, 13, 14
	b.note("0", v(zero))
	b.VPXOR(v(zero), v(zero), v(zero))
	load := func(from operand.Mem, to vec) {
		if bytes == 32 {
			b.VMOVDQU(from, to)
		} else {
			b.VMOVQ(from, to)
		}
	}
	// words makes words of pairs of bytes: those of two vectors of the kernel's half.
	words := func(second, first vec, to int) {
		if half == 0 {
			b.VPUNPCKLBW(second, first, v(both))
		} else {
			b.VPUNPCKHBW(second, first, v(both))
		}
		b.VPUNPCKLBW(v(zero), v(both), v(to))
		b.VPUNPCKHBW(v(zero), v(both), v(to+1))
	}
	t.start = func(set int) {
		for i := range 2 {
			b.note("sums", sums(set, i))
			b.VMOVDQU(mem(t.bias, 64*(2*half+i)), sums(set, i))
		}
	}
	t.column = func(uses []use) {
		b.note("a row of taps", v(raw))
		b.note("pairs of bytes", v(both))
		b.note("the first two rows' taps", v(upper), v(upper+1))
		b.note("the third row's taps, and those of the column before", v(third), v(third+1))
		b.note("the third row's taps, of the column before", v(before))
		b.note("products", v(product))
		load(mem(t.in, 0), v(raw))
		load(index(t.in, t.row, 1), v(product))
		words(v(product), v(raw), upper)
		load(index(t.in, t.row, 2), v(raw))
		if len(uses) > 1 || uses[0].tap > 0 {
			words(v(raw), v(before), third)
		}
		b.VMOVDQA(v(raw), v(before))
		for _, u := range uses {
			for i := range 2 {
				b.VPMADDWD(t.pair(u.tap, i), v(upper+i), v(product))
				b.VPADDD(v(product), sums(u.set, i), sums(u.set, i))
				if u.tap > 0 {
					b.VPMADDWD(t.pair(2+u.tap, i), v(third+i), v(product))
					b.VPADDD(v(product), sums(u.set, i), sums(u.set, i))
				}
			}
		}
	}
	t.finish = func(set int) {
		for i := range 2 {
			b.scale(sums(set, i), mem(t.scale, 64*(2*half+i)))
		}
		t.residual(func(from operand.Mem) {
			const factor = third + 1
			b.note("residual", v(raw))
			b.note("words of it", v(both))
			b.note("residual, widened", v(upper), v(upper+1))
			b.note("DZero, then the bound", v(third))
			b.note("DScale", v(factor))
			load(from, v(raw))
			if half == 0 {
				b.VPUNPCKLBW(v(zero), v(raw), v(both))
			} else {
				b.VPUNPCKHBW(v(zero), v(raw), v(both))
			}
			b.VPUNPCKLWD(v(zero), v(both), v(upper))
			b.VPUNPCKHWD(v(zero), v(both), v(upper+1))
			b.VPBROADCASTD(b.field("DZero"), v(third))
			b.VBROADCASTSS(b.field("DScale"), v(factor))
			for i := range 2 {
				r := v(upper + i)
				b.VPSUBD(v(third), r, r)
				b.VCVTDQ2PS(r, r)
				b.VMULPS(v(factor), r, r)
				b.VADDPS(r, sums(set, i), sums(set, i))
			}
			b.VBROADCASTSS(t.most, v(third))
			for i := range 2 {
				b.VMINPS(v(third), sums(set, i), sums(set, i))
			}
		})
		for i := range 2 {
			b.VCVTPS2DQ(sums(set, i), sums(set, i))
		}
		t.limits.pack(b, []vec{sums(set, 0), sums(set, 1)}, v(product))
		b.VMOVQ(sums(set, 0).AsX(), mem(t.out, 8*half))
		if bytes == 32 {
			b.note("the upper half of results", v(product))
			b.VEXTRACTI128(imm(1), sums(set, 0), x(product))
			b.VMOVQ(x(product), mem(t.out, 16+8*half))
		}
	}
	t.all(t.pixels)
}

// scale makes values of sums.
func (b *builder) scale(sums vec, scale operand.Mem) {
	b.VCVTDQ2PS(sums, sums)
	b.VMULPS(scale, sums, sums)
}

// single emits the pass of one channel, without vectors.
func (t *wordThrees) single() {
	b := t.builder
	b.note("the multiplier", x(1))
	b.VMOVSS(mem(t.scale, 0), x(1))
	t.all(func() {
		b.MOVQ(b.load("Pixels"), t.left)
		b.loop("pixel", t.left, t.singlePixel)
	})
}

// singlePixel emits a channel of a pixel, whose multiplier is in X1.
func (t *wordThrees) singlePixel() {
	b := t.builder

	tap, sum := b.copy(t.in), b.GP32()
	b.MOVL(mem(t.bias, 0), sum)
	for k := range 3 {
		if k > 0 {
			b.ADDQ(t.col, tap)
		}
		for r := range 3 {
			e, w := b.GP32(), b.GP32()
			from := mem(tap, 0)
			if r > 0 {
				from = index(tap, t.row, uint8(r))
			}
			b.MOVBLZX(from, e)
			b.MOVBLSX(mem(t.w, 256*k+r), w)
			b.IMULL(w, e)
			b.ADDL(e, sum)
		}
		if k < t.stride {
			b.ADDQ(t.col, t.in)
		}
	}
	b.note("the sum", x(0))
	b.VMOVD(sum, x(0))
	b.VCVTDQ2PS(x(0), x(0))
	b.VMULSS(x(1), x(0), x(0))
	t.residual(func(from operand.Mem) {
		b.note("the residual", x(2))
		r := b.GP32()
		b.MOVBLZX(from, r)
		b.SUBL(b.field("DZero"), r)
		b.VMOVD(r, x(2))
		b.VCVTDQ2PS(x(2), x(2))
		b.VMULSS(b.field("DScale"), x(2), x(2))
		b.VADDSS(x(2), x(0), x(0))
		b.VMINSS(t.most, x(0), x(0))
	})
	b.VCVTPS2DQ(x(0), x(0))
	t.limits.pack(b, []vec{x(0)}, x(2))
	b.VPEXTRB(imm(0), x(0), mem(t.out, 0))
	b.ADDQ(b.field("YStride"), t.out)
}
