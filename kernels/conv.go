package kernels

import "github.com/infer-go/infer/tensor"

// Bind chooses how the convolution is computed: taps channel by channel; panels
// by groups, if groups have four or eight channels on either side, or by one of
// Winograd's algorithms, if the Spec allows it and the tier's costs favour it,
// or else directly.
func (c *Conv) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	return c.bindBy((*convMap).fastest, t, in, params)
}

// bindBy is Bind with the choice between what the Spec allows.
func (c *Conv) bindBy(choose func(*convMap) Winograd, t *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := c.Infer(in, params)
	if err != nil {
		return nil, err
	}
	x, y, p := in[0].Shape, out[0].Shape, params[0]
	if isQuantised(in) {
		return c.bindQuantised(t, in, out[0], p)
	}
	m := convMap{Conv: c, Tier: t, maps: x[0], height: x[1], width: x[2], cin: x[3], out: [2]int{y[1], y[2]}, pixel: c.Channels, residual: len(in) > 1}
	switch {
	case c.coversMap(x) && len(in) == 1 && p.Form == FormPanels:
		// One pixel: a fully connected layer, whose kernels read weights faster.
		return (&FullyConnected{Channels: c.Channels, Act: c.Act}).Bind(t, []tensor.Type{in[0].Of(x[0], p.Shape[1])}, params)
	case p.Form == FormTaps:
		return newDepthwise(m, p), nil
	case m.depth() > 0:
		return newGrouped(m, p, m.depth()), nil
	}
	if w := choose(&m); w != NoWinograd && m.bounded(p) {
		return newWinograd(m, w, p)
	}
	return newDirect(m, p)
}

// scratchSpare is the bytes that each element of a region of scratch is counted
// with, where that may be more than an int counts: a float32, and as much again
// for a second region.
const scratchSpare = 8

// errScratch refuses a result whose rows, of so many pixels, need too much
// scratch.
func errScratch(c *Conv, pixels int) error {
	return errorf(c, "rows of %d pixels are too long to be computed", pixels)
}

// coversMap says that the one window is the whole map of shape x.
func (c *Conv) coversMap(x tensor.Shape) bool {
	return c.Groups == 1 && !c.Pool && c.Kernel == [2]int{x[1], x[2]} && c.Pad == [4]int{} && c.Dilation == [2]int{1, 1}
}

// A convMap is what all ways to compute a convolution know of it.
type convMap struct {
	*Conv
	*Tier
	maps               int // in an item: 1, but for a net that is not batched
	height, width, cin int
	out                [2]int // rows and columns of the result, after pooling

	// The result's channels begin at element offset of pixels that stand pixel
	// elements apart: 0 and Channels, unless it is placed in a larger map. Between
	// its rows are gap elements that belong to others.
	offset, pixel, gap int

	residual bool // there is one: it lies as the result does, which then cannot be placed
}

// pooled is how many of the convolution's rows, or columns, become one.
func (m *convMap) pooled() int {
	if m.Pool {
		return 2
	}
	return 1
}

// line is the elements from one row of the result to the next.
func (m *convMap) line() int { return m.out[1]*m.pixel + m.gap }

// activateChannels finishes the activation of the channels from, …, to−1 of
// whole rows of the result.
func (m *convMap) activateChannels(w *Workspace, y []float32, from, to int) {
	m.activateColumns(w, m.Act, y, m.pixel, m.offset+from, m.offset+to)
}

// item returns the operands and the result of item i.
func (m *convMap) item(of mapOperands, i int) (x, residual, y []float32) {
	nx, ny := m.height*m.width*m.cin, m.out[0]*m.line()
	if of.residual != nil {
		residual = of.residual[i*ny : (i+1)*ny]
	}
	return of.x[i*nx : (i+1)*nx], residual, of.y[i*ny : (i+1)*ny]
}

// mapOperands are the operands and the result of a run.
type mapOperands struct {
	x, residual, y []float32 // residual may be nil
}

func newMapOperands(in, out [][]byte) mapOperands {
	of := mapOperands{x: floats(in[0]), y: floats(out[0])}
	if len(in) > 1 {
		of.residual = floats(in[1])
	}
	return of
}

// A strip is some rows of the input with their padding, as a convolution reads
// them: copied to where padding is zeros and pixels stand pitch elements apart.
type strip struct {
	left   int // pixels of padding in front of a row; if negative, pixels that are left out
	pixels int // length of a row
	pitch  int // elements from pixel to pixel, at least the channels
	every  int // every so many pixels and rows are copied
}

// pitchLine is a row of the strip, in elements.
func (s *strip) pitchLine() int { return s.pixels * s.pitch }

// fill is fillStrip with zeros.
func (s *strip) fill(dst, x []float32, m *convMap, first, rows int) {
	fillStrip(s, dst, x, m, first, rows, 0)
}

// fillStrip copies rows rows of x, from first on, to dst. Rows outside of the
// map are padding, and so are pixels, and channels up to the pitch.
func fillStrip[T float32 | byte](s *strip, dst, x []T, m *convMap, first, rows int, padding T) {
	line := s.pitchLine()
	left := min(max(s.left, 0), s.pixels)
	skipped := min(max(-s.left, 0), m.width)
	copied := min(ceilDiv(m.width-skipped, s.every), s.pixels-left)
	from, to := left*s.pitch, (left+copied)*s.pitch
	for r := range rows {
		row := dst[r*line : (r+1)*line]
		y := first + r*s.every
		if y < 0 || y >= m.height {
			set(row, padding)
			continue
		}
		set(row[:from], padding)
		src := x[(y*m.width+skipped)*m.cin : (y+1)*m.width*m.cin]
		if s.pitch == m.cin && s.every == 1 {
			copy(row[from:to], src)
		} else {
			for p := range copied {
				to := row[from+p*s.pitch:][:s.pitch]
				set(to[copy(to, src[p*s.every*m.cin:][:m.cin]):], padding)
			}
		}
		set(row[to:], padding)
	}
}

// fewElements are set sooner one by one than by a call.
const fewElements = 8

// set gives all elements one value.
func set[T float32 | byte](x []T, v T) {
	if v == 0 && len(x) > fewElements {
		clear(x)
		return
	}
	for i := range x {
		x[i] = v
	}
}
