package arm64

import (
	"fmt"
	"slices"

	"github.com/infer-go/infer/gen/spec"
)

// winogradPatches emits the input transform of F(4×4, 3×3) in integers, eight
// channels at a time. Rows 0 and 5 of the first pass come first, then the others,
// as in in4Tile.
func winogradPatches(b *builder) {
	b.doc("the input transform of Winograd's F(4×4, 3×3), in integers")
	six := b.broadcast("Zero")
	b.v.note(six, "6·Zero")
	b.emit("VDUP", six.lane("H", 0), six.as("H8"))
	b.scope(func() {
		two := b.v.take("2·Zero")
		b.VADD8(six, six, two)
		b.VADD8(two, two, six)
		b.VADD8(two, six, six)
	})
	xr, xp, yf := b.load("XRow"), b.load("XPixel"), b.load("YFreq")
	blocks := b.load("Blocks")
	b.LSL(1, blocks, blocks)
	firstX, firstY := b.load("X"), b.load("Y")
	b.loop("tile", b.load("Tiles"), func() {
		b.scope(func() {
			x, y := b.copy(firstX, "X of these channels"), b.copy(firstY, "Y of these channels")
			b.loop("block", b.copy(blocks, "blocks left"), func() {
				b.scope(func() { b.patch(six, x, b.copy(y, "frequencies"), xr, xp, yf) })
				b.ADD(imm(8), x, x)
				b.ADD(imm(16), y, y)
			})
		})
		b.scope(func() { b.ADD(b.load("XTile"), firstX, firstX) })
		b.scope(func() { b.ADD(b.load("YTile"), firstY, firstY) })
	})
}

// patch emits the transform of one patch of eight channels.
func (b *builder) patch(six vec, x, y, xr, xp, yf gp) {
	last := b.copy(y, "frequencies of row 5")
	b.skip(last, yf, 30)
	store := func(row []vec, y gp) {
		freq := b.patchLine(row)
		for _, v := range freq {
			b.storeStep(v, y, yf)
		}
		b.v.release(freq...)
	}
	outer := b.patchColumns(x, xr, xp, 6, b.patchOuter)
	store(outer[0], y)
	store(outer[1], last)
	second := b.r.take("row 1 of the patch")
	b.ADD(xr, x, second)
	inner := b.patchColumns(second, xr, xp, 4, func(d []vec) []vec {
		r := b.patchInner(d)
		b.VADD8(six, r[0], r[0]) // the other rows of Bᵀ sum to 0, this one to −6
		return r
	})
	for _, row := range inner {
		store(row, y)
	}
}

// patchColumns is columns for a patch of uint8.
func (b *builder) patchColumns(x, stride, step gp, rows int, apply func(column []vec) []vec) (half [][]vec) {
	b.scope(func() {
		row := b.rows(x, stride, rows, "rows of the patch")
		for i := range 6 {
			b.comment(fmt.Sprintf("Column %d.", i))
			column := b.v.takeAll(rows, "elements")
			for j, v := range column {
				b.emit("VLD1.P", by(row[j], step), text("["+v.as("B8").Asm()+"]"))
				b.VUXTL("B8", v, "H8", v)
			}
			for j, v := range apply(column) {
				if i == 0 {
					half = append(half, nil)
				}
				half[j] = append(half[j], v)
			}
		}
	})
	b.v.hold(slices.Concat(half...))
	return half
}

// patchOuter is 4·d0−5·d2+d4 and 4·d1−5·d3+d5. It takes over all registers.
func (b *builder) patchOuter(d []vec) []vec {
	for i := range 2 {
		b.VSHL8(2, d[i], d[i])
		b.VSUB8(d[2+i], d[4+i], d[4+i])
		b.VSHL8(2, d[2+i], d[2+i])
		b.VADD8(d[i], d[4+i], d[4+i])
		b.VSUB8(d[2+i], d[4+i], d[4+i])
	}
	b.v.release(d[:4]...)
	return d[4:]
}

// patchInner is a+c, a−c, e+f, e−f of a = d4−4·d2, c = d3−4·d1, e = d4−d2 and
// f = 2·(d3−d1). It takes over the registers of d1, …, d4.
func (b *builder) patchInner(d []vec) []vec {
	d1, d2, d3, d4 := d[0], d[1], d[2], d[3]
	e := b.v.take("elements")
	b.VSUB8(d2, d4, e)
	b.VSHL8(2, d2, d2)
	b.VSUB8(d2, d4, d4) // a
	f := d2
	b.VSUB8(d1, d3, f)
	b.VADD8(f, f, f)
	b.VSHL8(2, d1, d1)
	b.VSUB8(d1, d3, d3) // c
	b.VADD8(d3, d4, d1)
	b.VSUB8(d3, d4, d4)
	b.VSUB8(f, e, d3)
	b.VADD8(f, e, e)
	b.v.release(f)
	return []vec{d1, d4, e, d3}
}

// patchLine is all six. It takes over the registers.
func (b *builder) patchLine(d []vec) []vec {
	d4 := b.v.take("elements")
	b.VMOV(d[4], d4)
	inner := []vec{b.v.take("elements"), b.v.take("elements"), b.v.take("elements"), d[4]}
	for i := range 3 {
		b.VMOV(d[1+i], inner[i])
	}
	outer := b.patchOuter([]vec{d[0], d[1], d[2], d[3], d4, d[5]})
	r := b.patchInner(inner)
	return []vec{outer[0], r[0], r[1], r[2], r[3], outer[1]}
}

// winogradTiles emits the output transforms of F(4×4, 3×3) in integers, four
// channels at a time.
func winogradTiles(b *builder) {
	b.doc("the output transform " + b.kernel.Variant + " of Winograd's F(4×4, 3×3), in integers")
	pool := b.kernel.Variant == "outpool4"
	c := b.constantsOf(out4)
	xf, yp, yr := b.load("XFreq"), b.load("YPixel"), b.load("YRow")
	pointers := []string{"X", "Y"}
	var dp, dr gp
	if !pool {
		pointers = append(pointers, "D")
		dp, dr = b.load("DPixel"), b.load("DRow")
	}
	size := map[string]int{"X": 16, "Y": 4 * b.resultSize(), "D": 4}
	start := map[string]gp{}
	for _, p := range pointers {
		start[p] = b.load(p)
	}
	b.loop("tile", b.load("Tiles"), func() {
		b.scope(func() {
			at := map[string]gp{}
			for _, p := range pointers {
				at[p] = b.copy(start[p], p+" of these channels")
			}
			factor, bias := b.load("Factor"), b.load("Bias")
			left := b.r.take("fours of channels left")
			b.MOVD(imm(4), left)
			b.loop("four", left, func() {
				half := b.tileColumns(c, at["X"], xf, factor)
				y := b.copy(at["Y"], "the row of Y")
				var d gp
				if !pool {
					d = b.copy(at["D"], "the row of D")
				}
				var above []vec
				for i, row := range half {
					b.comment(fmt.Sprintf("Row %d.", i))
					row = out4.apply(b, c, row)
					switch {
					case pool && i%2 == 0:
						above = row
						continue
					case pool:
						row = (&output{builder: b}).pool(above, row)
					}
					b.scope(func() { b.tileRow(row, bias, y, yp, d, dp, pool) })
					b.ADD(yr, y, y)
					if !pool {
						b.ADD(dr, d, d)
					}
					b.v.release(row...)
				}
				for _, p := range pointers {
					b.ADD(imm(size[p]), at[p], at[p])
				}
				b.ADD(imm(16), factor, factor)
				b.ADD(imm(16), bias, bias)
			})
		})
		for _, p := range pointers {
			b.scope(func() { b.ADD(b.load(p+"Tile"), start[p], start[p]) })
		}
	})
}

// resultSize is the bytes of an element of the kernel's result.
func (b *builder) resultSize() int {
	if b.kernel.Result == spec.F32 {
		return 4
	}
	return 1
}

// tileColumns transforms the columns of frequencies that x points to, each times
// its factor.
func (b *builder) tileColumns(c vec, x, xf, factor gp) (half [][]vec) {
	b.scope(func() {
		down := b.r.take("from row to row of frequencies")
		b.LSL(2, xf, down)
		b.ADD(shifted(xf, 1), down, down)
		row := b.rows(x, down, 6, "rows of frequencies")
		for i := range 6 {
			b.comment(fmt.Sprintf("Column %d.", i))
			column := b.v.takeAll(6, "frequencies")
			b.scope(func() {
				f := b.v.take("factors")
				for j, v := range column {
					b.loadStep(row[j], xf, v)
					b.FMOVQ(mem(factor, 64*(6*j+i)), f)
					b.SCVTF(v, v)
					b.FMUL(f, v, v)
				}
			})
			for j, v := range out4.apply(b, c, column) {
				if i == 0 {
					half = append(half, nil)
				}
				half[j] = append(half[j], v)
			}
		}
	})
	b.v.hold(slices.Concat(half...))
	return half
}

// tileRow makes results of a row of pixels and stores them.
func (b *builder) tileRow(row []vec, bias, y, yp, d, dp gp, pool bool) {
	b.scope(func() {
		v := b.v.take("bias")
		b.FMOVQ(mem(bias, 0), v)
		for _, r := range row {
			b.FADD(v, r, r)
		}
	})
	if !pool {
		none := b.label("noresidual")
		b.scope(func() { b.CBZ(b.load("D"), none) })
		b.scope(func() {
			zero, scale, more := b.broadcast("DZero"), b.broadcast("DScale"), b.v.take("residual")
			p := b.copy(d, "a pixel of D")
			for _, r := range row {
				b.emit("VLD1.P", by(p, dp), more.lane("S", 0))
				b.VUXTL("B8", more, "H8", more)
				b.VUXTL("H4", more, "S4", more)
				b.VSUB(zero, more, more)
				b.SCVTF(more, more)
				b.FMUL(scale, more, more)
				b.FADD(more, r, r)
			}
		})
		b.place(none)
	}
	b.clamp(b.loadLimits(), row)
	p := b.copy(y, "a pixel of Y")
	if b.kernel.Result == spec.F32 {
		for _, r := range row {
			b.storeStep(r, p, yp)
		}
		return
	}
	zero := b.broadcast("Zero")
	for _, r := range row {
		b.FCVTNS(r, r)
		b.VADD(zero, r, r)
		b.XTN(32, r, r)
		b.XTN(16, r, r)
		b.emit("VST1.P", r.lane("S", 0), by(p, yp))
	}
}
