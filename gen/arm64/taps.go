package arm64

import (
	"math"
	"slices"
)

// A patch is what a kernel that slides a window over a map computes at a time:
// a piece of the channels of some neighbouring pixels.
type patch struct {
	*builder
	piece
	pixels int
	pass   int     // over the window
	offset gp      // of the first channel, in bytes
	result [][]vec // of each pixel
}

// A window is what such a kernel does with its taps.
type window struct {
	pixels []int // how many a patch has, the most first, 1 last

	columns bool // columns of taps are taken one after the other, not rows

	passes int                      // how many times it is passed over; 0 is once
	start  func(p *patch)           // before the first tap
	begin  func(p *patch)           // before the first tap of each pass; may be nil
	tap    func(p *patch, tap []gp) // with the addresses of the pixels' elements of one tap
	row    func(p *patch)           // after a row of taps, or a column; may be nil
	finish func(p *patch)           // after the last tap; leaves the results
}

// slide emits the loops: pixels, then channels, then the window's rows and
// columns.
func (b *builder) slide(w window) {
	in, out := b.load("X"), b.load("Y")
	xs, ys := b.load("XStride"), b.load("YStride")
	along, down := [2]string{"XCol", "Cols"}, [2]string{"XRow", "Rows"}
	if w.columns {
		along, down = down, along
	}
	col, skip := b.load(along[0]), b.skipOver(down[0], along[0], along[1])
	c, pixels := b.load("C"), b.load("Pixels")
	width, offset := b.load(along[1]), b.r.take("offset of the channel")
	rows, cols := b.r.take("rows left"), b.r.take("columns left")
	taps := b.r.takeAll(w.pixels[0], "taps")
	results := b.v.takeAll(4*w.pixels[0], "results")

	for _, n := range w.pixels {
		next, top := b.label("fewer"), b.label("pixels")
		b.place(top)
		b.CMP(n, pixels)
		b.BLT(next)
		b.MOVD(imm(0), offset)
		b.pieces(c, 16, func(size piece) {
			p := &patch{builder: b, piece: size, pixels: n, offset: offset}
			for r := range slices.Chunk(results[:n*size.vectors()], size.vectors()) {
				p.result = append(p.result, r)
			}
			w.start(p)
			for p.pass = range max(1, w.passes) {
				if w.begin != nil {
					w.begin(p)
				}
				b.ADD(offset, in, taps[0])
				b.spread(taps[:n], xs)
				b.reload(down[1], rows)
				b.loop("row", rows, func() {
					b.MOVD(width, cols)
					b.loop("tap", cols, func() {
						w.tap(p, taps[:n])
						b.addAll(col, taps[:n])
					})
					b.addAll(skip, taps[:n])
					if w.row != nil {
						w.row(p)
					}
				})
			}
			w.finish(p)
			b.ADD(offset, out, taps[0])
			b.spread(taps[:n], ys)
			for i, y := range taps[:n] {
				b.r.note(y, "pixels of Y")
				b.storePiece(size, p.result[i], y)
			}
			b.ADD(imm(size.bytes()), offset, offset)
		})
		b.skip(in, xs, n)
		b.skip(out, ys, n)
		b.SUB(imm(n), pixels, pixels)
		b.B(top)
		b.place(next)
	}
}

// skipOver is the bytes from behind a row of so many taps to the next one.
func (b *builder) skipOver(row, col, count string) gp {
	skip := b.load(row)
	b.r.note(skip, "that less a row of taps")
	b.scope(func() {
		width, cols := b.load(col), b.load(count)
		b.MUL(cols, width, width)
		b.SUB(width, skip, skip)
	})
	return skip
}

// maxPool emits the maximum over a window's taps, channel by channel.
func maxPool(b *builder) {
	b.doc("the maximum over a window's taps, channel by channel")
	lowest, limits := b.constant(float32(math.Inf(-1)), "−Inf"), b.loadLimits()
	elements := b.v.takeAll(4, "elements of a tap")
	b.slide(window{
		pixels: []int{2, 1},
		start: func(p *patch) {
			for _, r := range p.result {
				for _, v := range r {
					b.VMOV(lowest, v)
				}
			}
		},
		tap: func(p *patch, tap []gp) {
			for i, r := range p.result {
				b.peek(p.piece, tap[i], elements)
				for j, v := range r {
					b.FMAX(elements[j], v, v)
				}
			}
		},
		finish: func(p *patch) { b.clamp(limits, p.result...) },
	})
}

// depthwise emits the sum over a window's taps of products with one weight for
// each tap and channel. A tap's weights serve all pixels of a patch: 4 pixels
// by 16 channels take 20 loads for 16 multiply-adds.
func depthwise(b *builder) {
	b.doc("the weighted sum over a window's taps, channel by channel")
	bias, start, next := b.load("Bias"), b.load("W"), b.r.take("weights of a tap")
	col, skip := b.load("WCol"), b.skipOver("WRow", "WCol", "Cols")
	limits := b.loadLimits()
	weights, elements := b.v.takeAll(4, "weights of a tap"), b.v.takeAll(4, "elements of a tap")
	b.slide(window{
		pixels: []int{4, 2, 1},
		start: func(p *patch) {
			b.r.note(next, "Bias of these channels")
			b.ADD(p.offset, bias, next)
			for _, r := range p.result {
				b.peek(p.piece, next, r)
			}
			b.ADD(p.offset, start, next)
		},
		tap: func(p *patch, tap []gp) {
			b.peek(p.piece, next, weights)
			b.ADD(col, next, next)
			for i, r := range p.result {
				b.peek(p.piece, tap[i], elements)
				for j, v := range r {
					b.VFMLA(weights[j], elements[j], v)
				}
			}
		},
		row:    func(p *patch) { b.ADD(skip, next, next) },
		finish: func(p *patch) { b.clamp(limits, p.result...) },
	})
}

// grouped emits the sum over a window's taps of products with a weight for each
// tap, channel and channel of the same group. Four of the latter, the lanes of a
// register, are multiplied in a pass over the window.
func grouped(b *builder) {
	b.doc("the weighted sum over a window's taps and " + b.kernel.Variant + " channels")
	depth := map[string]int{"4": 4, "8": 8}[b.kernel.Variant]
	bias, start, next := b.load("Bias"), b.load("W"), b.r.take("weights of a tap")
	col, skip, in := b.load("WCol"), b.skipOver("WRow", "WCol", "Cols"), b.load("WIn")
	limits := b.loadLimits()
	weights, elements := b.v.takeAll(4, "weights of a tap"), b.v.takeAll(8, "elements of a tap")
	b.slide(window{
		pixels: []int{2, 1},
		passes: depth / 4,
		start: func(p *patch) {
			b.r.note(next, "Bias of these channels")
			b.ADD(p.offset, bias, next)
			for _, r := range p.result {
				b.peek(p.piece, next, r)
			}
		},
		begin: func(p *patch) {
			b.ADD(p.offset, start, next)
			for range 4 * p.pass {
				b.ADD(in, next, next)
			}
		},
		tap: func(p *patch, tap []gp) {
			for i := range p.result {
				b.peek(p.piece, tap[i], elements[4*i:])
			}
			b.scope(func() {
				w := b.copy(next, "weights of one of four channels")
				for k := range 4 {
					b.peek(p.piece, w, weights)
					b.ADD(in, w, w)
					for i, r := range p.result {
						for j, v := range r {
							group := j - j%(depth/4) // its first vector
							b.FMLAElement(elements[4*i+group+p.pass], k, weights[j], v)
						}
					}
				}
			})
			b.ADD(col, next, next)
		},
		row:    func(p *patch) { b.ADD(skip, next, next) },
		finish: func(p *patch) { b.clamp(limits, p.result...) },
	})
}

// averagePool emits the mean over a window's taps, channel by channel, in
// float64.
func averagePool(b *builder) {
	if b.kernel.Variant == "narrow" {
		averagePoolNarrow(b)
		return
	}
	b.doc("the mean over a window's taps, channel by channel")
	count := b.v.take("Count")
	b.emit("FMOVD", mem(b.base, b.offset("Count")), count)
	b.VDUP2(count.lane("D", 0), count)
	elements := b.v.takeAll(4, "elements of a tap")
	wide, all := b.v.takeAll(8, "the same in float64"), b.v.takeAll(8, "sums in float64")
	var sums []vec // of a piece
	b.slide(window{
		pixels: []int{1},
		start: func(p *patch) {
			sums = all[:max(1, int(p.piece)/2)]
			for _, s := range sums {
				b.VEOR(s, s, s)
			}
		},
		tap: func(p *patch, tap []gp) {
			b.peek(p.piece, tap[0], elements)
			for i, s := range sums {
				if i%2 == 0 {
					b.FCVTL(float64s, elements[i/2], wide[i])
				} else {
					b.FCVTL2(float64s, elements[i/2], wide[i])
				}
				b.FADD2(wide[i], s, s)
			}
		},
		finish: func(p *patch) {
			for i, s := range sums {
				b.FDIV2(count, s, s)
				if i%2 == 0 {
					b.FCVTN(s, p.result[0][i/2])
				} else {
					b.FCVTN2(s, p.result[0][i/2])
				}
			}
		},
	})
}

// averagePoolNarrow emits the mean over the taps of a window of up to three
// columns, in float32.
func averagePoolNarrow(b *builder) {
	b.doc("the mean over the taps of a window of up to three columns, channel by channel")
	count := b.v.take("Count")
	b.emit("FMOVD", mem(b.base, b.offset("Count")), count)
	b.VDUP2(count.lane("D", 0), count)
	b.FCVTN(count, count)
	b.VDUP(count.lane("S", 0), count)
	elements, columns := b.v.takeAll(4, "elements of a tap"), b.v.takeAll(8, "sums of a column")
	clear := func(vs []vec) {
		for _, v := range vs {
			b.VEOR(v, v, v)
		}
	}
	column := func(p *patch, i int) []vec { return columns[4*i:][:p.vectors()] }
	b.slide(window{
		pixels:  []int{2, 1},
		columns: true,
		start: func(p *patch) {
			for i, r := range p.result {
				clear(r)
				clear(column(p, i))
			}
		},
		tap: func(p *patch, tap []gp) {
			for i := range p.result {
				b.peek(p.piece, tap[i], elements)
				for j, v := range column(p, i) {
					b.FADD(elements[j], v, v)
				}
			}
		},
		row: func(p *patch) {
			for i, r := range p.result {
				sums := column(p, i)
				for j, v := range r {
					b.FADD(sums[j], v, v)
				}
				clear(sums)
			}
		},
		finish: func(p *patch) {
			for _, r := range p.result {
				for _, v := range r {
					b.FDIV(count, v, v)
				}
			}
		},
	})
}
