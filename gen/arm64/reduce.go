package arm64

import (
	"fmt"
	"math"
)

// A reduction is what a kernel of the reduce families folds. Its functions emit
// instructions on vectors of two float64.
type reduction struct {
	what     string
	identity float64                    // folding it changes nothing
	term     func(b *builder, v, c vec) // turns elements v into what is folded; c is their centre
	fold     func(b *builder, t, sum vec)
}

var reductions = map[string]reduction{
	"sum":        {"sum", 0, nil, addTerm},
	"squares":    {"sum of the squares around a centre", 0, squareTerm, addTerm},
	"magnitudes": {"sum of the magnitudes", 0, func(b *builder, v, _ vec) { b.FABS2(v, v) }, addTerm},
	"product":    {"product", 1, nil, func(b *builder, t, sum vec) { b.FMUL2(t, sum, sum) }},
	"max":        {"maximum", math.Inf(-1), nil, func(b *builder, t, sum vec) { b.FMAX2(t, sum, sum) }},
	"min":        {"minimum", math.Inf(1), nil, func(b *builder, t, sum vec) { b.FMIN2(t, sum, sum) }},
}

func addTerm(b *builder, t, sum vec) { b.FADD2(t, sum, sum) }

func squareTerm(b *builder, v, c vec) {
	b.FSUB2(c, v, v)
	b.FMUL2(v, v, v)
}

// apply emits what turns elements into what is folded.
func (r reduction) apply(b *builder, v, c vec) {
	if r.term != nil {
		r.term(b, v, c)
	}
}

// reduction is what the kernel folds, of rows or columns.
func (b *builder) reduction(of string) reduction {
	r := reductions[b.kernel.Variant]
	b.doc("the " + r.what + " of " + of)
	return r
}

// double sets both lanes of a new register.
func (b *builder) double(x float64, use string) vec {
	v := b.v.take(use)
	b.scope(func() {
		bits := b.r.take(use)
		b.MOVD(text(fmt.Sprintf("$%#x", math.Float64bits(x))), bits)
		b.VDUP2(bits, v)
	})
	return v
}

// doubles emits the conversion of a piece to float64.
func (b *builder) doubles(p piece, from, to []vec) []vec {
	to = to[:max(1, int(p)/2)]
	for i, v := range to {
		if i%2 == 0 {
			b.FCVTL(float64s, from[i/2], v)
		} else {
			b.FCVTL2(float64s, from[i/2], v)
		}
	}
	return to
}

// reduceRows emits the reduction of rows.
func reduceRows(b *builder) {
	r := b.reduction("each row")
	xp, xr, yp, n := b.load("X"), b.load("XRow"), b.load("Y"), b.load("N")
	squares := b.kernel.Variant == "squares"
	var cp gp
	centre := vec(0)
	if squares {
		cp, centre = b.load("C"), b.v.take("the row's centre")
	}
	identity := b.double(r.identity, "what folding nothing yields")
	elements := b.v.takeAll(4, "elements")
	wide, sums := b.v.takeAll(8, "the same in float64"), b.v.takeAll(8, "sums")
	b.loop("row", b.load("Rows"), func() {
		p := b.copy(xp, "elements of the row")
		for _, s := range sums {
			b.VMOV(identity, s)
		}
		if squares {
			b.loadDoubles(cp, centre)
		}
		b.pieces(n, 16, func(part piece) {
			b.loadPiece(part, p, elements)
			for i, v := range b.doubles(part, elements, wide) {
				r.apply(b, v, centre)
				if part == 1 {
					b.emit("VMOV", identity.lane("D", 1), v.lane("D", 1))
				}
				r.fold(b, v, sums[i])
			}
		})
		for half := 4; half >= 1; half /= 2 {
			for i := range half {
				r.fold(b, sums[half+i], sums[i])
			}
		}
		b.VDUP2(sums[0].lane("D", 1), sums[1])
		r.fold(b, sums[1], sums[0])
		b.emit("FMOVD.P", sums[0], mem(yp, 8))
		b.ADD(xr, xp, xp)
	})
}

// loadDoubles reads a float64 into both lanes of a register; from moves on.
func (b *builder) loadDoubles(from gp, to vec) {
	b.emit("FMOVD.P", mem(from, 8), to)
	b.VDUP2(to.lane("D", 0), to)
}

// reduceColumns emits the reduction of columns, 16 at a time. Of a last single
// column the vector's other lane holds whatever comes.
func reduceColumns(b *builder) {
	r := b.reduction("each column")
	xp, xr, yp := b.load("X"), b.load("XRow"), b.load("Y")
	squares := b.kernel.Variant == "squares"
	var cp gp
	if squares {
		cp = b.load("C")
	}
	elements := b.v.takeAll(4, "elements")
	wide, sums := b.v.takeAll(8, "the same in float64"), b.v.takeAll(8, "sums")
	var centres []vec
	if squares {
		centres = b.v.takeAll(8, "the columns' centres")
	}
	b.pieces(b.load("N"), 16, func(part piece) {
		vectors := max(1, int(part)/2)
		for i := range vectors {
			b.FMOVQ(mem(yp, 16*i), sums[i])
			if squares {
				b.FMOVQ(mem(cp, 16*i), centres[i])
			}
		}
		p := b.copy(xp, "elements of a row")
		b.loop("row", b.load("Rows"), func() {
			b.peek(part, p, elements)
			for i, v := range b.doubles(part, elements, wide) {
				c := vec(0)
				if squares {
					c = centres[i]
				}
				r.apply(b, v, c)
				r.fold(b, v, sums[i])
			}
			b.ADD(xr, p, p)
		})
		for i := range vectors {
			b.emit("FMOVQ", sums[i], mem(yp, 16*i))
		}
		b.ADD(imm(part.bytes()), xp, xp)
		b.ADD(imm(2*part.bytes()), yp, yp)
		if squares {
			b.ADD(imm(2*part.bytes()), cp, cp)
		}
	})
}
