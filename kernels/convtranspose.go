package kernels

import "github.com/infer-go/infer/tensor"

// ConvTranspose is the gradient of a convolution with respect to its input:
//
//	y[n, iy·sy+ky·dy−top, ix·sx+kx·dx−left, g·N+c] = act(b + Σ x[n,iy,ix,g·Cin+ci] · w[ky,kx,g·Cin+ci,c])
//
// OutputPad adds rows and columns at the bottom and the right. Params[0] is
// plain [kh, kw, Cin, Cout/Groups], Params[1] plain [Cout].
type ConvTranspose struct {
	Window
	Groups    int
	Channels  int // Cout
	OutputPad [2]int
	Act       Act
}

func (*ConvTranspose) Op() string { return "ConvTranspose" }

func (*ConvTranspose) Order() Order { return Maps }

func (c *ConvTranspose) Activation() *Act { return &c.Act }

func (c *ConvTranspose) Traits(in []tensor.Type, _ []Param) Traits {
	return Traits{MACs: macs(in[0], c.Kernel[0], c.Kernel[1], c.Channels/c.Groups)}
}

func (c *ConvTranspose) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := featureMap(c, in, params, 1, 2); err != nil {
		return nil, err
	}
	x := in[0].Shape
	if err := c.check(c); err != nil {
		return nil, err
	}
	if err := checkGroups(c, c.Groups, x[3], c.Channels); err != nil {
		return nil, err
	}
	if err := c.Act.check(c); err != nil {
		return nil, err
	}
	if err := checkParam(c, params[0], "the weights", FormPlain, c.Kernel[0], c.Kernel[1], x[3], c.Channels/c.Groups); err != nil {
		return nil, err
	}
	if err := checkParam(c, params[1], "the biases", FormPlain, c.Channels); err != nil {
		return nil, err
	}
	var size [2]int64
	for i := range 2 {
		if err := checkRange(c, "output padding", c.OutputPad[i], 0); err != nil {
			return nil, err
		}
		// Both terms are below 2⁶², so that the sum and what is taken away from
		// it stay within 64 bits.
		size[i] = int64(x[1+i]-1)*int64(c.Stride[i]) + c.Extent(i)
		if size[i] > tensor.MaxDim {
			return nil, errorf(c, "a result of %d rows or columns is too large", size[i])
		}
		size[i] += int64(c.OutputPad[i]) - int64(c.Pad[i]) - int64(c.Pad[i+2])
	}
	if size[0] < 1 || size[1] < 1 {
		return nil, errorf(c, "padding %v leaves a map of %s", c.Pad, tensor.Dims(size[:]...))
	}
	return result64(c, in[0], x[0], size, c.Channels)
}

func (c *ConvTranspose) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := c.Infer(in, params)
	if err != nil {
		return nil, err
	}
	x, y := in[0].Shape, out[0].Shape
	return &convTransposeOp{
		Tier:   t,
		window: c.Window,
		meets:  [2]meeting{c.meeting(0), c.meeting(1)},
		groups: c.Groups,
		maps:   x[0],
		in:     [3]int(x[1:]),
		out:    [3]int(y[1:]),
		act:    c.Act,
		w:      params[0].Floats(),
		bias:   params[1].Floats(),
	}, nil
}

// convTransposeOp is a ConvTranspose. A task is one row of results, each
// gathered from the operand's elements that reach it.
type convTransposeOp struct {
	scratchless
	*Tier
	window  Window
	meets   [2]meeting
	groups  int
	maps    int
	in, out [3]int // height, width, channels
	act     Act
	w, bias []float32
}

func (op *convTransposeOp) Tasks(n int) int { return n * op.maps * op.out[0] }

func (op *convTransposeOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	operand, result := floats(in[0]), floats(out[0])
	item := op.in[0] * op.in[1] * op.in[2]
	row := op.out[1] * op.out[2]
	perGroup := op.out[2] / op.groups
	for task := lo; task < hi; task++ {
		x := operand[task/op.out[0]*item:][:item]
		dst := result[task*row:][:row]
		at := spot{row: task % op.out[0]}
		at.rows = op.taps(0, at.row)
		for ox := range op.out[1] {
			at.column, at.columns = ox, op.taps(1, ox)
			for g := range op.groups {
				for c := 0; c < perGroup; c += lanes {
					op.gather(dst[ox*op.out[2]+g*perGroup+c:][:min(lanes, perGroup-c)], x, &at, g, c)
				}
			}
		}
		op.activate(w, op.act, dst, dst)
	}
}

// A spot is a place of the result, with the taps that reach it.
type spot struct {
	row, column   int
	rows, columns progression
}

// gather computes channels from c on of group g at one place of the result.
func (op *convTransposeOp) gather(dst, x []float32, at *spot, g, c int) {
	var sum [lanes]float64
	perGroup := op.out[2] / op.groups
	for i := range dst {
		sum[i] = float64(op.bias[g*perGroup+c+i])
	}
	cin := op.in[2] / op.groups
	for ky := at.rows.first; ky < at.rows.end; ky += at.rows.step {
		iy := op.source(0, at.row, ky)
		for kx := at.columns.first; kx < at.columns.end; kx += at.columns.step {
			ix := op.source(1, at.column, kx)
			src := x[(iy*op.in[1]+ix)*op.in[2]+g*cin:][:cin]
			w := op.w[((ky*op.window.Kernel[1]+kx)*op.in[2]+g*cin)*perGroup+c:]
			for ci, v := range src {
				for i, u := range w[ci*perGroup:][:len(dst)] {
					sum[i] += float64(v) * float64(u)
				}
			}
		}
	}
	for i := range dst {
		dst[i] = float32(sum[i])
	}
}

// source is the index, along dimension i, of the operand's element that tap k
// spreads to place o of the result: one of taps(i, o).
func (op *convTransposeOp) source(i, o, k int) int {
	w := &op.window
	return int((int64(o) + int64(w.Pad[i]) - int64(k)*int64(w.Dilation[i])) / int64(w.Stride[i]))
}

// A progression is first, first+step, … below end.
type progression struct{ first, end, step int }

// taps are those, along dimension i, by which elements of the operand reach
// place o of the result: k with o + pad − k·dilation = stride·index, for an index
// in the operand. They are solved for, as a kernel can have very many others.
func (op *convTransposeOp) taps(i, o int) progression {
	w, m := &op.window, &op.meets[i]
	at, dilation := int64(o)+int64(w.Pad[i]), int64(w.Dilation[i])
	if at%m.divisor != 0 {
		return progression{step: 1}
	}
	k := at / m.divisor % m.step * m.inverse % m.step
	// The least such that the index is not beyond the operand.
	if least := ceilDiv64(at-int64(op.in[i]-1)*int64(w.Stride[i]), dilation); least > k {
		k += ceilDiv64(least-k, m.step) * m.step
	}
	end := min(at/dilation+1, int64(w.Kernel[i]))
	return progression{int(min(k, end)), int(end), int(m.step)}
}

// A meeting says which taps meet elements of the operand in one dimension.
type meeting struct {
	divisor int64 // the greatest common one of stride and dilation
	step    int64 // stride/divisor: from one of the taps to the next
	inverse int64 // of dilation/divisor, modulo step
}

func (w *Window) meeting(i int) meeting {
	// Euclid's algorithm, extended: each remainder is the dilation times its
	// factor, modulo the stride.
	a, b := int64(w.Stride[i]), int64(w.Dilation[i])
	fa, fb := int64(0), int64(1)
	for b != 0 {
		q := a / b
		a, b = b, a-q*b
		fa, fb = fb, fa-q*fb
	}
	step := int64(w.Stride[i]) / a
	return meeting{a, step, (fa%step + step) % step}
}

// ceilDiv64 is ⌈a/b⌉ for a positive b.
func ceilDiv64(a, b int64) int64 {
	if a <= 0 {
		return -(-a / b)
	}
	return (a + b - 1) / b
}
