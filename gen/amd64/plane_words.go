package amd64

import "github.com/mmcloughlin/avo/operand"

// planeWords emits the same without VPDPBUSD, for eight columns after the other
// eight, whose weights then stay in registers. A row of a window's elements falls
// into even and odd bytes, as words: the left pixels' first and third taps are the
// even ones, the right pixels' the odd ones, with the same weights, and the middle
// taps are the first of the odd ones and the second of the even ones.
func planeWords(b *builder) {
	b.doc("the convolution of a plane of bytes by 3×3 taps, pooled by 2×2")
	limits := b.byteLimits()
	slot, lines := b.AllocLocal(8), b.AllocLocal(8)
	firstX, firstY, lineX, lineY := b.local("X"), b.local("Y"), b.AllocLocal(8), b.AllocLocal(8)
	const outer, middle, sums, even, odd, second, product, bytes, most = 0, 3, 6, 10, 11, 12, 13, 14, 15
	b.note("words of 255", y(bytes))
	b.VPCMPEQD(y(bytes), y(bytes), y(bytes))
	b.VPSRLW(imm(8), y(bytes), y(bytes))
	b.note("more than any result, as float32", y(most))
	bits := b.GP32()
	b.MOVL(operand.U32(moreThanBytes), bits)
	b.VMOVD(bits, x(most))
	b.VPBROADCASTD(x(most), y(most))

	n, panel, bias, scale, xr := b.load("N"), b.load("B"), b.load("Bias"), b.load("Scale"), b.load("XRow")
	top, end := b.label("eight"), b.label("end")
	b.Label(top)
	for r := range 3 {
		b.note("weights of the first and the third tap", y(outer+r))
		b.note("weights of the second one", y(middle+r))
		b.VMOVDQU(mem(panel, 64*r), y(middle+r))
		b.VPSLLW(imm(8), y(middle+r), y(outer+r))
		b.VPSRAW(imm(8), y(outer+r), y(outer+r))
		b.VPSRAW(imm(8), y(middle+r), y(middle+r))
	}
	move := func(from, to operand.Op) {
		via := b.GP64()
		b.MOVQ(from, via)
		b.MOVQ(via, to)
	}
	move(firstX, lineX)
	move(firstY, lineY)
	move(b.field("Lines"), lines)
	b.loop("line", lines, func() {
		in, below, out := b.GP64(), b.GP64(), b.GP64()
		b.MOVQ(lineX, in)
		b.LEAQ(index(in, xr, 1), below)
		b.MOVQ(lineY, out)
		b.loop("window", b.load("Windows"), func() {
			for i := range 4 {
				b.note("sums, then values", y(sums+i))
				b.VMOVDQU(mem(bias, 0), y(sums+i))
			}
			add := func(elements, weights, sum int) {
				b.note("products", y(product))
				b.VPMADDWD(y(weights), y(elements), y(product))
				b.VPADDD(y(product), y(sums+sum), y(sums+sum))
			}
			for r, from := range []operand.Mem{mem(in, 0), mem(below, 0), index(in, xr, 2), index(below, xr, 2)} {
				b.note("a row of elements, then the even ones", y(even))
				b.note("the odd ones", y(odd))
				b.note("the second even one", y(second))
				b.VPBROADCASTD(from, y(even))
				b.VPSRLW(imm(8), y(even), y(odd))
				b.VPAND(y(bytes), y(even), y(even))
				b.VPSRLD(imm(16), y(even), y(second))
				for row := range 2 {
					tap := r - row
					if tap < 0 || tap > 2 {
						continue
					}
					add(even, outer+tap, 2*row)
					add(odd, middle+tap, 2*row)
					add(odd, outer+tap, 2*row+1)
					add(second, middle+tap, 2*row+1)
				}
			}
			v := y(sums)
			b.VPMAXSD(y(sums+1), v, v)
			b.VPMAXSD(y(sums+3), y(sums+2), y(sums+2))
			b.VPMAXSD(y(sums+2), v, v)
			b.VCVTDQ2PS(v, v)
			b.VMULPS(mem(scale, 0), v, v)
			b.VPMINSD(y(most), v, v)
			b.VCVTPS2DQ(v, v)
			limits.pack(b, []vec{v}, y(product))
			b.note("the upper half of results", y(product))
			b.VEXTRACTI128(imm(1), v, x(product))
			b.VPUNPCKLDQ(x(product), x(sums), x(sums))
			b.someBytes(n, mem(out, 0), slot, false, func(to operand.Mem) { b.VMOVQ(x(sums), to) })
			b.ADDQ(imm(2), in)
			b.ADDQ(imm(2), below)
			b.ADDQ(b.field("YStride"), out)
		})
		next := b.GP64()
		b.MOVQ(lineX, next)
		b.LEAQ(index(next, xr, 2), next)
		b.MOVQ(next, lineX)
		b.MOVQ(b.field("YLine"), next)
		b.ADDQ(next, lineY)
	})
	b.SUBQ(imm(8), n)
	b.JLE(operand.LabelRef(end))
	b.ADDQ(imm(32), panel)
	b.ADDQ(imm(32), bias)
	b.ADDQ(imm(32), scale)
	b.ADDQ(imm(8), firstY)
	b.JMP(operand.LabelRef(top))
	b.Label(end)
	b.VZEROUPPER()
}
