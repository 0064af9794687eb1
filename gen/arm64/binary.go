package arm64

import "github.com/infer-go/infer/gen/function"

// binary emits the function that the kernel's variant names, of two elements: for
// operands that both move on along a row, and for either standing still.
func binary(b *builder) {
	f := binaries[b.kernel.Variant]
	b.doc(f.what + ", element by element")
	xp, yp, zp := b.load("X"), b.load("Y"), b.load("Z")
	xr, yr, zr := b.load("XRow"), b.load("YRow"), b.load("ZRow")
	rows, n := b.load("Rows"), b.load("N")
	limits := b.loadLimits()
	whole := piece(16)
	var e *evaluation
	if f.body != nil {
		whole, e = 8, b.evaluation(f.body) // needs many registers
	}
	x, y := b.v.takeAll(whole.vectors(), "elements of X, then results"), b.v.takeAll(whole.vectors(), "elements of Y")
	below := b.v.take("whether X is below 0")
	steps := []gp{b.load("XStep"), b.load("YStep")}

	xStill, yStill, end := b.label("xstill"), b.label("ystill"), b.label("end")
	b.CBZ(steps[0], xStill)
	b.CBZ(steps[1], yStill)
	variant := func(xMoves, yMoves bool) {
		b.loop("row", rows, func() {
			px, py, pz := b.copy(xp, "X of these elements"), b.copy(yp, "Y of these elements"), b.copy(zp, "Z of these elements")
			still := b.v.take("the operand that stands still")
			switch {
			case !xMoves:
				b.VLD1R(px, still)
			case !yMoves:
				b.VLD1R(py, still)
			}
			b.pieces(n, whole, func(p piece) {
				vs := p.vectors()
				if xMoves {
					b.loadPiece(p, px, x)
				}
				if yMoves {
					b.loadPiece(p, py, y)
				}
				if e != nil {
					for i := range vs {
						switch {
						case !xMoves:
							b.VMOV(still, x[i])
						case !yMoves:
							b.VMOV(still, y[i])
						}
					}
					z := e.evaluate(map[function.Op][]vec{function.Operand: x[:vs], function.Second: y[:vs]})
					b.clamp(limits, z)
					b.storePiece(p, z, pz)
					return
				}
				for i := range vs {
					left, right := x[i], y[i]
					if !xMoves {
						left = still
					}
					if !yMoves {
						right = still
					}
					f.emit(b, right, left, x[i], below)
				}
				b.clamp(limits, x[:vs])
				b.storePiece(p, x, pz)
			})
			b.ADD(xr, xp, xp)
			b.ADD(yr, yp, yp)
			b.ADD(zr, zp, zp)
		})
	}
	variant(true, true)
	b.B(end)
	b.comment("The element of X stands still.")
	b.place(xStill)
	variant(false, true)
	b.B(end)
	b.comment("The element of Y stands still.")
	b.place(yStill)
	variant(true, false)
	b.place(end)
}

// binaries are the functions: each emits d = f(x, y), where below is scratch, or
// has a body.
var binaries = map[string]struct {
	what string
	emit func(b *builder, y, x, d, below vec)
	body *function.Body
}{
	"add":   {"x + y", func(b *builder, y, x, d, below vec) { b.FADD(y, x, d) }, nil},
	"sub":   {"x − y", func(b *builder, y, x, d, below vec) { b.FSUB(y, x, d) }, nil},
	"mul":   {"x·y", func(b *builder, y, x, d, below vec) { b.FMUL(y, x, d) }, nil},
	"div":   {"x / y", func(b *builder, y, x, d, below vec) { b.FDIV(y, x, d) }, nil},
	"max":   {"the maximum of x and y", func(b *builder, y, x, d, below vec) { b.FMAX(y, x, d) }, nil},
	"min":   {"the minimum of x and y", func(b *builder, y, x, d, below vec) { b.FMIN(y, x, d) }, nil},
	"prelu": {"x < 0 ? x·y : x", prelu, nil},
	"pow":   {"x to the power of y", nil, function.Pow},
}

func prelu(b *builder, y, x, d, below vec) {
	b.scope(func() {
		product := b.v.take("products")
		b.FCMLT0(x, below)
		b.FMUL(y, x, product)
		if d != x {
			b.VMOV(x, d)
		}
		b.VBIT(below, product, d)
	})
}
