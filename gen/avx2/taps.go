package avx2

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// A patch is what a kernel that slides a window over a map computes at a time:
// some neighbouring pixels, by one or two vectors of channels, of which the
// last may be cut short. Register vectors·i+v holds pixel i's vector v.
type patch struct {
	*builder
	pixels, vectors int
	masked          bool // only the lanes that Y15 selects are there

	offset reg64 // of the first channel, in bytes
	stride reg64 // from pixel to pixel
}

// A window is what such a kernel does with its taps.
type window struct {
	tiles []int // how many pixels a patch has, the most first, 1 last

	start  func(p patch)            // before the first tap
	tap    func(p patch, tap []row) // with the pixels' elements of one tap
	row    func(p patch)            // after a row of taps; may be nil
	finish func(p patch)            // after the last tap; leaves the results
}

// A row is the address of a pixel's channels.
type row func(vector int) operand.Mem

// slide emits the loops: pixels, then channels, then the window's rows and
// columns. They take more counters and steps than there are registers; those
// of the outer loops stand on the stack.
func (b *builder) slide(w window) {
	in, out := b.load("X"), b.load("Y")
	pixels, skip := b.AllocLocal(8), b.AllocLocal(8)
	b.MOVQ(b.load("Pixels"), pixels)
	b.Comment("From behind a row of taps to the next one.")
	b.MOVQ(b.skipOver("XRow", "XCol"), skip)
	for _, n := range w.tiles {
		next := b.label("fewer")
		top := b.label("pixels")
		b.Label(top)
		b.CMPQ(pixels, imm(n))
		b.JLT(operand.LabelRef(next))
		p := patch{builder: b, pixels: n, vectors: 2, offset: b.GP64(), stride: b.stride("XStride")}
		b.XORQ(p.offset, p.offset)
		b.channels(p, func(p patch) {
			w.start(p)
			b.taps(p, w, in, skip)
			w.finish(p)
			b.storePatch(p, out)
		})
		for range n {
			b.ADDQ(p.stride, in)
		}
		ys := b.stride("YStride")
		for range n {
			b.ADDQ(ys, out)
		}
		b.SUBQ(imm(n), pixels)
		b.JMP(operand.LabelRef(top))
		b.Label(next)
	}
	b.VZEROUPPER()
}

// skipOver is the bytes from behind a row of taps to the next one.
func (b *builder) skipOver(row, col string) reg64 {
	skip, width := b.stride(row), b.stride(col)
	b.IMULQ(b.field("Cols"), width)
	b.SUBQ(width, skip)
	return skip
}

// channels emits body for every 16 channels, for 8 that are left, and for the
// up to 7 that are left after them.
func (b *builder) channels(p patch, body func(p patch)) {
	eight, some, done := b.label("eight"), b.label("some"), b.label("done")
	b.masked = true
	count := b.AllocLocal(8)
	n := b.load("C")
	b.SHRQ(imm(4), n)
	b.JEQ(operand.LabelRef(eight))
	b.MOVQ(n, count)
	top := b.label("sixteen")
	b.Label(top)
	body(p)
	b.ADDQ(imm(64), p.offset)
	b.DECQ(count)
	b.JNE(operand.LabelRef(top))

	b.Label(eight)
	p.vectors = 1
	b.TESTB(imm(8), b.field("C"))
	b.JEQ(operand.LabelRef(some))
	body(p)
	b.ADDQ(imm(32), p.offset)

	b.Label(some)
	p.masked = true
	n = b.load("C")
	b.ANDQ(imm(7), n)
	b.JEQ(operand.LabelRef(done))
	b.mask(n)
	body(p)
	b.Label(done)
}

// taps emits the loops over the window.
func (b *builder) taps(p patch, w window, in reg64, skip operand.Mem) {
	tap := rows{b: b, low: b.GP64(), stride: p.stride, n: p.pixels}
	b.LEAQ(index(in, p.offset, 1), tap.low)
	if tap.n > 3 {
		tap.high = b.GP64()
		b.LEAQ(index(tap.low, p.stride, 2), tap.high)
		b.ADDQ(p.stride, tap.high)
	}
	step := func(by operand.Op) {
		b.ADDQ(by, tap.low)
		if tap.n > 3 {
			b.ADDQ(by, tap.high)
		}
	}
	elements := make([]row, p.pixels)
	for i := range elements {
		elements[i] = func(vector int) operand.Mem { return tap.at(i, 32*vector) }
	}
	col := b.stride("XCol")
	b.loop("row", b.load("Rows"), func() {
		b.loop("tap", b.load("Cols"), func() {
			w.tap(p, elements)
			step(col)
		})
		step(skip)
		if w.row != nil {
			w.row(p)
		}
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
	to := b.rowsFrom(at, b.stride("YStride"), p.pixels)
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
// each tap and channel. A tap's weights serve all pixels of a patch: 4 pixels
// by 16 channels take 10 loads for 8 multiply-adds.
func depthwise(b *builder) {
	b.doc("the weighted sum over a window's taps, channel by channel",
		"Y0…Y11 sums", "Y12, Y13 a tap's weights, later Lo and Hi", "Y14 a tap's elements", "Y15 the mask of the last channels")
	skip := b.AllocLocal(8)
	b.MOVQ(b.skipOver("WRow", "WCol"), skip)
	var weights reg64
	b.slide(window{
		tiles: []int{6, 5, 4, 3, 2, 1},
		start: func(p patch) {
			bias := b.load("Bias")
			for v := range p.vectors {
				p.load(operand.Mem{Base: bias, Index: p.offset, Scale: 1, Disp: 32 * v}, p.sum(0, v))
				for i := 1; i < p.pixels; i++ {
					b.VMOVAPS(p.sum(0, v), p.sum(i, v))
				}
			}
			weights = b.load("W")
			b.ADDQ(p.offset, weights)
		},
		tap: func(p patch, tap []row) {
			for v := range p.vectors {
				p.load(mem(weights, 32*v), y(12+v))
			}
			b.LEAQ(index(weights, b.load("WCol"), 4), weights)
			p.each(func(i, v int) {
				if p.masked {
					b.VMASKMOVPS(tap[i](v), y(15), y(14))
					b.VFMADD231PS(y(14), y(12), p.sum(i, v))
				} else {
					b.VFMADD231PS(tap[i](v), y(12+v), p.sum(i, v))
				}
			})
		},
		row:    func(p patch) { b.ADDQ(skip, weights) },
		finish: clampPatch,
	})
}

// maxPool emits the maximum over a window's taps, channel by channel. A NaN
// among them shows as all ones in a mask that is or-ed into the maximum.
func maxPool(b *builder) {
	b.doc("the maximum over a window's taps, channel by channel",
		"Y0…Y3 maxima", "Y4…Y7 all ones where a NaN was seen", "Y8…Y11 a tap's elements and its NaNs", "Y12 Lo", "Y13 Hi",
		"Y14 −Inf", "Y15 the mask of the last channels")
	b.broadcast(float32(math.Inf(-1)), 14)
	nan := func(p patch, i, v int) vec { return y(4 + p.vectors*i + v) }
	b.slide(window{
		tiles: []int{2, 1},
		start: func(p patch) {
			p.each(func(i, v int) {
				b.VMOVAPS(y(14), p.sum(i, v))
				b.VXORPS(nan(p, i, v), nan(p, i, v), nan(p, i, v))
			})
		},
		tap: func(p patch, tap []row) {
			p.each(func(i, v int) {
				x, unordered := y(8+2*v), y(9+2*v)
				p.load(tap[i](v), x)
				b.VCMPPS(imm(3), x, x, unordered)
				b.VORPS(unordered, nan(p, i, v), nan(p, i, v))
				b.VMAXPS(x, p.sum(i, v), p.sum(i, v))
			})
		},
		finish: func(p patch) {
			clampPatch(p)
			p.each(func(i, v int) { b.VORPS(nan(p, i, v), p.sum(i, v), p.sum(i, v)) })
		},
	})
}

// averagePool emits the mean over a window's taps, channel by channel, in
// float64.
func averagePool(b *builder) {
	b.doc("the mean over a window's taps, channel by channel",
		"Y0…Y1 means", "Y2…Y5 sums of four channels in float64", "Y6…Y9 a tap's elements", "Y14 Count", "Y15 the mask of the last channels")
	b.VBROADCASTSD(b.field("Count"), y(14))
	halves := func(p patch, f func(half int)) {
		for half := range 2 * p.vectors {
			f(half)
		}
	}
	b.slide(window{
		tiles: []int{1},
		start: func(p patch) {
			halves(p, func(h int) { b.VXORPD(y(2+h), y(2+h), y(2+h)) })
		},
		tap: func(p patch, tap []row) {
			for v := range p.vectors {
				p.load(tap[0](v), y(6))
				b.VCVTPS2PD(x(6), y(7))
				b.VEXTRACTF128(imm(1), y(6), x(8))
				b.VCVTPS2PD(x(8), y(9))
				b.VADDPD(y(7), y(2+2*v), y(2+2*v))
				b.VADDPD(y(9), y(3+2*v), y(3+2*v))
			}
		},
		finish: func(p patch) {
			halves(p, func(h int) {
				b.VDIVPD(y(14), y(2+h), y(2+h))
				b.VCVTPD2PSY(y(2+h), x(2+h))
			})
			for v := range p.vectors {
				b.VINSERTF128(imm(1), x(3+2*v), y(2+2*v), p.sum(0, v))
			}
		},
	})
}

// broadcast sets all lanes of a register to a constant.
func (b *builder) broadcast(v float32, to int) {
	bits := b.GP64()
	b.MOVL(operand.U32(math.Float32bits(v)), bits.As32())
	b.VMOVD(bits.As32(), x(to))
	b.VBROADCASTSS(x(to), y(to))
}
