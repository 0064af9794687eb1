package arm64

// convPool emits the convolution of pool windows: the unpooled map never
// leaves the registers. Where a panel has no more than 8 channels, two windows
// are taken at a time.
func convPool(b *builder) {
	b.doc("the convolution of 2×2 pixels by 16 channels and their maximum")
	w := pooling{builder: b,
		a: b.load("A"), c: b.load("C"),
		as: b.load("AStride"), ar: b.load("ARow"), cs: b.load("CStride"),
		length: b.load("SegLen"), n: b.load("N"),
	}
	windows := b.load("Windows")
	pair, single, end := b.label("pair"), b.label("single"), b.label("end")
	b.CMP(8, w.n)
	b.BGT(single)
	b.comment("Two windows by 8 channels.")
	b.scope(func() {
		t := b.newTile(8, 2)
		b.place(pair)
		b.CMP(2, windows)
		b.BLT(single)
		w.windows(2, t)
	})
	b.SUBS(2, windows, windows)
	b.BNE(pair)
	b.B(end)

	b.comment("One window by 16 channels.")
	b.place(single)
	b.scope(func() {
		t := b.newTile(4, 4)
		b.loop("window", windows, func() { w.windows(1, t) })
	})
	b.place(end)
}

// A pooling is what convPool keeps in registers.
type pooling struct {
	*builder
	a, c, as, ar, cs, length, n gp
}

// windows emits one or more neighbouring windows. The rows of t are their
// pixels: those of the upper row, then those of the lower one.
func (w *pooling) windows(n int, t *tile) {
	w.scope(func() {
		t.fromBias()
		panel := w.load("B")
		w.segments(w.a, func(segment gp) {
			lower := w.r.take("pixels of the lower row")
			w.ADD(w.ar, segment, lower)
			pixels := append(w.from(segment, w.as, 2*n, "pixels of the upper row"),
				w.from(lower, w.as, 2*n, "pixels of the lower row")...)
			t.multiply(pixels, panel, w.length)
		})
	})
	for i := range n {
		w.comment("The maximum of a window's pixels.")
		pixel := [][]vec{t.row(2 * i), t.row(2*i + 1), t.row(2*n + 2*i), t.row(2*n + 2*i + 1)}
		for j, v := range pixel[0] {
			w.FMAX(pixel[1][j], v, v)
			w.FMAX(pixel[3][j], pixel[2][j], pixel[2][j])
			w.FMAX(pixel[2][j], v, v)
		}
		w.scope(func() {
			pooled := &tile{builder: w.builder, rows: 1, vectors: t.vectors, sums: pixel[0]}
			out := []gp{w.copy(w.c, "the window of C")}
			pooled.columns(w.n, func(p piece) { pooled.storeClamped(p, t.limits, out) })
		})
		w.ADD(w.cs, w.c, w.c)
	}
	w.skip(w.a, w.as, 2*n)
}
