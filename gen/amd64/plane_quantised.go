package amd64

// planeVNNI emits the convolution of a map of one channel by 3×3 taps, pooled. A
// window sees 4×4 elements: a row of them is a broadcast, of which the left pixels
// take the first three and the right ones the last, by the same weights a byte
// further on. All weights stay in registers.
func planeVNNI(b *builder) {
	b.doc("the convolution of a plane of bytes by 3×3 taps, pooled by 2×2")
	weight := func(r, right int) vec { return z(16 + 2*r + right) }
	row := func(r int) vec { return z(r) }
	sum := func(r, right int) vec { return z(4 + 2*r + right) }
	bias, scale, zero := z(22), z(23), z(24)

	b.columnMask(b.load("N"))
	panel := b.load("B")
	for r := range 3 {
		b.note("weights of left pixels", weight(r, 0))
		b.note("weights of right pixels", weight(r, 1))
		b.VMOVDQU32(mem(panel, 64*r), weight(r, 0))
		b.VPSLLD(imm(8), weight(r, 0), weight(r, 1))
	}
	b.note("biases", bias)
	b.note("multipliers", scale)
	b.note("Zero", zero)
	b.VMOVDQU32(mem(b.load("Bias"), 0), bias)
	b.VMOVDQU32(mem(b.load("Scale"), 0), scale)
	b.VPBROADCASTD(b.field("Zero"), zero)
	b.wideLimits()

	x, y := b.load("X"), b.load("Y")
	xr, ys := b.load("XRow"), b.load("YStride")
	b.loop("line", b.local("Lines"), func() {
		in, below, out := b.copy(x), b.copy(x), b.copy(y)
		b.ADDQ(xr, below)
		b.loop("window", b.load("Windows"), func() {
			for r := range 4 {
				b.note("a row of elements", row(r))
				from := mem(in, 0)
				switch r {
				case 2:
					from = index(in, xr, 2)
				case 1:
					from = mem(below, 0)
				case 3:
					from = index(below, xr, 2)
				}
				b.VPBROADCASTD(from, row(r))
			}
			for r := range 2 {
				for right := range 2 {
					b.note("sums, then values", sum(r, right))
					b.VMOVDQA32(bias, sum(r, right))
				}
			}
			for tap := range 3 {
				for r := range 2 {
					for right := range 2 {
						b.VPDPBUSD(weight(tap, right), row(r+tap), sum(r, right))
					}
				}
			}
			most := sum(0, 0)
			b.VPMAXSD(sum(0, 1), most, most)
			b.VPMAXSD(sum(1, 1), sum(1, 0), sum(1, 0))
			b.VPMAXSD(sum(1, 0), most, most)
			b.VCVTDQ2PS(most, most)
			b.VMULPS(scale, most, most)
			b.store(4, mem(out, 0), true)
			b.ADDQ(imm(2), in)
			b.ADDQ(imm(2), below)
			b.ADDQ(ys, out)
		})
		b.LEAQ(index(x, xr, 2), x)
		b.ADDQ(b.field("YLine"), y)
	})
	b.VZEROUPPER()
}
