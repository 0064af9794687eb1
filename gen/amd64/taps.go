package amd64

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
)

// A patch is what a kernel that slides a window over a map computes at a time:
// some neighbouring pixels, by some vectors of channels, of which the last may
// be cut short. Register vectors·i+v holds pixel i's vector v.
type patch struct {
	*builder
	pixels, vectors int
	masked          bool // only the lanes that Y15 selects are there

	offset reg64 // of the first channel, in bytes
	stride reg64 // from pixel to pixel
}

// A row is the address of a pixel's channels.
type row func(vector int) operand.Mem

// A slide is the loops of such a kernel: pixels, then channels, then the
// window's rows and columns. They take more counters and steps than there are
// registers; those of the outer loops stand on the stack.
type slide struct {
	*builder
	in, out reg64       // the first pixel of a patch
	left    operand.Mem // pixels to do
	skip    operand.Mem // bytes from behind a row of taps to the next one
}

func (b *builder) slide() *slide {
	s := &slide{builder: b, in: b.load("X"), out: b.load("Y"), left: b.AllocLocal(8), skip: b.AllocLocal(8)}
	b.MOVQ(b.load("Pixels"), s.left)
	b.MOVQ(b.skipOver("XRow", "XCol"), s.skip)
	return s
}

// patches emits body for every patch of so many pixels, as long as so many are
// left, by so many vectors, and stores what it leaves.
func (s *slide) patches(pixels, vectors int, body func(p patch)) {
	top, fewer := s.label("pixels"), s.label("fewer")
	s.Label(top)
	s.CMPQ(s.left, imm(pixels))
	s.JLT(operand.LabelRef(fewer))
	p := patch{builder: s.builder, pixels: pixels, vectors: vectors, offset: s.GP64(), stride: s.load("XStride")}
	s.XORQ(p.offset, p.offset)
	s.channels(p, func(p patch) {
		body(p)
		s.storePatch(p, s.out)
	})
	for range pixels {
		s.ADDQ(p.stride, s.in)
	}
	ys := s.load("YStride")
	for range pixels {
		s.ADDQ(ys, s.out)
	}
	s.SUBQ(imm(pixels), s.left)
	s.JMP(operand.LabelRef(top))
	s.Label(fewer)
}

// skipOver is the bytes from behind a row of taps to the next one.
func (b *builder) skipOver(row, col string) reg64 {
	skip, width := b.load(row), b.load(col)
	b.IMULQ(b.field("Cols"), width)
	b.SUBQ(width, skip)
	return skip
}

// channels emits body for every vectors vectors of channels, for the smaller
// powers of two of vectors that are left, and for the up to 7 channels that
// are left after them.
func (b *builder) channels(p patch, body func(p patch)) {
	b.masked = true
	rest, done := b.label("rest"), b.label("done")
	count := b.AllocLocal(8)
	n := b.load("C")
	b.SHRQ(imm(2+bits.Len(uint(p.vectors))), n)
	b.JEQ(operand.LabelRef(rest))
	b.MOVQ(n, count)
	top := b.label("channels")
	b.Label(top)
	body(p)
	b.ADDQ(imm(32*p.vectors), p.offset)
	b.DECQ(count)
	b.JNE(operand.LabelRef(top))
	b.Label(rest)
	for p.vectors /= 2; p.vectors > 0; p.vectors /= 2 {
		none := b.label("none")
		b.TESTB(imm(8*p.vectors), b.field("C"))
		b.JEQ(operand.LabelRef(none))
		body(p)
		b.ADDQ(imm(32*p.vectors), p.offset)
		b.Label(none)
	}
	p.vectors, p.masked = 1, true
	n = b.load("C")
	b.ANDQ(imm(7), n)
	b.JEQ(operand.LabelRef(done))
	b.setMask(n)
	body(p)
	b.Label(done)
}

// taps emits the loops over a window: each for every tap, with the pixels'
// elements, and end after a row of taps.
func (s *slide) taps(p patch, each func(tap []row), end func()) {
	b := s.builder
	first := b.GP64()
	b.LEAQ(index(s.in, p.offset, 1), first)
	tap := b.rowsFrom(first, p.stride, p.pixels)
	elements := make([]row, p.pixels)
	for i := range elements {
		elements[i] = func(vector int) operand.Mem { return tap.at(i, 32*vector) }
	}
	col := b.load("XCol")
	b.loop("row", b.load("Rows"), func() {
		b.loop("tap", b.load("Cols"), func() {
			each(elements)
			tap.advance(col)
		})
		tap.advance(s.skip)
		end()
	})
}

// sum is the register of pixel i's vector v.
func (p patch) sum(i, v int) vec { return y(p.vectors*i + v) }

// each calls f for every register of the patch.
func (p patch) each(f func(i, v int)) {
	for i := range p.pixels {
		for v := range p.vectors {
			f(i, v)
		}
	}
}

// load emits the load of a vector of channels.
func (p patch) load(from operand.Mem, to vec) {
	if p.masked {
		p.VMASKMOVPS(from, y(15), to)
	} else {
		p.VMOVUPS(from, to)
	}
}

// storePatch emits the store of the results.
func (b *builder) storePatch(p patch, out reg64) {
	at := b.GP64()
	b.LEAQ(index(out, p.offset, 1), at)
	to := b.rowsFrom(at, b.load("YStride"), p.pixels)
	p.each(func(i, v int) {
		if p.masked {
			b.VMASKMOVPS(p.sum(i, v), y(15), to.at(i, 32*v))
		} else {
			b.VMOVUPS(p.sum(i, v), to.at(i, 32*v))
		}
	})
}

// clampPatch clamps the results.
func clampPatch(p patch) {
	p.limits()
	p.each(func(i, v int) { p.clamp(p.vectors*i + v) })
}

// depthwise emits the sum over a window's taps of products with one weight for
// each tap and channel.
func depthwise(b *builder) {
	b.doc("the weighted sum over a window's taps, channel by channel")
	b.note("sums", ys(0, 8)...)
	b.note("weights", ys(8, 6)...)
	b.note("a tap's elements", ys(14, 2)...)
	skip, wrow := b.AllocLocal(8), b.AllocLocal(8)
	b.MOVQ(b.skipOver("WRow", "WCol"), skip)
	b.MOVQ(b.load("WRow"), wrow)
	s := b.slide()
	for _, cols := range []int{3, 5} {
		for _, stride := range []int{1, 2} {
			other := b.label("other")
			b.Comment(fmt.Sprintf("Rows of %d taps, %d apart from pixel to pixel.", cols, stride))
			b.CMPQ(b.field("Cols"), imm(cols))
			b.JNE(operand.LabelRef(other))
			step := b.load("XCol")
			b.SHLQ(imm(stride-1), step)
			b.CMPQ(step, b.field("XStride"))
			b.JNE(operand.LabelRef(other))
			s.patches(4, 2, func(p patch) {
				weights := p.startBias()
				s.sharedTaps(p, weights, cols, stride, wrow)
				clampPatch(p)
			})
			b.Label(other)
		}
	}
	b.Comment("All other windows, and the last pixels.")
	for _, pixels := range []int{4, 2, 1} {
		s.patches(pixels, min(8/pixels, 4), func(p patch) {
			weights := p.startBias()
			s.taps(p, func(tap []row) {
				for v := range p.vectors {
					p.load(mem(weights, 32*v), y(8+v))
				}
				b.LEAQ(index(weights, b.load("WCol"), 1), weights)
				p.each(func(i, v int) {
					if p.masked {
						p.load(tap[i](v), y(14))
						b.VFMADD231PS(y(14), y(8), p.sum(i, v))
					} else {
						b.VFMADD231PS(tap[i](v), y(8+v), p.sum(i, v))
					}
				})
			}, func() { b.ADDQ(skip, weights) })
			clampPatch(p)
		})
	}
	b.VZEROUPPER()
}

// grouped emits the sum over a window's taps of products with a weight for each
// tap, channel and channel of the same group, four of the latter at a time. Those
// lie in each half of a vector, in which a permutation spreads each of them.
func grouped(b *builder) {
	b.doc("the weighted sum over a window's taps and " + b.kernel.Variant + " channels")
	b.note("sums", ys(0, 8)...)
	b.note("weights", ys(8, 4)...)
	b.note("a tap's elements", y(12))
	b.note("one of each four elements, four times", ys(13, 2)...)
	skip := b.AllocLocal(8)
	b.MOVQ(b.skipOver("WRow", "WCol"), skip)
	s := b.slide()
	for _, pixels := range []int{4, 2, 1} {
		s.patches(pixels, 2, func(p patch) {
			first := p.startBias()
			b.eachFour(first, func(four int, weights reg64) {
				s.taps(p, func(tap []row) {
					w := b.rowsFrom(b.copy(weights), b.load("WIn"), 4)
					for v := range p.vectors {
						for k := range 4 {
							p.load(w.at(k, 32*v), y(8+k))
						}
						for i := range p.pixels {
							elements := tap[i](v)
							if b.kernel.Variant == "8" {
								elements.Disp += 16 * four
								b.VBROADCASTF128(elements, y(12))
							} else {
								p.load(elements, y(12))
							}
							for k := range 4 {
								spread := y(13 + k%2)
								b.VPERMILPS(operand.Imm(uint64(k*0x55)), y(12), spread)
								b.VFMADD231PS(y(8+k), spread, p.sum(i, v))
							}
						}
					}
					b.ADDQ(b.field("WCol"), weights)
				}, func() { b.ADDQ(skip, weights) })
			})
			clampPatch(p)
		})
	}
	b.VZEROUPPER()
}

// eachFour emits body for every four channels of grouped's groups, with the address
// of their first weights.
func (b *builder) eachFour(first reg64, body func(four int, weights reg64)) {
	if b.kernel.Variant == "4" {
		body(0, first)
		return
	}
	second := b.AllocLocal(8)
	at := b.load("WIn")
	b.SHLQ(imm(2), at)
	b.ADDQ(first, at)
	b.MOVQ(at, second)
	body(0, first)
	weights := b.GP64()
	b.MOVQ(second, weights)
	body(1, weights)
}

// startBias sets the sums to the bias, and returns the address of the patch's
// first weights.
func (p patch) startBias() (weights reg64) {
	bias := p.builder.load("Bias")
	for v := range p.vectors {
		p.load(operand.Mem{Base: bias, Index: p.offset, Scale: 1, Disp: 32 * v}, p.sum(0, v))
		for i := 1; i < p.pixels; i++ {
			p.VMOVAPS(p.sum(0, v), p.sum(i, v))
		}
	}
	weights = p.builder.load("W")
	p.ADDQ(p.offset, weights)
	return weights
}

// sharedTaps emits the sums of a window whose rows have so many taps, side by
// side, and whose pixels are so many taps apart: an element is loaded once for
// all pixels that it is a tap of, and a row's weights once for all pixels.
// Four pixels by 16 channels of a 3×3 window take 54 loads for 72
// multiply-adds, where a load for each of those would take 90.
func (s *slide) sharedTaps(p patch, weights reg64, cols, stride int, wrow operand.Mem) {
	b := s.builder
	first, col, wcol := b.GP64(), b.load("XCol"), b.load("WCol")
	b.LEAQ(index(s.in, p.offset, 1), first)
	// As many vectors at a time as there are registers for their weights.
	together := min(p.vectors, 6/cols)
	b.loop("row", b.load("Rows"), func() {
		w := b.rowsFrom(b.copy(weights), wcol, cols)
		for from := 0; from < p.vectors; from += together {
			for k := range cols {
				for v := range together {
					p.load(w.at(k, 32*(from+v)), y(8+k*together+v))
				}
			}
			x := b.copy(first)
			for j := range (p.pixels-1)*stride + cols {
				if j > 0 {
					b.ADDQ(col, x)
				}
				for v := range together {
					element := y(14 + v)
					p.load(mem(x, 32*(from+v)), element)
					for k := range cols {
						if i := j - k; i >= 0 && i%stride == 0 && i/stride < p.pixels {
							b.VFMADD231PS(element, y(8+k*together+v), p.sum(i/stride, from+v))
						}
					}
				}
			}
		}
		b.LEAQ(index(first, b.load("XRow"), 1), first)
		b.ADDQ(wrow, weights)
	})
}

// maxPool emits the maximum over a window's taps, channel by channel. A NaN
// among them shows as all ones in a mask that is or-ed into the maximum.
func maxPool(b *builder) {
	b.doc("the maximum over a window's taps, channel by channel")
	b.note("maxima", ys(0, 4)...)
	b.note("all ones where a NaN was seen", ys(4, 4)...)
	b.note("−Inf", y(14))
	b.broadcast(float32(math.Inf(-1)), 14)
	s := b.slide()
	for _, pixels := range []int{2, 1} {
		s.patches(pixels, 4/pixels, func(p patch) {
			nan := func(i, v int) vec { return y(4 + p.vectors*i + v) }
			p.each(func(i, v int) {
				b.VMOVAPS(y(14), p.sum(i, v))
				b.VXORPS(nan(i, v), nan(i, v), nan(i, v))
			})
			s.taps(p, func(tap []row) {
				p.each(func(i, v int) {
					x, isNaN := y(8+v%2*2), y(9+v%2*2)
					b.note("a tap's elements", x)
					b.note("all ones where they are NaN", isNaN)
					p.load(tap[i](v), x)
					b.VCMPPS(unordered, x, x, isNaN)
					b.VORPS(isNaN, nan(i, v), nan(i, v))
					b.VMAXPS(x, p.sum(i, v), p.sum(i, v))
				})
			}, func() {})
			clampPatch(p)
			p.each(func(i, v int) { b.VORPS(nan(i, v), p.sum(i, v), p.sum(i, v)) })
		})
	}
	b.VZEROUPPER()
}

// averagePool emits the mean over a window's taps, channel by channel, in
// float64.
func averagePool(b *builder) {
	if b.kernel.Variant == "narrow" {
		averagePoolNarrow(b)
		return
	}
	b.doc("the mean over a window's taps, channel by channel")
	b.note("means", ys(0, 4)...)
	b.note("sums of four channels in float64", ys(4, 8)...)
	b.note("a tap's elements", ys(12, 2)...)
	b.note("Count", y(14))
	b.VBROADCASTSD(b.field("Count"), y(14))
	s := b.slide()
	s.patches(1, 4, func(p patch) {
		for half := range 2 * p.vectors {
			b.VXORPD(y(4+half), y(4+half), y(4+half))
		}
		s.taps(p, func(tap []row) {
			if p.masked {
				p.load(tap[0](0), y(12))
				b.VEXTRACTF128(imm(1), y(12), x(13))
				for half := range 2 {
					b.VCVTPS2PD(x(12+half), y(12+half))
					b.VADDPD(y(12+half), y(4+half), y(4+half))
				}
				return
			}
			for half := range 2 * p.vectors {
				elements := tap[0](0)
				elements.Disp += 16 * half
				b.VCVTPS2PD(elements, y(12+half%2))
				b.VADDPD(y(12+half%2), y(4+half), y(4+half))
			}
		}, func() {})
		for half := range 2 * p.vectors {
			b.VDIVPD(y(14), y(4+half), y(4+half))
			b.VCVTPD2PSY(y(4+half), x(4+half))
		}
		for v := range p.vectors {
			b.VINSERTF128(imm(1), x(5+2*v), y(4+2*v), p.sum(0, v))
		}
	})
	b.VZEROUPPER()
}

// averagePoolNarrow emits the mean over the taps of a window of up to three
// columns. Four pixels beside one another share the sums of their columns: those
// of a 3×3 window take 26 additions, where 32 would do without and 36 conversions
// and as many additions in float64, of half as many elements each.
func averagePoolNarrow(b *builder) {
	b.doc("the mean over the taps of a window of up to three columns, channel by channel")
	b.note("means", ys(0, 4)...)
	b.note("sums of columns", ys(4, 9)...)
	b.note("a tap's elements", y(13))
	b.note("Count", y(14))
	b.VCVTSD2SS(b.field("Count"), x(14), x(14))
	b.VBROADCASTSS(x(14), y(14))
	s := b.slide()
	for _, cols := range []int{3, 2} {
		for _, stride := range []int{1, 2} {
			other := b.label("other")
			b.Comment(fmt.Sprintf("%d columns, %d apart from pixel to pixel.", cols, stride))
			b.CMPQ(b.field("Cols"), imm(cols))
			b.JNE(operand.LabelRef(other))
			step := b.load("XCol")
			b.SHLQ(imm(stride-1), step)
			b.CMPQ(step, b.field("XStride"))
			b.JNE(operand.LabelRef(other))
			s.patches(4, 1, func(p patch) { s.sharedColumns(p, cols, stride) })
			b.Label(other)
		}
	}
	b.Comment("All other windows, and the last pixels.")
	s.patches(1, 4, func(p patch) {
		column := b.GP64()
		b.LEAQ(index(s.in, p.offset, 1), column)
		for v := range p.vectors {
			b.VXORPS(y(v), y(v), y(v))
		}
		b.loop("column", b.load("Cols"), func() {
			for v := range p.vectors {
				b.VXORPS(y(4+v), y(4+v), y(4+v))
			}
			tap := b.copy(column)
			b.loop("row", b.load("Rows"), func() {
				for v := range p.vectors {
					p.add(mem(tap, 32*v), y(4+v))
				}
				b.ADDQ(b.field("XRow"), tap)
			})
			for v := range p.vectors {
				b.VADDPS(y(4+v), y(v), y(v))
			}
			b.ADDQ(b.field("XCol"), column)
		})
		for v := range p.vectors {
			b.VDIVPS(y(14), y(v), y(v))
		}
	})
	b.VZEROUPPER()
}

// sharedColumns emits the means of a patch of one vector whose windows have so
// many columns, side by side, and whose pixels are so many columns apart.
func (s *slide) sharedColumns(p patch, cols, stride int) {
	b := s.builder
	sum := func(j int) vec { return y(4 + j) }
	count := (p.pixels-1)*stride + cols
	for j := range count {
		b.VXORPS(sum(j), sum(j), sum(j))
	}
	first, col := b.GP64(), b.load("XCol")
	b.LEAQ(index(s.in, p.offset, 1), first)
	b.loop("row", b.load("Rows"), func() {
		tap := b.copy(first)
		for j := range count {
			if j > 0 {
				b.ADDQ(col, tap)
			}
			p.add(mem(tap, 0), sum(j))
		}
		b.ADDQ(b.field("XRow"), first)
	})
	for i := range p.pixels {
		b.VADDPS(sum(i*stride+1), sum(i*stride), p.sum(i, 0))
		for k := 2; k < cols; k++ {
			b.VADDPS(sum(i*stride+k), p.sum(i, 0), p.sum(i, 0))
		}
		b.VDIVPS(y(14), p.sum(i, 0), p.sum(i, 0))
	}
}

// add emits the addition of a vector of channels.
func (p patch) add(from operand.Mem, to vec) {
	if p.masked {
		p.load(from, y(13))
		p.VADDPS(y(13), to, to)
	} else {
		p.VADDPS(from, to, to)
	}
}
