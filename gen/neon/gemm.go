package neon

import "fmt"

// gemm emits a tile of MR rows by one panel. Four elements of each row of A
// are one vector, of which the multiply-adds take a lane; each vector of B is
// loaded once and used by every row.
func gemm(b *builder) {
	mr, _ := b.tile()
	b.doc(fmt.Sprintf("the gemm kernel of %d rows by 16 columns", mr))
	a, c, d := b.load("A"), b.load("C"), b.load("D")
	as, cs, ds := b.stride("AStride"), b.stride("CStride"), b.stride("DStride")
	length, n := b.load("SegLen"), b.load("N")
	t := b.newTile(mr)

	b.loop("tile", b.load("Tiles"), func() {
		b.scope(func() {
			t.fromBias()
			panel := b.load("B")
			b.segments(a, func(segment gp) {
				t.multiply(b.rows(segment, as, mr, "rows of A"), panel, length)
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

// A tile is some rows of sums, of 16 columns each.
type tile struct {
	*builder
	rows int
	sums []vec // row by row, four vectors each

	limits limits
}

// A limits is what sums are clamped to.
type limits struct {
	loaded bool
	lo, hi vec
}

// newTile takes the registers of a tile's sums, and those of the limits if
// there is room for both and for what multiply needs.
func (b *builder) newTile(rows int) *tile {
	t := &tile{builder: b, rows: rows, sums: b.v.takeAll(4*rows, "sums")}
	if rows < 6 {
		t.limits = b.loadLimits()
	}
	return t
}

func (b *builder) loadLimits() limits {
	return limits{loaded: true, lo: b.broadcast("Lo"), hi: b.broadcast("Hi")}
}

// row is row i's sums; the only row of a tile may have fewer than four.
func (t *tile) row(i int) []vec { return t.sums[4*i : min(4*i+4, len(t.sums))] }

// fromBias starts every sum at its bias. Loading it for each row is free:
// moves would take the pipes that multiply.
func (t *tile) fromBias() {
	t.comment("Every sum starts at its bias.")
	t.scope(func() {
		bias := t.load("Bias")
		for i := range t.rows {
			s := t.row(i)
			t.FLDPQ(bias, 0, s[0], s[1])
			t.FLDPQ(bias, 32, s[2], s[3])
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
		depth := 8
		for depth > len(t.v.free) {
			depth /= 2
		}
		row := t.v.takeAll(depth, "rows of B")
		pipelined(4*k, depth, func(i int) {
			t.FMOVQ(mem(panel, 16*i), row[i%depth])
		}, func(i int) {
			for r, e := range elements {
				t.FMLAElement(e, i/4, row[i%depth], t.row(r)[i%4])
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
		if !t.limits.loaded {
			t.limits = t.loadLimits()
			defer func() { t.limits.loaded = false }()
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
			t.storeClamped(p, out)
		})
	})
}

// storeClamped clamps and stores a piece of each row.
func (t *tile) storeClamped(p piece, out []gp) {
	for i := range t.rows {
		for _, v := range t.row(i)[:p.vectors()] {
			t.FMAX(t.limits.lo, v, v)
			t.FMIN(t.limits.hi, v, v)
		}
	}
	for i := range t.rows {
		t.storePiece(p, t.row(i), out[i])
	}
}

// columns emits body for each piece of n columns, 1 … 16. A piece stands in
// the first registers of a row: what is left is moved there after it.
func (t *tile) columns(n gp, body func(p piece)) {
	partial, done := t.label("partial"), t.label("done")
	t.CMP(16, n)
	t.BNE(partial)
	t.scope(func() { body(16) })
	t.B(done)

	t.place(partial)
	t.rest(n, func(p piece) {
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
