package arm64

import "github.com/infer-go/infer/gen/function"

// softmax emits the normalisation of rows to probabilities: a pass for the
// largest element, one for the exponentials and their sum, one that divides.
func softmax(b *builder) {
	b.doc("the softmax of each row")
	xp, yp, n := b.load("X"), b.load("Y"), b.load("N")
	xr, yr := b.load("XRow"), b.load("YRow")
	exp := function.ByVariant["exp"].Body
	e := &evaluation{builder: b, body: exp, last: exp.LastUse()}
	e.constants()
	most := b.v.take("the largest elements, then one by the sum")
	sums := b.v.takeAll(2, "sums of the exponentials in float64")
	b.loop("row", b.load("Rows"), func() {
		in, out := b.copy(xp, "elements of the row"), b.copy(yp, "results of the row")
		b.VLD1R(in, most)
		b.pieces(n, 8, func(p piece) {
			x := b.v.takeAll(p.vectors(), "elements")
			b.loadPiece(p, in, x)
			switch p {
			case 2:
				b.VDUP2(x[0].lane("D", 0), x[0])
			case 1:
				b.VDUP(x[0].lane("S", 0), x[0])
			}
			for _, v := range x {
				b.FMAX(v, most, most)
			}
		})
		b.scope(func() {
			other := b.v.takeAll(3, "other lanes of the largest")
			for i, v := range other {
				b.VDUP(most.lane("S", i+1), v)
			}
			for _, v := range other {
				b.FMAX(v, most, most)
			}
			b.VDUP(most.lane("S", 0), most)
		})

		b.MOVD(xp, in)
		for _, s := range sums {
			b.VEOR(s, s, s)
		}
		b.pieces(n, 8, func(p piece) {
			x := b.v.takeAll(p.vectors(), "elements")
			b.loadPiece(p, in, x)
			for _, v := range x {
				b.FSUB(most, v, v)
			}
			x = e.evaluate(map[function.Op][]vec{function.Operand: x})
			b.storePiece(p, x, out)
			wide := b.doubles(p, x, b.v.takeAll(4, "exponentials in float64"))
			if p == 1 {
				zero := b.v.take("0")
				b.VEOR(zero, zero, zero)
				b.emit("VMOV", zero.lane("D", 1), wide[0].lane("D", 1))
			}
			for i, v := range wide {
				b.FADD2(v, sums[i%2], sums[i%2])
			}
		})
		b.scope(func() {
			b.FADD2(sums[1], sums[0], sums[0])
			b.VDUP2(sums[0].lane("D", 1), sums[1])
			b.FADD2(sums[1], sums[0], sums[0])
			one := b.double(1, "1")
			b.FDIV2(sums[0], one, one)
			b.FCVTN(one, most)
			b.VDUP(most.lane("S", 0), most)
		})

		b.MOVD(yp, out)
		in = b.copy(yp, "exponentials of the row")
		b.pieces(n, 8, func(p piece) {
			x := b.v.takeAll(p.vectors(), "elements")
			b.loadPiece(p, in, x)
			for _, v := range x {
				b.FMUL(most, v, v)
			}
			b.storePiece(p, x, out)
		})
		b.ADD(xr, xp, xp)
		b.ADD(yr, yp, yp)
	})
}
