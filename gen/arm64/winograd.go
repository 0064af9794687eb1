package arm64

import (
	"fmt"
	"math"
	"slices"
)

// A transform is one of Winograd's one-dimensional transforms. It is applied
// to the columns of a tile, then to the rows of the result.
//
// The matrices are those of Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks" (2015), F(2×2, 3×3) and F(4×4, 3×3).
type transform struct {
	n         int       // elements in
	constants []float32 // up to four

	// apply emits it. It takes over the registers of the elements, d or m, and
	// returns those of the results; the others are free.
	apply func(b *builder, c vec, d []vec) []vec
}

// Bᵀ of F(2×2): d0−d2, d1+d2, d2−d1, d1−d3.
var in2 = transform{n: 4, apply: func(b *builder, c vec, d []vec) []vec {
	sum := b.v.take("elements")
	b.FADD(d[2], d[1], sum)
	b.FSUB(d[2], d[0], d[0])
	b.FSUB(d[1], d[2], d[2])
	b.FSUB(d[3], d[1], d[3])
	b.v.release(d[1])
	return []vec{d[0], sum, d[2], d[3]}
}}

// Bᵀ of F(4×4): the outer rows 0 and 5 and the inner ones.
var in4 = transform{n: 6, constants: []float32{4, 5, 2}, apply: func(b *builder, c vec, d []vec) []vec {
	d4 := b.v.take("elements")
	b.VMOV(d[4], d4)
	outer := in4Outer(b, c, []vec{d[0], d[1], d[2], d[3], d4, d[5]})
	b.v.release(d[0])
	inner := in4Inner(b, c, d[1:5])
	return []vec{outer[0], inner[0], inner[1], inner[2], inner[3], outer[1]}
}}

// in4Outer is 4·d0−5·d2+d4 and 4·d1−5·d3+d5, in the registers of d4 and d5.
// The others it keeps.
func in4Outer(b *builder, c vec, d []vec) []vec {
	for i := range 2 {
		b.FMLAElement(c, 0, d[i], d[4+i])
		b.FMLSElement(c, 1, d[2+i], d[4+i])
	}
	return d[4:]
}

// in4Inner is a+b, a−b, e+2·f, e−2·f of a = d4−4·d2, b = d3−4·d1, e = d4−d2 and
// f = d3−d1. It takes over the registers of d1, …, d4, as a transform does.
func in4Inner(b *builder, c vec, d []vec) []vec {
	d1, d2, d3, d4 := d[0], d[1], d[2], d[3]
	e := b.v.take("elements")
	b.FSUB(d2, d4, e)
	b.FMLSElement(c, 0, d2, d4) // a
	f := d2
	b.FSUB(d1, d3, f)
	b.FMLSElement(c, 0, d1, d3) // b
	b.FADD(d3, d4, d1)
	b.FSUB(d3, d4, d4)
	b.VMOV(e, d3)
	b.FMLAElement(c, 2, f, e)
	b.FMLSElement(c, 2, f, d3)
	b.v.release(f)
	return []vec{d1, d4, e, d3}
}

// Aᵀ of F(2×2): m0+m1+m2, m1−m2−m3.
var out2 = transform{n: 4, apply: func(b *builder, c vec, m []vec) []vec {
	b.FADD(m[1], m[0], m[0])
	b.FADD(m[2], m[0], m[0])
	b.FSUB(m[2], m[1], m[1])
	b.FSUB(m[3], m[1], m[1])
	b.v.release(m[2], m[3])
	return m[:2]
}}

// Aᵀ of F(4×4), with s = m1+m2, d = m1−m2, u = m3+m4, v = m3−m4:
// m0+s+u, d+2·v, s+4·u, d+8·v+m5.
var out4 = transform{n: 6, constants: []float32{2, 4, 8}, apply: func(b *builder, c vec, m []vec) []vec {
	s := b.v.take("elements")
	b.FADD(m[2], m[1], s)
	b.FSUB(m[2], m[1], m[1]) // d
	u, v := m[2], m[4]
	b.FADD(m[4], m[3], u)
	b.FSUB(m[4], m[3], v)
	b.FADD(s, m[0], m[0])
	b.FADD(u, m[0], m[0])
	b.FMLAElement(c, 1, u, s)
	b.FADD(m[5], m[1], m[3])
	b.FMLAElement(c, 0, v, m[1])
	b.FMLAElement(c, 2, v, m[3])
	b.v.release(u, v, m[5])
	return []vec{m[0], m[1], s, m[3]}
}}

// winograd emits the transform that the kernel's variant names, four channels at
// a time. So many registers hold all that is used twice, and Temp is not
// needed.
func winograd(b *builder) {
	b.doc("the transform " + b.kernel.Variant + " of Winograd's algorithm")
	switch b.kernel.Variant {
	case "in2":
		b.winogradIn(in2, func(c vec, x, y, xr, xp, yf gp) {
			half := b.columns(4, x, xr, xp, 4, func(d []vec) []vec { return in2.apply(b, c, d) })
			b.frequencies(in2, c, half, y, yf)
		})
	case "in4":
		b.winogradIn(in4, b.in4Tile)
	case "out2":
		b.winogradOut(out2, false)
	case "out4":
		b.winogradOut(out4, false)
	case "outpool2":
		b.winogradOut(out2, true)
	case "outpool4":
		b.winogradOut(out4, true)
	}
}

// constantsOf returns the register whose lanes are a transform's constants.
func (b *builder) constantsOf(t transform) (c vec) {
	if t.constants != nil {
		var bits []uint32
		for _, x := range t.constants {
			bits = append(bits, math.Float32bits(x))
		}
		c = b.table(bits).registers[0]
	}
	return c
}

// columns emits the first pass over a tile: n columns, step bytes apart, of
// rows elements, stride bytes apart, the first of which x points to. The
// results are in registers: row by row, column by column.
func (b *builder) columns(n int, x, stride, step gp, rows int, apply func(column []vec) []vec) (half [][]vec) {
	b.scope(func() {
		row := b.rows(x, stride, rows, "rows of the tile")
		for i := range n {
			b.comment(fmt.Sprintf("Column %d.", i))
			column := b.v.takeAll(rows, "elements")
			for j, v := range column {
				b.loadStep(row[j], step, v)
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

// frequencies emits the second pass of an input transform: it stores the
// frequencies of each row one after the other, from y on, which it moves.
func (b *builder) frequencies(t transform, c vec, half [][]vec, y, yf gp) {
	for i, row := range half {
		b.comment(fmt.Sprintf("Row %d of these.", i))
		freq := t.apply(b, c, row)
		for _, v := range freq {
			b.storeStep(v, y, yf)
		}
		b.v.release(freq...)
	}
}

// in4Tile is F(4×4)'s input transform of one tile. Its 36 vectors do not fit
// into the registers. Rows 0 and 5 of the first pass come first, then the
// others, from elements that are loaded again: 60 loads in place of 36, but
// nothing is stored on the way.
func (b *builder) in4Tile(c vec, x, y, xr, xp, yf gp) {
	last := b.copy(y, "frequencies of row 5")
	b.skip(last, yf, 30)
	outer := b.columns(6, x, xr, xp, 6, func(d []vec) []vec {
		r := in4Outer(b, c, d)
		b.v.release(d[:4]...)
		return r
	})
	b.frequencies(in4, c, outer[:1], y, yf)
	b.frequencies(in4, c, outer[1:], last, yf)

	second := b.r.take("row 1 of the tile")
	b.ADD(xr, x, second)
	inner := b.columns(6, second, xr, xp, 4, func(d []vec) []vec {
		return in4Inner(b, c, d)
	})
	b.frequencies(in4, c, inner, y, yf)
}

// eachBlock emits body for every four channels of every tile, with pointers
// of its own, by their fields. A pointer's stride between tiles is the field
// of that name with Tile, but Bias is the same for all.
func (b *builder) eachBlock(pointers []string, body func(at map[string]gp)) {
	blocks := b.load("Blocks")
	b.LSL(1, blocks, blocks)
	start := map[string]gp{}
	for _, p := range pointers {
		if p != "Bias" {
			start[p] = b.load(p)
		}
	}
	b.loop("tile", b.load("Tiles"), func() {
		b.scope(func() {
			at := map[string]gp{}
			for _, p := range pointers {
				if p == "Bias" {
					at[p] = b.load(p)
				} else {
					at[p] = b.copy(start[p], p+" of these channels")
				}
			}
			b.loop("block", b.copy(blocks, "blocks left"), func() {
				b.scope(func() { body(at) })
				for _, p := range pointers {
					b.ADD(imm(16), at[p], at[p])
				}
			})
		})
		for _, p := range pointers {
			if p != "Bias" {
				b.scope(func() { b.ADD(b.load(p+"Tile"), start[p], start[p]) })
			}
		}
	})
}

func (b *builder) winogradIn(t transform, tile func(c vec, x, y, xr, xp, yf gp)) {
	c := b.constantsOf(t)
	xr, xp, yf := b.load("XRow"), b.load("XPixel"), b.load("YFreq")
	b.eachBlock([]string{"X", "Y"}, func(at map[string]gp) {
		tile(c, at["X"], b.copy(at["Y"], "frequencies"), xr, xp, yf)
	})
}

func (b *builder) winogradOut(t transform, pool bool) {
	o := output{
		builder: b,
		xf:      b.load("XFreq"), yp: b.load("YPixel"), yr: b.load("YRow"),
		limits: b.loadLimits(), constants: b.constantsOf(t),
	}
	pointers := []string{"X", "Y", "Bias"}
	if !pool {
		o.d, o.dp, o.dr = b.load("D"), b.load("DPixel"), b.load("DRow")
		pointers = append(pointers, "D")
	}
	b.eachBlock(pointers, func(at map[string]gp) {
		half := o.firstPass(t, at["X"])
		bias := b.v.take("bias")
		b.FMOVQ(mem(at["Bias"], 0), bias)
		y := b.copy(at["Y"], "the row of Y")
		var residual gp
		if !pool {
			residual = b.copy(at["D"], "the row of D")
		}
		var above []vec
		for i, row := range half {
			b.comment(fmt.Sprintf("Row %d.", i))
			row = t.apply(b, o.constants, row)
			switch {
			case pool && i%2 == 0:
				above = row
			case pool:
				o.finish(o.pool(above, row), bias, y)
			default:
				o.addResidual(row, residual)
				o.finish(row, bias, y)
			}
		}
	})
}

// An output is what an output transform keeps in registers.
type output struct {
	*builder
	xf, yp, yr gp // strides
	d, dp, dr  gp // the residual, if any, and its strides
	limits     limits
	constants  vec
}

// firstPass transforms the columns of frequencies that x points to.
func (o *output) firstPass(t transform, x gp) (half [][]vec) {
	o.scope(func() {
		down := o.r.take("from row to row of frequencies")
		o.LSL(2, o.xf, down)
		if t.n == 6 {
			o.ADD(shifted(o.xf, 1), down, down)
		}
		half = o.columns(t.n, x, down, o.xf, t.n, func(m []vec) []vec { return t.apply(o.builder, o.constants, m) })
	})
	o.v.hold(slices.Concat(half...))
	return half
}

// pool leaves the maximum of each 2×2 pixels of two rows in the first one.
func (o *output) pool(above, row []vec) (pooled []vec) {
	for i := 0; i < len(row); i += 2 {
		o.FMAX(above[i+1], above[i], above[i])
		o.FMAX(row[i+1], row[i], row[i])
		o.FMAX(row[i], above[i], above[i])
		pooled = append(pooled, above[i])
		o.v.release(above[i+1], row[i], row[i+1])
	}
	return pooled
}

// addResidual adds a row of the residual, if there is one, and moves on to
// the next.
func (o *output) addResidual(row []vec, residual gp) {
	none := o.label("noresidual")
	o.CBZ(o.d, none)
	o.scope(func() {
		p, more := o.copy(residual, "a pixel of D"), o.v.take("residual")
		for _, v := range row {
			o.loadStep(p, o.dp, more)
			o.FADD(more, v, v)
		}
		o.ADD(o.dr, residual, residual)
	})
	o.place(none)
}

// finish adds the bias to a row, clamps it, stores it pixel by pixel and moves
// y on to the next row.
func (o *output) finish(row []vec, bias vec, y gp) {
	for _, v := range row {
		o.FADD(bias, v, v)
		o.FMAX(o.limits.lo, v, v)
		o.FMIN(o.limits.hi, v, v)
	}
	o.scope(func() {
		p := o.copy(y, "a pixel of Y")
		for _, v := range row {
			o.storeStep(v, p, o.yp)
		}
	})
	o.ADD(o.yr, y, y)
	o.v.release(row...)
}
