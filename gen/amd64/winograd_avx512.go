package amd64

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A wideTransform is a transform for registers of 512 bits, of which there are
// enough to hold what the first pass makes of a patch or of frequencies, but for
// some rows of Temp. Its operations are those of the transform by the same name,
// in the same order.
type wideTransform struct {
	n, m int // elements in, and out

	// apply leaves its results in the registers out, of which those that it returns
	// may differ. It overwrites in, and up to two registers temp.
	apply func(b *builder, in, out, temp []vec) []vec
}

var wideIn2 = wideTransform{n: 4, m: 4, apply: func(b *builder, in, out, _ []vec) []vec {
	b.VSUBPS(in[2], in[0], out[0])
	b.VADDPS(in[2], in[1], out[1])
	b.VSUBPS(in[1], in[2], out[2])
	b.VSUBPS(in[3], in[1], out[3])
	return out
}}

var wideIn4 = wideTransform{n: 6, m: 6, apply: func(b *builder, in, out, temp []vec) []vec {
	t := temp[0]
	b.VMOVAPS(in[4], out[1])
	b.subtractProduct(4, in[2], out[1])
	b.VMOVAPS(in[3], t)
	b.subtractProduct(4, in[1], t)
	b.VSUBPS(t, out[1], out[2])
	b.VADDPS(t, out[1], out[1])
	b.VSUBPS(in[2], in[4], out[3])
	b.VSUBPS(in[1], in[3], t)
	b.VMOVAPS(out[3], out[4])
	b.addProduct(2, t, out[3])
	b.subtractProduct(2, t, out[4])
	b.VMOVAPS(in[4], out[0])
	b.addProduct(4, in[0], out[0])
	b.subtractProduct(5, in[2], out[0])
	b.addProduct(4, in[1], in[5])
	b.subtractProduct(5, in[3], in[5])
	return append(out[:5:5], in[5])
}}

var wideOut2 = wideTransform{n: 4, m: 2, apply: func(b *builder, in, out, _ []vec) []vec {
	b.VADDPS(in[1], in[0], out[0])
	b.VADDPS(in[2], out[0], out[0])
	b.VSUBPS(in[2], in[1], out[1])
	b.VSUBPS(in[3], out[1], out[1])
	return out
}}

var wideOut4 = wideTransform{n: 6, m: 4, apply: func(b *builder, in, out, temp []vec) []vec {
	u, v := temp[0], temp[1]
	b.VADDPS(in[2], in[1], out[2])
	b.VSUBPS(in[2], in[1], out[1])
	b.VADDPS(in[4], in[3], u)
	b.VSUBPS(in[4], in[3], v)
	b.VADDPS(out[2], in[0], out[0])
	b.VADDPS(u, out[0], out[0])
	b.VADDPS(in[5], out[1], out[3])
	b.addProduct(4, u, out[2])
	b.addProduct(2, v, out[1])
	b.addProduct(8, v, out[3])
	return out
}}

// addProduct adds v·x to a register, and subtractProduct subtracts it.
func (b *builder) addProduct(v float32, x, to vec) {
	b.VFMADD231PS_BCST(b.constantBits(math.Float32bits(v)), x, to)
}

func (b *builder) subtractProduct(v float32, x, to vec) {
	b.VFNMADD231PS_BCST(b.constantBits(math.Float32bits(v)), x, to)
}

// winogradWide emits the transform that the kernel's variant names.
func winogradWide(b *builder) {
	b.constantLanes = 1
	switch b.kernel.Variant {
	case "in2":
		b.winogradWideIn(wideIn2)
	case "in4":
		b.winogradWideIn(wideIn4)
	case "out2":
		b.winogradWideOut(wideOut2, false)
	case "out4":
		b.winogradWideOut(wideOut4, false)
	case "outpool2":
		b.winogradWideOut(wideOut2, true)
	case "outpool4":
		b.winogradWideOut(wideOut4, true)
	}
	b.VZEROUPPER()
}

// wides are n registers of 64 bytes, or of 32, step apart.
func wides(first, n, step, bytes int) (r []vec) {
	for i := range n {
		r = append(r, wide(first+i*step, bytes))
	}
	return r
}

// eachWideBlock is eachBlock for two blocks at a time, in registers of 64 bytes,
// and for the one that may be left, of 32.
func (b *builder) eachWideBlock(pointers []string, body func(at map[string]reg64, bytes int)) {
	tiles, pairs := b.AllocLocal(8), b.AllocLocal(8)
	b.eachTile(tiles, pointers, func(at map[string]reg64) {
		single, next := b.label("single"), b.label("next")
		n := b.load("Blocks")
		b.SHRQ(imm(1), n)
		b.JEQ(operand.LabelRef(single))
		b.MOVQ(n, pairs)
		b.loop("blocks", pairs, func() {
			body(at, 64)
			for _, p := range pointers {
				b.ADDQ(imm(64), at[p])
			}
		})
		b.Label(single)
		b.TESTB(imm(1), b.field("Blocks"))
		b.JEQ(operand.LabelRef(next))
		body(at, 32)
		b.Label(next)
	})
}

// heldRows is how many rows of the first pass's results stay in registers, from 8
// on: of row i and column j in register 8+m·j+i, for m of them.
const heldRows = 4

// wideColumns emits the first pass. Rows of its results that are not held go to
// Temp.
func (b *builder) wideColumns(t wideTransform, src, rowStride, step reg64, bytes int) {
	b.note("elements", zs(0, 8)...)
	b.note("rows of the first pass", zs(8, min(t.m, heldRows)*t.n)...)
	row := b.rowsFrom(src, rowStride, t.n)
	held := min(t.m, heldRows)
	temp := b.load("Temp")
	for j := range t.n {
		in := wides(0, t.n, 1, bytes)
		for i, r := range in {
			b.VMOVUPS(row.at(i, 0), r)
		}
		out := wides(8+held*j, held, 1, bytes)
		if t.m > held {
			out = append(out, wide(7, bytes), nil)
		}
		for i, r := range t.apply(b, in, out, wides(6, 2, 1, bytes)) {
			if i >= held {
				b.VMOVUPS(r, mem(temp, 64*(t.n*(i-held)+j)))
			}
		}
		if j < t.n-1 {
			row.advance(step)
		}
	}
}

func (b *builder) winogradWideIn(t wideTransform) {
	b.doc("the input transform " + b.kernel.Variant + " of Winograd's algorithm")
	b.eachWideBlock([]string{"X", "Y"}, func(at map[string]reg64, bytes int) {
		b.wideColumns(t, b.copy(at["X"]), b.load("XRow"), b.load("XPixel"), bytes)
		held := min(t.m, heldRows)
		temp, dst, yf := b.load("Temp"), b.copy(at["Y"]), b.load("YFreq")
		for i := range t.m {
			var in []vec
			if i < held {
				in = wides(8+i, t.n, held, bytes)
			} else {
				in = wides(8, t.n, 1, bytes)
				for j, r := range in {
					b.VMOVUPS(mem(temp, 64*(t.n*(i-held)+j)), r)
				}
			}
			freq := b.rowsFrom(b.copy(dst), yf, t.n)
			for j, r := range t.apply(b, in, wides(0, t.n, 1, bytes), wides(6, 2, 1, bytes)) {
				b.VMOVUPS(r, freq.at(j, 0))
			}
			b.skip(dst, yf, t.n)
		}
	})
}

func (b *builder) winogradWideOut(t wideTransform, pool bool) {
	b.doc("the output transform " + b.kernel.Variant + " of Winograd's algorithm")
	pointers := []string{"X", "Y", "Bias"}
	if !pool {
		pointers = append(pointers, "D")
	}
	b.eachWideBlock(pointers, func(at map[string]reg64, bytes int) {
		xf := b.load("XFreq")
		down := b.GP64() // from one row of frequencies to the next
		b.IMUL3Q(imm(t.n), xf, down)
		b.wideColumns(t, b.copy(at["X"]), down, xf, bytes)
		dst := b.copy(at["Y"])
		var res reg64
		if !pool {
			res = b.copy(at["D"])
		}
		for i := range t.m {
			// What held the first row is free after it.
			out, temp := wides(0, t.m, 1, bytes), wides(6, 2, 1, bytes)
			if pool && i%2 == 1 {
				out, temp = wides(4, t.m, 1, bytes), wides(8, 2, t.m, bytes)
			}
			t.apply(b, wides(8+i, t.n, t.m, bytes), out, temp)
			if pool {
				if i%2 == 1 {
					for j := range t.m / 2 {
						b.wideMaxNaN(wide(2*j, bytes), wide(2*j+1, bytes), wide(4+2*j, bytes), wide(5+2*j, bytes))
					}
					b.wideFinish(wides(0, t.m/2, 2, bytes), at["Bias"], dst, bytes)
				}
				continue
			}
			none := b.label("noresidual")
			b.CMPQ(b.field("D"), imm(0))
			b.JEQ(operand.LabelRef(none))
			r := b.rowsFrom(b.copy(res), b.load("DPixel"), t.m)
			for j, sum := range out {
				b.VADDPS(r.at(j, 0), sum, sum)
			}
			b.ADDQ(b.load("DRow"), res)
			b.Label(none)
			b.wideFinish(out, at["Bias"], dst, bytes)
		}
	})
}

// wideMaxNaN leaves the largest of four in p0, all ones where one is NaN.
func (b *builder) wideMaxNaN(p0, p1, p2, p3 vec) {
	b.noteMask("where a NaN was seen", reg.K2)
	b.noteMask("where a NaN was seen", reg.K3)
	b.VCMPPS(unordered, p0, p1, reg.K2)
	b.VCMPPS(unordered, p2, p3, reg.K3)
	b.KORW(reg.K2, reg.K3, reg.K2)
	b.VMAXPS(p1, p0, p0)
	b.VMAXPS(p3, p2, p2)
	b.VMAXPS(p2, p0, p0)
	b.VPTERNLOGD(operand.Imm(0xff), p0, p0, reg.K2, p0)
}

// wideFinish adds the bias to pixels' sums, clamps them, stores them and moves dst on
// to the next row.
func (b *builder) wideFinish(sums []vec, bias, dst reg64, bytes int) {
	lo, hi := wide(6, bytes), wide(7, bytes)
	b.VBROADCASTSS(b.field("Lo"), lo)
	b.VBROADCASTSS(b.field("Hi"), hi)
	out := b.rowsFrom(b.copy(dst), b.load("YPixel"), len(sums))
	for j, sum := range sums {
		b.VADDPS(mem(bias, 0), sum, sum)
		b.VMAXPS(sum, lo, sum)
		b.VMINPS(sum, hi, sum)
		b.VMOVUPS(sum, out.at(j, 0))
	}
	b.ADDQ(b.load("YRow"), dst)
}
