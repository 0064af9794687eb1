package amd64

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// A reduction is what a kernel of the reduce families folds. Its functions emit
// instructions on vectors of float64, of four or of two.
type reduction struct {
	what     string
	identity float64                    // folding it changes nothing
	prepare  func(b *builder)           // sets what term reads besides its operands
	term     func(b *builder, v, c vec) // turns elements v into what is folded; c is their centre
	fold     func(b *builder, t, sum, free vec)
}

var reductions = map[string]reduction{
	"sum":        {"sum", 0, nil, nil, addTerm},
	"squares":    {"sum of the squares around a centre", 0, nil, squareTerm, addTerm},
	"magnitudes": {"sum of the magnitudes", 0, prepareMagnitudes, func(b *builder, v, _ vec) { b.VANDPD(sibling(y(13), v), v, v) }, addTerm},
	"product":    {"product", 1, nil, nil, func(b *builder, t, sum, _ vec) { b.VMULPD(t, sum, sum) }},
	"max":        {"maximum", math.Inf(-1), nil, nil, nil}, // see extremes.go
	"min":        {"minimum", math.Inf(1), nil, nil, nil},
}

func addTerm(b *builder, t, sum, _ vec) { b.VADDPD(t, sum, sum) }

func squareTerm(b *builder, v, c vec) {
	b.VSUBPD(c, v, v)
	b.VMULPD(v, v, v)
}

func prepareMagnitudes(b *builder) {
	b.note("all bits but the sign's", y(13))
	b.double(math.Float64frombits(math.MaxInt64), 13)
}

// double sets all lanes of a register to a float64.
func (b *builder) double(v float64, to int) {
	bits := b.GP64()
	b.MOVQ(operand.U64(math.Float64bits(v)), bits)
	b.VMOVQ(bits, x(to))
	b.VBROADCASTSD(x(to), y(to))
}

// sibling is v with the width of another register.
func sibling(v, as vec) vec {
	i := int(v.PhysicalIndex())
	if as.Size() == 16 {
		return x(i)
	}
	return y(i)
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
	if r.prepare != nil {
		r.prepare(b)
	}
	return r
}

// reduceRows emits the reduction of rows: four vectors of sums, and one of what
// is left of a row after its last 16.
func reduceRows(b *builder) {
	if b.extremes() {
		extremeRows(b)
		return
	}
	r := b.reduction("each row")
	b.note("elements", ys(0, 4)...)
	b.note("sums", ys(4, 4)...)
	b.note("the row's centre", y(8))
	b.note("what folding needs", y(9))
	b.note("the sum of the last elements", y(10))
	b.note("what folding nothing yields", y(11))
	b.double(r.identity, 11)
	xp, xr, yp := b.load("X"), b.load("XRow"), b.load("Y")
	cp := b.GP64()
	if b.kernel.Variant == "squares" {
		b.MOVQ(b.field("C"), cp)
	}
	b.loop("row", b.load("Rows"), func() {
		p := b.copy(xp)
		for _, i := range []int{4, 5, 6, 7, 10} {
			b.VMOVAPD(y(11), y(i))
		}
		if b.kernel.Variant == "squares" {
			b.VBROADCASTSD(mem(cp, 0), y(8))
			b.ADDQ(imm(8), cp)
		}
		n := b.load("N")
		ones, done := b.label("ones"), b.label("done")
		left := b.copy(n)
		b.SHRQ(imm(4), n)
		b.JEQ(operand.LabelRef(ones))
		b.loop("sixteen", n, func() {
			for i := range 4 {
				b.VCVTPS2PD(mem(p, 16*i), y(i))
				r.apply(b, y(i), y(8))
				r.fold(b, y(i), y(4+i), y(9))
			}
			b.ADDQ(imm(64), p)
		})
		b.Label(ones)
		b.ANDQ(imm(15), left)
		b.JEQ(operand.LabelRef(done))
		b.loop("one", left, func() {
			b.VMOVSS(mem(p, 0), x(0))
			b.VCVTPS2PD(x(0), x(0))
			r.apply(b, x(0), x(8))
			r.fold(b, x(0), x(10), x(9))
			b.ADDQ(imm(4), p)
		})
		b.Label(done)
		r.fold(b, y(5), y(4), y(9))
		r.fold(b, y(7), y(6), y(9))
		r.fold(b, y(6), y(4), y(9))
		b.VEXTRACTF128(imm(1), y(4), x(0))
		r.fold(b, x(0), x(4), x(9))
		b.VUNPCKHPD(x(4), x(4), x(0))
		r.fold(b, x(0), x(4), x(9))
		r.fold(b, x(10), x(4), x(9))
		b.VMOVSD(x(4), mem(yp, 0))
		b.ADDQ(imm(8), yp)
		b.ADDQ(xr, xp)
	})
	b.VZEROUPPER()
}

// reduceColumns emits the reduction of columns, 16 at a time.
func reduceColumns(b *builder) {
	if b.extremes() {
		extremeColumns(b)
		return
	}
	r := b.reduction("each column")
	b.note("elements", ys(0, 4)...)
	b.note("sums", ys(4, 4)...)
	b.note("the columns' centres", ys(8, 4)...)
	b.note("what folding needs", y(12))
	xp, xr, yp := b.load("X"), b.load("XRow"), b.load("Y")
	cp := b.GP64()
	if b.kernel.Variant == "squares" {
		b.MOVQ(b.field("C"), cp)
	}
	b.sixteens(func(masked bool) {
		for i := range 4 {
			b.VMOVUPD(mem(yp, 32*i), y(4+i))
			if b.kernel.Variant == "squares" {
				b.VMOVUPD(mem(cp, 32*i), y(8+i))
			}
		}
		p := b.copy(xp)
		b.loop("row", b.load("Rows"), func() {
			if masked {
				for half := range 2 {
					b.VMASKMOVPS(mem(p, 32*half), y(14+half), y(2*half))
					b.VEXTRACTF128(imm(1), y(2*half), x(2*half+1))
				}
			}
			for i := range 4 {
				if masked {
					b.VCVTPS2PD(x(i), y(i))
				} else {
					b.VCVTPS2PD(mem(p, 16*i), y(i))
				}
				r.apply(b, y(i), y(8+i))
				r.fold(b, y(i), y(4+i), y(12))
			}
			b.ADDQ(xr, p)
		})
		for i := range 4 {
			b.VMOVUPD(y(4+i), mem(yp, 32*i))
		}
		if !masked {
			b.ADDQ(imm(64), xp)
			b.ADDQ(imm(128), yp)
			if b.kernel.Variant == "squares" {
				b.ADDQ(imm(128), cp)
			}
		}
	})
	b.VZEROUPPER()
}

// sixteens emits body for every 16 of N columns, then once more for those that
// are left, which Y14 and Y15 select.
func (b *builder) sixteens(body func(masked bool)) {
	rest, done := b.label("rest"), b.label("done")
	n := b.load("N")
	left := b.copy(n)
	b.SHRQ(imm(4), n)
	b.JEQ(operand.LabelRef(rest))
	b.loop("sixteen", n, func() { body(false) })
	b.Label(rest)
	b.ANDQ(imm(15), left)
	b.JEQ(operand.LabelRef(done))
	b.setMasks(left)
	body(true)
	b.Label(done)
}
