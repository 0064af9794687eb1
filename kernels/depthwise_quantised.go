package kernels

import (
	"slices"
	"strconv"
	"unsafe"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// quantisedDepthwise is a convolution of each channel by itself, of quantised
// operands. Padding is copied, so that every window has all its taps, and the
// zero point times the sum of their weights is part of the bias. A task is a
// strip of rows.
type quantisedDepthwise struct {
	quantisedMap
	kernel func(*asm.QuantisedTapsArgs)
	args   asm.QuantisedTapsArgs // what is the same in all calls
	lines  bool                  // a call of the kernel can take many rows
}

func newQuantisedDepthwise(m quantisedMap, in []tensor.Type, p Param) (*quantisedDepthwise, error) {
	d := &quantisedDepthwise{quantisedMap: m}
	d.strip = strip{left: d.Pad[1], pixels: d.Pad[1] + d.width + d.Pad[3], pitch: d.cin, every: 1}
	d.copied = d.Pad != [4]int{}
	d.down, d.right = d.Stride[0]*d.pitchLine(), d.Stride[1]*d.pitch
	d.cutStrips(1)

	c := d.cin
	x := ElementsOf(in[0])
	result := asm.Elem(d.Result.Elem)
	threes := d.Kernel == [2]int{3, 3} && d.Dilation[1] == 1 && d.Stride[1] <= threesStrides && result == asm.U8 &&
		lookup[asm.QuantisedTapsArgs](d.Tier.kernels, threesKernel(d.Stride[1])) != nil
	type form struct {
		x, result Elements
		threes    bool
	}
	folded := remember(d.Tier, p, form{x, d.Result, threes}, func() foldedTaps {
		f := foldTaps(d.Conv, x, p)
		if threes && f.err == nil && slices.Max(f.scale) < 1 {
			f.interleave(p.Data[8*c:])
		}
		return f
	})
	if folded.err != nil {
		return nil, folded.err
	}
	weights := p.Data[8*c:]
	if threes = folded.weights != nil; threes {
		weights = folded.weights
	}
	lo, hi := d.Result.limits(d.Act)
	d.args = asm.QuantisedTapsArgs{
		W: (*int8)(unsafe.Pointer(&weights[0])), WRow: d.Kernel[1] * c, WCol: c,
		Bias: &folded.bias[0], Scale: &folded.scale[0], C: c, Rows: d.Kernel[0], Cols: d.Kernel[1],
		XRow: d.Dilation[0] * d.pitchLine(), XCol: d.Dilation[1] * d.pitch, XStride: d.right,
		Zero: d.Result.Zero, Lo: lo, Hi: hi,
	}
	if len(in) > 1 {
		var err error
		if d.args.DScale, err = d.Result.multiplier(d.Conv, in[1].Scale, 1); err != nil {
			return nil, err
		}
		d.args.DZero = in[1].Zero
	}
	d.kernel = findQuantised[asm.QuantisedTapsArgs](d.Tier, asm.Kernel{Op: "depthwise", Operand: asm.U8, Weight: asm.I8, Result: result})
	if d.lines = threes; threes {
		d.kernel = find[asm.QuantisedTapsArgs](d.Tier, threesKernel(d.Stride[1]))
	}
	if _, ok := tensor.Product(scratchSpare, 2*d.pooled(), d.convolved(), c); !ok {
		return nil, errScratch(d.Conv, d.convolved())
	}
	return d, nil
}

// foldedTaps are what a channel's sums start at, the operand's zero point folded
// into it, and the multipliers of the sums; or why there are none.
type foldedTaps struct {
	bias    []int32
	scale   []float32
	weights []byte // interleaved, if there are kernels that take them so
	err     error
}

func foldTaps(conv *Conv, x Elements, p Param) foldedTaps {
	taps, c := p.Shape[0], p.Shape[1]
	f := foldedTaps{bias: tensor.Aligned[int32](c), scale: tensor.Aligned[float32](c)}
	copy(f.bias, tensor.Slice[int32](p.Data[:4*c]))
	for j, s := range tensor.Slice[float32](p.Data[4*c : 8*c]) {
		m, err := conv.Result.multiplier(conv, x.Scale, s)
		if err != nil {
			return foldedTaps{err: err}
		}
		f.scale[j] = m
	}
	for k := range taps {
		for j, w := range p.Data[(8+k)*c : (9+k)*c] {
			f.bias[j] -= x.Zero * int32(int8(w))
		}
	}
	return f
}

// The kernels of windows of 3×3 taps take what belongs to channels in blocks of
// threesBlock, and have pixels 1 … threesStrides taps apart.
const threesBlock, threesStrides = 64, 2

func threesKernel(stride int) asm.Kernel {
	return asm.Kernel{Op: "depthwise3x3", Operand: asm.U8, Weight: asm.I8, Result: asm.U8, Variant: strconv.Itoa(stride)}
}

// threesPlace is where such kernels have what belongs to channel c.
func threesPlace(c int) int {
	return c&^(threesBlock-1) | c>>2&3<<4 | c>>4&3<<2 | c&3
}

// threesWeight is where they have its weight of tap (r, k).
func threesWeight(r, k, c int) int {
	i := threesPlace(c)
	return quad*(3*(i&^(threesBlock-1))+threesBlock*k+i%threesBlock) + r
}

// interleave brings f into the order of the kernels of windows of 3×3 taps.
func (f *foldedTaps) interleave(weights []byte) {
	c := len(f.bias)
	n := ceilDiv(c, threesBlock) * threesBlock
	bias, scale := tensor.Aligned[int32](n), tensor.Aligned[float32](n)
	f.weights = tensor.AlignedBytes(3 * quad * n)
	for j := range c {
		bias[threesPlace(j)], scale[threesPlace(j)] = f.bias[j], f.scale[j]
		for tap := range 9 {
			f.weights[threesWeight(tap/3, tap%3, j)] = weights[tap*c+j]
		}
	}
	f.bias, f.scale = bias, scale
}

// Scratch is the copied strip, and two rows' results that are to be pooled.
func (d *quantisedDepthwise) Scratch() int {
	n := d.copiedBytes()
	if d.Pool {
		n += 2 * d.convolved() * d.cin * d.size
	}
	return n
}

func (d *quantisedDepthwise) Tasks(n int) int { return n * d.maps * d.strips }

func (d *quantisedDepthwise) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	rest := w.Scratch[d.copiedBytes():]
	for task := lo; task < hi; task++ {
		x, residual, y := d.operands(in, out, task/d.strips)
		first := task % d.strips * d.rows
		rows := min(d.rows, d.out[0]-first)
		src := d.read(w, x, first, rows)
		if d.lines && !d.Pool {
			d.run(w, y[first*d.line():], src, from(residual, first*d.line()), rows)
			continue
		}
		for r := range rows {
			at := (first + r) * d.line()
			if !d.Pool {
				d.row(w, y[at*d.size:], src[r*d.down:], from(residual, at))
				continue
			}
			for k := range 2 {
				d.row(w, rest[k*d.convolved()*d.cin*d.size:], src[(2*r+k)*d.down:], nil)
			}
			d.pools.pair(w, y[at*d.size:], rest, d.out[1], d.cin, d.cin)
		}
	}
}

// from is what of a residual belongs to the result's elements from i on.
func from(residual []byte, i int) []byte {
	if residual == nil {
		return nil
	}
	return residual[i:]
}

// run computes rows of the convolution, of bytes, with a residual if it is not nil.
func (d *quantisedDepthwise) run(w *Workspace, y, x, residual []byte, rows int) {
	a := &w.quantisedTaps
	*a = d.args
	a.YStride, a.XLine, a.YLine = d.cin, d.down, d.convolved()*d.cin
	pixels := int(max(1, int64(callCycles)*lanes/(9*int64(d.cin))))
	most := max(1, pixels/d.convolved())
	for first := 0; first < rows; first += most {
		a.Lines = min(most, rows-first)
		for done := 0; done < d.convolved(); done += pixels {
			at := first*a.YLine + done*d.cin
			a.X, a.Y, a.Pixels = &x[first*d.down+done*d.right], &y[at], min(pixels, d.convolved()-done)
			if residual != nil {
				a.D = &residual[at]
			}
			d.kernel(a)
		}
	}
}

// row computes a row of the convolution, with a residual if it is not nil.
func (d *quantisedDepthwise) row(w *Workspace, y, x, residual []byte) {
	if d.lines {
		d.run(w, y, x, residual, 1)
		return
	}
	a := &w.quantisedTaps
	*a = d.args
	a.YStride = d.cin * d.size
	most := int(max(1, int64(callCycles)*lanes/(int64(a.Rows)*int64(a.Cols)*int64(d.cin))))
	for done := 0; done < d.convolved(); done += most {
		a.X, a.Y, a.Pixels = &x[done*d.right], &y[done*a.YStride], min(most, d.convolved()-done)
		if residual != nil {
			a.D = &residual[done*d.cin]
		}
		d.kernel(a)
	}
}
