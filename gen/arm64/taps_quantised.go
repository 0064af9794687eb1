package arm64

import "github.com/infer-go/infer/gen/spec"

// A byteWindow is what a kernel that slides a window over a map of bytes does with
// its taps, for a piece of channels of a pixel, the first of them at an offset.
type byteWindow struct {
	start  func(p piece, offset gp)
	tap    func(p piece, tap gp)
	row    func()                       // after a row of taps; may be nil
	finish func(p piece, offset, to gp) // stores the results at to
}

// slideBytes emits the loops: pixels, then channels, then the window's rows and
// columns.
func (b *builder) slideBytes(w byteWindow) {
	in, out := b.load("X"), b.load("Y")
	xs, ys := b.load("XStride"), b.load("YStride")
	col, skip := b.load("XCol"), b.skipOver("XRow", "XCol", "Cols")
	c, pixels, width := b.load("C"), b.load("Pixels"), b.load("Cols")
	offset, tap, to := b.r.take("offset of the channel"), b.r.take("a tap"), b.r.take("where results go")
	rows, cols := b.r.take("rows left"), b.r.take("columns left")
	b.loop("pixel", pixels, func() {
		b.MOVD(imm(0), offset)
		b.MOVD(out, to)
		b.pieces(c, 16, func(p piece) {
			w.start(p, offset)
			b.ADD(offset, in, tap)
			b.reload("Rows", rows)
			b.loop("row", rows, func() {
				b.MOVD(width, cols)
				b.loop("tap", cols, func() {
					w.tap(p, tap)
					b.ADD(col, tap, tap)
				})
				b.ADD(skip, tap, tap)
				if w.row != nil {
					w.row()
				}
			})
			w.finish(p, offset, to)
			b.ADD(imm(int(p)), offset, offset)
		})
		b.ADD(xs, in, in)
		b.ADD(ys, out, out)
	})
}

// maxPoolQuantised emits the maximum over a window's taps, of bytes.
func maxPoolQuantised(b *builder) {
	b.doc("the maximum over a window's taps, channel by channel")
	most, element := b.v.take("maxima"), b.v.take("a tap's elements")
	b.slideBytes(byteWindow{
		start: func(piece, gp) { b.VEOR(most, most, most) },
		tap: func(p piece, tap gp) {
			b.loadBytePiece(p, tap, element)
			b.emit("VUMAX", element.as("B16"), most.as("B16"), most.as("B16"))
		},
		finish: func(p piece, _, to gp) {
			b.storeBytePiece(p, most, to)
			b.ADD(imm(int(p)), to, to)
		},
	})
}

// averagePoolQuantised emits the sum over a window's taps, times a factor.
func averagePoolQuantised(b *builder) {
	b.doc("the mean over a window's taps, channel by channel")
	f := b.newFinish()
	first, factor := b.broadcast("Offset"), b.broadcast("Factor")
	sums, element := b.v.takeAll(4, "sums, then values"), b.v.takeAll(2, "a tap's elements, as words")
	b.slideBytes(byteWindow{
		start: func(piece, gp) {
			for _, s := range sums {
				b.VMOV(first, s)
			}
		},
		tap: func(p piece, tap gp) {
			b.loadBytePiece(p, tap, element[1])
			b.VUXTL("B8", element[1], "H8", element[0])
			b.VUXTL2("B16", element[1], "H8", element[1])
			for i, s := range sums {
				b.UADDW(i%2, element[i/2], s, s)
			}
		},
		finish: func(p piece, _, to gp) {
			for _, s := range sums {
				b.SCVTF(s, s)
				b.FMUL(factor, s, s)
			}
			f.store(p, sums, to)
		},
	})
}

// depthwiseQuantised emits the weighted sum over a window's taps.
func depthwiseQuantised(b *builder) {
	b.doc("the weighted sum over a window's taps, channel by channel")
	f := b.newFinish()
	bias, scale, start := b.load("Bias"), b.load("Scale"), b.load("W")
	col, skip := b.load("WCol"), b.skipOver("WRow", "WCol", "Cols")
	d, r := b.load("D"), b.newResidual()
	next := b.r.take("weights of a tap")
	sums, factors := b.v.takeAll(4, "sums, then values"), b.v.takeAll(4, "multipliers")
	element, weight := b.v.takeAll(2, "a tap's elements, as words"), b.v.takeAll(2, "weights, as words")
	b.slideBytes(byteWindow{
		start: func(p piece, offset gp) {
			b.r.note(next, "what belongs to these channels")
			b.ADD(shifted(offset, 2), bias, next)
			b.peek(p, next, sums)
			b.ADD(offset, start, next)
		},
		tap: func(p piece, tap gp) {
			b.loadBytePiece(p, tap, element[1])
			b.VUXTL("B8", element[1], "H8", element[0])
			b.VUXTL2("B16", element[1], "H8", element[1])
			b.loadBytePiece(p, next, weight[1])
			b.SXTL(weight[1], weight[0])
			b.SXTL2(weight[1], weight[1])
			b.ADD(col, next, next)
			for i, s := range sums {
				b.SMLALVector(i%2, weight[i/2], element[i/2], s)
			}
		},
		row: func() { b.ADD(skip, next, next) },
		finish: func(p piece, offset, to gp) {
			b.ADD(shifted(offset, 2), scale, next)
			b.peek(p, next, factors)
			for i, s := range sums {
				b.SCVTF(s, s)
				b.FMUL(factors[i], s, s)
			}
			none := b.label("noresidual")
			b.CBZ(d, none)
			b.reload("Y", next)
			b.SUB(next, to, next)
			if b.kernel.Result == spec.F32 {
				b.LSR(2, next, next)
			}
			b.ADD(d, next, next)
			b.loadBytePiece(p, next, element[0])
			b.widen(element[0], factors)
			for i, s := range sums {
				r.add(factors[i], s)
			}
			b.place(none)
			f.store(p, sums, to)
		},
	})
}

// binaryQuantised emits a function of two elements: of two rows, or of one and an
// element that stands still.
func binaryQuantised(b *builder) {
	b.doc(b.kernel.Variant + " of two elements")
	f := b.newFinish()
	sides := []string{"X", "Y"}
	from, n, to := []gp{b.load("X"), b.load("Y")}, b.load("N"), b.load("Z")
	steps := []gp{b.load("XStep"), b.load("YStep")}
	zeros := []vec{b.broadcast("XZero"), b.broadcast("YZero")}
	scales := []vec{b.broadcast("XScale"), b.broadcast("YScale")}
	bytes := b.v.take("elements")
	operands := [][]vec{b.v.takeAll(4, "of X, then values"), b.v.takeAll(4, "of Y")}
	product := b.kernel.Variant == "mul"
	ready := func(side int, vs []vec) {
		b.widen(bytes, vs)
		for _, v := range vs {
			b.VSUB(zeros[side], v, v)
			if !product {
				b.SCVTF(v, v)
				b.FMUL(scales[side], v, v)
			}
		}
	}
	end := b.label("end")
	still := []string{b.label("xstill"), b.label("ystill")}
	for side, step := range steps {
		b.CBZ(step, still[side])
	}
	for fixed := -1; fixed < 2; fixed++ {
		if fixed >= 0 {
			b.comment("The element of " + sides[fixed] + " stands still.")
			b.place(still[fixed])
			b.loadBytePiece(1, from[fixed], bytes)
			b.emit("VDUP", bytes.lane("B", 0), bytes.as("B16"))
			ready(fixed, operands[fixed])
		}
		b.pieces(n, 16, func(p piece) {
			for side, vs := range operands {
				if side != fixed {
					b.loadBytePiece(p, from[side], bytes)
					b.ADD(imm(int(p)), from[side], from[side])
					ready(side, vs)
				}
			}
			values := b.v.takeAll(4, "values")
			for i, v := range values {
				x, y := operands[0][i], operands[1][i]
				switch b.kernel.Variant {
				case "add":
					b.FADD(y, x, v)
				case "sub":
					b.FSUB(y, x, v)
				case "mul":
					b.VMUL(y, x, v)
					b.SCVTF(v, v)
					b.FMUL(scales[0], v, v)
				}
			}
			f.store(p, values, to)
		})
		if fixed < 1 {
			b.B(end)
		}
	}
	b.place(end)
}

// quantise emits the conversion of float32 to uint8. What is NaN becomes 0 before
// it is converted, and leaves a trace.
func quantise(b *builder) {
	b.doc("the conversion of float32 to quantised uint8")
	q := b.newQuotients()
	in, to, n := b.load("X"), b.load("Y"), b.load("N")
	b.pieces(n, 16, func(p piece) {
		q.divide(p, in)
		q.store(p, q.values, to)
	})
	q.storeNaN()
}

// quantisePlanes emits the same for planes, of which it makes pixels.
func quantisePlanes(b *builder) {
	b.doc("planes of float32 as pixels of quantised uint8")
	planes := 3
	if b.kernel.Variant == "4" {
		planes = 4
	}
	q := b.newQuotients()
	plane, to, n := b.rows(b.load("X"), b.load("XPlane"), planes, "planes of X"), b.load("Y"), b.load("N")
	pixels := b.v.takeAll(planes, "bytes of each plane")
	b.pieces(n, 16, func(p piece) {
		for c, from := range plane {
			q.divide(p, from)
			q.bytes(q.values)
			b.VMOV(q.values[0], pixels[c])
		}
		if p == 16 {
			b.storePixels("B16", pixels, to)
			return
		}
		for i := range int(p) {
			for _, v := range pixels {
				b.emit("VST1.P", v.lane("B", i), mem(to, 1))
			}
		}
	})
	q.storeNaN()
}

// quotients are float32 over a scale, to be made bytes.
type quotients struct {
	finish
	scale    vec
	seen, is vec // where no NaN was seen, and where there is none
	values   []vec
}

func (b *builder) newQuotients() quotients {
	q := quotients{finish: b.newFinish(), scale: b.broadcast("Scale")}
	q.seen, q.is = b.v.take("all ones where no NaN was seen"), b.v.take("all ones where there is none")
	q.values = b.v.takeAll(4, "values")
	b.VEOR(q.seen, q.seen, q.seen)
	b.FCMEQ(q.seen, q.seen, q.seen)
	return q
}

// divide makes values of a piece of what is at from, which moves on. A NaN becomes
// 0.
func (q quotients) divide(p piece, from gp) {
	q.loadPiece(p, from, q.values)
	for _, v := range q.values[:p.vectors()] {
		q.FDIV(q.scale, v, v)
		q.FCMEQ(v, v, q.is)
		q.VAND(q.is, q.seen, q.seen)
		q.VAND(q.is, v, v)
	}
}

// storeNaN tells whether a NaN was seen.
func (q quotients) storeNaN() {
	q.MVN(q.seen, q.seen)
	half, nan := q.r.take("half of the lanes where one was"), q.load("NaN")
	for i := range 2 {
		q.emit("VMOV", q.seen.lane("D", i), half)
		q.emit("ORR", half, nan, nan)
	}
	q.emit("MOVD", nan, mem(q.base, q.offset("NaN")))
}

// dequantise emits the conversion of uint8 to float32.
func dequantise(b *builder) {
	b.doc("the conversion of quantised uint8, or int8, to float32")
	in, to, n := b.load("X"), b.load("Y"), b.load("N")
	scale, zero := b.broadcast("Scale"), b.broadcast("Zero")
	flip := b.v.take("Flip, in each byte")
	b.scope(func() {
		bits := b.load("Flip")
		b.emit("VDUP", bits, flip.as("B16"))
	})
	elements, values := b.v.take("elements"), b.v.takeAll(4, "values")
	b.pieces(n, 16, func(p piece) {
		b.loadBytePiece(p, in, elements)
		b.ADD(imm(int(p)), in, in)
		b.VEOR(flip, elements, elements)
		b.widen(elements, values)
		for _, v := range values[:p.vectors()] {
			b.VSUB(zero, v, v)
			b.SCVTF(v, v)
			b.FMUL(scale, v, v)
		}
		b.storePiece(p, values, to)
	})
}
