package kernels

import (
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// quantisedKernel is the gemm or convpool kernel of a tile of so many rows and
// panels.
func quantisedKernel(op string, result asm.Elem, rows, panels int) asm.Kernel {
	return asm.Kernel{Op: op, Operand: asm.U8, Weight: asm.I8, Result: result, Rows: rows, Panels: panels}
}

// wordKernel is the gemm kernel of rows rows of words.
func wordKernel(result asm.Elem, rows int) asm.Kernel {
	return asm.Kernel{Op: "gemm", Operand: asm.I16, Weight: asm.I8, Result: result, Rows: rows, Panels: 1}
}

// wordOrder is where the row of a panel for words stands among its quad: even bytes
// are multiplied with two neighbours, and odd ones with the next two.
var wordOrder = [quad]int{0, 2, 1, 3}

// findQuantised is find for a kernel that computes in integers: where a tier has
// none of its own, the portable tier's makes the same bits.
func findQuantised[A any](t *Tier, k asm.Kernel) func(*A) {
	if run := lookup[A](t.kernels, k); run != nil {
		return run
	}
	return find[A](portable, k)
}

// quantisedGemms are the gemm kernels of a type of result, by panels and rows.
type quantisedGemms [][]func(*asm.QuantisedGemmArgs)

// rows is the largest number of rows of a tile.
func (q quantisedGemms) rows() int { return len(q[1]) - 1 }

// panels is the largest number of panels of a tile.
func (q quantisedGemms) panels() int { return len(q) - 1 }

// quantisedGemms are the tier's kernels, or the portable tier's.
func (t *Tier) quantisedGemms(result asm.Elem) quantisedGemms {
	if t.quantisedRows == 0 {
		t = portable
	}
	q := make(quantisedGemms, t.quantisedPanels+1)
	for p := 1; p < len(q); p++ {
		q[p] = make([]func(*asm.QuantisedGemmArgs), t.quantisedRows+1)
		for r := 1; r <= t.quantisedRows; r++ {
			q[p][r] = find[asm.QuantisedGemmArgs](t, quantisedKernel("gemm", result, r, p))
		}
	}
	return q
}

// wordGemms are the tier's kernels of rows of words.
func (t *Tier) wordGemms(result asm.Elem) quantisedGemms {
	q := quantisedGemms{1: make([]func(*asm.QuantisedGemmArgs), asm.WordRows+1)}
	for r := 1; r <= asm.WordRows; r++ {
		q[1][r] = find[asm.QuantisedGemmArgs](t, wordKernel(result, r))
	}
	return q
}

// quantisedConvPools are the tier's convpool kernels, by panels and by windows of
// a tile; it has none if it lacks one.
func (t *Tier) quantisedConvPools(result asm.Elem) [][]func(*asm.QuantisedGemmArgs) {
	if t.quantisedRows == 0 {
		t = portable
	}
	q := make([][]func(*asm.QuantisedGemmArgs), t.quantisedPanels+1)
	for p := 1; p < len(q); p++ {
		q[p] = make([]func(*asm.QuantisedGemmArgs), max(t.quantisedRows/4, 1)+1)
		for w := 1; w < len(q[p]); w++ {
			if q[p][w] = lookup[asm.QuantisedGemmArgs](t.kernels, quantisedKernel("convpool", result, 4*w, p)); q[p][w] == nil {
				return nil
			}
		}
	}
	return q
}

// readyPanels are a product's right-hand side of int8, made ready for rows of
// one quantised type and results of one type: the rows' zero point is part of the
// biases, and scales are multipliers.
type readyPanels struct {
	Panels
	weights []byte
	bias    []int32   // NR for each panel
	signed  []int32   // those of sums of x − 128
	scale   []float32 // NR for each panel
}

// quantisedPanels are readyPanels with what follows the sums.
type quantisedPanels struct {
	*readyPanels
	kernels quantisedGemms
	result  Elements
	lo, hi  float32

	// Of the residual, if there is one.
	dZero  int32
	dScale float32
}

// newQuantisedPanels makes panels ready for rows x whose elements stand in
// segments of segLen, and are widened to words or not.
func newQuantisedPanels(s Spec, t *Tier, x, result Elements, a Act, p Param, segLen int, words bool) (*quantisedPanels, error) {
	if segLen%quad == 0 && !words {
		segLen = 0
	}
	type form struct {
		x, result Elements
		segLen    int
		words     bool
	}
	type made struct {
		*readyPanels
		err error
	}
	ready := remember(t, p, form{x, result, segLen, words}, func() made {
		q, err := newReadyPanels(s, x, result, p, segLen, words)
		return made{q, err}
	})
	if ready.err != nil {
		return nil, ready.err
	}
	q := &quantisedPanels{readyPanels: ready.readyPanels, result: result}
	if words {
		q.kernels = t.wordGemms(asm.Elem(result.Elem))
	} else {
		q.kernels = t.quantisedGemms(asm.Elem(result.Elem))
	}
	q.lo, q.hi = result.limits(a)
	return q, nil
}

// newReadyPanels packs panels anew if segLen is not 0: with rows of zeros after
// each segment, so that kernels can take quad elements at a time, and for words in
// their order.
func newReadyPanels(s Spec, x, result Elements, p Param, segLen int, words bool) (*readyPanels, error) {
	from := p.Panels()
	q := &readyPanels{Panels: from, weights: p.Data}
	if segLen != 0 {
		q.pack(from, p.Data, segLen, words)
	}
	n := q.Count() * NR
	q.bias, q.signed, q.scale = tensor.Aligned[int32](n), tensor.Aligned[int32](n), tensor.Aligned[float32](n)
	for i := range q.Count() {
		bias, scale := from.header(from.panel(p.Data, i))
		copy(q.bias[i*NR:], bias)
		for j := range from.Columns(i) {
			m, err := result.multiplier(s, x.Scale, scale[j])
			if err != nil {
				return nil, err
			}
			q.scale[i*NR+j] = m
		}
		var weights [NR]int32
		for k, w := range q.rowsFrom(q.panel(q.weights, i), 0) {
			weights[k/quad%NR] += int32(int8(w))
		}
		// Σ (x − z)·w is Σ x·w − z·Σ w, and Σ x·w is Σ (x − 128)·w + 128·Σ w.
		for j, w := range weights {
			q.bias[i*NR+j] -= x.Zero * w
			q.signed[i*NR+j] = q.bias[i*NR+j] + 128*w
		}
	}
	return q, nil
}

// pack stores panels with segments of segLen rows rounded up to quad.
func (q *readyPanels) pack(from Panels, data []byte, segLen int, words bool) {
	padded := ceilDiv(segLen, quad) * quad
	q.K = from.K / segLen * padded
	q.weights = tensor.AlignedBytes(q.Count() * q.Size())
	l, _ := from.layout()
	for i := range q.Count() {
		src, dst := from.rowsFrom(from.panel(data, i), 0), q.rowsFrom(q.panel(q.weights, i), 0)
		for k := range from.K {
			to := k/segLen*padded + k%segLen
			if words {
				to += wordOrder[to%quad] - to%quad
			}
			for j := range NR {
				dst[l.index(to, j)] = src[l.index(k, j)]
			}
		}
	}
}

// setResidual says what a residual's elements are.
func (q *quantisedPanels) setResidual(s Spec, d Elements) (err error) {
	q.dZero = d.Zero
	q.dScale, err = q.result.multiplier(s, d.step(), 1)
	return err
}

// args begins a block of arguments: what is the same for all rows of n panels
// from panel p on.
func (q *quantisedPanels) args(g *asm.QuantisedGemmArgs, p, n int) {
	*g = asm.QuantisedGemmArgs{
		B: (*int8)(unsafe.Pointer(&q.rowsFrom(q.panel(q.weights, p), 0)[0])), BStride: q.Size(),
		Bias: &q.bias[p*NR], SignedBias: &q.signed[p*NR], Scale: &q.scale[p*NR], N: (n-1)*NR + q.Columns(p+n-1),
		Zero: q.result.Zero, DZero: q.dZero, DScale: q.dScale, Lo: q.lo, Hi: q.hi,
	}
}

// tile is how many panels of from, …, to−1 are computed together: those of one
// group.
func (q *quantisedPanels) tile(from, to int) int {
	return min(q.kernels.panels(), to-from, q.PerGroup()-from%q.PerGroup())
}

// quantisedCalls bounds a call as callCycles does: the kernels of the slowest tier
// in assembly do more than one multiply-add of one row by one panel in a cycle.
const quantisedCalls = 2 * callCycles

// gemm runs the kernels of n panels on rows rows, in tiles of sizes that differ
// by one at most. w.quantisedGemm is set, but for Tiles, and has the first row's
// addresses, which gemm changes.
func (q *quantisedPanels) gemm(w *Workspace, rows, n int) {
	g := &w.quantisedGemm
	tiles := ceilDiv(rows, q.kernels.rows())
	small, larger := rows/tiles, rows%tiles // so many tiles have one row more
	a, c, d := g.A, g.C, g.D
	for done := 0; done < rows; {
		mr, some := small+1, larger
		if larger == 0 {
			mr, some = small, tiles
		}
		some = min(some, max(1, quantisedCalls/(mr*n*g.Segs*g.SegLen)))
		g.Tiles = some
		g.A, g.C = stepBytes(a, done*g.AStride), stepBytes(c, done*g.CStride)
		if d != nil {
			g.D = stepBytes(d, done*g.DStride)
		}
		q.kernels[n][mr](g)
		done, tiles = done+some*mr, tiles-some
		if larger > 0 {
			larger -= some
		}
	}
}

// stepBytes is the address n bytes after p.
func stepBytes(p *uint8, n int) *uint8 { return (*uint8)(unsafe.Add(unsafe.Pointer(p), n)) }
