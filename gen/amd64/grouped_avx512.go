package amd64

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// groupedWide emits grouped for vectors of sixteen channels, of two groups or four.
// What a permutation spreads in a quarter of a vector is multiplied by the weights of
// all taps of a row that it is an element of: eight pixels of a 3×3 window take 40
// permutations for 96 multiply-adds, where one for each of those would leave too few
// cycles.
func groupedWide(b *builder) {
	b.doc("the weighted sum over a window's taps and " + b.kernel.Variant + " channels")
	skip, wrow := b.AllocLocal(8), b.AllocLocal(8)
	b.MOVQ(b.skipOver("WRow", "WCol"), skip)
	b.MOVQ(b.load("WRow"), wrow)
	s := b.slide()
	for _, stride := range []int{1, 2} {
		other := b.label("other")
		b.Comment(fmt.Sprintf("Rows of three taps, %d apart from pixel to pixel.", stride))
		b.CMPQ(b.field("Cols"), imm(3))
		b.JNE(operand.LabelRef(other))
		step := b.load("XCol")
		b.SHLQ(imm(stride-1), step)
		b.CMPQ(step, b.field("XStride"))
		b.JNE(operand.LabelRef(other))
		for _, pixels := range []int{8, 4, 2} {
			s.widePatches(pixels, func(p patch, four int, weights reg64) { s.spreadTaps(p, four, weights, stride, wrow) })
		}
		b.Label(other)
	}
	b.Comment("All other windows, and the last pixels.")
	for _, pixels := range []int{8, 4, 2, 1} {
		s.widePatches(pixels, func(p patch, four int, weights reg64) {
			s.taps(p, func(tap []row) {
				p.wideWeights(weights, 1)
				for i := range p.pixels {
					p.spread(tap[i](0), four, func(k int, spread vec) {
						b.VFMADD231PS(spread, p.wideWeight(0, k), z(i))
					})
				}
				b.ADDQ(b.field("WCol"), weights)
			}, func() { b.ADDQ(skip, weights) })
		})
	}
	b.VZEROUPPER()
}

// widePatches is patches for one vector of sixteen channels, of which K1 selects
// those that are there. It starts the sums of pixel i, in register i, at the bias,
// and clamps and stores them. body is emitted for every four channels of groups.
func (s *slide) widePatches(pixels int, body func(p patch, four int, weights reg64)) {
	b := s.builder
	top, fewer := b.label("pixels"), b.label("fewer")
	b.Label(top)
	b.CMPQ(s.left, imm(pixels))
	b.JLT(operand.LabelRef(fewer))
	p := patch{builder: b, pixels: pixels, vectors: 1, offset: b.GP64(), stride: b.load("XStride")}
	b.XORQ(p.offset, p.offset)
	channels := b.label("channels")
	left := b.AllocLocal(8)
	b.MOVQ(b.load("C"), left)
	b.Label(channels)
	n, most := b.GP64(), b.GP64()
	b.MOVQ(left, n)
	b.MOVQ(operand.I32(16), most)
	b.CMPQ(n, most)
	b.CMOVQGT(most, n)
	b.columnMask(n)

	b.note("sums", zs(0, 8)...)
	at := b.load("Bias")
	b.VMOVUPS_Z(index(at, p.offset, 1), reg.K1, z(0))
	for i := 1; i < pixels; i++ {
		b.VMOVAPS(z(0), z(i))
	}
	weights := b.load("W")
	b.ADDQ(p.offset, weights)
	b.eachFour(weights, func(four int, weights reg64) { body(p, four, weights) })

	b.note("Lo", z(20))
	b.note("Hi", z(21))
	b.VBROADCASTSS(b.field("Lo"), z(20))
	b.VBROADCASTSS(b.field("Hi"), z(21))
	to := b.GP64()
	b.LEAQ(index(s.out, p.offset, 1), to)
	out := b.rowsFrom(to, b.load("YStride"), pixels)
	// The minimum and the maximum return their second source if either is NaN, so
	// that is the sum.
	for i := range pixels {
		b.VMAXPS(z(i), z(20), z(i))
		b.VMINPS(z(i), z(21), z(i))
		b.VMOVUPS(z(i), reg.K1, out.at(i, 0))
	}
	b.ADDQ(imm(64), p.offset)
	b.SUBQ(imm(16), left)
	b.JGT(operand.LabelRef(channels))
	b.skip(s.in, p.stride, pixels)
	b.skip(s.out, b.load("YStride"), pixels)
	b.SUBQ(imm(pixels), s.left)
	b.JMP(operand.LabelRef(top))
	b.Label(fewer)
}

// wideWeights loads the weights of taps taps side by side, four vectors each.
func (p patch) wideWeights(weights reg64, taps int) {
	b := p.builder
	b.note("weights", zs(8, 4*taps)...)
	tap := b.copy(weights)
	for t := range taps {
		if t > 0 {
			b.ADDQ(b.field("WCol"), tap)
		}
		w := b.rowsFrom(b.copy(tap), b.load("WIn"), 4)
		for k := range 4 {
			b.VMOVUPS_Z(w.at(k, 0), reg.K1, p.wideWeight(t, k))
		}
	}
}

// wideWeight is the register of a tap's weights for channel k of the groups.
func (patch) wideWeight(tap, k int) vec { return z(8 + 4*tap + k) }

// spread loads a pixel's elements and calls multiply with each of four of every
// group, as many times side by side as a group has channels.
func (p patch) spread(from operand.Mem, four int, multiply func(k int, spread vec)) {
	b := p.builder
	b.note("a pixel's elements", z(20))
	b.note("one element of each group, for all its channels", zs(21, 4)...)
	b.VMOVUPS_Z(from, reg.K1, z(20))
	if b.kernel.Variant == "8" {
		// Quarters 0 and 2 of the vector, or 1 and 3, twice each.
		b.VSHUFF32X4(operand.Imm([]uint64{0xa0, 0xf5}[four]), z(20), z(20), z(20))
	}
	for k := range 4 {
		b.VPERMILPS(operand.Imm(uint64(k*0x55)), z(20), z(21+k))
		multiply(k, z(21+k))
	}
}

// spreadTaps emits the sums of a window whose rows have three taps, side by side,
// and whose pixels are so many taps apart.
func (s *slide) spreadTaps(p patch, four int, weights reg64, stride int, wrow operand.Mem) {
	b := s.builder
	const cols = 3
	first, col := b.GP64(), b.load("XCol")
	b.LEAQ(index(s.in, p.offset, 1), first)
	b.loop("row", b.load("Rows"), func() {
		p.wideWeights(weights, cols)
		x := b.copy(first)
		for j := range (p.pixels-1)*stride + cols {
			if j > 0 {
				b.ADDQ(col, x)
			}
			p.spread(mem(x, 0), four, func(k int, spread vec) {
				for tap := range cols {
					if i := j - tap; i >= 0 && i%stride == 0 && i/stride < p.pixels {
						b.VFMADD231PS(spread, p.wideWeight(tap, k), z(i/stride))
					}
				}
			})
		}
		b.ADDQ(b.field("XRow"), first)
		b.ADDQ(wrow, weights)
	})
}
