package kernels

import "github.com/infer-go/infer/tensor"

// ConvTranspose is the gradient of a convolution with respect to its input:
//
//	y[n, iy·sy+ky·dy−top, ix·sx+kx·dx−left, g·N+c] = act(b + Σ x[n,iy,ix,g·Cin+ci] · w[ky,kx,g·Cin+ci,c])
//
// OutputPad adds rows and columns at the bottom and the right. Params[0] holds
// weights and biases in the form that [ConvTranspose.Param] makes.
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

func (c *ConvTranspose) Traits(in []tensor.Type, params []Param) Traits {
	t := Traits{MACs: macs(in[0], c.Kernel[0], c.Kernel[1], c.Channels/c.Groups), Probabilities: c.Act.probable()}
	if params[0].Form == FormPanels && c.scatters() {
		// An addition for each element of each pixel's window.
		x := in[0].Shape
		t.Extra = tensor.Saturated(scatterWork, x[0], x[1], x[2], c.Kernel[0], c.Kernel[1], c.Channels)
	} else {
		t.TableEntries = int(min(tensor.Saturated(phaseEntries, c.phaseCount()), tensor.MaxDim))
	}
	return t
}

func (c *ConvTranspose) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := featureMap(c, in, params, 1, 1); err != nil {
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
	if err := c.checkParam(params[0], x[3]); err != nil {
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
	m := transposedMap{ConvTranspose: c, Tier: t, maps: in[0].Shape[0], in: [3]int(in[0].Shape[1:]), out: [2]int(out[0].Shape[1:3]), pixel: c.Channels}
	switch p := params[0]; {
	case p.Form == FormTaps:
		return newTransposedTaps(m, p)
	case c.scatters():
		return newScatter(m, p)
	default:
		return newTransposedPanels(m, p)
	}
}

// A transposedMap is what all ways to compute a ConvTranspose know of it.
type transposedMap struct {
	*ConvTranspose
	*Tier
	maps int    // in an item: 1, but for a net that is not batched
	in   [3]int // height, width, channels
	out  [2]int // rows and columns of the result
	band int    // rows of the result in a task

	// The result's channels begin at element offset of pixels that stand pixel
	// elements apart: 0 and Channels, unless it is placed in a larger map.
	offset, pixel int
}

// line is a row of the result, in elements.
func (m *transposedMap) line() int { return m.out[1] * m.pixel }

func (m *transposedMap) bands() int { return ceilDiv(m.out[0], m.band) }

// setBand makes tasks of at most rows rows, of which a map has at least few if
// it has so many rows.
func (m *transposedMap) setBand(rows, few int) {
	m.band = max(1, min(rows, m.out[0]))
	m.band = ceilDiv(m.out[0], max(m.bands(), min(few, m.out[0])))
}

// item is the map of operand and result i.
func (m *transposedMap) item(in, out [][]byte, i int) (x, y []float32) {
	nx, ny := m.in[0]*m.in[1]*m.in[2], m.out[0]*m.line()
	return floats(in[0])[i*nx:][:nx], floats(out[0])[i*ny:][:ny]
}

// fill sets the channels from first on of rows of the result to their biases,
// clamped by act.
func (m *transposedMap) fill(y, bias []float32, first int, act Act) {
	lo, hi := act.limits()
	for ; len(y) > 0; y = y[m.pixel:] {
		for i, v := range bias {
			y[m.offset+first+i] = clamp(v, lo, hi)
		}
	}
}

// checkParam checks the weights for cin channels of the operand.
func (c *ConvTranspose) checkParam(p Param, cin int) error {
	taps, ok := tensor.Product(1, c.Kernel[:]...)
	k, ok2 := tensor.Product(taps, cin/c.Groups)
	n, ok3 := tensor.Product(taps, c.Channels/c.Groups)
	if !ok || !ok2 || !ok3 || max(k, n) > tensor.MaxDim {
		return errorf(c, "kernel %s over %d and %d channels is too large", tensor.Dims(c.Kernel[:]...), cin, c.Channels)
	}
	switch {
	case p.Form == FormTaps && c.depthwise(cin):
		return checkParam(c, p, "the weights", FormTaps, taps, c.Channels)
	case c.scatters():
		return checkParam(c, p, "the weights", FormPanels, c.Groups, cin/c.Groups, n)
	}
	return checkParam(c, p, "the weights", FormPanels, c.Groups, k, c.Channels/c.Groups)
}

// depthwise says whether each channel has a kernel of its own.
func (c *ConvTranspose) depthwise(cin int) bool {
	return c.Groups == cin && c.Groups == c.Channels
}

// Param makes the param of a transposed convolution of cin channels from
// weight(tap, input channel, output channel of its group), for tap kx + kw·ky,
// and bias(output channel).
//
// In each dimension let m be the stride divided by the greatest common divisor
// of stride and dilation. Taps with equal ky mod m and equal kx mod m reach the
// same results, and follow one another: taps are ordered by ascending ky mod m,
// then kx mod m, then by descending ky, then kx. In this order the param is
//
//   - taps [kh·kw, Cout], if there are several channels, each with its own
//     filter,
//   - else, if a group has fewer than 8 output channels, or if there are more
//     than 256 pairs of ky mod m and kx mod m, panels [Groups, Cin/Groups,
//     kh·kw·Cout/Groups] with columns in the order ky, kx, co, all ascending,
//     and the biases above the first columns,
//   - else panels [Groups, kh·kw·Cin/Groups, Cout/Groups] with rows in the order
//     of the taps, those of a tap by ci.
//
// Elements are e, but taps are always float32.
func (c *ConvTranspose) Param(e tensor.Elem, cin int, weight func(tap, ci, co int) float32, bias func(co int) float32) Param {
	order := c.tapOrder()
	in, out := cin/c.Groups, c.Channels/c.Groups
	switch {
	case c.Groups > 1 && c.depthwise(cin):
		return TapsParam(len(order), c.Channels, func(t, ch int) float32 { return weight(order[t], ch, 0) }, bias)
	case c.scatters():
		return PanelsParam(Panels{Elem: e, Groups: c.Groups, K: in, N: len(order) * out},
			func(g, k, j int) float32 { return weight(j/out, g*in+k, j%out) },
			func(g, j int) float32 {
				if j >= out {
					return 0
				}
				return bias(g*out + j)
			})
	}
	return PanelsParam(Panels{Elem: e, Groups: c.Groups, K: len(order) * in, N: out},
		func(g, k, j int) float32 { return weight(order[k/in], g*in+k%in, j) },
		func(g, j int) float32 { return bias(g*out + j) })
}

// tapOrder is the taps in the order of Param.
func (c *ConvTranspose) tapOrder() (taps []int) {
	rows, down := c.classes(0)
	columns, right := c.classes(1)
	for row := range rows {
		for column := range columns {
			for ky := lastOf(row, down, c.Kernel[0]); ky >= 0; ky -= down {
				for kx := lastOf(column, right, c.Kernel[1]); kx >= 0; kx -= right {
					taps = append(taps, ky*c.Kernel[1]+kx)
				}
			}
		}
	}
	return taps
}

// lastOf is the largest of first, first+step, … that is less than n.
func lastOf(first, step, n int) int { return first + (n-1-first)/step*step }
