package arm64

import "math/bits"

// normaliseRows emits the normalisation of rows, each with a mean and a factor
// of its own.
func normaliseRows(b *builder) {
	b.doc("the normalisation of each row")
	xp, yp, n := b.load("X"), b.load("Y"), b.load("N")
	xr, yr, step := b.load("XRow"), b.load("YRow"), b.load("ParamStep")
	var parts []gp
	var of []vec
	for _, name := range []string{"Mean", "Rest", "Factor"} {
		parts = append(parts, b.load(name))
		of = append(of, b.v.take("the row's "+name))
	}
	elements := b.v.takeAll(4, "elements")
	scales, results := b.v.takeAll(4, "Scale"), b.v.takeAll(4, "Shift, then results")
	b.loop("row", b.load("Rows"), func() {
		for i, p := range parts {
			b.VLD1R(p, of[i])
			b.ADD(imm(4), p, p)
		}
		in, out := b.copy(xp, "elements of the row"), b.copy(yp, "results of the row")
		scale, shift := b.load("Scale"), b.load("Shift")
		b.pieces(n, 16, func(p piece) {
			b.loadPiece(p, in, elements)
			b.peek(p, scale, scales)
			b.peek(p, shift, results)
			for i, v := range elements[:p.vectors()] {
				b.FSUB(of[0], v, v)
				b.FSUB(of[1], v, v)
				b.FMUL(of[2], v, v)
				b.VFMLA(scales[i], v, results[i])
			}
			b.storePiece(p, results, out)
			for _, param := range []gp{scale, shift} {
				b.ADD(shifted(step, bits.TrailingZeros(uint(p))), param, param)
			}
		})
		b.ADD(xr, xp, xp)
		b.ADD(yr, yp, yp)
	})
}

// normaliseColumns emits the normalisation of columns, 16 at a time.
func normaliseColumns(b *builder) {
	b.doc("the normalisation of each column")
	xp, yp := b.load("X"), b.load("Y")
	xr, yr := b.load("XRow"), b.load("YRow")
	var from []gp
	var of [][]vec
	for _, name := range []string{"Mean", "Rest", "Factor", "Shift"} {
		from = append(from, b.load(name))
		of = append(of, b.v.takeAll(4, name))
	}
	elements, results := b.v.takeAll(4, "elements"), b.v.takeAll(4, "results")
	b.pieces(b.load("N"), 16, func(p piece) {
		for i, param := range from {
			b.loadPiece(p, param, of[i])
		}
		in, out := b.copy(xp, "elements of a row"), b.copy(yp, "results of a row")
		b.loop("row", b.load("Rows"), func() {
			b.peek(p, in, elements)
			to := b.copy(out, "the row of Y")
			for i, v := range elements[:p.vectors()] {
				b.FSUB(of[0][i], v, v)
				b.FSUB(of[1][i], v, v)
				b.VMOV(of[3][i], results[i])
				b.VFMLA(of[2][i], v, results[i])
			}
			b.storePiece(p, results, to)
			b.ADD(xr, in, in)
			b.ADD(yr, out, out)
		})
		b.ADD(imm(p.bytes()), xp, xp)
		b.ADD(imm(p.bytes()), yp, yp)
	})
}
