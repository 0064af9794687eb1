package arm64

import "fmt"

// gemm emits a tile of MR rows by one panel. Four elements of each row of A
// are one vector, of which the multiply-adds take a lane; each vector of B is
// loaded once and used by every row.
func gemm(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the gemm kernel of %d rows by 16 columns", mr))
	a, c, d := b.load("A"), b.load("C"), b.load("D")
	as, cs, ds := b.load("AStride"), b.load("CStride"), b.load("DStride")
	length, n := b.load("SegLen"), b.load("N")
	tiles, ahead := b.load("Tiles"), b.load("Ahead")

	loop := func(vectors int) {
		t := b.newTile(mr, vectors)
		t.prefetch = func(k int, panel gp) {
			next := b.r.take("what is to be prefetched")
			b.ADD(ahead, panel, next)
			for i := range k {
				b.PRFM(next, 64*i, "PLDL2KEEP")
			}
		}
		b.loop("tile", tiles, func() {
			b.scope(func() {
				t.fromBias()
				panel := b.load("B")
				b.segments(a, func(segment gp) {
					t.multiply(b.from(segment, as, mr, "rows of A"), panel, length)
				})
			})
			t.store(c, cs, d, ds, n)
			b.skip(a, as, mr)
			b.skip(c, cs, mr)
			none := b.label("noresidual")
			b.CBZ(d, none)
			b.skip(d, ds, mr)
			b.place(none)
		})
	}
	half, end := b.label("half"), b.label("end")
	b.CMP(8, n)
	b.BLE(half)
	b.scope(func() { loop(4) })
	b.B(end)
	b.comment("A panel of no more than 8 channels needs half of the work.")
	b.place(half)
	b.scope(func() { loop(2) })
	b.place(end)
}

// A tile is some rows of sums, of 16 columns or of the first 8.
type tile struct {
	*builder
	rows, vectors int
	sums          []vec // row by row
	limits        limits
	prefetch      func(k int, panel gp) // k rows of a panel; may be nil
}

// A limits is what sums are clamped to.
type limits struct {
	loaded bool
	lo, hi vec
}

// newTile takes the registers of a tile's sums, and those of the limits if
// there is room for both and for what multiply needs. It leaves the first
// registers to the elements of A.
func (b *builder) newTile(rows, vectors int) *tile {
	elements := b.v.takeAll(rows, "elements of A")
	defer func() { b.v.release(elements...) }()
	t := &tile{builder: b, rows: rows, vectors: vectors}
	if rows*vectors < 24 {
		t.limits = b.loadLimits()
	}
	t.sums = b.v.takeAll(rows*vectors, "sums")
	return t
}

func (b *builder) loadLimits() limits {
	return limits{loaded: true, lo: b.broadcast("Lo"), hi: b.broadcast("Hi")}
}

func (t *tile) row(i int) []vec { return t.sums[t.vectors*i : t.vectors*(i+1)] }

// whole is the piece that is a row of the tile.
func (t *tile) whole() piece { return piece(4 * t.vectors) }

// fromBias starts every sum at its bias.
func (t *tile) fromBias() { t.startAt("Bias") }

// startAt starts every sum at its column's element of a field. Loading it for each
// row is free: moves would take the pipes that multiply.
func (t *tile) startAt(field string) {
	t.comment("Every sum starts at its bias.")
	t.scope(func() {
		bias := t.load(field)
		for i := range t.rows {
			t.peek(t.whole(), bias, t.row(i))
		}
	})
}

// multiply adds the products of n elements of each row of A with n rows of
// B, which panel points to. It moves all pointers on.
func (t *tile) multiply(a []gp, panel, n gp) {
	t.fours(n, func(k int) {
		elements := t.v.takeAll(t.rows, "elements of A")
		for i, e := range elements {
			t.loadPiece(piece(k), a[i], []vec{e})
		}
		if t.prefetch != nil {
			t.prefetch(k, panel)
		}
		depth := 8
		for depth > len(t.v.free) {
			depth /= 2
		}
		row := t.v.takeAll(depth, "rows of B")
		pipelined(k*t.vectors, depth, func(i int) {
			t.FMOVQ(mem(panel, 64*(i/t.vectors)+16*(i%t.vectors)), row[i%depth])
		}, func(i int) {
			for r, e := range elements {
				t.FMLAElement(e, i/t.vectors, row[i%depth], t.row(r)[i%t.vectors])
			}
		})
		t.ADD(imm(64*k), panel, panel)
	})
}

// fours emits a loop over fours of n, then two and one if they are left: step
// is given how many k's to take. n is kept.
func (b *builder) fours(n gp, step func(k int)) {
	rest, odd, done := b.label("rest"), b.label("odd"), b.label("done")
	b.scope(func() {
		left := b.r.take("fours of k left")
		b.LSR(2, n, left)
		b.CBZ(left, rest)
		b.loop("k", left, func() { step(4) })
	})
	b.place(rest)
	b.TBZ(1, n, odd)
	b.scope(func() { step(2) })
	b.place(odd)
	b.TBZ(0, n, done)
	b.scope(func() { step(1) })
	b.place(done)
}

// store adds the residual, if there is one, clamps and stores the first n
// columns of the tile.
func (t *tile) store(c, cs, d, ds, n gp) {
	t.scope(func() {
		out := t.builder.rows(c, cs, t.rows, "rows of C")
		residual := t.builder.rows(d, ds, t.rows, "rows of D")
		limits := t.limits
		if !limits.loaded {
			limits = t.loadLimits()
		}
		t.columns(n, func(p piece) {
			none := t.label("noresidual")
			t.CBZ(d, none)
			t.scope(func() {
				more := t.v.takeAll(p.vectors(), "residual")
				for i := range t.rows {
					t.loadPiece(p, residual[i], more)
					for j, v := range more {
						t.FADD(v, t.row(i)[j], t.row(i)[j])
					}
				}
			})
			t.place(none)
			t.storeClamped(p, limits, out)
		})
	})
}

// storeClamped clamps and stores a piece of each row.
func (t *tile) storeClamped(p piece, to limits, out []gp) {
	for i := range t.rows {
		t.clamp(to, t.row(i)[:p.vectors()])
	}
	for i := range t.rows {
		t.storePiece(p, t.row(i), out[i])
	}
}

// clamp clamps some vectors. A NaN stays.
func (b *builder) clamp(to limits, rows ...[]vec) {
	for _, row := range rows {
		for _, v := range row {
			b.FMAX(to.lo, v, v)
			b.FMIN(to.hi, v, v)
		}
	}
}

// columns emits body for each piece of n columns, of which the tile has no
// fewer. A piece stands in the first registers of a row: what is left is
// moved there after it.
func (t *tile) columns(n gp, body func(p piece)) {
	partial, done := t.label("partial"), t.label("done")
	t.CMP(int(t.whole()), n)
	t.BNE(partial)
	t.scope(func() { body(t.whole()) })
	t.B(done)

	t.place(partial)
	t.rest(n, t.whole(), func(p piece) {
		if p == 2 {
			// The other half must not be clamped before its residual is added.
			for i := range t.rows {
				t.VDUP2(t.row(i)[0].lane("D", 1), t.row(i)[1])
			}
		}
		body(p)
		for i := range t.rows {
			switch s := t.row(i); p {
			case 8:
				t.VMOV(s[2], s[0])
				t.VMOV(s[3], s[1])
			case 4, 2:
				t.VMOV(s[1], s[0])
			}
		}
	})
	t.place(done)
}
