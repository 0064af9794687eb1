package arm64

import (
	"fmt"

	"github.com/infer-go/infer/gen/spec"
)

// quantise makes results of a tile's sums, with a residual if there is d, and stores
// them. It moves c and d on by the tile.
func (t *tile) quantise(c gp, d *gp) {
	t.scope(func() {
		n := t.load("N")
		t.scope(func() {
			scale, at := t.v.takeAll(4, "multipliers"), t.load("Scale")
			t.peek(16, at, scale)
			for i := range t.rows {
				for v, s := range t.row(i) {
					t.SCVTF(s, s)
					t.FMUL(scale[v], s, s)
				}
			}
		})
		if d != nil {
			t.addResidual(n, *d)
		}
		t.storeResults(c, n)
	})
}

// addResidual adds the first n elements of each row of D, if there is one, to the
// tile's values.
func (t *tile) addResidual(n, d gp) {
	none := t.label("noresidual")
	t.CBZ(d, none)
	t.scope(func() {
		residual, by := t.newResidual(), t.load("DStride")
		bytes, r := t.v.take("residual"), t.v.takeAll(4, "residual, widened")
		for i := range t.rows {
			t.loadBytes(n, d, bytes)
			t.ADD(by, d, d)
			t.widen(bytes, r)
			for v, s := range t.row(i) {
				residual.add(r[v], s)
			}
		}
	})
	t.place(none)
}

// storeResults clamps values, makes results of the first n of each row and stores
// them, and moves c on.
func (t *tile) storeResults(c, n gp) {
	limits := t.loadLimits()
	cs := t.load("CStride")
	if t.kernel.Result == spec.F32 {
		out := t.builder.rows(c, cs, t.rows, "rows of C")
		t.columns(n, func(p piece) { t.storeClamped(p, limits, out) })
		t.skip(c, cs, t.rows)
		return
	}
	zero := t.broadcast("Zero")
	for i := range t.rows {
		t.clamp(limits, t.row(i))
		for _, s := range t.row(i) {
			t.FCVTNS(s, s)
			t.VADD(zero, s, s)
		}
		t.narrow(t.row(i))
		t.storeBytes(n, t.row(i)[0], c)
		t.ADD(cs, c, c)
	}
}

// widen makes four vectors of uint32 of 16 uint8.
func (b *builder) widen(bytes vec, to []vec) {
	b.VUXTL("B8", bytes, "H8", to[0])
	b.VUXTL2("B16", bytes, "H8", to[2])
	for _, half := range []int{0, 2} {
		b.VUXTL2("H8", to[half], "S4", to[half+1])
		b.VUXTL("H4", to[half], "S4", to[half])
	}
}

// narrow makes 16 uint8, in the first register, of four vectors of int32 that are
// none other.
func (b *builder) narrow(v []vec) {
	for _, half := range []int{0, 2} {
		b.XTN(32, v[half], v[half])
		b.XTN2(32, v[half+1], v[half])
	}
	b.XTN(16, v[0], v[0])
	b.XTN2(16, v[2], v[0])
}

// storeBytes stores the first n of 16 bytes, and destroys the register.
func (b *builder) storeBytes(n gp, from vec, to gp) {
	partial, done := b.label("partial"), b.label("done")
	b.CMP(16, n)
	b.BNE(partial)
	b.emit("FMOVQ", from, mem(to, 0))
	b.B(done)
	b.place(partial)
	b.scope(func() {
		at := b.copy(to, "where to store")
		for _, size := range []int{8, 4, 2, 1} {
			none := b.label("none")
			b.TBZ(map[int]int{8: 3, 4: 2, 2: 1, 1: 0}[size], n, none)
			switch size {
			case 8, 4:
				b.storePiece(piece(size/4), []vec{from}, at)
			case 2:
				b.emit("VST1.P", from.lane("H", 0), mem(at, 2))
			case 1:
				b.emit("VST1.P", from.lane("B", 0), mem(at, 1))
			}
			if size > 1 {
				b.VEXT(size, from, from, from)
			}
			b.place(none)
		}
	})
	b.place(done)
}

// loadBytes loads the first n of 16 bytes: those behind them hold whatever comes.
// from is kept.
func (b *builder) loadBytes(n, from gp, to vec) {
	partial, done := b.label("partial"), b.label("done")
	b.CMP(16, n)
	b.BNE(partial)
	b.FMOVQ(mem(from, 0), to)
	b.B(done)
	b.place(partial)
	b.scope(func() {
		// The last come first, and make room for those before them.
		at := b.copy(from, "behind what is to be loaded")
		b.ADD(n, at, at)
		for _, size := range []int{1, 2, 4, 8} {
			none := b.label("none")
			b.TBZ(map[int]int{8: 3, 4: 2, 2: 1, 1: 0}[size], n, none)
			b.VEXT(16-size, to, to, to)
			b.SUB(imm(size), at, at)
			b.emit("VLD1", mem(at, 0), to.lane(map[int]string{8: "D", 4: "S", 2: "H", 1: "B"}[size], 0))
			b.place(none)
		}
	})
	b.place(done)
}

// gemmDot emits a tile, of the gemm or the convpool family, with dot products of
// four int8 at a time. They take signed elements only: of x, which is unsigned, x −
// 128 is multiplied.
func gemmDot(b *builder) {
	mr, pools := b.kernel.Rows, b.kernel.Op == "convpool"
	b.doc(fmt.Sprintf("the %s kernel of %d rows by 16 columns of int8", b.kernel.Op, mr))
	a, c := b.load("A"), b.load("C")
	var ar, d gp
	if pools {
		ar = b.load("ARow")
	} else {
		d = b.load("D")
	}
	as, tiles, quads := b.load("AStride"), b.load("Tiles"), b.load("SegLen")
	b.LSR(2, quads, quads)
	least := b.byteConstant(128, "16 times −128")
	t := &tile{builder: b, rows: mr, vectors: 4}
	t.sums = b.v.takeAll(4*mr, "sums")
	b.loop("tile", tiles, func() {
		t.startAt("SignedBias")
		b.scope(func() {
			panel := b.load("B")
			b.segments(a, func(segment gp) {
				var rows []gp
				if pools {
					lower := b.r.take("pixels of the lower row")
					b.ADD(ar, segment, lower)
					rows = append(b.from(segment, as, 2, "pixels of the upper row"), b.from(lower, as, 2, "pixels of the lower row")...)
				} else {
					rows = b.from(segment, as, mr, "rows of A")
				}
				b.fours(quads, func(k int) { t.dot(rows, panel, k, least) })
			})
		})
		if pools {
			b.comment("The maximum of a window's pixels.")
			for i := range 2 {
				b.greater(t.row(2*i+1), t.row(2*i), t.row(2*i))
			}
			b.greater(t.row(2), t.row(0), t.row(0))
			(&tile{builder: b, rows: 1, vectors: 4, sums: t.row(0)}).quantise(c, nil)
			b.skip(a, as, 2)
			return
		}
		t.quantise(c, &d)
		b.skip(a, as, mr)
	})
}

// greater sets each lane to the greater of two int32.
func (b *builder) greater(m, n, to []vec) {
	for i, v := range to {
		b.SMAX(m[i], n[i], v)
	}
}

// gemmBytes emits a tile of one or two rows by one panel of int8, by exact products
// of bytes, as addBytes makes them.
func gemmBytes(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the gemm kernel of %d rows by 16 columns of int8", mr))
	a, c, d := b.load("A"), b.load("C"), b.load("D")
	as, tiles, quads, bias := b.load("AStride"), b.load("Tiles"), b.load("SegLen"), b.load("SignedBias")
	b.LSR(2, quads, quads)
	least := b.byteConstant(128, "16 times −128")
	b.loop("tile", tiles, func() {
		halves := b.newHalves(mr)
		b.scope(func() {
			panel := b.load("B")
			b.segments(a, func(segment gp) {
				b.addBytes(b.from(segment, as, mr, "rows of A"), []gp{panel}, quads, least, halves)
			})
		})
		t := &tile{builder: b, rows: mr, vectors: 4}
		for i := range mr {
			t.sums = append(t.sums, b.whole(halves[8*i:][:8], bias)...)
		}
		t.quantise(c, &d)
		b.skip(a, as, mr)
	})
}

// convPoolBytes emits the convolution of pool windows by exact products of bytes,
// as addBytes makes them: the two pixels of a row after those of the other one.
func convPoolBytes(b *builder) {
	b.doc("the convpool kernel of one window by 16 columns of int8")
	a, ar, c := b.load("A"), b.load("ARow"), b.load("C")
	as, tiles, quads, bias := b.load("AStride"), b.load("Tiles"), b.load("SegLen"), b.load("SignedBias")
	b.LSR(2, quads, quads)
	least := b.byteConstant(128, "16 times −128")
	most := b.v.takeAll(4, "sums")
	b.loop("tile", tiles, func() {
		for y, first := range []string{"the window", "the window's lower row"} {
			b.scope(func() {
				halves := b.newHalves(2)
				b.scope(func() {
					panel, from := b.load("B"), b.copy(a, first)
					if y == 1 {
						b.ADD(ar, from, from)
					}
					b.segments(from, func(segment gp) {
						b.addBytes(b.from(segment, as, 2, "pixels of a row"), []gp{panel}, quads, least, halves)
					})
				})
				left, right := b.whole(halves[:8], bias), b.whole(halves[8:], bias)
				if y == 1 {
					b.greater(most, left, left)
				}
				b.greater(left, right, most)
			})
		}
		(&tile{builder: b, rows: 1, vectors: 4, sums: most}).quantise(c, nil)
		b.skip(a, as, 2)
	})
}

// newHalves takes registers for the sums of addBytes, of so many rows or panels.
func (b *builder) newHalves(n int) []vec {
	halves := b.v.takeAll(8*n, "two sums of each column")
	for _, s := range halves {
		b.VEOR(s, s, s)
	}
	return halves
}

// whole adds the two sums of each of 16 columns, and biases, in the first, third,
// … register.
func (b *builder) whole(halves []vec, bias gp) (sums []vec) {
	for i := 0; i < len(halves); i += 2 {
		b.ADDP(halves[i+1], halves[i], halves[i])
		sums = append(sums, halves[i])
	}
	b.scope(func() {
		start := b.v.takeAll(4, "biases")
		b.peek(16, bias, start)
		for i, s := range sums {
			b.VADD(start[i], s, s)
		}
	})
	return sums
}

// addBytes adds products of fours of elements, less 128, with weights, in int16,
// which a product of int8 fits. A sum of two need not fit it: neighbours are added
// to int32 at once, so that each column has two sums. To multiply words, which
// weights would have to be widened to, takes as many instructions where four rows
// share them, and more with fewer; and the Cortex-A57 and A72 multiply in one of
// two pipes, which then has twice as much to do.
//
// There are one row of A and some panels, or some rows and one panel. It moves all
// pointers on.
func (b *builder) addBytes(rows, panels []gp, quads gp, least vec, sums []vec) {
	const ahead = 2 // pairs of vectors of weights
	elements, weights := b.v.takeAll(len(rows), "four elements of A"), b.v.takeAll(2*ahead, "weights")
	products := b.v.takeAll(min(6, len(b.v.free)), "products")
	each := 4 * len(rows) // products with a pair of vectors
	pairs := 2 * len(panels)
	load := func(i int) {
		if i >= pairs {
			return
		}
		b.FLDPQ(panels[i/2], 32*(i%2), weights[2*(i%ahead)], weights[2*(i%ahead)+1])
		if len(panels) > 1 && i%2 == 0 {
			b.PRFM(panels[i/2], prefetchAhead, "PLDL1KEEP")
		}
	}
	b.loop("k", b.copy(quads, "fours of k left"), func() {
		for i, e := range elements {
			b.emit("VLD1R.P", mem(rows[i], 4), lanes4(e))
		}
		for i := range ahead {
			load(i)
		}
		for _, e := range elements {
			b.VEOR(least, e, e)
		}
		pipelined(each*pairs, len(products), func(i int) {
			pair, row, part := i/each, i%each/4, i%4
			b.SMULLBytes(part%2, elements[row], weights[2*(pair%ahead)+part/2], products[i%len(products)])
			if i%each == each-1 {
				load(pair + ahead)
			}
		}, func(i int) {
			pair, row, part := i/each, i%each/4, i%4
			b.SADALP(products[i%len(products)], sums[8*row+4*pair+part])
		})
		b.addAll(imm(64), panels)
	})
}

// byteConstant sets all bytes of a new register.
func (b *builder) byteConstant(n int, use string) vec {
	v := b.v.take(use)
	b.scope(func() {
		bits := b.r.take(use)
		b.MOVD(imm(n), bits)
		b.emit("VDUP", bits, v.as("B16"))
	})
	return v
}

// dot adds the products of k fours of elements of each row, as multiply does.
func (t *tile) dot(a []gp, panel gp, k int, least vec) {
	elements := t.v.takeAll(t.rows, "elements of A")
	for i, e := range elements {
		t.loadPiece(piece(k), a[i], []vec{e})
		t.VEOR(least, e, e)
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
			t.SDOTElement(e, i/4, row[i%depth], t.row(r)[i%4])
		}
	})
	t.ADD(imm(64*k), panel, panel)
}
