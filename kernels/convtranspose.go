package kernels

// ConvTranspose is the gradient of a convolution with respect to its input:
//
//	y[n, iy·sy+ky·dy−top, ix·sx+kx·dx−left, g·N+c] = act(b + Σ x[n,iy,ix,g·Cin+ci] · w[ky,kx,g·Cin+ci,c])
//
// OutputPad adds rows and columns at the bottom and the right. Params[0] is
// Plain [kh, kw, Cin, Cout/Groups], Params[1] Plain [Cout].
type ConvTranspose struct {
	Window
	Groups    int
	Channels  int // Cout
	OutputPad [2]int
	Act       Act
}

func (*ConvTranspose) Op() string { return "ConvTranspose" }

func (c *ConvTranspose) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := featureMap(c, in, params, 1, 2); err != nil {
		return nil, err
	}
	x := in[0]
	if err := c.check(c); err != nil {
		return nil, err
	}
	if err := checkGroups(c, c.Groups, x[3], c.Channels); err != nil {
		return nil, err
	}
	if err := c.Act.check(c); err != nil {
		return nil, err
	}
	if err := checkParam(c, params[0], "the weights", Plain, c.Kernel[0], c.Kernel[1], x[3], c.Channels/c.Groups); err != nil {
		return nil, err
	}
	if err := checkParam(c, params[1], "the biases", Plain, c.Channels); err != nil {
		return nil, err
	}
	var size [2]int64
	for i := range 2 {
		if !inRange(c.OutputPad[i], 0) {
			return nil, errorf(c, "output padding %d", c.OutputPad[i])
		}
		// Both terms are below 2⁶², so that the sum and what is taken away from
		// it stay within 64 bits.
		size[i] = int64(x[1+i]-1)*int64(c.Stride[i]) + c.Extent(i)
		if size[i] > maxDim {
			return nil, errorf(c, "a result of %d rows or columns is too large", size[i])
		}
		size[i] += int64(c.OutputPad[i]) - int64(c.Pad[i]) - int64(c.Pad[i+2])
	}
	if size[0] < 1 || size[1] < 1 {
		return nil, errorf(c, "padding %v leaves a map of %s", c.Pad, dims(size[:]...))
	}
	return result64(c, x[0], size, c.Channels)
}

func (c *ConvTranspose) Bind(t *Tier, in [][]int, params []Param) (Op, error) {
	out, err := c.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	x, y := in[0], out[0]
	return &convTransposeOp{
		Tier:   t,
		window: c.Window,
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
	groups  int
	maps    int
	in, out [3]int // height, width, channels
	act     Act
	w, bias []float32
}

func (op *convTransposeOp) Tasks(n int) int { return n * op.maps * op.out[0] }

func (op *convTransposeOp) Run(w *Workspace, in, out [][]float32, n, lo, hi int) {
	item := op.in[0] * op.in[1] * op.in[2]
	row := op.out[1] * op.out[2]
	perGroup := op.out[2] / op.groups
	for task := lo; task < hi; task++ {
		x := in[0][task/op.out[0]*item:][:item]
		dst := out[0][task*row:][:row]
		for ox := range op.out[1] {
			for g := range op.groups {
				for c := 0; c < perGroup; c += lanes {
					op.gather(dst[ox*op.out[2]+g*perGroup+c:][:min(lanes, perGroup-c)], x, task%op.out[0], ox, g, c)
				}
			}
		}
		op.activate(w, op.act, dst, dst)
	}
}

// gather computes channels from c on of group g at one place of the result.
func (op *convTransposeOp) gather(dst, x []float32, oy, ox, g, c int) {
	var sum [lanes]float64
	perGroup := op.out[2] / op.groups
	for i := range dst {
		sum[i] = float64(op.bias[g*perGroup+c+i])
	}
	cin := op.in[2] / op.groups
	for ky := range op.window.Kernel[0] {
		iy, ok := op.source(0, oy, ky)
		if !ok {
			continue
		}
		for kx := range op.window.Kernel[1] {
			ix, ok := op.source(1, ox, kx)
			if !ok {
				continue
			}
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
// spreads to place o of the result, if there is one.
func (op *convTransposeOp) source(i, o, k int) (int, bool) {
	at := int64(o) + int64(op.window.Pad[i]) - int64(k)*int64(op.window.Dilation[i])
	stride := int64(op.window.Stride[i])
	return int(at / stride), at >= 0 && at%stride == 0 && at/stride < int64(op.in[i])
}
