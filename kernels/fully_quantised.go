package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// quantisedFully multiplies rows of quantised elements by panels. A task is a
// block of panels with all rows, or a block of rows with all panels.
type quantisedFully struct {
	*quantisedPanels
	rows   int // of an item
	k      int
	stride int // from row to row that kernels read: more than k where it is copied
	size   int // bytes of an element of the result

	// single is the kernel of one row by wide panels: nil where the tier has none,
	// or a call of it would read too many weights.
	single func(*asm.QuantisedGemmArgs)
}

// quantisedRowBlock is how many rows are a task: 16 tiles of 14. With 96, as of
// float32, products of 512³ and 3136×64×64 take 2 % longer, of 12544×32×16 7 %.
const quantisedRowBlock = 224

func (f *FullyConnected) bindQuantised(t *Tier, x tensor.Type, p Param) (Op, error) {
	k := p.Shape[1]
	q, err := newQuantisedPanels(f, t, ElementsOf(x), f.Result, f.Act, p, k, false)
	if err != nil {
		return nil, err
	}
	op := &quantisedFully{quantisedPanels: q, rows: x.Shape.Volume() / k, k: k, stride: k, size: f.Result.Elem.Size()}
	if wide*q.Size() <= fullyChunk {
		op.single = lookup[asm.QuantisedGemmArgs](t.kernels, quantisedKernel("fully", asm.Elem(f.Result.Elem), 1, wide))
	}
	if k%quad != 0 || aliases(k/4) && q.Count() > 1 {
		op.stride = tensor.AlignUp(k)
		if aliases(op.stride / 4) {
			op.stride += tensor.Align
		}
	}
	return op, nil
}

func (f *quantisedFully) copied() bool { return f.stride != f.k }

func (f *quantisedFully) Scratch() int {
	if f.copied() {
		return quantisedRowBlock * f.stride
	}
	return 0
}

// cutsRows says that tasks are blocks of rows.
func (f *quantisedFully) cutsRows(n int) bool { return n*f.rows >= 2*quantisedRowBlock }

func (f *quantisedFully) Tasks(n int) int {
	if f.cutsRows(n) {
		return ceilDiv(n*f.rows, quantisedRowBlock)
	}
	return ceilDiv(f.Count(), wide)
}

func (f *quantisedFully) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to, first, last := 0, n*f.rows, lo*wide, min(hi*wide, f.Count())
	if f.cutsRows(n) {
		from, to, first, last = lo*quantisedRowBlock, min(hi*quantisedRowBlock, to), 0, f.Count()
	}
	for ; from < to; from += quantisedRowBlock {
		end := min(from+quantisedRowBlock, to)
		f.block(w, in[0][from*f.k:end*f.k], out[0][from*f.N*f.size:], end-from, first, last)
	}
}

// block computes the panels from, …, to−1 of up to quantisedRowBlock rows.
func (f *quantisedFully) block(w *Workspace, x, y []byte, rows, from, to int) {
	a := x
	if f.copied() {
		a = w.Scratch[:rows*f.stride]
		for r := range rows {
			copy(a[r*f.stride:], x[r*f.k:(r+1)*f.k])
		}
	}
	g := &w.quantisedGemm
	for p := from; p < to; {
		n := f.tile(p, to)
		single := f.single != nil && rows == 1 && to-p >= wide
		if single {
			n = wide
		}
		f.args(g, p, n)
		g.A, g.AStride = &a[0], f.stride
		g.Seg, g.Segs, g.SegLen = &zeroOffset[0], 1, f.K
		g.C, g.CStride = &y[p*NR*f.size], f.N*f.size
		if single {
			f.single(g)
		} else {
			f.gemm(w, rows, n)
		}
		p += n
	}
}
