package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// fewChannels is the number of channels of a result below which phases would
// leave most columns of a panel empty.
const fewChannels = 8

// scatterWork is about how many multiply-adds take as long as one addition of a
// scatter.
const scatterWork = 16

// scatters says whether the products of each of the operand's pixels with all
// taps are computed at once, and added to the results that they reach (GEMM
// and col2im).
func (c *ConvTranspose) scatters() bool {
	return c.Channels/c.Groups < fewChannels || c.phaseCount() > mostPhases
}

// scatter is a ConvTranspose by products that are added up. A task is a band of
// rows of the result.
type scatter struct {
	transposedMap
	Panels
	weights []byte
	bias    []float32
	spreads []spread
	block   int // panels of which the products are in scratch at a time
}

// A spread is neighbouring columns of a group's products, which are added to
// neighbouring elements of the result.
type spread struct {
	column, n int
	row       int   // of taps, ky
	at        int64 // elements from a pixel's first result to the one that column reaches
}

// scatterBytes is how much of the second-level cache products should use.
const scatterBytes = 128 << 10

func newScatter(m transposedMap, p Param) (*scatter, error) {
	op := &scatter{transposedMap: m, Panels: p.Panels().widened(), weights: p.Panels().widen(m.Tier, p.Data)}
	perGroup := m.Channels / m.Groups
	for g := range m.Groups {
		for j := range perGroup {
			panel := op.panel(op.weights, g*op.PerGroup()+j/NR)
			op.bias = append(op.bias, op.Panels.bias(panel)[j%NR])
		}
	}
	for ky := range m.Kernel[0] {
		row := spread{column: ky * m.Kernel[1] * perGroup, n: m.Kernel[1] * perGroup, row: ky}
		if m.Groups == 1 && m.Dilation[1] == 1 {
			op.spreads = append(op.spreads, row)
			continue
		}
		for kx := range m.Kernel[1] {
			op.spreads = append(op.spreads, spread{row.column + kx*perGroup, perGroup, ky, int64(kx) * int64(m.Dilation[1]) * int64(m.pixel)})
		}
	}
	op.block = min(max(1, scatterBytes/(4*NR*m.in[1])), op.PerGroup())
	if _, ok := tensor.Product(scratchSpare, m.in[1], op.stride()); !ok {
		return nil, errorf(m.ConvTranspose, "rows of %d pixels are too long to be computed", m.in[1])
	}
	op.setBand(m.out[0], fewTasks)
	return op, nil
}

// stride is the elements of scratch from one pixel's products to the next's.
func (op *scatter) stride() int { return unaliased(op.block * NR) }

func (op *scatter) Scratch() int { return 4 * op.in[1] * op.stride() }

func (op *scatter) Tasks(n int) int { return n * op.maps * op.bands() }

func (op *scatter) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	for lo < hi {
		// The bands of one map are done together: what reaches both of two
		// neighbours is computed once.
		item := lo / op.bands()
		end := min(hi, (item+1)*op.bands())
		x, y := op.item(in, out, item)
		first := lo % op.bands() * op.band
		op.runBand(w, x, y, first, min((end-item*op.bands())*op.band, op.out[0]))
		lo = end
	}
}

// runBand computes the rows from, …, to−1 of the result. Sums are taken in the
// order of the operand's rows.
func (op *scatter) runBand(w *Workspace, x, y []float32, from, to int) {
	part := y[from*op.line() : to*op.line()]
	op.fill(part, op.bias, 0, Act{})
	top, stride := int64(op.Pad[0]), int64(op.Stride[0])
	least := int64(from) + top - int64(op.Kernel[0]-1)*int64(op.Dilation[0])
	first := int(max(0, (least+stride-1)/stride)) // where least is negative, so may the quotient be
	end := int(min(int64(op.in[0]), (int64(to)-1+top)/stride+1))
	for row := first; row < end; row++ {
		line := x[row*op.in[1]*op.in[2]:][:op.in[1]*op.in[2]]
		for g := range op.Groups {
			for p := 0; p < op.PerGroup(); p += op.block {
				panels := min(op.block, op.PerGroup()-p)
				op.multiply(w, line, g, p, panels)
				op.add(w.floats(), y, row, g, p*NR, min((p+panels)*NR, op.N), from, to)
			}
		}
	}
	op.activate(w, op.Act, part, part)
}

// multiply computes the products of a row of pixels with panels of a group.
func (op *scatter) multiply(w *Workspace, line []float32, g, first, panels int) {
	stride := op.stride()
	for i := range panels {
		p := g*op.PerGroup() + first + i
		ahead := op.Size()
		if i == panels-1 {
			ahead = 0
		}
		w.gemm = asm.GemmArgs{
			A: &line[g*op.K], AStride: 4 * op.in[2],
			Seg: &zeroOffset[0], Segs: 1, SegLen: op.K,
			B: &floats(op.rowsFrom(op.panel(op.weights, p), 0))[0], Bias: &noBias[0], Ahead: ahead,
			C: &w.floats()[i*NR], CStride: 4 * stride, N: op.Columns(p),
		}
		w.gemm.Lo, w.gemm.Hi = Act{}.limits()
		op.gemm(w, op.in[1])
	}
}

// add adds the products of a row of pixels with columns lo, …, hi−1 of group g
// to those of the rows from, …, to−1 of the result that they reach.
func (op *scatter) add(products, y []float32, row, g, lo, hi, from, to int) {
	stride, right := op.stride(), int64(op.Stride[1])*int64(op.pixel)
	for i := range op.spreads {
		s := &op.spreads[i]
		a, b := max(s.column, lo), min(s.column+s.n, hi)
		oy := int64(row)*int64(op.Stride[0]) + int64(s.row)*int64(op.Dilation[0]) - int64(op.Pad[0])
		if a >= b || oy < int64(from) || oy >= int64(to) {
			continue
		}
		dst := y[int(oy)*op.line():][:op.line()]
		n := b - a
		at := s.at + int64(a-s.column+g*(op.Channels/op.Groups)) - int64(op.Pad[1])*int64(op.pixel)
		for p := range op.in[1] {
			src := products[p*stride+a-lo:][:n]
			if at >= 0 && at+int64(n) <= int64(len(dst)) {
				to := dst[at:][:n]
				for j, v := range src {
					to[j] += v
				}
			} else {
				first, end := min(max(0, -at), int64(n)), max(min(int64(n), int64(len(dst))-at), 0)
				for j := first; j < end; j++ {
					dst[at+j] += src[j]
				}
			}
			at += right
		}
	}
}
