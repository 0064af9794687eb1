package amd64

// normaliseRows emits the normalisation of rows, each with a mean and a factor
// of its own.
func normaliseRows(b *builder) {
	b.doc("the normalisation of each row")
	b.note("elements", y(0))
	b.note("Scale", y(1))
	b.note("Shift", y(2))
	b.note("the row's Mean", y(3))
	b.note("the row's Rest", y(4))
	b.note("the row's Factor", y(5))
	xp, yp := b.load("X"), b.load("Y")
	mean, rest, factor := b.load("Mean"), b.load("Rest"), b.load("Factor")
	step := b.load("ParamStep")
	b.SHLQ(imm(3), step)
	b.loop("row", b.load("Rows"), func() {
		for i, p := range []reg64{mean, rest, factor} {
			b.VBROADCASTSS(mem(p, 0), y(3+i))
			b.ADDQ(imm(4), p)
		}
		offset := b.GP64()
		b.XORQ(offset, offset)
		scale, shift := b.load("Scale"), b.load("Shift")
		b.eightsMasked(b.load("N"), func(masked bool) {
			if masked {
				b.VMASKMOVPS(index(xp, offset, 1), y(15), y(0))
				b.VMASKMOVPS(mem(scale, 0), y(15), y(1))
				b.VMASKMOVPS(mem(shift, 0), y(15), y(2))
			} else {
				b.VMOVUPS(index(xp, offset, 1), y(0))
				b.VMOVUPS(mem(scale, 0), y(1))
				b.VMOVUPS(mem(shift, 0), y(2))
			}
			b.VSUBPS(y(3), y(0), y(0))
			b.VSUBPS(y(4), y(0), y(0))
			b.VMULPS(y(5), y(0), y(0))
			b.VFMADD213PS(y(2), y(1), y(0))
			if masked {
				b.VMASKMOVPS(y(0), y(15), index(yp, offset, 1))
				return
			}
			b.VMOVUPS(y(0), index(yp, offset, 1))
			b.ADDQ(imm(32), offset)
			b.ADDQ(step, scale)
			b.ADDQ(step, shift)
		})
		b.ADDQ(b.field("XRow"), xp)
		b.ADDQ(b.field("YRow"), yp)
	})
	b.VZEROUPPER()
}

// normaliseColumns emits the normalisation of columns, 16 at a time.
func normaliseColumns(b *builder) {
	b.doc("the normalisation of each column")
	b.note("elements", ys(0, 2)...)
	b.note("Mean", ys(2, 2)...)
	b.note("Rest", ys(4, 2)...)
	b.note("Factor", ys(6, 2)...)
	b.note("Shift", ys(8, 2)...)
	xp, yp := b.load("X"), b.load("Y")
	params := []reg64{b.load("Mean"), b.load("Rest"), b.load("Factor"), b.load("Shift")}
	b.sixteens(func(masked bool) {
		for i, p := range params {
			b.VMOVUPS(mem(p, 0), y(2+2*i))
			b.VMOVUPS(mem(p, 32), y(3+2*i))
		}
		in, out := b.copy(xp), b.copy(yp)
		b.loop("row", b.load("Rows"), func() {
			for half := range 2 {
				v := y(half)
				if masked {
					b.VMASKMOVPS(mem(in, 32*half), y(14+half), v)
				} else {
					b.VMOVUPS(mem(in, 32*half), v)
				}
				b.VSUBPS(y(2+half), v, v)
				b.VSUBPS(y(4+half), v, v)
				b.VFMADD213PS(y(8+half), y(6+half), v)
				if masked {
					b.VMASKMOVPS(v, y(14+half), mem(out, 32*half))
				} else {
					b.VMOVUPS(v, mem(out, 32*half))
				}
			}
			b.ADDQ(b.field("XRow"), in)
			b.ADDQ(b.field("YRow"), out)
		})
		if masked {
			return
		}
		for _, p := range append([]reg64{xp, yp}, params...) {
			b.ADDQ(imm(64), p)
		}
	})
	b.VZEROUPPER()
}
