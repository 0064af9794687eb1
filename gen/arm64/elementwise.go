package arm64

// clampAll emits an element-wise clamp. An operand −0 stays what it is where
// Lo is 0, as on every tier; FMAX would make it +0.
func clampAll(b *builder) {
	b.doc("min(max(x, Lo), Hi), element by element")
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	limits := b.loadLimits()
	b.pieces(n, 16, func(p piece) {
		elements := b.v.takeAll(p.vectors(), "elements")
		low := b.v.takeAll(p.vectors(), "whether they are below Lo")
		b.loadPiece(p, in, elements)
		for i, v := range elements {
			b.FCMGT(v, limits.lo, low[i])
			b.VBIT(low[i], limits.lo, v)
			b.FMIN(limits.hi, v, v)
		}
		b.storePiece(p, elements, out)
	})
}

// widen emits the conversion of half precision to float32.
func widen(b *builder) {
	b.doc("the conversion of float16 to float32")
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	b.pieces(n, 16, func(p piece) {
		halves := b.v.takeAll(max(1, p.vectors()/2), "float16")
		if p == 1 {
			b.loadHalf(in, 0, halves[0])
		} else {
			b.loadPiece(p/2, in, halves)
		}
		wide := b.v.takeAll(p.vectors(), "float32")
		for i, v := range wide {
			if i%2 == 0 {
				b.FCVTL(float32s, halves[i/2], v)
			} else {
				b.FCVTL2(float32s, halves[i/2], v)
			}
		}
		b.storePiece(p, wide, out)
	})
}

// im2col emits the copy of segments into rows.
func im2col(b *builder) {
	b.doc("im2col: the segments of each row, copied one after the other")
	a, c := b.load("A"), b.load("C")
	as, cs := b.load("AStride"), b.load("CStride")
	length := b.load("SegLen")
	b.loop("row", b.load("Rows"), func() {
		out := b.copy(c, "the row of C")
		b.segments(a, func(segment gp) {
			b.pieces(length, 16, func(p piece) {
				elements := b.v.takeAll(p.vectors(), "elements")
				b.loadPiece(p, segment, elements)
				b.storePiece(p, elements, out)
			})
		})
		b.ADD(as, a, a)
		b.ADD(cs, c, c)
	})
}
