package arm64

// depthwiseThrees emits the weighted sum over windows of 3×3 taps, for 8 channels
// at a time and then for what is left. Weights are widened once for all pixels.
// Each column of taps is loaded and widened once, and multiplied for all pixels
// that see it.
func depthwiseThrees(b *builder) {
	b.doc("the weighted sum over 3×3 taps of bytes, channel by channel, with stride " + b.kernel.Variant)
	t := &threes{
		finish: b.newFinish(), stride: int(b.kernel.Variant[0] - '0'),
		x: b.load("X"), y: b.load("Y"), row: b.load("XRow"), col: b.load("XCol"), ys: b.load("YStride"),
		weights: b.v.takeAll(9, "weights, as words"), bias: b.v.takeAll(2, "Bias"), scale: b.v.takeAll(2, "Scale"),
		taps: b.v.takeAll(3, "taps of a column, as words"),
		d:    b.load("D"), apart: b.r.take("how far D is behind Y"), residual: b.newResidual(),
	}
	b.SUB(t.y, t.d, t.apart)
	left, first := b.load("C"), b.r.take("the first channel")
	b.MOVD(imm(0), first)
	next, rest, done := b.label("channels"), b.label("rest"), b.label("done")
	b.place(next)
	b.CMP(8, left)
	b.BLT(rest)
	b.scope(func() { t.channels(first, nil) })
	for _, r := range []gp{first, t.x, t.y} {
		b.ADD(imm(8), r, r)
	}
	b.SUB(imm(8), left, left)
	b.B(next)
	b.place(rest)
	b.CBZ(left, done)
	b.scope(func() { t.channels(first, &left) })
	b.place(done)
}

// threes is depthwiseThrees at work.
type threes struct {
	finish
	stride       int
	x, y         gp // of the first pixel, and the channels that are computed
	row, col, ys gp
	weights      []vec // of tap (r, k) in 3·k + r
	bias, scale  []vec
	taps         []vec
	at           []gp // the column's taps, by row
	d, apart     gp   // D, and how far it is behind Y
	residual     residual
}

// channels emits the pass of 8 channels, or of those that are left, over all
// pixels.
func (t *threes) channels(first gp, left *gp) {
	b := t.builder
	t.load(first)
	b.scope(func() {
		t.at = b.r.takeAll(3, "a column's taps")
		lines, pixels, x, y, out := b.load("Lines"), b.r.take("pixels left"), b.copy(t.x, "a line of X"), b.copy(t.y, "a line of Y"), b.r.take("where results go")
		step := b.r.take("XLine, then YLine")
		sums := make([][]vec, 4-t.stride) // of the pixels that see a column
		for i := range sums {
			sums[i] = b.v.takeAll(2, "sums")
		}
		b.loop("line", lines, func() {
			b.MOVD(x, t.at[0])
			b.ADD(t.row, x, t.at[1])
			b.ADD(t.row, t.at[1], t.at[2])
			b.MOVD(y, out)
			b.reload("Pixels", pixels)
			t.column(left)
			t.begin(sums[0])
			if t.stride == 1 {
				t.column(left)
				t.add(1, sums[0])
				t.begin(sums[1])
			}
			b.loop("pixel", pixels, func() {
				last := sums[len(sums)-1]
				if t.stride == 2 {
					t.column(left)
					t.add(1, sums[0])
				}
				t.column(left)
				t.add(2, sums[0])
				if t.stride == 1 {
					t.add(1, sums[1])
				}
				t.begin(last)
				t.end(sums[0], out, left)
				for i := range len(sums) - 1 {
					for j, v := range sums[i+1] {
						b.VMOV(v, sums[i][j])
					}
				}
			})
			b.reload("XLine", step)
			b.ADD(step, x, x)
			b.reload("YLine", step)
			b.ADD(step, y, y)
		})
	})
}

// load reads what belongs to 8 channels, of which the first is 64·B + 16·j + 8·h:
// it stands at places 64·B + 32·h + 4·j, and 16 behind that, four and four.
func (t *threes) load(first gp) {
	b := t.builder
	b.scope(func() {
		block, place := b.r.take("the block's first place"), b.r.take("the place in it")
		part := b.r.take("a part of that")
		b.emit("AND", imm(8), first, part)
		b.LSL(2, part, place)
		b.emit("AND", imm(48), first, part)
		b.LSR(2, part, part)
		b.ADD(part, place, place)
		b.emit("AND", imm(63), first, part)
		b.SUB(part, first, block)

		at := b.r.take("an address")
		b.ADD(block, place, part)
		for _, f := range []struct {
			name string
			to   []vec
		}{{"Bias", t.bias}, {"Scale", t.scale}} {
			b.reload(f.name, at)
			b.ADD(shifted(part, 2), at, at)
			b.FMOVQ(mem(at, 0), f.to[0])
			b.FMOVQ(mem(at, 64), f.to[1])
		}
		// A block has 12 bytes of weights for each channel: 4 for each column.
		b.reload("W", at)
		b.ADD(shifted(block, 3), at, at)
		b.ADD(shifted(block, 2), at, at)
		b.ADD(shifted(place, 2), at, at)
		quads, words := b.v.takeAll(2, "weights of a column's taps"), b.v.takeAll(2, "those of a tap")
		for k := range 3 {
			for i, q := range quads {
				b.FMOVQ(mem(at, 256*k+64*i), q)
			}
			for r := range 3 {
				for i, w := range words {
					b.VSHL(24-8*r, quads[i], w)
					b.SSHR(24, w, w)
				}
				w := t.weights[3*k+r]
				b.XTN(32, words[0], w)
				b.XTN2(32, words[1], w)
			}
		}
	})
}

// column loads the next column of taps.
func (t *threes) column(left *gp) {
	for r, at := range t.at {
		if left == nil {
			t.loadBytePiece(8, at, t.taps[r])
		} else {
			t.loadBytes(*left, at, t.taps[r])
		}
		t.ADD(t.col, at, at)
	}
	for _, v := range t.taps {
		t.VUXTL("B8", v, "H8", v)
	}
}

// begin starts sums with the bias and the column's products with the first
// weights, add adds those with column k of the weights.
func (t *threes) begin(sums []vec) {
	for i, s := range sums {
		t.VMOV(t.bias[i], s)
	}
	t.add(0, sums)
}

func (t *threes) add(k int, sums []vec) {
	for r, x := range t.taps {
		for half, s := range sums {
			t.SMLALVector(half, t.weights[3*k+r], x, s)
		}
	}
}

// end makes a pixel's results of sums and stores them.
func (t *threes) end(sums []vec, out gp, left *gp) {
	b := t.builder
	for i, s := range sums {
		b.SCVTF(s, s)
		b.FMUL(t.scale[i], s, s)
	}
	none := b.label("noresidual")
	b.CBZ(t.d, none)
	b.scope(func() {
		at, words := b.r.take("the pixel's residual"), t.taps[:2]
		b.ADD(t.apart, out, at)
		if left == nil {
			b.loadBytePiece(8, at, words[0])
		} else {
			b.loadBytes(*left, at, words[0])
		}
		b.VUXTL("B8", words[0], "H8", words[0])
		b.VUXTL2("H8", words[0], "S4", words[1])
		b.VUXTL("H4", words[0], "S4", words[0])
		for i, s := range sums {
			t.residual.add(words[i], s)
		}
	})
	b.place(none)
	b.clamp(t.limits, sums)
	for _, s := range sums {
		b.FCVTNS(s, s)
		b.VADD(t.zero, s, s)
	}
	b.XTN(32, sums[0], sums[0])
	b.XTN2(32, sums[1], sums[0])
	b.XTN(16, sums[0], sums[0])
	if left == nil {
		b.storeBytePiece(8, sums[0], out)
	} else {
		b.storeBytes(*left, sums[0], out)
	}
	b.ADD(t.ys, out, out)
}
