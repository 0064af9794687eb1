package amd64

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"

	"github.com/infer-go/infer/gen/spec"
)

// gemmWords emits a tile of MR rows by one panel of int8. Bytes are widened to
// words where they are, even ones and odd ones apart, and VPMADDWD adds two
// products of them, exactly: it makes two of a column's four products at a time.
func gemmWords(b *builder) {
	mr := b.kernel.Rows
	b.doc(fmt.Sprintf("the %s kernel of %d rows by 16 columns of int8", b.kernel.Op, mr))
	a, as := b.load("A"), b.load("AStride")
	c, d, tiles := b.local("C"), b.local("D"), b.local("Tiles")
	slot := b.AllocLocal(8)
	b.Comment("A panel of no more than 8 channels needs half of the work.")
	half, end := b.label("half"), b.label("end")
	b.CMPQ(b.field("N"), imm(8))
	b.JLE(operand.LabelRef(half))
	for _, vectors := range []int{2, 1} {
		if vectors == 1 {
			b.JMP(operand.LabelRef(end))
			b.Label(half)
		}
		b.loop("tile", tiles, func() {
			if b.kernel.Operand == spec.I16 {
				b.widenedSums(mr, vectors, a, as)
			} else {
				b.wordSums(mr, vectors, a, as)
			}
			if b.kernel.Op == "convpool" {
				b.poolSums(func(ops ...operand.Op) { b.VPMAXSD(ops[0], ops[1], ops[2]) }, vectors, func(row, v int) operand.Op { return y(2*row + v) })
				b.wordEpilogue(mr/4, vectors, c, d, slot)
				b.skip(a, as, mr/2)
				return
			}
			b.wordEpilogue(mr, vectors, c, d, slot)
			b.skip(a, as, mr)
		})
	}
	b.Label(end)
	b.VZEROUPPER()
}

// wordSums emits a tile's sums: of row i and vector v in register 2·i+v.
func (b *builder) wordSums(mr, vectors int, a, as reg64) {
	b.Comment("Every sum starts at its bias.")
	b.note("sums", ys(0, 2*mr)...)
	for v := range vectors {
		if mr > 1 {
			b.note("even bytes of B", y(8+2*v))
		}
		b.note("odd bytes of B", y(9+2*v))
	}
	b.wordConstants(mr)
	b.wordBias(mr, vectors)
	panel := b.load("B")
	b.segments(func(offset reg64) {
		b.LEAQ(index(a, offset, 1), offset)
		row := b.tileRows(offset, as)
		k := b.load("SegLen")
		b.SHRQ(imm(2), k)
		b.loop("k", k, func() {
			for v := range vectors {
				even, odd := y(8+2*v), y(9+2*v)
				b.VMOVDQU(mem(panel, 32*v), odd)
				if mr > 1 {
					b.splitBytes(even, odd)
				}
			}
			for i := range mr {
				b.quad(row.at(i, mr))
				for v := range vectors {
					if mr == 1 {
						b.singleRow(y(9+2*v), y(v))
						continue
					}
					for odd := range 2 {
						b.VPMADDWD(y(8+2*v+odd), y(13-odd), y(14))
						b.VPADDD(y(14), y(2*i+v), y(2*i+v))
					}
				}
			}
			b.ADDQ(imm(64), panel)
			row.advance(imm(4))
		})
	})
}

// widenedSums emits the same of rows of words: a pair of them is read with one
// instruction for all columns, so that only the weights are widened here.
func (b *builder) widenedSums(mr, vectors int, a, as reg64) {
	const weights, product, pair = 10, 14, 15
	b.Comment("Every sum starts at its bias.")
	b.note("sums", ys(0, 2*mr)...)
	for v := range vectors {
		b.note("even bytes of B", y(weights+2*v))
		b.note("odd bytes of B", y(weights+2*v+1))
	}
	b.note("products", y(product))
	b.note("two elements of A", y(pair))
	b.wordBias(mr, vectors)
	panel := b.load("B")
	b.segments(func(offset reg64) {
		b.LEAQ(index(a, offset, 1), offset)
		row := b.rowsFrom(offset, as, mr)
		k := b.load("SegLen")
		b.SHRQ(imm(2), k)
		b.loop("k", k, func() {
			for v := range vectors {
				even, odd := y(weights+2*v), y(weights+2*v+1)
				b.VMOVDQU(mem(panel, 32*v), odd)
				b.splitBytes(even, odd)
			}
			for i := range mr {
				for odd := range 2 {
					b.VPBROADCASTD(row.at(i, 4*odd), y(pair))
					for v := range vectors {
						b.VPMADDWD(y(weights+2*v+odd), y(pair), y(product))
						b.VPADDD(y(product), y(2*i+v), y(2*i+v))
					}
				}
			}
			b.ADDQ(imm(64), panel)
			row.advance(imm(8))
		})
	})
}

// wordBias sets a tile's sums to the bias.
func (b *builder) wordBias(mr, vectors int) {
	bias := b.load("Bias")
	for i := range mr {
		for v := range vectors {
			b.VMOVDQU(mem(bias, 32*v), y(2*i+v))
		}
	}
}

// splitBytes widens the bytes in odd to words: the even ones to even, the odd ones
// in place.
func (b *builder) splitBytes(even, odd vec) {
	b.VPSLLW(imm(8), odd, even)
	b.VPSRAW(imm(8), even, even)
	b.VPSRAW(imm(8), odd, odd)
}

// wordConstants sets what sums of words need in registers: 255, and for a single
// row also 1.
func (b *builder) wordConstants(mr int) {
	b.note("products", y(14))
	b.note("words of 255", y(15))
	b.VPCMPEQD(y(15), y(15), y(15))
	if mr == 1 {
		b.note("words of 1", y(ones))
		b.VPSRLW(imm(15), y(15), y(ones))
	}
	b.VPSRLW(imm(8), y(15), y(15))
}

// ones is the register of words of 1 where a tile has one row.
const ones = 10

// quad sets all lanes to 4 elements of A, as words: the odd ones in register 12,
// the even ones in 13.
func (b *builder) quad(a operand.Mem) {
	b.note("elements of A, then the odd ones", y(12))
	b.note("the even ones", y(13))
	b.VPBROADCASTD(a, y(12))
	b.VPAND(y(15), y(12), y(13))
	b.VPSRLW(imm(8), y(12), y(12))
}

// singleRow emits the products of one row with a vector of B, which no other row
// shares: the even bytes are not widened, but multiplied as they are. A product
// beside one of 0 fits a word, so that VPMADDUBSW, which saturates, is exact. Of
// the vector, it leaves the odd bytes.
func (b *builder) singleRow(vector, sums vec) {
	even := y(8)
	b.note("products of even bytes", even)
	b.VPMADDUBSW(vector, y(13), even)
	b.VPSRAW(imm(8), vector, vector)
	b.VPMADDWD(y(ones), even, even)
	b.VPMADDWD(vector, y(12), y(14))
	b.VPADDD(even, sums, sums)
	b.VPADDD(y(14), sums, sums)
}

// wordEpilogue makes results of mr rows of sums and stores them. It moves c and d
// on by a tile.
func (b *builder) wordEpilogue(mr, vectors int, c, d, slot operand.Mem) {
	l := lanes{b, 8, false}
	scale := b.load("Scale")
	for i := range mr {
		for v := range vectors {
			b.VCVTDQ2PS(y(2*i+v), y(2*i+v))
			b.VMULPS(mem(scale, 32*v), y(2*i+v), y(2*i+v))
		}
	}
	n := b.load("N")
	if vectors == 2 {
		b.SUBQ(imm(8), n)
	}
	none := b.label("noresidual")
	b.CMPQ(d, imm(0))
	b.JEQ(operand.LabelRef(none))
	l.broadcastField("DZero", "DZero", 12)
	l.broadcastField("DScale", "DScale", 13)
	b.note("residual", y(14))
	b.eachRow(d, "DStride", mr, func(at reg64, i int) {
		for v := range vectors {
			load := func(from operand.Mem) { b.VPMOVZXBD(from, y(14)) }
			if v == vectors-1 {
				b.someBytes(n, mem(at, 8*v), slot, true, load)
			} else {
				load(mem(at, 8*v))
			}
			b.VPSUBD(y(12), y(14), y(14))
			b.VCVTDQ2PS(y(14), y(14))
			b.VMULPS(y(13), y(14), y(14))
			b.VADDPS(y(14), y(2*i+v), y(2*i+v))
		}
	})
	b.Label(none)
	l.finishIn()
	stored := b.label("stored")
	if b.kernel.Result == spec.F32 {
		b.setMask(n)
	} else if vectors == 2 {
		part := b.label("part")
		b.CMPQ(n, imm(8))
		b.JLT(operand.LabelRef(part))
		b.wordRows(mr)
		b.eachRow(c, "CStride", mr, func(at reg64, i int) { b.VMOVDQU(x(2*i), mem(at, 0)) })
		b.JMP(operand.LabelRef(stored))
		b.Label(part)
	}
	b.eachRow(c, "CStride", mr, func(at reg64, i int) {
		for v := range vectors {
			r, last := 2*i+v, v == vectors-1
			switch {
			case b.kernel.Result == spec.F32 && last:
				b.VMAXPS(y(r), y(12), y(r))
				b.VMINPS(y(r), y(13), y(r))
				b.VMASKMOVPS(y(r), y(15), mem(at, 32*v))
			case last:
				b.someBytes(n, mem(at, 8*v), slot, false, func(to operand.Mem) { l.finish(r, to) })
			default:
				l.finish(r, mem(at, 8*v*b.resultSize()))
			}
		}
	})
	b.Label(stored)
}

// wordRows makes bytes of all 16 columns of mr rows of values, as lanes.finish does,
// two rows at a time: those of row i in register 2·i.
func (b *builder) wordRows(mr int) {
	b.note("words of Zero", y(15))
	b.VPACKSSDW(y(14), y(14), y(15))
	for i := range mr {
		for v := range 2 {
			r := y(2*i + v)
			b.VMAXPS(r, y(12), r)
			b.VMINPS(r, y(13), r)
			b.VCVTPS2DQ(r, r)
		}
		b.VPACKSSDW(y(2*i+1), y(2*i), y(2*i))
		b.VPADDW(y(15), y(2*i), y(2*i))
	}
	for i := 0; i < mr; i += 2 {
		upper, second := x(2*i+1), min(i+1, mr-1)
		b.VPACKUSWB(y(2*second), y(2*i), y(2*i))
		b.note("columns 4 … 7 and 12 … 15 of two rows", upper)
		b.VEXTRACTI128(imm(1), y(2*i), upper)
		if second > i {
			b.VPUNPCKHDQ(upper, x(2*i), x(2*second))
		}
		b.VPUNPCKLDQ(upper, x(2*i), x(2*i))
	}
}

// copyBytes copies n bytes, at least one.
func (b *builder) copyBytes(n reg64, from, to operand.Mem) {
	top, i, e := b.label("byte"), b.GP64(), b.GP32()
	at := func(m operand.Mem) operand.Mem {
		m.Index, m.Scale = i, 1
		return m
	}
	b.XORQ(i, i)
	b.Label(top)
	b.MOVBLZX(at(from), e)
	b.MOVB(e.As8(), at(to))
	b.INCQ(i)
	b.CMPQ(i, n)
	b.JLT(operand.LabelRef(top))
}

// someBytes emits f with the address of 8 bytes: of those at m, or, where n is
// less than 8, of a slot on the stack, which holds n of those at m: before f, or
// is to be copied there after it.
func (b *builder) someBytes(n reg64, m, slot operand.Mem, before bool, f func(at operand.Mem)) {
	fewer, done := b.label("fewer"), b.label("done")
	b.CMPQ(n, imm(8))
	b.JLT(operand.LabelRef(fewer))
	f(m)
	b.JMP(operand.LabelRef(done))
	b.Label(fewer)
	if before {
		b.copyBytes(n, m, slot)
		f(slot)
	} else {
		f(slot)
		b.copyBytes(n, slot, m)
	}
	b.Label(done)
}
