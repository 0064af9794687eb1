package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// fullyOp multiplies rows by panels. One row, or a few, are read through the
// fully connected kernels, which read each weight once, as fast as memory
// gives it. Many rows are a gemm, whose panels stay in cache from tile to
// tile. An element is the same chain of multiply-adds in both.
type fullyOp struct {
	*Tier
	Panels
	act     Act
	rows    int // rows of an item
	k, n    int
	weights []byte

	onePanel, widePanels func(*asm.FullyArgs)
	pair                 func(*asm.FullyArgs) // of rows; nil for float16
}

const (
	// wide is the number of panels that the wide fully connected kernels take
	// at a time, and the least that a task takes.
	wide = 4

	// fewRows is how many rows are worth reading the weights for each.
	fewRows = 3

	// fullyChunk bounds the bytes of weights that one call reads: 40 µs from
	// memory at 12 GB/s.
	fullyChunk = 512 << 10

	// nearChunk is the same where more rows read them than a kernel takes: from the
	// first-level cache, all but the first.
	nearChunk = 16 << 10

	// deep is the length of sums from which on a tile of a gemm would take too
	// long in one call, since it waits for its panel; such rows are read one
	// by one, a chunk of weights at a time.
	deep = 8192

	// rowBlock is how many rows of a gemm are a task: 16 tiles of 6.
	rowBlock = 96
)

func (f *FullyConnected) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := f.Infer(in, params); err != nil {
		return nil, err
	}
	if isQuantised(in) {
		return f.bindQuantised(t, in[0], params[0])
	}
	p := params[0].Panels()
	op := newFully(t, p, in[0].Shape.Volume()/p.K, params[0].Data)
	op.act = f.Act
	return op, nil
}

// newFully multiplies so many rows of an item by the panels of one group.
func newFully(t *Tier, p Panels, rows int, weights []byte) *fullyOp {
	op := &fullyOp{
		Tier: t, Panels: p, rows: rows, k: p.K, n: p.N, weights: weights,
		onePanel:   find[asm.FullyArgs](t, fullyKernel(p.Elem, 1)),
		widePanels: find[asm.FullyArgs](t, fullyKernel(p.Elem, wide)),
	}
	if p.Elem == tensor.F32 {
		op.pair = find[asm.FullyArgs](t, stridedKernel(2))
	}
	return op
}

// fullyKernel is the kernel that takes so many panels of such weights at a time.
func fullyKernel(weights tensor.Elem, panels int) asm.Kernel {
	return asm.Kernel{Op: "fully", Weight: asm.Elem(weights), Rows: 1, Panels: panels}
}

// stridedKernel takes so many rows, one or two, and panels whose rows need not be
// side by side.
func stridedKernel(rows int) asm.Kernel {
	return asm.Kernel{Op: "fully", Variant: "strided", Rows: rows, Panels: wide / rows}
}

// Scratch is gemmRows' block of rows and its panel, or gemvRows' results.
func (f *fullyOp) Scratch() int {
	results := 0
	if f.n%NR != 0 && (f.rows <= fewRows || f.k >= deep) {
		results = wide * NR
	}
	return 4 * max(f.copied()+f.wideRows(), results)
}

// copied is the elements of a block of rows without aliasing strides, if
// gemmRows ever copies one.
func (f *fullyOp) copied() int {
	if f.k < deep && aliases(f.k) && f.Count() > 1 {
		return rowBlock * unaliased(f.k)
	}
	return 0
}

// wideRows is the elements of a panel that gemmRows makes float32, if it ever
// does.
func (f *fullyOp) wideRows() int {
	if f.k < deep && f.Elem == tensor.F16 {
		return f.k * NR
	}
	return 0
}

// cutsRows says that tasks are blocks of rows, each with all panels, rather
// than groups of panels, each with all rows.
func (f *fullyOp) cutsRows(n int) bool { return n*f.rows >= 2*rowBlock && f.k < deep }

func (f *fullyOp) Tasks(n int) int {
	if f.cutsRows(n) {
		return ceilDiv(n*f.rows, rowBlock)
	}
	return ceilDiv(f.Count(), f.perTask(n))
}

// isGemv says that rows are multiplied one by one, each a matrix–vector
// product, rather than as a gemm.
func (f *fullyOp) isGemv(n int) bool { return n*f.rows <= fewRows || f.k >= deep }

// perTask is the number of panels of a task that has all rows.
func (f *fullyOp) perTask(n int) int {
	if f.isGemv(n) {
		return wide
	}
	return 1
}

func (f *fullyOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, y, rows := floats(in[0]), floats(out[0]), n*f.rows
	first, last := lo*f.perTask(n), min(hi*f.perTask(n), f.Count())
	switch {
	case f.cutsRows(n):
		from, to := lo*rowBlock, min(hi*rowBlock, rows)
		for ; from < to; from += rowBlock {
			end := min(from+rowBlock, to)
			f.gemmRows(w, x[from*f.k:end*f.k], y[from*f.n:end*f.n], 0, f.Count())
		}
	case f.isGemv(n):
		f.gemvRows(w, x[:rows*f.k], y[:rows*f.n], first, last)
	default:
		for from := 0; from < rows; from += rowBlock {
			end := min(from+rowBlock, rows)
			f.gemmRows(w, x[from*f.k:end*f.k], y[from*f.n:end*f.n], first, last)
		}
	}
}

// gemvRows computes the panels from, …, to−1 of all rows, one by one.
func (f *fullyOp) gemvRows(w *Workspace, x, y []float32, from, to int) {
	rows := len(x) / f.k
	chunk := fullyChunk / (wide * f.rowBytes())
	if rows > 2 || rows == 2 && f.pair == nil {
		chunk = nearChunk / (wide * f.rowBytes())
	}
	for p := from; p < to; {
		width := 1
		if to-p >= wide {
			width = wide
		}
		if (p+width)*NR <= f.n {
			// A chunk of the weights passes over all rows while it is near.
			for k := 0; k < f.k; k += chunk {
				r := 0
				for ; f.pair != nil && width == wide && r+2 <= rows; r += 2 {
					f.partOfPair(w, x[r*f.k:(r+2)*f.k], y[r*f.n+p*NR:], p, k, min(k+chunk, f.k))
				}
				for ; r < rows; r++ {
					f.partOfRow(w, x[r*f.k:(r+1)*f.k], y[r*f.n+p*NR:], p, width, k, min(k+chunk, f.k))
				}
			}
		} else {
			// A result of fewer columns than the panels have goes through scratch.
			for r := range rows {
				for k := 0; k < f.k; k += chunk {
					f.partOfRow(w, x[r*f.k:(r+1)*f.k], w.floats(), p, width, k, min(k+chunk, f.k))
				}
				copy(y[r*f.n+p*NR:(r+1)*f.n], w.floats())
			}
		}
		p += width
	}
	f.activateColumns(w, f.act, y, f.n, from*NR, min(to*NR, f.n))
}

// partOfRow adds the products from, …, to−1 to width panels from p on of one
// row, whose result is y: the first starts at the bias, the last clamps.
func (f *fullyOp) partOfRow(w *Workspace, x, y []float32, p, width, from, to int) {
	f.setPart(&w.fully, x, y, p, from, to)
	w.fully.Groups = 1
	if width == 1 {
		f.onePanel(&w.fully)
	} else {
		f.widePanels(&w.fully)
	}
}

// partOfPair is partOfRow for two rows and wide panels.
func (f *fullyOp) partOfPair(w *Workspace, x, y []float32, p, from, to int) {
	a := &w.fully
	f.setPart(a, x, y, p, from, to)
	a.Groups = wide / 2
	a.AStride, a.BRow, a.CStride, a.BiasRow = 4*f.k, f.rowBytes(), 4*f.n, 0
	if from > 0 {
		a.BiasRow = a.CStride
	}
	f.pair(a)
}

// setPart sets what both have in common.
func (f *fullyOp) setPart(a *asm.FullyArgs, x, y []float32, p, from, to int) {
	panel := f.panel(f.weights, p)
	a.A, a.K = &x[from], to-from
	a.B, a.BStride = &f.rowsFrom(panel, from)[0], f.Size()
	a.C = &y[0]
	a.Bias, a.BiasStride = a.C, 4*NR
	if from == 0 {
		a.Bias, a.BiasStride = &f.bias(panel)[0], f.Size()
	}
	a.Lo, a.Hi = Act{}.limits()
	if to == f.k {
		a.Lo, a.Hi = f.act.limits()
	}
}

// zeroOffset is the segment of a plain matrix product.
var zeroOffset = [1]int{0}

// gemmRows computes the panels from, …, to−1 of up to rowBlock rows.
func (f *fullyOp) gemmRows(w *Workspace, x, y []float32, from, to int) {
	rows := len(x) / f.k
	a, stride := x, f.k
	if aliases(stride) && rows > 1 && to-from > 1 {
		stride = unaliased(f.k)
		a = w.floats()[:rows*stride]
		for r := range rows {
			copy(a[r*stride:], x[r*f.k:(r+1)*f.k])
		}
	}
	lo, hi := f.act.limits()
	for p := from; p < to; p++ {
		panel := f.panel(f.weights, p)
		var b []float32
		ahead := 0
		if f.Elem == tensor.F16 {
			b = w.floats()[f.copied():][:f.wideRows()]
			f.widenRows(f.Tier, w, b, panel)
		} else {
			b = floats(f.rowsFrom(panel, 0))
			if p+1 < to {
				ahead = f.Size()
			}
		}
		w.gemm = asm.GemmArgs{
			A: &a[0], AStride: 4 * stride,
			Seg: &zeroOffset[0], Segs: 1, SegLen: f.k,
			B: &b[0], Bias: &f.bias(panel)[0], Ahead: ahead,
			C: &y[p*NR], CStride: 4 * f.n, N: f.Columns(p),
			Lo: lo, Hi: hi,
		}
		f.gemm(w, rows)
	}
	f.activateColumns(w, f.act, y, f.n, from*NR, min(to*NR, f.n))
}
