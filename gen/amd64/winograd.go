package amd64

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// A transform is one of Winograd's one-dimensional transforms. It is applied
// to the columns of a tile, then to the rows of the result.
//
// The matrices are those of Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks" (2015), F(2×2, 3×3) and F(4×4, 3×3).
type transform struct {
	n         int            // elements in: registers Y0 … Yn−1
	constants [3]float32     // in Y13, Y14, Y15
	apply     func(*builder) // emits it
	out       []int          // the registers that it leaves its results in
}

// Bᵀ of F(2×2): d0−d2, d1+d2, d2−d1, d1−d3.
var in2 = transform{n: 4, out: []int{0, 4, 5, 6}, apply: func(b *builder) {
	b.VADDPS(y(2), y(1), y(4))
	b.VSUBPS(y(1), y(2), y(5))
	b.VSUBPS(y(3), y(1), y(6))
	b.VSUBPS(y(2), y(0), y(0))
}}

// Bᵀ of F(4×4), with a = d4−4·d2, b = d3−4·d1, c = d4−d2, e = d3−d1:
// 4·d0−5·d2+d4, a+b, a−b, c+2·e, c−2·e, 4·d1−5·d3+d5.
var in4 = transform{n: 6, constants: [3]float32{4, 5, 2}, out: []int{4, 8, 9, 12, 10, 5}, apply: func(b *builder) {
	b.VMOVAPS(y(4), y(6))
	b.VFNMADD231PS(y(13), y(2), y(6))
	b.VMOVAPS(y(3), y(7))
	b.VFNMADD231PS(y(13), y(1), y(7))
	b.VSUBPS(y(2), y(4), y(10))
	b.VSUBPS(y(1), y(3), y(11))
	b.VFMADD231PS(y(13), y(0), y(4))
	b.VFMADD231PS(y(13), y(1), y(5))
	b.VADDPS(y(7), y(6), y(8))
	b.VSUBPS(y(7), y(6), y(9))
	b.VMOVAPS(y(10), y(12))
	b.VFMADD231PS(y(15), y(11), y(12))
	b.VFNMADD231PS(y(15), y(11), y(10))
	b.VFNMADD231PS(y(14), y(2), y(4))
	b.VFNMADD231PS(y(14), y(3), y(5))
}}

// Aᵀ of F(2×2): m0+m1+m2, m1−m2−m3.
var out2 = transform{n: 4, out: []int{0, 1}, apply: func(b *builder) {
	b.VADDPS(y(1), y(0), y(0))
	b.VADDPS(y(2), y(0), y(0))
	b.VSUBPS(y(2), y(1), y(1))
	b.VSUBPS(y(3), y(1), y(1))
}}

// Aᵀ of F(4×4), with s = m1+m2, d = m1−m2, u = m3+m4, v = m3−m4:
// m0+s+u, d+2·v, s+4·u, d+8·v+m5.
var out4 = transform{n: 6, constants: [3]float32{2, 4, 8}, out: []int{0, 1, 2, 3}, apply: func(b *builder) {
	b.VADDPS(y(2), y(1), y(6))
	b.VSUBPS(y(2), y(1), y(1))
	b.VADDPS(y(4), y(3), y(7))
	b.VSUBPS(y(4), y(3), y(4))
	b.VADDPS(y(6), y(0), y(0))
	b.VADDPS(y(7), y(0), y(0))
	b.VMOVAPS(y(6), y(2))
	b.VFMADD231PS(y(14), y(7), y(2))
	b.VADDPS(y(5), y(1), y(3))
	b.VFMADD231PS(y(13), y(4), y(1))
	b.VFMADD231PS(y(15), y(4), y(3))
}}

// winograd emits the transform that the kernel's variant names.
func winograd(b *builder) {
	switch b.kernel.Variant {
	case "in2":
		b.winogradIn(in2)
	case "in4":
		b.winogradIn(in4)
	case "out2":
		b.winogradOut(out2, false)
	case "out4":
		b.winogradOut(out4, false)
	case "outpool2":
		b.winogradOut(out2, true)
	case "outpool4":
		b.winogradOut(out4, true)
	}
	b.VZEROUPPER()
}

// setConstants sets Y13, Y14 and Y15 to a transform's constants.
func (b *builder) setConstants(t transform) {
	for i, v := range t.constants {
		if v != 0 {
			b.note(fmt.Sprint(v), y(13+i))
			b.broadcast(v, 13+i)
		}
	}
}

// columns emits the first pass: n columns of n elements, step bytes apart,
// whose elements stand rowStride bytes apart; each result is a column of Temp,
// which has n columns of 32 bytes.
func (b *builder) columns(t transform, src, rowStride, step reg64) {
	temp := b.load("Temp")
	row := b.rowsFrom(src, rowStride, t.n)
	count := b.GP64()
	b.MOVQ(operand.I32(t.n), count)
	b.loop("column", count, func() {
		for i := range t.n {
			b.VMOVUPS(row.at(i, 0), y(i))
		}
		t.apply(b)
		for i, r := range t.out {
			b.VMOVUPS(y(r), mem(temp, 32*t.n*i))
		}
		b.ADDQ(imm(32), temp)
		row.advance(step)
	})
}

// tempRow emits the second pass on one row of Temp.
func (b *builder) tempRow(t transform, temp reg64, row int) {
	for i := range t.n {
		b.VMOVUPS(mem(temp, 32*(row*t.n+i)), y(i))
	}
	t.apply(b)
}

// eachBlock emits body for every block of every tile, with registers of its
// own for the block's addresses.
func (b *builder) eachBlock(pointers []string, body func(at map[string]reg64)) {
	b.eachTile(b.AllocLocal(8), pointers, func(at map[string]reg64) {
		b.loop("block", b.load("Blocks"), func() {
			body(at)
			for _, p := range pointers {
				b.ADDQ(imm(32), at[p])
			}
		})
	})
}

// eachTile emits blocks for every tile, with the addresses of its first block, which
// blocks moves on. What only a new tile needs stays on the stack meanwhile, the
// number of those that are left in tiles. A pointer's name is its field's; its stride
// between tiles is the field of that name with Tile, but Bias is the same for all.
func (b *builder) eachTile(tiles operand.Mem, pointers []string, blocks func(at map[string]reg64)) {
	tile := b.label("tile")
	b.MOVQ(b.load("Tiles"), tiles)
	start := map[string]operand.Mem{}
	for _, p := range pointers {
		start[p] = b.AllocLocal(8)
		b.MOVQ(b.load(p), start[p])
	}
	b.Label(tile)
	block := map[string]reg64{}
	for _, p := range pointers {
		block[p] = b.GP64()
		b.MOVQ(start[p], block[p])
	}
	blocks(block)
	for _, p := range pointers {
		if p != "Bias" {
			b.ADDQ(b.load(p+"Tile"), start[p])
		}
	}
	b.DECQ(tiles)
	b.JNE(operand.LabelRef(tile))
}

func (b *builder) winogradIn(t transform) {
	b.doc("the input transform " + b.kernel.Variant + " of Winograd's algorithm")
	b.note("elements", ys(0, 13)...)
	b.setConstants(t)
	b.eachBlock([]string{"X", "Y"}, func(at map[string]reg64) {
		b.columns(t, b.copy(at["X"]), b.load("XRow"), b.load("XPixel"))
		temp, dst, yf := b.load("Temp"), b.copy(at["Y"]), b.load("YFreq")
		count := b.GP64()
		b.MOVQ(operand.I32(t.n), count)
		b.loop("row", count, func() {
			b.tempRow(t, temp, 0)
			freq := b.rowsFrom(b.copy(dst), yf, t.n)
			for i, r := range t.out {
				b.VMOVUPS(y(r), freq.at(i, 0))
			}
			b.ADDQ(imm(32*t.n), temp)
			b.skip(dst, yf, t.n)
		})
	})
}

func (b *builder) winogradOut(t transform, pool bool) {
	b.doc("the output transform " + b.kernel.Variant + " of Winograd's algorithm")
	b.note("elements", ys(0, 8)...)
	b.setConstants(t)
	pointers := []string{"X", "Y", "Bias"}
	if !pool {
		pointers = append(pointers, "D")
	}
	m := len(t.out)
	b.eachBlock(pointers, func(at map[string]reg64) {
		xf := b.load("XFreq")
		down := b.GP64() // from one row of frequencies to the next
		b.IMUL3Q(imm(t.n), xf, down)
		b.columns(t, b.copy(at["X"]), down, xf)
		temp, dst := b.load("Temp"), b.copy(at["Y"])
		var res reg64
		if !pool {
			res = b.copy(at["D"])
		}
		for row := range m {
			b.tempRow(t, temp, row)
			switch {
			case pool && row%2 == 0:
				b.note("the row above", ys(8, m)...)
				for i := range m {
					b.VMOVAPS(y(i), y(8+i))
				}
			case pool:
				for i := range m / 2 {
					b.maxNaN(y(8+2*i), y(9+2*i), y(2*i), y(2*i+1), y(6), y(7))
					b.VMOVAPS(y(8+2*i), y(i))
				}
				b.finish(m/2, at["Bias"], dst)
			default:
				none := b.label("noresidual")
				b.CMPQ(b.field("D"), imm(0))
				b.JEQ(operand.LabelRef(none))
				r := b.rowsFrom(b.copy(res), b.load("DPixel"), m)
				for i := range m {
					b.VADDPS(r.at(i, 0), y(i), y(i))
				}
				b.ADDQ(b.load("DRow"), res)
				b.Label(none)
				b.finish(m, at["Bias"], dst)
			}
		}
	})
}

// finish adds the bias to Y0 … Yn−1, clamps them, stores them pixel by pixel
// and moves dst on to the next row.
func (b *builder) finish(n int, bias, dst reg64) {
	b.note("bias", y(12))
	b.note("Lo", y(12))
	b.note("Hi", y(12))
	b.VMOVUPS(mem(bias, 0), y(12))
	for i := range n {
		b.VADDPS(y(12), y(i), y(i))
	}
	b.VBROADCASTSS(b.field("Lo"), y(12))
	for i := range n {
		b.VMAXPS(y(i), y(12), y(i))
	}
	b.VBROADCASTSS(b.field("Hi"), y(12))
	for i := range n {
		b.VMINPS(y(i), y(12), y(i))
	}
	out := b.rowsFrom(b.copy(dst), b.load("YPixel"), n)
	for i := range n {
		b.VMOVUPS(y(i), out.at(i, 0))
	}
	b.ADDQ(b.load("YRow"), dst)
}
