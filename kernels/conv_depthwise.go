package kernels

// depthwise is a convolution of each channel by itself. A task is a row of the
// result.
type depthwise struct {
	convMap
	strip
	weights []float32 // bias, then taps
	tap     []int
}

func newDepthwise(m convMap, p Param) *depthwise {
	d := &depthwise{convMap: m, weights: p.Floats()}
	d.strip = strip{left: m.Pad[1], pixels: m.Pad[1] + m.width + m.Pad[3], pitch: m.cin, every: 1}
	for ky := range m.Kernel[0] {
		for kx := range m.Kernel[1] {
			d.tap = append(d.tap, ky*m.Dilation[0]*d.pitchLine()+kx*m.Dilation[1]*d.pitch)
		}
	}
	return d
}

func (d *depthwise) inRows() int { return (d.pooled()-1)*d.Stride[0] + int(d.extent(0)) }

// unpooled is the elements of a row of the convolution that Pool reads.
func (d *depthwise) unpooled() int { return d.pooled() * d.line() }

func (d *depthwise) Scratch() int {
	n := d.inRows() * d.pitchLine()
	if d.Pool {
		n += 2 * d.unpooled()
	}
	return n
}

func (d *depthwise) Tasks(n int) int { return n * d.maps * d.out[0] }

func (d *depthwise) Run(w *Workspace, in, out [][]float32, n, lo, hi int) {
	rows := w.Scratch[:d.inRows()*d.pitchLine()]
	for task := lo; task < hi; task++ {
		x, residual, y := d.item(in, out, task/d.out[0])
		r := task % d.out[0]
		d.fill(rows, x, &d.convMap, r*d.pooled()*d.Stride[0]-d.Pad[0], d.inRows())
		y = y[r*d.line() : (r+1)*d.line()]
		if !d.Pool {
			d.row(w, rows, y, d.out[1])
		} else {
			pair := w.Scratch[len(rows):][:2*d.unpooled()]
			for i := range 2 {
				d.row(w, rows[i*d.Stride[0]*d.pitchLine():], pair[i*d.unpooled():], 2*d.out[1])
			}
			d.poolPair(y, pair)
		}
		if residual != nil {
			for i, v := range residual[r*d.line() : (r+1)*d.line()] {
				y[i] += v
			}
		}
		d.Act.applySlice(y, y)
	}
}

// row computes pixels pixels of a row of the convolution.
func (d *depthwise) row(w *Workspace, rows, y []float32, pixels int) {
	t := &w.taps
	t.X, t.XStride = &rows[0], d.Stride[1]*d.pitch
	t.Y, t.YStride = &y[0], d.cin
	t.Tap, t.Taps, t.C, t.Pixels = &d.tap[0], len(d.tap), d.cin, pixels
	t.Bias, t.W = &d.weights[0], &d.weights[d.cin]
	t.Lo, t.Hi = Act{}.limits()
	d.Depthwise(t)
}

// poolPair max-pools two rows.
func (d *depthwise) poolPair(y, pair []float32) {
	c, low := d.cin, pair[d.unpooled():]
	for p := range d.out[1] {
		for i := range c {
			a, b := 2*p*c+i, (2*p+1)*c+i
			y[p*c+i] = max(pair[a], pair[b], low[a], low[b])
		}
	}
}
