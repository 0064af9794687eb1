package kernels

import "github.com/infer-go/infer/tensor"

// Winograd is the largest of Winograd's algorithms by which a convolution may be computed.
// Each is faster than the one before where there is much to compute, and has a larger
// rounding error, which the package's documentation bounds. Bind decides which is used;
// but for quantised operands, whose results have the same bits on every tier, it is the
// one named, NoWinograd or WinogradF4, and QuantisedWinograd decides when a net is frozen.
type Winograd uint8

const (
	NoWinograd Winograd = iota // implicit im2col and GEMM
	WinogradF2                 // F(2×2, 3×3)
	WinogradF4                 // F(4×4, 3×3)
)

// Conv is a two-dimensional convolution of an NHWC map:
//
//	y[n,oy,ox,g·N+c] = act(b + Σ x[n, oy·sy+ky·dy−top, ox·sx+kx·dx−left, g·Cin+ci] · w[(ky,kx,ci), c] + r[n,oy,ox,g·N+c])
//
// In[0] is x, In[1], if present, the residual r (of y's shape, not with Pool).
// Params[0] are panels [Groups, kh·kw·Cin/Groups, Cout/Groups] with K in the
// order ky, kx, ci; or, if every group has one input and one output channel,
// taps [kh·kw, C].
//
// With Pool the sums are max-pooled by 2×2 windows of stride 2, without padding
// and with the last odd row and column dropped, before act: for non-decreasing
// activations that is the maximum of the results.
//
// If x is quantised, so are r and the weights, which are int8, and Act is a Clamp
// or none. With WinogradF4 it is computed in int16 and rounded differently, as
// the file format specifies; x then has at most 2¹⁴ channels.
type Conv struct {
	Window
	Groups   int
	Channels int // Cout
	Act      Act
	Pool     bool
	Winograd Winograd
	Result   Elements
}

func (*Conv) Op() string { return "Conv" }

func (*Conv) Order() Order { return Maps }

func (c *Conv) Activation() *Act { return &c.Act }

func (c *Conv) ResultElements(x tensor.Type) *Elements { return ifQuantised(x, &c.Result) }

// Traits counts the sums before they are pooled.
func (c *Conv) Traits(in []tensor.Type, params []Param) Traits {
	x := in[0].Shape
	n, err := c.count(c, x[1], x[2], false)
	if err != nil {
		return Traits{}
	}
	t := Traits{
		MACs:          tensor.Saturated(x[0], int(n[0]), int(n[1]), c.Kernel[0], c.Kernel[1], x[3]/c.Groups, c.Channels),
		Probabilities: c.Act.probable(),
	}
	if params[0].Form == FormTaps {
		t.TableEntries = c.tableEntries()
	}
	return t
}

func (c *Conv) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := computeOperands(c, c.Result, in, params, min(max(len(in), 1), 2), 1); err != nil {
		return nil, err
	}
	if err := checkMap(c, in); err != nil {
		return nil, err
	}
	x := in[0].Shape
	n, err := c.count(c, x[1], x[2], false)
	if err != nil {
		return nil, err
	}
	if err := checkGroups(c, c.Groups, x[3], c.Channels); err != nil {
		return nil, err
	}
	if err := c.Act.check(c); err != nil {
		return nil, err
	}
	if err := checkWeights(c, in[0], params[0], c.Act); err != nil {
		return nil, err
	}
	taps, ok := tensor.Product(1, c.Kernel[:]...)
	k, ok2 := tensor.Product(taps, x[3]/c.Groups)
	if !ok || !ok2 {
		return nil, errorf(c, "kernel %s over %d channels is too large", tensor.Dims(c.Kernel[:]...), x[3])
	}
	if p := params[0]; p.Form == FormTaps && c.Groups == x[3] && c.Groups == c.Channels {
		if err := c.checkEdge(c, n); err != nil {
			return nil, err
		}
		if isQuantised(in) {
			if err := c.checkPadded(x); err != nil {
				return nil, err
			}
		}
		err = checkForm(c, p, "the weights", FormTaps, taps, c.Channels)
	} else {
		if err := c.checkPadded(x); err != nil {
			return nil, err
		}
		err = checkForm(c, p, "the weights", FormPanels, c.Groups, k, c.Channels/c.Groups)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case c.Winograd > WinogradF4:
		return nil, errorf(c, "unknown algorithm %d", c.Winograd)
	case c.Winograd != NoWinograd && (!c.FitsWinograd() || params[0].Form != FormPanels):
		return nil, errorf(c, "Winograd is for 3×3 kernels with stride 1, dilation 1, one group and weights in panels")
	case c.Winograd == WinogradF2 && isQuantised(in):
		return nil, errorf(c, "F(2×2, 3×3) is for f32 operands")
	case c.Winograd != NoWinograd && isQuantised(in) && x[3] > mostWordChannels:
		return nil, errorf(c, "Winograd of quantised operands is for no more than %d channels, not for %d", mostWordChannels, x[3])
	}
	if c.Pool {
		if len(in) == 2 {
			return nil, errorf(c, "a residual cannot be added before pooling")
		}
		if n[0] < 2 || n[1] < 2 {
			return nil, errorf(c, "a map of %s cannot be pooled by 2×2", tensor.Dims(n[:]...))
		}
		n[0], n[1] = n[0]/2, n[1]/2
	}
	out, err := result64(c, c.Result.Of(), x[0], n, c.Channels)
	if err != nil {
		return nil, err
	}
	if len(in) == 2 && !in[1].Shape.Equal(out[0].Shape) {
		return nil, errorf(c, "the residual of shape %s does not fit the result of shape %s", in[1].Shape, out[0].Shape)
	}
	return out, nil
}

// FitsWinograd reports whether Winograd's algorithms compute such a convolution.
func (c *Conv) FitsWinograd() bool {
	ones := [2]int{1, 1}
	return c.Kernel == [2]int{3, 3} && c.Stride == ones && c.Dilation == ones && c.Groups == 1
}

// checkPadded refuses padding with which a map of shape x has more bytes than an
// int counts: strips of that map are copied to scratch, with up to NR more
// channels, and none is larger than it.
func (c *Conv) checkPadded(x tensor.Shape) error {
	var size [2]int64
	for i := range size {
		size[i] = int64(x[1+i]) + int64(c.Pad[i]) + int64(c.Pad[i+2])
	}
	if max(size[0], size[1]) <= tensor.MaxDim {
		if _, ok := tensor.Product(scratchSpare, int(size[0]), int(size[1]), x[3]+NR); ok {
			return nil
		}
	}
	return errorf(c, "padding %v makes a map of %s, which is too large", c.Pad, tensor.Dims(size[:]...))
}

// checkGroups checks that groups divides the channels on both sides.
func checkGroups(s Spec, groups, cin, cout int) error {
	if err := checkRange(s, "number of output channels", cout, 1); err != nil {
		return err
	}
	if groups < 1 || cin%groups != 0 || cout%groups != 0 {
		return errorf(s, "%d groups do not divide %d input and %d output channels", groups, cin, cout)
	}
	return nil
}
