package neon

// convPool emits the convolution of one pool window, 4 pixels by 16 channels:
// the unpooled map never leaves the registers.
func convPool(b *builder) {
	b.doc("the convolution of 2×2 pixels by 16 channels and their maximum")
	a, c := b.load("A"), b.load("C")
	as, ar, cs := b.stride("AStride"), b.stride("ARow"), b.stride("CStride")
	length, n := b.load("SegLen"), b.load("N")
	t := b.newTile(4) // pixels in reading order

	b.loop("window", b.load("Windows"), func() {
		b.scope(func() {
			t.fromBias()
			panel := b.load("B")
			b.segments(a, func(segment gp) {
				upper := b.rows(segment, as, 2, "pixels of the upper row")
				b.ADD(ar, segment, segment)
				lower := b.rows(segment, as, 2, "pixels of the lower row")
				t.multiply(append(upper, lower...), panel, length)
			})
		})
		b.comment("The maximum of the four pixels, in the first one's sums.")
		for j, v := range t.row(0) {
			b.FMAX(t.row(1)[j], v, v)
			b.FMAX(t.row(3)[j], t.row(2)[j], t.row(2)[j])
			b.FMAX(t.row(2)[j], v, v)
		}
		pooled := &tile{builder: b, rows: 1, sums: t.row(0), limits: t.limits}
		out := []gp{b.copy(c, "the window of C")}
		pooled.columns(n, func(p piece) { pooled.storeClamped(p, out) })
		b.skip(a, as, 2)
		b.ADD(cs, c, c)
	})
}
