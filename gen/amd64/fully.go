package amd64

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"

	"github.com/infer-go/infer/gen/spec"
)

// fully emits one row times 1 or 4 panels at a time. The weights are read
// once, so memory decides: 4 panels are 8 chains of multiply-adds, enough for
// its speed without splitting a chain, and 4 streams, each prefetched well
// ahead of its use.
func fully(b *builder) {
	if b.kernel.Rows == 2 {
		fullyPair(b)
		return
	}
	width := b.kernel.Panels
	half := b.kernel.Weight == spec.F16
	strided := b.kernel.Variant == "strided"
	b.doc(fmt.Sprintf("one row times %d panels of %s weights", width, b.kernel.Weight))
	b.note("sums", ys(0, 2*width)...)
	b.note("an element of A", y(12))
	b.note("weights", ys(14, 2)...)

	size := 64 // bytes of a row of a panel
	if half {
		size = 32
	}
	panels, bias, c := b.load("B"), b.load("Bias"), b.load("C")
	bs, biasStride := b.load("BStride"), b.load("BiasStride")

	b.loop("group", b.load("Groups"), func() {
		for p := range width {
			b.VMOVUPS(mem(bias, 0), y(2*p))
			b.VMOVUPS(mem(bias, 32), y(2*p+1))
			b.ADDQ(biasStride, bias)
		}
		a := b.load("A")
		panel := b.rowsFrom(b.copy(panels), bs, width)
		step := func(disp, k int, prefetch bool) {
			b.VBROADCASTSS(mem(a, 4*k), y(12))
			for p := range width {
				at := func(d int) operand.Mem { return panel.at(p, disp+d) }
				switch {
				case half:
					b.VCVTPH2PS(at(0), y(14))
					b.VCVTPH2PS(at(16), y(15))
					b.VFMADD231PS(y(14), y(12), y(2*p))
					b.VFMADD231PS(y(15), y(12), y(2*p+1))
				default:
					b.VFMADD231PS(at(0), y(12), y(2*p))
					b.VFMADD231PS(at(32), y(12), y(2*p+1))
				}
				if prefetch {
					b.PREFETCHT0(panel.at(p, disp+prefetchAhead))
				}
			}
		}

		if strided {
			row := b.load("BRow")
			b.loop("k", b.load("K"), func() {
				step(0, 0, false)
				b.ADDQ(imm(4), a)
				panel.advance(row)
			})
			b.fullyResults(c, width)
			b.skip(panels, bs, width)
			return
		}
		b.Comment("One cache line of each panel at a time, then what is left.")
		lines, rest, done := b.load("K"), b.label("rest"), b.label("done")
		perLine := 64 / size
		k := b.copy(lines)
		if perLine > 1 {
			b.SHRQ(imm(1), lines)
			b.JEQ(operand.LabelRef(rest))
		}
		b.loop("line", lines, func() {
			for i := range perLine {
				step(i*size, i, i == 0)
			}
			b.ADDQ(imm(4*perLine), a)
			panel.advance(imm(64))
		})
		if perLine > 1 {
			b.Label(rest)
			b.ANDQ(imm(1), k)
			b.JEQ(operand.LabelRef(done))
			step(0, 0, false)
			b.Label(done)
		}

		b.fullyResults(c, width)
		b.skip(panels, bs, width)
	})
	b.VZEROUPPER()
}

// fullyPair emits two rows times 2 panels at a time: half of the loads that two
// single rows take, which are more than the multiply-adds where weights are near.
func fullyPair(b *builder) {
	b.doc("two rows times 2 panels of f32 weights")
	b.note("sums of the first row, then of the second", ys(0, 8)...)
	b.note("weights", ys(8, 4)...)
	b.note("elements of A", ys(14, 2)...)
	panels, bias, c := b.load("B"), b.load("Bias"), b.load("C")
	bs, as := b.load("BStride"), b.load("AStride")
	b.loop("group", b.load("Groups"), func() {
		biasRow := b.load("BiasRow")
		for p := range 2 {
			for h := range 2 {
				b.VMOVUPS(mem(bias, 32*h), y(2*p+h))
				at := index(bias, biasRow, 1)
				at.Disp = 32 * h
				b.VMOVUPS(at, y(4+2*p+h))
			}
			b.ADDQ(b.field("BiasStride"), bias)
		}
		a, panel, row := b.load("A"), b.rowsFrom(b.copy(panels), bs, 2), b.load("BRow")
		b.loop("k", b.load("K"), func() {
			for i := range 4 {
				b.VMOVUPS(panel.at(i/2, i%2*32), y(8+i))
			}
			b.VBROADCASTSS(mem(a, 0), y(14))
			b.VBROADCASTSS(index(a, as, 1), y(15))
			for i := range 8 {
				b.VFMADD231PS(y(8+i%4), y(14+i/4), y(i))
			}
			b.ADDQ(imm(4), a)
			panel.advance(row)
		})
		b.limits()
		cs := b.load("CStride")
		for i := range 8 {
			b.clamp(i)
			to := mem(c, 32*(i%4))
			if i >= 4 {
				to.Index, to.Scale = cs, 1
			}
			b.VMOVUPS(y(i), to)
		}
		b.ADDQ(imm(128), c)
		b.skip(panels, bs, 2)
	})
	b.VZEROUPPER()
}

// fullyResults clamps and stores the sums of a group of panels, and moves c on.
func (b *builder) fullyResults(c reg64, width int) {
	b.limits()
	for i := range 2 * width {
		b.clamp(i)
		b.VMOVUPS(y(i), mem(c, 32*i))
	}
	b.ADDQ(imm(64*width), c)
}

// prefetchAhead is how many bytes ahead of its use a panel is prefetched.
const prefetchAhead = 1024
