package amd64

import (
	"strconv"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A threes is the state of a kernel of the depthwise3x3 family for some channels:
// it goes along a row of columns, each of three rows of taps. A column is tap 2 of
// one pixel, tap 1 of the next and tap 0 of the one after it; their sums take
// turns with the registers, so that each column is loaded and interleaved once.
type threes struct {
	*builder
	stride  int
	in, out reg64       // the column, and the pixel
	row     reg64       // XRow
	col     reg64       // XCol
	x, to   reg64       // the first pixel of the channels
	left    operand.Mem // pixels of a line
	lines   operand.Mem // lines
	line    [2]operand.Mem
	apart   operand.Mem // how far D is behind Y
	most    operand.Mem // moreThanBytes

	column func(taps []use) // loads a column and adds it to sums
	start  func(set int)    // sets sums to the bias
	finish func(set int)    // makes results of sums
}

// A use is what a column is to a pixel: a tap of the window, and the pixel's sums.
type use struct{ tap, set int }

// sets is how many pixels' sums are held at a time.
func (t *threes) sets() int { return 4 - t.stride }

// all emits the loop over all pixels of all lines.
func (t *threes) all(pixels func()) {
	b := t.builder
	b.MOVQ(t.x, t.in)
	b.MOVQ(t.to, t.out)
	b.MOVQ(b.load("Lines"), t.lines)
	b.loop("line", t.lines, func() {
		b.MOVQ(t.in, t.line[0])
		b.MOVQ(t.out, t.line[1])
		pixels()
		b.MOVQ(t.line[0], t.in)
		b.MOVQ(t.line[1], t.out)
		b.ADDQ(b.field("XLine"), t.in)
		b.ADDQ(b.field("YLine"), t.out)
	})
}

// pixels emits the loop over a line's pixels, from in on.
func (t *threes) pixels() {
	b := t.builder
	b.MOVQ(b.load("Pixels"), t.left)
	next := func() { b.ADDQ(t.col, t.in) }
	t.start(0)
	t.column([]use{{0, 0}})
	next()
	if t.stride == 1 {
		t.start(1)
		t.column([]use{{1, 0}, {0, 1}})
		next()
	}
	top, done := b.label("pixels"), b.label("done")
	b.Label(top)
	for set := range t.sets() {
		after := (set + 1) % t.sets()
		last := []use{{2, set}}
		if t.stride == 1 {
			last = append(last, use{1, after})
			after = (set + 2) % t.sets()
		} else {
			t.column([]use{{1, set}})
			next()
		}
		t.start(after)
		t.column(append(last, use{0, after}))
		next()
		t.finish(set)
		b.ADDQ(b.field("YStride"), t.out)
		b.DECQ(t.left)
		if set < t.sets()-1 {
			b.JEQ(operand.LabelRef(done))
		} else {
			b.JNE(operand.LabelRef(top))
		}
	}
	b.Label(done)
}

func (b *builder) threes() *threes {
	stride, err := strconv.Atoi(b.kernel.Variant)
	if err != nil {
		panic(err)
	}
	b.doc("the weighted sum over windows of 3×3 taps, channel by channel")
	t := &threes{
		builder: b, stride: stride, in: b.GP64(), out: b.GP64(), row: b.load("XRow"), col: b.load("XCol"), x: b.load("X"), to: b.load("Y"),
		left: b.AllocLocal(8), lines: b.AllocLocal(8), line: [2]operand.Mem{b.AllocLocal(8), b.AllocLocal(8)},
		apart: b.AllocLocal(8), most: b.AllocLocal(8),
	}
	apart := b.load("D")
	b.SUBQ(t.to, apart)
	b.MOVQ(apart, t.apart)
	b.MOVL(operand.U32(moreThanBytes), t.most)
	return t
}

// residual emits add, with the place of the pixel's residual, for calls that have
// one. With it, values may be more than fit int32, so that add bounds them by most.
func (t *threes) residual(add func(from operand.Mem)) {
	b := t.builder
	none, apart := b.label("noresidual"), b.GP64()
	b.CMPQ(b.field("D"), imm(0))
	b.JEQ(operand.LabelRef(none))
	b.MOVQ(t.apart, apart)
	add(index(t.out, apart, 1))
	b.Label(none)
}

// depthwiseVNNI emits the kernel for 64 channels at a time, then for 32, 16 and
// those that are left. Three bytes of a channel, one of each row, and a zero
// become a word of 32 bits by interleaving, which VPDPBUSD takes at once; packing
// sums brings channels back into their order.
func depthwiseVNNI(b *builder) {
	t := b.threes()
	w, bias, scale := b.load("W"), b.load("Bias"), b.load("Scale")
	limits := b.byteLimits()
	pass := func(bytes int, masked bool) {
		v := func(i int) vec { return []vec{xmm[i], ymm[i], zmm[i]}[bytes/32] }
		weights, sums := func(tap, i int) vec { return v(4*tap + i) }, func(set, i int) vec { return v(12 + 4*set + i) }
		const words, raw, zero = 24, 28, 31
		for tap := range 3 {
			for i := range 4 {
				b.note("weights", weights(tap, i))
				b.VMOVDQU32(mem(w, 256*tap+64*i), weights(tap, i))
			}
		}
		b.note("0", v(zero))
		b.VPXORD(v(zero), v(zero), v(zero))
		t.start = func(set int) {
			for i := range 4 {
				b.note("sums", sums(set, i))
				b.VMOVDQU32(mem(bias, 64*i), sums(set, i))
			}
		}
		load := func(from operand.Mem, i int) {
			if masked {
				b.VMOVDQU8_Z(from, reg.K1, v(raw+i))
			} else {
				b.VMOVDQU8(from, v(raw+i))
			}
		}
		t.column = func(uses []use) {
			b.note("rows of taps, then the third one's bytes and 0", v(raw), v(raw+1), v(raw+2))
			b.note("bytes of two rows, then of all three", v(words), v(words+1), v(words+2), v(words+3))
			load(mem(t.in, 0), 0)
			load(index(t.in, t.row, 1), 1)
			b.VPUNPCKLBW(v(raw+1), v(raw), v(words))
			b.VPUNPCKHBW(v(raw+1), v(raw), v(words+2))
			load(index(t.in, t.row, 2), 0)
			b.VPUNPCKLBW(v(zero), v(raw), v(raw+1))
			b.VPUNPCKHBW(v(zero), v(raw), v(raw+2))
			for half := range 2 {
				two, third := v(words+2*half), v(raw+1+half)
				b.VPUNPCKHWD(third, two, v(words+2*half+1))
				b.VPUNPCKLWD(third, two, two)
			}
			for _, u := range uses {
				for i := range 4 {
					b.VPDPBUSD(weights(u.tap, i), v(words+i), sums(u.set, i))
				}
			}
		}
		t.finish = func(set int) {
			for i := range 4 {
				b.scale(sums(set, i), mem(scale, 64*i))
			}
			t.residual(func(from operand.Mem) {
				b.note("residual, then words of it", v(raw), v(raw+1), v(raw+2))
				b.note("residual, widened", v(words), v(words+1), v(words+2), v(words+3))
				load(from, 0)
				b.VPUNPCKLBW(v(zero), v(raw), v(raw+1))
				b.VPUNPCKHBW(v(zero), v(raw), v(raw+2))
				for i := range 4 {
					r, s := v(words+i), sums(set, i)
					if i%2 == 0 {
						b.VPUNPCKLWD(v(zero), v(raw+1+i/2), r)
					} else {
						b.VPUNPCKHWD(v(zero), v(raw+1+i/2), r)
					}
					b.VPSUBD_BCST(b.field("DZero"), r, r)
					b.VCVTDQ2PS(r, r)
					b.VMULPS_BCST(b.field("DScale"), r, r)
					b.VADDPS(r, s, s)
					b.VMINPS_BCST(t.most, s, s)
				}
			})
			for i := range 4 {
				b.VCVTPS2DQ(sums(set, i), sums(set, i))
			}
			limits.pack(b, []vec{sums(set, 0), sums(set, 1), sums(set, 2), sums(set, 3)}, v(words))
			if masked {
				b.VMOVDQU8(sums(set, 0), reg.K1, mem(t.out, 0))
			} else {
				b.VMOVDQU8(sums(set, 0), mem(t.out, 0))
			}
		}
		t.all(t.pixels)
	}
	advance := func(bytes, weights, words int) {
		b.ADDQ(imm(bytes), t.x)
		b.ADDQ(imm(bytes), t.to)
		b.ADDQ(imm(weights), w)
		b.ADDQ(imm(words), bias)
		b.ADDQ(imm(words), scale)
	}
	fewer, blocks := b.label("fewer"), b.load("C")
	b.SHRQ(imm(6), blocks)
	b.JEQ(operand.LabelRef(fewer))
	left := b.AllocLocal(8)
	b.MOVQ(blocks, left)
	b.loop("block", left, func() {
		pass(64, false)
		advance(64, 768, 256)
	})
	b.Label(fewer)
	for _, bytes := range []int{32, 16} {
		none := b.label("none")
		b.TESTB(imm(bytes), b.field("C"))
		b.JEQ(operand.LabelRef(none))
		pass(bytes, false)
		advance(bytes, bytes, bytes)
		b.Label(none)
	}
	done, last := b.label("done"), b.load("C")
	b.ANDQ(imm(15), last)
	b.JEQ(operand.LabelRef(done))
	b.columnMask(last)
	pass(16, true)
	b.Label(done)
	b.VZEROUPPER()
}

// byteLimits are, on the stack, what results of bytes are made with: Zero, and the
// bounds, each in all lanes of 32 bits.
type byteLimits struct{ zero, lo, hi operand.Mem }

func (b *builder) byteLimits() byteLimits {
	l := byteLimits{b.AllocLocal(8), b.AllocLocal(8), b.AllocLocal(8)}
	zero := b.GP32()
	b.MOVL(b.field("Zero"), zero)
	words := b.GP32()
	b.MOVL(zero, words)
	b.SHLL(imm(16), words)
	b.ORL(zero, words)
	b.MOVL(words, l.zero)
	for i, field := range []string{"Lo", "Hi"} {
		bound := b.GP32()
		b.note("a bound", x(0))
		b.VMOVSS(b.field(field), x(0))
		b.VCVTSS2SI(x(0), bound)
		b.ADDL(zero, bound)
		b.IMUL3L(operand.I32(0x01010101), bound, bound)
		b.MOVL(bound, []operand.Mem{l.lo, l.hi}[i])
	}
	return l
}

// pack makes bytes of one, two or four vectors of rounded values, in the first: of
// more than one in the order that interleaving has changed, which made them of one
// or of half of one. What is beyond int16 becomes the least or the greatest of them.
// It destroys constant.
func (l byteLimits) pack(b *builder, v []vec, constant vec) {
	b.note("what is added to results, or bounds them", constant)
	b.VPBROADCASTD(l.zero, constant)
	words := v[:(len(v)+1)/2]
	for i := range words {
		words[i] = v[2*i]
		b.VPACKSSDW(v[min(2*i+1, len(v)-1)], v[2*i], words[i])
		b.VPADDSW(constant, words[i], words[i])
	}
	b.VPACKUSWB(words[len(words)-1], words[0], words[0])
	b.VPBROADCASTD(l.lo, constant)
	b.VPMAXUB(constant, words[0], words[0])
	b.VPBROADCASTD(l.hi, constant)
	b.VPMINUB(constant, words[0], words[0])
}
