package amd64

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/infer-go/infer/gen/spec"
)

// gemmVNNI emits a tile of MR rows by one or two panels of int8: for each four
// rows of a panel a load of 64 bytes, and for each row of A a broadcast of four
// bytes, which the instruction takes as the unsigned operand and so cannot read
// from memory itself, and a VPDPBUSD for each panel. Two panels share the
// broadcasts: 16 loads for 28 instructions.
func gemmVNNI(b *builder) {
	mr, panels := b.kernel.Rows, b.kernel.Panels
	b.doc(fmt.Sprintf("the %s kernel of %d rows by %d columns of int8", b.kernel.Op, mr, 16*panels))

	a, as, bs := b.load("A"), b.load("AStride"), b.load("BStride")
	c, d, tiles := b.local("C"), b.local("D"), b.local("Tiles")

	var bytes *rowBytes
	if b.kernel.Result == spec.U8 {
		bytes = b.rowBytes()
	}
	last := b.load("N")
	if panels > 1 {
		b.SUBQ(imm(16*(panels-1)), last)
	}
	b.columnMask(last)
	b.loop("tile", tiles, func() {
		b.vnniSums(mr, panels, a, as, bs)
		if b.kernel.Op == "convpool" {
			b.poolSums(b.VPMAXSD, panels, func(row, p int) operand.Op { return z(panels*row + p) })
			b.vnniEpilogue(mr/4, panels, c, d, bytes)
			b.skip(a, as, mr/2)
			return
		}
		b.vnniEpilogue(mr, panels, c, d, bytes)
		b.skip(a, as, mr)
	})
	b.VZEROUPPER()
}

// poolSums makes row w of a tile's sums the maximum of window w's: of pixels 2·w
// and 2·w+1 of the upper row, which are the first half of the tile's rows, and of
// the lower one.
func (b *builder) poolSums(maximum func(...operand.Op), vectors int, sums func(row, v int) operand.Op) {
	half := b.kernel.Rows / 2
	for w := range half / 2 {
		for v := range vectors {
			// Rows before 2·w are done with.
			maximum(sums(2*w, v), sums(2*w+1, v), sums(w, v))
			for _, lower := range []int{half + 2*w, half + 2*w + 1} {
				maximum(sums(lower, v), sums(w, v), sums(w, v))
			}
		}
	}
}

// tileRows addresses the rows of a tile: those of the gemm family stand a stride
// apart; of the convpool family the second half stands ARow behind the first.
type tileRows struct{ halves []rows }

// tileRows takes over p, which points to row 0.
func (b *builder) tileRows(p, stride reg64) tileRows {
	n := b.kernel.Rows
	if b.kernel.Op != "convpool" {
		return tileRows{[]rows{b.rowsFrom(p, stride, n)}}
	}
	lower := b.copy(p)
	b.ADDQ(b.field("ARow"), lower)
	return tileRows{[]rows{b.rowsFrom(p, stride, n/2), b.rowsFrom(lower, stride, n/2)}}
}

func (r tileRows) at(i, n int) operand.Mem {
	per := n / len(r.halves)
	return r.halves[i/per].at(i%per, 0)
}

func (r tileRows) advance(by operand.Op) {
	for _, h := range r.halves {
		h.advance(by)
	}
}

// vnniSums emits a tile's sums: of row i and panel p in register panels·i+p.
func (b *builder) vnniSums(mr, panels int, a, as, bs reg64) {
	b.Comment("Every sum starts at its bias.")
	b.note("sums", zs(0, panels*mr)...)
	b.note("rows of B", zs(28, panels)...)
	b.note("elements of A", zs(30, 2)...)
	bias := b.load("Bias")
	for i := range mr {
		for p := range panels {
			b.VMOVDQU32(mem(bias, 64*p), z(panels*i+p))
		}
	}
	panel := b.load("B")
	b.segments(func(offset reg64) {
		b.LEAQ(index(a, offset, 1), offset)
		row := b.tileRows(offset, as)
		k := b.load("SegLen")
		b.SHRQ(imm(2), k)
		b.loop("k", k, func() {
			b.VMOVDQU32(mem(panel, 0), z(28))
			if panels > 1 {
				b.VMOVDQU32(index(panel, bs, 1), z(29))
			}
			for i := range mr {
				e := z(30 + i%2)
				b.VPBROADCASTD(row.at(i, mr), e)
				for p := range panels {
					b.VPDPBUSD(z(28+p), e, z(panels*i+p))
				}
			}
			b.ADDQ(imm(64), panel)
			row.advance(imm(4))
		})
	})
}

// vnniEpilogue makes results of mr rows of sums and stores them, by bytes if
// these are uint8. It moves c and d on by a tile.
func (b *builder) vnniEpilogue(mr, panels int, c, d operand.Mem, bytes *rowBytes) {
	scale := b.load("Scale")
	for i := range mr {
		for p := range panels {
			s := z(panels*i + p)
			b.VCVTDQ2PS(s, s)
			b.VMULPS(mem(scale, 64*p), s, s)
		}
	}
	none := b.label("noresidual")
	b.CMPQ(d, imm(0))
	b.JEQ(operand.LabelRef(none))
	b.note("residual", z(28))
	b.eachRow(d, "DStride", mr, func(at reg64, i int) {
		for p := range panels {
			if p < panels-1 {
				b.VPMOVZXBD(mem(at, 16*p), z(28))
			} else {
				b.VPMOVZXBD_Z(mem(at, 16*p), reg.K1, z(28))
			}
			b.VPSUBD_BCST(b.field("DZero"), z(28), z(28))
			b.VCVTDQ2PS(z(28), z(28))
			b.VMULPS_BCST(b.field("DScale"), z(28), z(28))
			b.VADDPS(z(28), z(panels*i+p), z(panels*i+p))
		}
	})
	b.Label(none)
	if bytes != nil {
		bytes.store(mr, panels, c)
		return
	}
	b.wideLimits()
	b.eachRow(c, "CStride", mr, func(at reg64, i int) {
		for p := range panels {
			b.store(panels*i+p, mem(at, 16*p*b.resultSize()), p == panels-1)
		}
	})
}

// rowBytes makes rows of bytes of values, four vectors at a time: to clamp them
// one by one as float32 would take the units that convert them.
type rowBytes struct {
	*builder
	limits byteLimits
	most   operand.Mem // moreThanBytes
}

// moreThanBytes is 2¹⁶ as a float32: more than any result of bytes, of which 2¹⁵−1
// are left when it has been packed.
const moreThanBytes = 0x47800000

func (b *builder) rowBytes() *rowBytes {
	r := &rowBytes{b, b.byteLimits(), b.AllocLocal(8)}
	b.MOVL(operand.U32(moreThanBytes), r.most)
	b.noteMask("the columns of a row", reg.K2)
	n, mask := b.load("N"), b.GP64()
	b.XORL(mask.As32(), mask.As32())
	b.BTSQ(n, mask)
	b.DECQ(mask)
	b.KMOVD(mask.As32(), reg.K2)
	return r
}

// store stores mr rows of values and moves c on by them. Positive float32 are in
// the order of integers with the same bits, and others less than these, so that an
// integer minimum keeps what is positive convertible; what is negative and too
// large becomes the least integer, which is right.
func (r *rowBytes) store(mr, panels int, c operand.Mem) {
	b := r.builder
	order, part := z(29), 30
	b.note("where packing has put fours of columns", order)
	for i, bytes := range []uint64{0x0d0905010c080400, 0x0f0b07030e0a0602} {
		of := b.GP64()
		b.MOVQ(operand.U64(bytes), of)
		if i == 0 {
			b.VMOVQ(of, order.AsX())
		} else {
			b.VPINSRQ(imm(1), of, order.AsX(), order.AsX())
		}
	}
	b.VPMOVZXBD(order.AsX(), order)
	for i := range mr * panels {
		b.VPMINSD_BCST(r.most, z(i), z(i))
		b.VCVTPS2DQ(z(i), z(i))
	}
	together := 4 / panels // rows of four vectors
	b.eachRow(c, "CStride", mr, func(at reg64, i int) {
		first, row := panels*(i-i%together), i%together
		if row == 0 {
			r.limits.pack(b, slices.Clone(zs(first, min(4, panels*mr-first))), z(28))
			b.VPERMD(z(first), order, z(first))
		}
		from := first
		if row > 0 {
			from = part
			b.note("a row of bytes", z(part))
		}
		switch {
		case panels > 1:
			if row > 0 {
				b.VEXTRACTI64X4(imm(row), z(first), y(part))
			}
			b.VMOVDQU8(y(from), reg.K2, mem(at, 0))
		default:
			if row > 0 {
				b.VEXTRACTI32X4(imm(row), z(first), x(part))
			}
			b.VMOVDQU8(x(from), reg.K2, mem(at, 0))
		}
	})
}

// eachRow emits f for mr rows from p, on the stack, which is moved on by them.
func (b *builder) eachRow(p operand.Mem, stride string, mr int, f func(at reg64, i int)) {
	at, by := b.GP64(), b.load(stride)
	b.MOVQ(p, at)
	for i := range mr {
		f(at, i)
		b.ADDQ(by, at)
	}
	b.MOVQ(at, p)
}

// resultSize is the bytes of an element of the kernel's result.
func (b *builder) resultSize() int {
	if b.kernel.Result == spec.F32 {
		return 4
	}
	return 1
}

// wideLimits broadcasts Lo and Hi to Z30 and Z31.
func (b *builder) wideLimits() {
	b.note("Lo", z(30))
	b.note("Hi", z(31))
	b.VBROADCASTSS(b.field("Lo"), z(30))
	b.VBROADCASTSS(b.field("Hi"), z(31))
}

// store makes results of 16 values, between what wideLimits has set, and stores
// them; with masked, those columns that K1 selects. The minimum and the maximum
// return their second source if both are zero, so that is the value.
func (b *builder) store(i int, to operand.Mem, masked bool) {
	v := z(i)
	b.VMAXPS(v, z(30), v)
	b.VMINPS(v, z(31), v)
	if b.kernel.Result == spec.F32 {
		if masked {
			b.VMOVUPS(v, reg.K1, to)
		} else {
			b.VMOVUPS(v, to)
		}
		return
	}
	b.VCVTPS2DQ(v, v)
	b.VPADDD_BCST(b.field("Zero"), v, v)
	b.VPMOVDB(v, x(i))
	if masked {
		b.VMOVDQU8(x(i), reg.K1, to)
	} else {
		b.VMOVDQU8(x(i), to)
	}
}
