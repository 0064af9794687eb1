package amd64

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// winogradPatches emits the input transform of F(4×4, 3×3) in integers: of 16
// channels at a time, or of 32 where a vector holds as many int16.
func winogradPatches(b *builder) {
	b.doc("the input transform of Winograd's F(4×4, 3×3), in integers")
	bytes := 32
	if b.wide {
		bytes = 64
	}
	b.note("6·Zero", wide(14, bytes))
	zero := b.GP64()
	b.MOVL(b.field("Zero"), zero.As32())
	b.IMUL3Q(imm(6), zero, zero)
	b.VMOVD(zero.As32(), x(14))
	b.VPBROADCASTW(x(14), wide(14, bytes))
	b.note("elements", ys(0, 14)...)

	firstX, firstY, tiles := b.local("X"), b.local("Y"), b.local("Tiles")
	b.loop("tile", tiles, func() {
		x, y, blocks := b.GP64(), b.GP64(), b.load("Blocks")
		b.MOVQ(firstX, x)
		b.MOVQ(firstY, y)
		block := func(bytes int) {
			b.patch(bytes, x, y)
			b.ADDQ(imm(bytes/2), x)
			b.ADDQ(imm(bytes), y)
		}
		if b.wide {
			one, done := b.label("one"), b.label("done")
			b.BTRQ(imm(0), blocks) // leaves the bit in the carry
			odd := b.GP64()
			b.SBBQ(odd, odd)
			b.SHRQ(imm(1), blocks)
			b.JEQ(operand.LabelRef(one))
			b.loop("blocks", blocks, func() { block(64) })
			b.Label(one)
			b.TESTQ(odd, odd)
			b.JEQ(operand.LabelRef(done))
			block(32)
			b.Label(done)
		} else {
			b.loop("block", blocks, func() { block(32) })
		}
		by := b.load("XTile")
		b.ADDQ(by, firstX)
		by = b.load("YTile")
		b.ADDQ(by, firstY)
	})
	b.VZEROUPPER()
}

// patch emits the transform of one patch, of so many bytes of results for each
// frequency: of its columns, from which Zero is taken off, then of the rows of
// what that makes.
func (b *builder) patch(bytes int, src, dst reg64) {
	v := func(i int) vec { return wide(i, bytes) }
	temp := b.load("Temp")
	row, step := b.rowsFrom(b.copy(src), b.load("XRow"), 6), b.load("XPixel")
	count := b.GP64()
	b.MOVQ(operand.I32(6), count)
	b.loop("column", count, func() {
		for i := range 6 {
			b.VPMOVZXBW(row.at(i, 0), v(i))
		}
		for i, r := range b.patchLine(v) {
			if i == 1 {
				// The other rows of Bᵀ sum to 0, this one to −6.
				b.VPADDW(v(14), v(r), v(r))
			}
			b.storeWords(v(r), mem(temp, 6*bytes*i))
		}
		b.ADDQ(imm(bytes), temp)
		row.advance(step)
	})
	temp, to, yf := b.load("Temp"), b.copy(dst), b.load("YFreq")
	count = b.GP64()
	b.MOVQ(operand.I32(6), count)
	b.loop("row", count, func() {
		for i := range 6 {
			b.loadWords(mem(temp, bytes*i), v(i))
		}
		freq := b.rowsFrom(b.copy(to), yf, 6)
		for i, r := range b.patchLine(v) {
			b.storeWords(v(r), freq.at(i, 0))
		}
		b.ADDQ(imm(6*bytes), temp)
		b.skip(to, yf, 6)
	})
}

// patchLine emits Bᵀ of F(4×4) for int16 in registers 0 … 5, with a = d4−4·d2,
// c = d3−4·d1, e = d4−d2 and f = 2·(d3−d1): 4·d0−d2+a, a+c, a−c, e+f, e−f,
// d5−d3−2·f. It returns the registers of the results.
func (b *builder) patchLine(v func(i int) vec) []int {
	b.VPSLLW(imm(2), v(2), v(6))
	b.VPSLLW(imm(2), v(1), v(7))
	b.VPSLLW(imm(2), v(0), v(11))
	b.VPSUBW(v(6), v(4), v(6)) // a
	b.VPSUBW(v(7), v(3), v(9)) // c
	b.VPSUBW(v(1), v(3), v(8))
	b.VPSUBW(v(2), v(4), v(10)) // e
	b.VPADDW(v(8), v(8), v(8))  // f
	b.VPSUBW(v(2), v(11), v(11))
	b.VPADDW(v(6), v(11), v(11))
	b.VPADDW(v(9), v(6), v(12))
	b.VPSUBW(v(9), v(6), v(13))
	b.VPSUBW(v(3), v(5), v(5))
	b.VPADDW(v(8), v(10), v(0))
	b.VPSUBW(v(8), v(10), v(4))
	b.VPSUBW(v(8), v(5), v(5))
	b.VPSUBW(v(8), v(5), v(5))
	return []int{11, 12, 13, 0, 4, 5}
}

// storeWords and loadWords move a whole register of integers.
func (b *builder) storeWords(from vec, to operand.Mem) {
	if from.Size() == 64 {
		b.VMOVDQU32(from, to)
	} else {
		b.VMOVDQU(from, to)
	}
}

func (b *builder) loadWords(from operand.Mem, to vec) {
	if to.Size() == 64 {
		b.VMOVDQU32(from, to)
	} else {
		b.VMOVDQU(from, to)
	}
}

// winogradTiles emits the output transforms of F(4×4, 3×3) in integers: of all 16
// channels of a tile at a time, or of eight and eight.
func winogradTiles(b *builder) {
	b.doc("the output transform " + b.kernel.Variant + " of Winograd's F(4×4, 3×3), in integers")
	l := lanes{b, b.lanesOfTier(), false}
	l.finishIn()
	pool := b.kernel.Variant == "outpool4"
	if !pool {
		l.broadcastField("DZero", "DZero", 10)
		l.broadcastField("DScale", "DScale", 11)
	}
	pointers := []string{"X", "Y", "D"}
	if pool {
		pointers = pointers[:2]
	}
	at := map[string]operand.Mem{}
	for _, p := range pointers {
		at[p] = b.local(p)
	}
	b.loop("tile", b.local("Tiles"), func() {
		for first := 0; first < 16; first += l.n {
			l.tileColumns(at["X"], first)
			l.tileRows(at["Y"], at["D"], first, pool)
		}
		for _, p := range pointers {
			by := b.load(p + "Tile")
			b.ADDQ(by, at[p])
		}
	})
	b.VZEROUPPER()
}

// tileColumns emits the first pass for the channels from first on: of each column
// of M a column of Temp, which has four rows of six vectors.
func (l lanes) tileColumns(x operand.Mem, first int) {
	b, bytes := l.builder, 4*l.n
	for i := range 8 {
		b.note("elements", l.vec(i))
	}
	xf, down := b.load("XFreq"), b.GP64()
	b.IMUL3Q(imm(6), xf, down)
	src := b.GP64()
	b.MOVQ(x, src)
	row := b.rowsFrom(src, down, 6)
	factor, temp, count := b.load("Factor"), b.load("Temp"), b.GP64()
	b.MOVQ(operand.I32(6), count)
	b.loop("column", count, func() {
		for i := range 6 {
			b.VCVTDQ2PS(row.at(i, 4*first), l.vec(i))
			b.VMULPS(mem(factor, 6*64*i+4*first), l.vec(i), l.vec(i))
		}
		l.tileLine()
		for i := range 4 {
			b.VMOVUPS(l.vec(i), mem(temp, 6*bytes*i))
		}
		b.ADDQ(imm(64), factor)
		b.ADDQ(imm(bytes), temp)
		row.advance(xf)
	})
}

// tileRows emits the second pass, and makes results of its rows.
func (l lanes) tileRows(y, d operand.Mem, first int, pool bool) {
	b, bytes := l.builder, 4*l.n
	temp, bias := b.load("Temp"), b.load("Bias")
	to, step := b.GP64(), b.load("YPixel")
	b.MOVQ(y, to)
	if first > 0 {
		b.ADDQ(imm(first*b.resultSize()), to)
	}
	store := func(n int) {
		out := b.rowsFrom(b.copy(to), step, n)
		for i := range n {
			l.finish(i, out.at(i, 0))
		}
		b.ADDQ(b.field("YRow"), to)
	}
	for row := range 4 {
		b.Comment(fmt.Sprintf("Row %d.", row))
		for i := range 6 {
			b.VMOVUPS(mem(temp, bytes*(6*row+i)), l.vec(i))
		}
		l.tileLine()
		switch {
		case pool && row%2 == 0:
			for i := range 4 {
				b.note("the row above", l.vec(8+i))
				b.VMOVAPS(l.vec(i), l.vec(8+i))
			}
		case pool:
			for i := range 4 {
				b.VMAXPS(l.vec(8+i), l.vec(i), l.vec(i))
			}
			for i := range 2 {
				b.VMAXPS(l.vec(2*i+1), l.vec(2*i), l.vec(i))
				b.VADDPS(mem(bias, 4*first), l.vec(i), l.vec(i))
			}
			store(2)
		default:
			for i := range 4 {
				b.VADDPS(mem(bias, 4*first), l.vec(i), l.vec(i))
			}
			none := b.label("noresidual")
			b.CMPQ(b.field("D"), imm(0))
			b.JEQ(operand.LabelRef(none))
			at, by := b.GP64(), b.load("DRow")
			b.MOVQ(d, at)
			for range row {
				b.ADDQ(by, at)
			}
			b.note("residual", l.vec(9))
			from := b.rowsFrom(at, b.load("DPixel"), 4)
			for i := range 4 {
				b.VPMOVZXBD(from.at(i, first), l.vec(9))
				b.VPSUBD(l.vec(10), l.vec(9), l.vec(9))
				b.VCVTDQ2PS(l.vec(9), l.vec(9))
				b.VMULPS(l.vec(11), l.vec(9), l.vec(9))
				b.VADDPS(l.vec(9), l.vec(i), l.vec(i))
			}
			b.Label(none)
			store(4)
		}
	}
}

// tileLine emits Aᵀ of F(4×4), as QuantisedTileArgs says, for registers 0 … 5, and
// leaves its results in 0 … 3.
func (l lanes) tileLine() {
	b, v := l.builder, l.vec
	timesAdd := func(factor float32, x, sum int) {
		c := b.constantBits(math.Float32bits(factor))
		if l.n == 16 {
			b.VFMADD231PS_BCST(c, v(x), v(sum))
		} else {
			b.VFMADD231PS(c, v(x), v(sum))
		}
	}
	b.VADDPS(v(2), v(1), v(6)) // s
	b.VSUBPS(v(2), v(1), v(1)) // d
	b.VADDPS(v(4), v(3), v(7)) // p
	b.VSUBPS(v(4), v(3), v(4)) // q
	b.VADDPS(v(6), v(0), v(0))
	b.VADDPS(v(7), v(0), v(0))
	b.VMOVAPS(v(6), v(2))
	timesAdd(4, 7, 2)
	b.VADDPS(v(5), v(1), v(3))
	timesAdd(2, 4, 1)
	timesAdd(8, 4, 3)
}
