package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// A phase is, in one dimension, the results that the same taps reach: every
// stride-th. They are a convolution of stride 1, of the operand with these taps
// in reverse order.
type phase struct {
	first, count int // the first of the results, and how many there are
	taps         int
	before       int   // taps of the phases in front of it
	source       int64 // the element of the operand at the first result's first tap
	apart        int   // elements from tap to tap
}

// classes is how many phases have taps in dimension i: those of taps k with the
// same k mod step.
func (w *Window) classes(i int) (n, step int) {
	a, b := w.Stride[i], w.Dilation[i]
	for b != 0 {
		a, b = b, a%b
	}
	step = w.Stride[i] / a
	return min(step, w.Kernel[i]), step
}

// phases are those of out results in dimension i that have taps, in the order
// of their taps.
func (w *Window) phases(i, out int) (all []phase) {
	n, step := w.classes(i)
	stride, dilation, pad := int64(w.Stride[i]), int64(w.Dilation[i]), int64(w.Pad[i])
	before := 0
	for class := range n {
		last := (w.Kernel[i] - 1 - class) / step // tap of the phase
		p := phase{taps: last + 1, before: before, apart: int(int64(step) * dilation / stride)}
		before += p.taps
		first := ((int64(class)*dilation-pad)%stride + stride) % stride
		if first >= int64(out) {
			continue
		}
		p.first = int(first)
		p.count = int((int64(out)-1-first)/stride) + 1
		p.source = (first + pad - (int64(class)+int64(last)*int64(step))*dilation) / stride
		all = append(all, p)
	}
	return all
}

// rows are those of the phase's results that lie in from, …, to−1.
func (p *phase) rows(from, to, stride int) (lo, hi int) {
	count := func(before int) int {
		if before <= p.first {
			return 0
		}
		return min(p.count, (before-p.first-1)/stride+1)
	}
	return count(from), count(to)
}

// mostPhases is the most for which tables are made.
const mostPhases = 256

// phaseEntries is how many entries of a table a phase takes.
const phaseEntries = 16

// phaseCount is how many pairs of phases there are.
func (c *ConvTranspose) phaseCount() int {
	rows, _ := c.classes(0)
	columns, _ := c.classes(1)
	return int(min(tensor.Saturated(rows, columns), tensor.MaxDim))
}

// window is the window of the convolution that a pair of phases is, over a map
// of this height and width. It is false if that is too large. Padding is
// negative where elements of the operand are not read.
func (m *transposedMap) window(rows, columns *phase) (w Window, ok bool) {
	for i, p := range []*phase{rows, columns} {
		before := -p.source
		after := p.source + int64(p.count-1) + int64(p.taps-1)*int64(p.apart) - int64(m.in[i]-1)
		if max(before, after) > tensor.MaxDim {
			return w, false
		}
		w.Kernel[i], w.Stride[i], w.Dilation[i] = p.taps, 1, p.apart
		w.Pad[i], w.Pad[i+2] = int(before), int(after)
	}
	return w, true
}

// strides are the elements of the result from one of a phase's rows, or
// columns, to the next.
func (m *transposedMap) strides() (down, right int) {
	return min(m.Stride[0], m.out[0]) * m.line(), min(m.Stride[1], m.out[1]) * m.pixel
}

// covers says whether phases have all of the results in dimension i.
func (m *transposedMap) covers(i int, phases []phase) bool {
	n := 0
	for _, p := range phases {
		n += p.count
	}
	return n == m.out[i]
}

// transposedPanels is a ConvTranspose by a direct convolution for each pair of
// phases. A task is a block of panels for a band of rows of the result.
type transposedPanels struct {
	transposedMap
	Panels
	weights []byte
	block   int // panels in a task
	phases  []convPhase
	whole   bool // phases have all of the results
}

// A convPhase is a pair of phases.
type convPhase struct {
	*direct
	down, right phase
}

// lay says where the results of a pair of phases lie.
func (m *transposedMap) lay(c *convMap, down, right *phase) {
	next := [2]int{}
	next[0], next[1] = m.strides()
	c.offset = down.first*m.line() + right.first*m.pixel + m.offset
	c.pixel, c.gap = next[1], next[0]-right.count*next[1]
}

func newTransposedPanels(m transposedMap, p Param) (*transposedPanels, error) {
	op := &transposedPanels{transposedMap: m, Panels: p.Panels().widened(), weights: p.Panels().widen(m.Tier, p.Data)}
	all := [2][]phase{m.phases(0, m.out[0]), m.phases(1, m.out[1])}
	op.whole = m.covers(0, all[0]) && m.covers(1, all[1])
	strip := m.out[0]
	for i := range all[0] {
		for j := range all[1] {
			rows, columns := &all[0][i], &all[1][j]
			w, ok := m.window(rows, columns)
			c := convMap{
				Conv: &Conv{Window: w, Groups: m.Groups, Channels: m.Channels, Act: m.Act},
				Tier: m.Tier, maps: m.maps, height: m.in[0], width: m.in[1], cin: m.in[2],
				out: [2]int{rows.count, columns.count},
			}
			m.lay(&c, rows, columns)
			if !ok {
				return nil, errScratch(c.Conv, c.out[1])
			}
			if err := c.checkPadded(tensor.Shape{1, m.in[0], m.in[1], m.in[2]}); err != nil {
				return nil, err
			}
			taps := rows.before*m.Kernel[1] + rows.taps*columns.before
			d, err := newDirectFrom(c, op.Panels, op.weights, taps*(m.in[2]/m.Groups))
			if err != nil {
				return nil, err
			}
			strip = min(strip, d.rows)
			op.phases = append(op.phases, convPhase{d, *rows, *columns})
		}
	}
	for _, p := range op.phases {
		p.direct.rows = min(p.direct.rows, strip)
	}
	rows := int(min(int64(strip)*int64(m.Stride[0]), int64(m.out[0])))
	op.setBand(rows, 1)
	op.block = max(taskPanels, ceilDiv(op.Count()*op.bands(), fewTasks))
	return op, nil
}

// Place makes op a Placer.
func (op *transposedPanels) Place(first, channels int) Op {
	placed := *op
	placed.offset, placed.pixel = first, channels
	placed.phases = slices.Clone(op.phases)
	for i := range placed.phases {
		p := &placed.phases[i]
		d := *p.direct
		placed.lay(&d.convMap, &p.down, &p.right)
		p.direct = &d
	}
	return &placed
}

func (op *transposedPanels) Scratch() int {
	most := 0
	for _, p := range op.phases {
		most = max(most, p.Scratch())
	}
	return most
}

func (op *transposedPanels) blocks() int { return ceilDiv(op.Count(), op.block) }

func (op *transposedPanels) Tasks(n int) int { return n * op.maps * op.bands() * op.blocks() }

func (op *transposedPanels) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	blocks := op.blocks()
	for lo < hi {
		// The tasks of one band are done together.
		band := lo / blocks
		end := min(hi, (band+1)*blocks)
		from, to := (lo-band*blocks)*op.block, min((end-band*blocks)*op.block, op.Count())
		x, y := op.item(in, out, band/op.bands())
		first := band % op.bands() * op.band
		op.runBand(w, x, y, [2]int{first, min(first+op.band, op.out[0])}, from, to)
		lo = end
	}
}

// runBand computes the panels from, …, to−1 of some rows of the result.
func (op *transposedPanels) runBand(w *Workspace, x, y []float32, rows [2]int, from, to int) {
	part := y[rows[0]*op.line() : rows[1]*op.line()]
	if !op.whole {
		for p := from; p < to; p++ {
			op.fill(part, op.bias(op.panel(op.weights, p))[:op.Columns(p)], op.channel(p), op.Act)
		}
	}
	for i := range op.phases {
		p := &op.phases[i]
		if lo, hi := p.down.rows(rows[0], rows[1], op.Stride[0]); lo < hi {
			p.sumStrip(w, x, nil, y, lo, hi-lo, from, to)
		}
	}
	op.activateColumns(w, op.Act, part, op.pixel, op.offset+op.channel(from), op.offset+op.channel(to))
}

// transposedTaps is a ConvTranspose of each channel by itself. A task is a band
// of rows of the result.
type transposedTaps struct {
	scratchless
	transposedMap
	weights []float32
	phases  []tapsPhase
	whole   bool // phases have all of the results
}

// A tapsPhase is a pair of phases.
type tapsPhase struct {
	sliding
	rows, columns phase
}

func newTransposedTaps(m transposedMap, p Param) (*transposedTaps, error) {
	op := &transposedTaps{transposedMap: m, weights: p.Floats()}
	all := [2][]phase{m.phases(0, m.out[0]), m.phases(1, m.out[1])}
	op.whole = m.covers(0, all[0]) && m.covers(1, all[1])
	for i := range all[0] {
		for j := range all[1] {
			rows, columns := &all[0][i], &all[1][j]
			w, ok := m.window(rows, columns)
			if !ok {
				return nil, errorf(m.ConvTranspose, "padding %v is too large", m.Pad)
			}
			s := newSliding(&w, m.in[0], m.in[1], m.in[2], [2]int{rows.count, columns.count})
			s.kernel, s.weights = depthwiseKernel(m.Tier), op.weights
			s.before = rows.before*m.Kernel[1] + rows.taps*columns.before
			s.next[0], s.next[1] = m.strides()
			op.phases = append(op.phases, tapsPhase{s, *rows, *columns})
		}
	}
	op.setBand(leastRows*min(m.Stride[0], m.out[0]), 1)
	return op, nil
}

func (op *transposedTaps) Tasks(n int) int { return n * op.maps * op.bands() }

func (op *transposedTaps) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	limLo, limHi := op.Act.limits()
	for task := lo; task < hi; task++ {
		x, y := op.item(in, out, task/op.bands())
		from := task % op.bands() * op.band
		to := min(from+op.band, op.out[0])
		part := y[from*op.line() : to*op.line()]
		if !op.whole {
			op.fill(part, op.weights[:op.Channels], 0, op.Act)
		}
		for i := range op.phases {
			p := &op.phases[i]
			first, end := p.rows.rows(from, to, op.Stride[0])
			if first == end {
				continue
			}
			dst := y[p.rows.first*op.line()+first*p.next[0]+p.columns.first*op.Channels:]
			for c := 0; c < op.Channels; c += p.block {
				p.compute(w, dst, x, area{rows: [2]int{first, end}, channels: [2]int{c, min(c+p.block, op.Channels)}, lo: limLo, hi: limHi})
			}
		}
		if !op.Act.isClamp() {
			op.activate(w, op.Act, part, part)
		}
	}
}
