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
		size[i] = int64(x[1+i]-1)*int64(c.Stride[i]) + c.extent(i)
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
