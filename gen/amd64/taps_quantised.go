package amd64

import (
	"github.com/mmcloughlin/avo/operand"

	"github.com/infer-go/infer/gen/spec"
)

// quantisedPatch emits body for every patch of so many pixels by some channels,
// as long as so many pixels are left.
func (s *slide) quantisedPatch(pixels int, body func(l lanes, offset reg64)) {
	top, fewer := s.label("pixels"), s.label("fewer")
	s.Label(top)
	s.CMPQ(s.left, imm(pixels))
	s.JLT(operand.LabelRef(fewer))
	offset := s.GP64()
	s.lanesOf(s.lanesOfTier(), s.load("C"), offset, func(l lanes) { body(l, offset) })
	stride := s.load("XStride")
	for range pixels {
		s.ADDQ(stride, s.in)
	}
	stride = s.load("YStride")
	for range pixels {
		s.ADDQ(stride, s.out)
	}
	s.SUBQ(imm(pixels), s.left)
	s.JMP(operand.LabelRef(top))
	s.Label(fewer)
}

// quantisedTaps emits the loops over a window: each for every tap, with its
// address for every pixel, and end after a row of taps.
func (s *slide) quantisedTaps(pixels int, offset reg64, each func(tap rows), end func()) {
	first := s.GP64()
	s.LEAQ(index(s.in, offset, 1), first)
	stride := first
	if pixels > 1 {
		stride = s.load("XStride")
	}
	tap := s.rowsFrom(first, stride, pixels)
	s.loop("row", s.load("Rows"), func() {
		s.loop("tap", s.load("Cols"), func() {
			each(tap)
			tap.advance(s.field("XCol"))
		})
		tap.advance(s.skip)
		end()
	})
}

// depthwiseQuantised emits the weighted sum over a window's taps, for up to seven
// pixels at a time: rows are often 7, 14 or 28 pixels long, and seven vectors of sums
// leave AVX2 the registers for the rest.
func depthwiseQuantised(b *builder) {
	b.doc("the weighted sum over a window's taps, channel by channel")
	skip := b.AllocLocal(8)
	b.MOVQ(b.skipOver("WRow", "WCol"), skip)
	s := b.slide()
	lanes{builder: b, n: b.lanesOfTier()}.finishIn()
	for _, pixels := range []int{7, 4, 2, 1} {
		s.quantisedPatch(pixels, func(l lanes, offset reg64) {
			for i := range pixels {
				l.note("sums", l.vec(i))
			}
			l.note("weights", l.vec(8))
			l.note("a tap's elements", l.vec(9))
			l.note("products", l.vec(10))
			l.note("multipliers", l.vec(11))
			bias := b.load("Bias")
			l.words(operand.Mem{Base: bias, Index: offset, Scale: 4}, 0)
			for i := 1; i < pixels; i++ {
				b.VMOVAPS(l.vec(0), l.vec(i))
			}
			weights := b.load("W")
			b.ADDQ(offset, weights)
			s.quantisedTaps(pixels, offset, func(tap rows) {
				l.weights(mem(weights, 0), 8)
				b.ADDQ(b.field("WCol"), weights)
				for i := range pixels {
					l.elements(tap.at(i, 0), 9)
					l.multiplyAdd(9, 8, 10, i)
				}
			}, func() { b.ADDQ(skip, weights) })
			l.words(operand.Mem{Base: b.load("Scale"), Index: offset, Scale: 4}, 11)
			for i := range pixels {
				b.VCVTDQ2PS(l.vec(i), l.vec(i))
				b.VMULPS(l.vec(11), l.vec(i), l.vec(i))
			}
			s.addResidual(l, pixels, offset)
			to, stride := b.copy(s.out), b.load("YStride")
			for i := range pixels {
				l.finish(i, l.resultAt(to, offset))
				if i < pixels-1 {
					b.ADDQ(stride, to)
				}
			}
		})
	}
	b.VZEROUPPER()
}

// addResidual adds the residual of a patch, if there is one, to its values. It
// destroys registers 8, 9 and 10.
func (s *slide) addResidual(l lanes, pixels int, offset reg64) {
	none := s.label("noresidual")
	s.CMPQ(s.field("D"), imm(0))
	s.JEQ(operand.LabelRef(none))
	l.broadcastField("DZero", "DZero", 8)
	l.broadcastField("DScale", "DScale", 10)
	l.note("residual", l.vec(9))
	at, stride := s.copy(s.out), s.load("YStride")
	s.SUBQ(s.field("Y"), at)
	if s.kernel.Result == spec.F32 {
		s.SHRQ(imm(2), at)
		s.SHRQ(imm(2), stride)
	}
	s.ADDQ(s.field("D"), at)
	for i := range pixels {
		l.elements(index(at, offset, 1), 9)
		s.VPSUBD(l.vec(8), l.vec(9), l.vec(9))
		s.VCVTDQ2PS(l.vec(9), l.vec(9))
		s.VMULPS(l.vec(10), l.vec(9), l.vec(9))
		s.VADDPS(l.vec(9), l.vec(i), l.vec(i))
		if i < pixels-1 {
			s.ADDQ(stride, at)
		}
	}
	s.Label(none)
}

// averagePoolQuantised emits the sum over a window's taps, times a factor.
func averagePoolQuantised(b *builder) {
	b.doc("the mean over a window's taps, channel by channel")
	s := b.slide()
	whole := lanes{builder: b, n: b.lanesOfTier()}
	whole.finishIn()
	whole.broadcastField("Offset", "Offset", 10)
	whole.broadcastField("Factor", "Factor", 11)
	s.quantisedPatch(1, func(l lanes, offset reg64) {
		l.note("sums", l.vec(0))
		l.note("a tap's elements", l.vec(9))
		b.VMOVAPS(l.vec(10), l.vec(0))
		s.quantisedTaps(1, offset, func(tap rows) {
			l.elements(tap.at(0, 0), 9)
			b.VPADDD(l.vec(9), l.vec(0), l.vec(0))
		}, func() {})
		b.VCVTDQ2PS(l.vec(0), l.vec(0))
		b.VMULPS(l.vec(11), l.vec(0), l.vec(0))
		l.finish(0, l.resultAt(s.out, offset))
	})
	b.VZEROUPPER()
}

// maxPoolQuantised emits the maximum over a window's taps, of bytes: 32 of them
// at a time, then 8, then one by one.
func maxPoolQuantised(b *builder) {
	b.doc("the maximum over a window's taps, channel by channel")
	b.note("maxima", y(0))
	b.note("a tap's elements", y(1))
	s := b.slide()
	top, done := b.label("pixel"), b.label("done")
	b.Label(top)
	b.CMPQ(s.left, imm(0))
	b.JEQ(operand.LabelRef(done))
	offset := b.GP64()
	b.XORQ(offset, offset)
	left := b.AllocLocal(8)
	b.MOVQ(b.load("C"), left)
	for _, n := range []int{32, 8, 1} {
		block, fewer := b.label("block"), b.label("fewer")
		b.Label(block)
		b.CMPQ(left, imm(n))
		b.JLT(operand.LabelRef(fewer))
		b.VPXOR(y(0), y(0), y(0))
		s.quantisedTaps(1, offset, func(tap rows) {
			switch n {
			case 32:
				b.VPMAXUB(tap.at(0, 0), y(0), y(0))
				return
			case 8:
				b.VMOVQ(tap.at(0, 0), x(1))
			case 1:
				e := b.GP32()
				b.MOVBLZX(tap.at(0, 0), e)
				b.VMOVD(e, x(1))
			}
			b.VPMAXUB(x(1), x(0), x(0))
		}, func() {})
		switch to := index(s.out, offset, 1); n {
		case 32:
			b.VMOVDQU(y(0), to)
		case 8:
			b.VMOVQ(x(0), to)
		case 1:
			b.VPEXTRB(imm(0), x(0), to)
		}
		b.ADDQ(imm(n), offset)
		b.SUBQ(imm(n), left)
		b.JMP(operand.LabelRef(block))
		b.Label(fewer)
	}
	b.ADDQ(b.field("XStride"), s.in)
	b.ADDQ(b.field("YStride"), s.out)
	b.DECQ(s.left)
	b.JMP(operand.LabelRef(top))
	b.Label(done)
	b.VZEROUPPER()
}
