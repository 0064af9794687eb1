package neon

// A window is what a kernel that slides one over a map does with it.
type window struct {
	pixel func()                            // begins an output pixel
	start func(p piece, result []vec)       // begins a piece of its channels
	tap   func(p piece, x gp, result []vec) // adds a tap, whose elements x points to
	row   func()                            // ends a row of taps
}

// slide emits the loops of these kernels: pixels, then channels, then taps.
func (b *builder) slide(w window) {
	in, out := b.load("X"), b.load("Y")
	xs, ys := b.stride("XStride"), b.stride("YStride")
	c, row, col := b.load("C"), b.stride("XRow"), b.stride("XCol")
	rows, cols := b.load("Rows"), b.load("Cols")
	t := tile{builder: b, rows: 1, limits: b.loadLimits()}

	b.loop("pixel", b.load("Pixels"), func() {
		x, y := b.copy(in, "the pixel of X"), b.copy(out, "the pixel of Y")
		w.pixel()
		b.pieces(c, func(p piece) {
			t.sums = b.v.takeAll(p.vectors(), "results")
			w.start(p, t.sums)
			first := b.copy(x, "a row of taps")
			b.loop("row", b.copy(rows, "rows left"), func() {
				tap := b.copy(first, "a tap")
				b.loop("tap", b.copy(cols, "taps left"), func() {
					w.tap(p, b.copy(tap, "the tap's elements"), t.sums)
					b.ADD(col, tap, tap)
				})
				w.row()
				b.ADD(row, first, first)
			})
			t.storeClamped(p, []gp{y})
			b.ADD(imm(p.bytes()), x, x)
		})
		b.ADD(xs, in, in)
		b.ADD(ys, out, out)
	})
}

// maxPool emits the maximum over a window's taps, channel by channel.
func maxPool(b *builder) {
	b.doc("the maximum over a window's taps, channel by channel")
	lowest := b.v.take("−Inf")
	b.scope(func() {
		bits := b.r.take("−Inf")
		b.MOVD(text("$0xff800000"), bits)
		b.VDUP(bits, lowest)
	})
	b.slide(window{
		pixel: func() {},
		row:   func() {},
		start: func(p piece, result []vec) {
			for _, v := range result {
				b.VMOV(lowest, v)
			}
		},
		tap: func(p piece, x gp, result []vec) {
			elements := b.v.takeAll(p.vectors(), "the tap's elements")
			b.loadPiece(p, x, elements)
			for i, v := range elements {
				b.FMAX(v, result[i], result[i])
			}
		},
	})
}

// depthwise emits the sum over a window's taps of products with one weight for
// each tap and channel.
func depthwise(b *builder) {
	b.doc("the weighted sum over a window's taps, channel by channel")
	col := b.stride("WCol")
	skip := b.stride("WRow") // from behind a row of weights to the next one
	b.scope(func() {
		width := b.load("Cols")
		b.MUL(col, width, width)
		b.SUB(width, skip, skip)
	})
	var bias, weights, next gp
	b.slide(window{
		pixel: func() { bias, weights = b.load("Bias"), b.load("W") },
		start: func(p piece, result []vec) {
			b.loadPiece(p, bias, result)
			next = b.copy(weights, "the next tap's weights")
			b.ADD(imm(p.bytes()), weights, weights)
		},
		tap: func(p piece, x gp, result []vec) {
			elements, factors := b.v.takeAll(p.vectors(), "the tap's elements"), b.v.takeAll(p.vectors(), "its weights")
			b.loadPiece(p, x, elements)
			b.loadPiece(p, b.copy(next, "the tap's weights"), factors)
			b.ADD(col, next, next)
			for i, v := range elements {
				b.VFMLA(factors[i], v, result[i])
			}
		},
		row: func() { b.ADD(skip, next, next) },
	})
}
