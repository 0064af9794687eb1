package kernels

import (
	"math"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// checkQuantised checks what is asked of a pool of quantised elements.
func (p *Pool) checkQuantised(x tensor.Type) error {
	if p.Kind == MaxPool {
		if p.Result != ElementsOf(x) {
			return errorf(p, "the result of %v is %v, where a maximum has its operand's elements", x, p.Result.Of())
		}
		return nil
	}
	if _, err := p.Result.multiplier(p, x.Scale, 1); err != nil {
		return err
	}
	// An int32 holds that many elements' sum, less their zero points.
	const most = math.MaxInt32 / math.MaxUint8
	if taps := tensor.Saturated(p.Kernel[0], p.Kernel[1]); taps > most {
		return errorf(p, "a window of %d elements, but at most %d can be summed exactly", taps, most)
	}
	return nil
}

// bindQuantised is Bind for a quantised operand.
func (p *Pool) bindQuantised(t *Tier, in, out tensor.Type) Op {
	x, y := in.Shape, out.Shape
	op := &quantisedPool{
		maps: x[0], size: out.Elem.Size(), zero: in.Zero, padded: p.Kind == AveragePoolPadded, stride: p.Stride,
		sizes: [2]int{x[1], x[2]}, out: [2]int{y[1], y[2]},
	}
	a := &op.args
	a.C = x[3]
	a.XRow, a.XCol = p.Dilation[0]*x[2]*x[3], p.Dilation[1]*x[3]
	a.XStride, a.YStride = p.Stride[1]*x[3], x[3]*op.size
	for i := range op.runs {
		op.runs[i] = p.runs(i, op.sizes[i], op.out[i])
	}
	if p.Kind == MaxPool {
		op.kernel, op.largest = findQuantised[asm.QuantisedTapsArgs](t, maxPoolKernel), true
		op.portable = maxPoolQuantised
		return op
	}
	a.Zero = p.Result.Zero
	a.Lo, a.Hi = p.Result.limits(Act{})
	op.factor, _ = p.Result.multiplier(p, in.Scale, 1)
	op.kernel = findQuantised[asm.QuantisedTapsArgs](t, averagePoolKernel(asm.Elem(out.Elem)))
	op.portable = find[asm.QuantisedTapsArgs](portable, averagePoolKernel(asm.Elem(out.Elem)))
	return op
}

func averagePoolKernel(result asm.Elem) asm.Kernel {
	return asm.Kernel{Op: "avgpool", Operand: asm.U8, Weight: asm.U8, Result: result}
}

// quantisedPool is a Pool of a quantised operand. A task is a row of results. A
// window that lies between the map's elements, as a dilated one can, has the
// least element as its maximum and 0 as its mean.
type quantisedPool struct {
	scratchless
	maps    int
	sizes   [2]int // rows and columns of the operand
	out     [2]int // rows and columns of results
	runs    [2][]run
	stride  [2]int
	size    int // bytes of an element of the result
	zero    int32
	factor  float32 // of a mean of one element
	padded  bool    // means are of the whole window
	largest bool

	kernel   func(*asm.QuantisedTapsArgs)
	portable func(*asm.QuantisedTapsArgs) // for windows that are too large for one call
	args     asm.QuantisedTapsArgs
}

func (op *quantisedPool) Tasks(n int) int { return n * op.maps * op.out[0] }

func (op *quantisedPool) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	c := op.args.C
	item, line := op.sizes[0]*op.sizes[1]*c, op.out[1]*c*op.size
	for task := lo; task < hi; task++ {
		x, y := in[0][task/op.out[0]*item:][:item], out[0][task*line:][:line]
		row := task % op.out[0]
		for i := range op.runs[0] {
			if r := op.runs[0][i].cut(row, row+1, op.stride[0]); r.from < r.to {
				op.row(w, y, x, &r)
				break
			}
		}
	}
}

// row computes a row of results, whose windows have these rows of taps.
func (op *quantisedPool) row(w *Workspace, y, x []byte, rows *run) {
	a := &w.quantisedTaps
	*a = op.args
	for i := range op.runs[1] {
		cols := &op.runs[1][i]
		dst := y[cols.from*a.YStride : cols.to*a.YStride]
		if rows.taps == 0 || cols.taps == 0 {
			op.empty(dst)
			continue
		}
		a.Rows, a.Cols = rows.taps, cols.taps
		if !op.largest {
			taps, count := rows.taps*cols.taps, rows.taps*cols.taps
			if op.padded {
				count = rows.padded * cols.padded
			}
			a.Offset, a.Factor = -op.zero*int32(taps), op.factor/float32(count)
		}
		op.windows(w, dst, x[(rows.first*op.sizes[1]+cols.first)*op.args.C:], cols.to-cols.from)
	}
}

// windows computes so many neighbouring windows, of so many channels in a call
// that it is short.
func (op *quantisedPool) windows(w *Workspace, y, x []byte, windows int) {
	a := &w.quantisedTaps
	kernel := op.kernel
	vectors := callCycles / (a.Rows * a.Cols) // of one window, in a call
	if vectors == 0 {
		kernel, vectors = op.portable, callCycles
	}
	for from := 0; from < op.args.C; from += vectors * lanes {
		a.C = min(vectors*lanes, op.args.C-from)
		most := max(1, vectors/ceilDiv(a.C, lanes))
		for done := 0; done < windows; done += most {
			a.X, a.Y = &x[done*a.XStride+from], &y[done*a.YStride+from*op.size]
			a.Pixels = min(most, windows-done)
			kernel(a)
		}
	}
}

// empty sets results of windows without taps.
func (op *quantisedPool) empty(y []byte) {
	v := byte(op.args.Zero)
	if op.largest || op.size > 1 {
		v = 0
	}
	set(y, v)
}
