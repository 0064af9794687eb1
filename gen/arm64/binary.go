package arm64

// binary emits the function that the kernel's variant names, of two elements: for
// operands that both move on along a row, and for either standing still.
func binary(b *builder) {
	f := binaries[b.kernel.Variant]
	b.doc(f.what + ", element by element")
	xp, yp, zp := b.load("X"), b.load("Y"), b.load("Z")
	xr, yr, zr := b.load("XRow"), b.load("YRow"), b.load("ZRow")
	rows, n := b.load("Rows"), b.load("N")
	limits := b.loadLimits()
	x, y := b.v.takeAll(4, "elements of X, then results"), b.v.takeAll(4, "elements of Y")
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
			b.pieces(n, 16, func(p piece) {
				vs := p.vectors()
				if xMoves {
					b.loadPiece(p, px, x)
				}
				if yMoves {
					b.loadPiece(p, py, y)
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

// binaries are the functions: each emits d = f(x, y); below is scratch.
var binaries = map[string]struct {
	what string
	emit func(b *builder, y, x, d, below vec)
}{
	"add":   {"x + y", func(b *builder, y, x, d, below vec) { b.FADD(y, x, d) }},
	"sub":   {"x − y", func(b *builder, y, x, d, below vec) { b.FSUB(y, x, d) }},
	"mul":   {"x·y", func(b *builder, y, x, d, below vec) { b.FMUL(y, x, d) }},
	"div":   {"x / y", func(b *builder, y, x, d, below vec) { b.FDIV(y, x, d) }},
	"max":   {"the maximum of x and y", func(b *builder, y, x, d, below vec) { b.FMAX(y, x, d) }},
	"min":   {"the minimum of x and y", func(b *builder, y, x, d, below vec) { b.FMIN(y, x, d) }},
	"prelu": {"x < 0 ? x·y : x", prelu},
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
