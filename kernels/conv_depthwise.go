package kernels

// depthwise is a convolution of each channel by itself. A task is a row of the
// result.
type depthwise struct {
	convMap
	sliding
}

func newDepthwise(m convMap, p Param) *depthwise {
	d := &depthwise{convMap: m}
	d.sliding = newSliding(&m.Window, m.height, m.width, m.cin, [2]int{m.pooled() * m.out[0], m.pooled() * m.out[1]})
	d.kernel, d.weights = m.Depthwise, p.Floats()
	return d
}

// unpooled is the elements of a row of the convolution that Pool reads.
func (d *depthwise) unpooled() int { return d.pooled() * d.convMap.line() }

func (d *depthwise) Scratch() int {
	if d.Pool {
		return 2 * d.unpooled()
	}
	return 0
}

func (d *depthwise) Tasks(n int) int { return n * d.maps * d.out[0] }

func (d *depthwise) Run(w *Workspace, in, out [][]float32, n, lo, hi int) {
	for task := lo; task < hi; task++ {
		x, residual, y := d.item(in, out, task/d.out[0])
		r, line := task%d.out[0], d.convMap.line()
		y = y[r*line : (r+1)*line]
		if d.Pool {
			pair := w.Scratch[:2*d.unpooled()]
			for i := range 2 {
				d.convolve(w, pair[i*d.unpooled():(i+1)*d.unpooled()], x, 2*r+i, Act{})
			}
			d.poolPair(y, pair)
			d.activate(w, d.Act, y, y)
			continue
		}
		if residual == nil && d.Act.isClamp() {
			d.convolve(w, y, x, r, d.Act)
			continue
		}
		d.convolve(w, y, x, r, Act{})
		if residual != nil {
			d.add(w, y, residual[r*line:(r+1)*line])
		}
		d.activate(w, d.Act, y, y)
	}
}

// convolve computes a row of the convolution, clamped by act.
func (d *depthwise) convolve(w *Workspace, y, x []float32, row int, act Act) {
	lo, hi := act.limits()
	for from := 0; from < d.cin; from += d.block {
		d.sliding.line(w, y, x, d.rows[row], from, min(from+d.block, d.cin), lo, hi)
	}
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
