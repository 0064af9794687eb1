package kernels

import (
	"slices"
	"strconv"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// depthwise is a convolution of each channel by itself, or of each four or eight. A task
// is some rows of the result.
type depthwise struct {
	convMap
	window sliding // over the rows and columns before pooling
}

func depthwiseKernel(t *Tier) func(*asm.TapsArgs) {
	return find[asm.TapsArgs](t, asm.Kernel{Op: "depthwise"})
}

func newDepthwise(m convMap, p Param) *depthwise {
	d := &depthwise{convMap: m}
	d.window = newSliding(&m.Window, m.height, m.width, m.cin, [2]int{m.pooled() * m.out[0], m.pooled() * m.out[1]})
	d.window.kernel, d.window.weights = depthwiseKernel(m.Tier), p.Floats()
	if m.Pool {
		d.window.taskRows = 2
	}
	return d
}

// groupedDepths are the numbers of channels of a group, of both the operand and
// the result, for which there are kernels that slide over the map: products with
// panels would be of rows of so many, and leave the other columns empty.
var groupedDepths = [...]int{4, 8}

func groupedKernel(depth int) asm.Kernel {
	return asm.Kernel{Op: "grouped", Variant: strconv.Itoa(depth)}
}

// depth is the channels of a group, if a kernel slides over them, or else 0.
func (m *convMap) depth() int {
	if depth := m.cin / m.Groups; m.cin == m.Channels && slices.Contains(groupedDepths[:], depth) {
		return depth
	}
	return 0
}

// newGrouped makes a depthwise of groups of so many channels.
func newGrouped(m convMap, p Param, depth int) *depthwise {
	d := newDepthwise(m, Param{Form: FormTaps})
	d.window.kernel, d.window.depth = find[asm.TapsArgs](m.Tier, groupedKernel(depth)), depth
	panels, data := p.Panels().widened(), p.Panels().widen(m.Tier, p.Data)
	d.window.weights = tensor.Aligned[float32]((1 + panels.K) * m.cin)
	for g := range panels.Groups {
		panel := panels.panel(data, g)
		copy(d.window.weights[g*depth:], panels.bias(panel)[:depth])
		rows := floats(panels.rowsFrom(panel, 0))
		for k := range panels.K {
			copy(d.window.weights[(1+k)*m.cin+g*depth:], rows[k*NR:][:depth])
		}
	}
	return d
}

func (d *depthwise) Scratch() int {
	if d.Pool {
		return 4 * 2 * d.window.line()
	}
	return 0
}

func (d *depthwise) Tasks(n int) int { return n * d.maps * d.window.tasks() }

func (d *depthwise) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	of := newMapOperands(in, out)
	for task := lo; task < hi; task++ {
		item, from, to := d.window.taskArea(task)
		x, residual, y := d.item(of, item)
		first, end := from/d.pooled()*d.line(), to/d.pooled()*d.line()
		y = y[first:end]
		if residual == nil && !d.Pool && d.Act.isClamp() {
			d.convolve(w, y, x, from, to, d.Act)
			continue
		}
		if d.Pool {
			pair := w.floats()[:2*d.window.line()]
			d.convolve(w, pair, x, from, to, Act{})
			d.poolPair(y, pair)
		} else {
			d.convolve(w, y, x, from, to, Act{})
		}
		if residual != nil {
			d.add(w, y, residual[first:end])
		}
		d.activate(w, d.Act, y, y)
	}
}

// convolve computes rows of the convolution, clamped by act.
func (d *depthwise) convolve(w *Workspace, y, x []float32, from, to int, act Act) {
	lo, hi := act.limits()
	for c := 0; c < d.cin; c += d.window.block {
		d.window.compute(w, y, x, area{rows: [2]int{from, to}, channels: [2]int{c, min(c+d.window.block, d.cin)}, lo: lo, hi: hi})
	}
}

// poolPair max-pools two rows.
func (d *depthwise) poolPair(y, pair []float32) {
	c, low := d.cin, pair[d.window.line():]
	for p := range d.out[1] {
		for i := range c {
			a, b := 2*p*c+i, (2*p+1)*c+i
			y[p*c+i] = max(pair[a], pair[b], low[a], low[b])
		}
	}
}
