package kernels

import "math"

// fullyOp multiplies rows by panels. One row, or a few, are read through the
// fully connected kernels, which read each weight once, as fast as memory
// gives it. Many rows are a gemm, whose panels stay in cache from tile to
// tile. An element is the same chain of multiply-adds in both.
type fullyOp struct {
	*Tier
	act    Act
	rows   int // rows of an item
	k, n   int
	weight Param
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

	// rowBlock is how many rows of a gemm are a task: 16 tiles of 6.
	rowBlock = 96
)

func (f *FullyConnected) Bind(t *Tier, in [][]int, params []Param) (Op, error) {
	x := in[0]
	k := x[len(x)-1]
	return &fullyOp{Tier: t, act: f.Act, rows: volume(x) / k, k: k, n: f.Channels, weight: params[0]}, nil
}

// Scratch: a block of rows without aliasing strides, a panel made float32, and
// a panel of results.
func (f *fullyOp) Scratch() int {
	return rowBlock*unaliased(f.k) + f.k*NR + wide*NR
}

func (f *fullyOp) quads() int { return ceilDiv(PanelCount(f.n), wide) }

// byRows says whether tasks are blocks of rows, each with all panels, rather
// than groups of panels, each with all rows.
func (f *fullyOp) byRows(n int) bool { return n*f.rows >= 2*rowBlock }

func (f *fullyOp) Tasks(n int) int {
	if f.byRows(n) {
		return ceilDiv(n*f.rows, rowBlock)
	}
	return f.quads()
}

func (f *fullyOp) Run(w *Workspace, in, out [][]float32, n, lo, hi int) {
	x, y, rows := in[0], out[0], n*f.rows
	switch {
	case f.byRows(n):
		from, to := lo*rowBlock, min(hi*rowBlock, rows)
		for ; from < to; from += rowBlock {
			end := min(from+rowBlock, to)
			f.gemmRows(w, x[from*f.k:end*f.k], y[from*f.n:end*f.n], 0, PanelCount(f.n))
		}
	case rows <= fewRows:
		for r := range rows {
			f.oneRow(w, x[r*f.k:(r+1)*f.k], y[r*f.n:(r+1)*f.n], lo*wide, min(hi*wide, PanelCount(f.n)))
		}
	default:
		for from := 0; from < rows; from += rowBlock {
			end := min(from+rowBlock, rows)
			f.gemmRows(w, x[from*f.k:end*f.k], y[from*f.n:end*f.n], lo*wide, min(hi*wide, PanelCount(f.n)))
		}
	}
}

// oneRow computes the panels from, …, to−1 of one row.
func (f *fullyOp) oneRow(w *Workspace, x, y []float32, from, to int) {
	kernel1, kernel4 := f.Fully1F32, f.Fully4F32
	if f.weight.Elem == F16 {
		kernel1, kernel4 = f.Fully1F16, f.Fully4F16
	}
	size := PanelBytes(f.k, f.weight.Elem)
	chunk := fullyChunk / (wide * NR * f.weight.Elem.Size())
	a := &w.fully
	a.BStride = size
	for p := from; p < to; {
		kernel, width := kernel1, 1
		if to-p >= wide {
			kernel, width = kernel4, wide
		}
		// A result of fewer columns than the panels have goes through scratch.
		result := y[p*NR:]
		if (p+width)*NR > f.n {
			result = w.Scratch[:width*NR]
		}
		panels := f.weight.Data[p*size:]
		a.C = &result[0]
		a.Bias = &Param{Data: panels}.Floats()[0]
		a.BiasStride = size / 4
		a.Groups = 1
		for k := 0; k < f.k; k += chunk {
			if k > 0 {
				a.Bias, a.BiasStride = a.C, NR
			}
			a.A, a.K = &x[k], min(chunk, f.k-k)
			a.B = &panels[NR*4+k*NR*f.weight.Elem.Size()]
			a.Lo, a.Hi = float32(math.Inf(-1)), float32(math.Inf(1))
			if k+chunk >= f.k {
				a.Lo, a.Hi = f.act.limits()
			}
			kernel(a)
		}
		if (p+width)*NR > f.n {
			copy(y[p*NR:], result)
		}
		p += width
	}
	if !f.act.isClamp() {
		part := y[from*NR : min(to*NR, f.n)]
		f.act.applySlice(part, part)
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
		a = w.Scratch[:rows*stride]
		for r := range rows {
			copy(a[r*stride:], x[r*f.k:(r+1)*f.k])
		}
	}
	size := PanelBytes(f.k, f.weight.Elem)
	g := &w.gemm
	g.Seg, g.Segs, g.SegLen = &zeroOffset[0], 1, f.k
	g.AStride, g.CStride = stride, f.n
	g.Lo, g.Hi = f.act.limits()
	for p := from; p < to; p++ {
		panel := f.weight.Data[p*size : (p+1)*size]
		floats := Param{Data: panel}.Floats()
		g.Bias = &floats[0]
		if f.weight.Elem == F16 {
			b := w.Scratch[rowBlock*unaliased(f.k):][:f.k*NR]
			f.widenPanel(w, b, panel[NR*4:])
			g.B = &b[0]
		} else {
			g.B = &floats[NR]
		}
		g.Ahead = 0
		if f.weight.Elem == F32 && p+1 < to {
			g.Ahead = size / 4
		}
		g.A, g.C, g.D = &a[0], &y[p*NR], nil
		g.N = min(NR, f.n-p*NR)
		f.gemm(w, rows)
	}
	if !f.act.isClamp() {
		for r := range rows {
			part := y[r*f.n+from*NR : r*f.n+min(to*NR, f.n)]
			f.act.applySlice(part, part)
		}
	}
}

// widenPanel converts the float16 at the beginning of src.
func (t *Tier) widenPanel(w *Workspace, dst []float32, src []byte) {
	w.widen.X, w.widen.Y, w.widen.N = halves(src), &dst[0], len(dst)
	t.Widen(&w.widen)
}
