package arm64

import (
	"fmt"

	"github.com/infer-go/infer/gen/spec"
)

// prefetchAhead is how many bytes ahead of its use a panel is prefetched.
const prefetchAhead = 1024

// fully emits one row times 1 or 4 panels at a time. The weights are read
// once, so memory decides: 4 panels are 4 streams, each prefetched well ahead
// of its use, and 16 chains of multiply-adds, enough for four pipes.
func fully(b *builder) {
	if b.kernel.Rows == 2 {
		fullyPair(b)
		return
	}
	width := b.kernel.Panels
	b.doc(fmt.Sprintf("one row times %d panels of %s weights", width, b.kernel.Weight))
	panels, bias, c := b.load("B"), b.load("Bias"), b.load("C")
	bs, biasStride := b.load("BStride"), b.load("BiasStride")
	k := b.load("K")
	t := b.newTile(width, 4)

	b.loop("group", b.load("Groups"), func() {
		for p := range width {
			b.peek(16, bias, t.row(p))
			b.ADD(biasStride, bias, bias)
		}
		b.scope(func() {
			a := b.load("A")
			panel := b.rows(panels, bs, width, "rows of the panels")
			b.fours(k, func(k int) {
				element := b.v.take("elements of A")
				b.loadPiece(piece(k), a, []vec{element})
				switch {
				case b.kernel.Variant == "strided":
					t.stridedWeights(k, element, panel)
				case b.kernel.Weight == spec.F16:
					t.halfWeights(k, element, panel)
				default:
					t.weights(k, element, panel)
				}
			})
		})
		out := make([]gp, width)
		for p := range out {
			out[p] = c // the panels' columns lie side by side
		}
		t.storeClamped(16, t.limits, out)
		b.skip(panels, bs, width)
	})
}

// fullyPair emits two rows times 2 panels at a time.
func fullyPair(b *builder) {
	b.doc("two rows times 2 panels of f32 weights")
	panels, bias, c := b.load("B"), b.load("Bias"), b.load("C")
	bs, biasStride, stride := b.load("BStride"), b.load("BiasStride"), b.load("BRow")
	k := b.load("K")
	t := b.newTile(4, 4) // the panels of the first row, then of the second
	below := b.load("CStride")
	b.ADD(c, below, below)
	b.r.note(below, "C of the second row")

	b.loop("group", b.load("Groups"), func() {
		b.scope(func() {
			biases := b.rows(bias, b.load("BiasRow"), 2, "biases of a row")
			for p := range 2 {
				for r, at := range biases {
					b.peek(16, at, t.row(2*r+p))
				}
				b.addAll(biasStride, biases)
			}
		})
		b.skip(bias, biasStride, 2)
		b.scope(func() {
			a := b.rows(b.load("A"), b.load("AStride"), 2, "rows of A")
			panel := b.rows(panels, bs, 2, "rows of the panels")
			b.fours(k, func(k int) {
				elements, weights := b.v.takeAll(2, "elements of A"), b.v.takeAll(8, "weights")
				for r, e := range elements {
					b.loadPiece(piece(k), a[r], []vec{e})
				}
				for row := range k {
					for p := range panel {
						b.peek(16, panel[p], weights[4*p:])
					}
					for i, w := range weights {
						for r, e := range elements {
							b.FMLAElement(e, row, w, t.row(2*r + i/4)[i%4])
						}
					}
					b.addAll(stride, panel)
				}
			})
		})
		t.storeClamped(16, t.limits, []gp{c, c, below, below})
		b.skip(panels, bs, 2)
	})
}

// weights multiplies k = 1, 2 or 4 elements by as many rows of each panel, in
// pairs of vectors.
func (t *tile) weights(k int, element vec, panel []gp) {
	const depth = 6
	pairs := t.v.takeAll(2*depth, "weights")
	at := func(i int) (row, p, half int) { return i / 2 / t.rows, i / 2 % t.rows, i % 2 }
	pipelined(2*k*t.rows, depth, func(i int) {
		row, p, half := at(i)
		t.FLDPQ(panel[p], 64*row+32*half, pairs[2*(i%depth)], pairs[2*(i%depth)+1])
		if half == 0 {
			t.PRFM(panel[p], 64*row+prefetchAhead, "PLDL1KEEP")
		}
	}, func(i int) {
		row, p, half := at(i)
		for j := range 2 {
			t.FMLAElement(element, row, pairs[2*(i%depth)+j], t.row(p)[2*half+j])
		}
	})
	t.addAll(imm(64*k), panel)
}

// stridedWeights does the same where rows are BRow apart.
func (t *tile) stridedWeights(k int, element vec, panel []gp) {
	const depth = 6
	pairs, stride := t.v.takeAll(2*depth, "weights"), t.load("BRow")
	for row := range k {
		pipelined(2*t.rows, depth, func(i int) {
			t.FLDPQ(panel[i/2], i%2*32, pairs[2*(i%depth)], pairs[2*(i%depth)+1])
		}, func(i int) {
			for j := range 2 {
				t.FMLAElement(element, row, pairs[2*(i%depth)+j], t.row(i / 2)[2*(i%2)+j])
			}
		})
		t.addAll(stride, panel)
	}
}

// halfWeights does the same with weights of half precision, 16 at a time.
func (t *tile) halfWeights(k int, element vec, panel []gp) {
	const depth = 3
	pairs, wide := t.v.takeAll(2*depth, "float16 weights"), t.v.takeAll(4, "weights")
	pipelined(k*t.rows, depth, func(i int) {
		row, p := i/t.rows, i%t.rows
		t.FLDPQ(panel[p], 32*row, pairs[2*(i%depth)], pairs[2*(i%depth)+1])
		if row%2 == 0 && k > 1 {
			t.PRFM(panel[p], 32*row+prefetchAhead, "PLDL1KEEP")
		}
	}, func(i int) {
		row, p := i/t.rows, i%t.rows
		for j := range 2 {
			t.FCVTL(float32s, pairs[2*(i%depth)+j], wide[2*j])
			t.FCVTL2(float32s, pairs[2*(i%depth)+j], wide[2*j+1])
		}
		for j, w := range wide {
			t.FMLAElement(element, row, w, t.row(p)[j])
		}
	})
	t.addAll(imm(32*k), panel)
}
