package kernels

import "github.com/infer-go/infer/tensor"

// direct is a convolution by its sums alone. A task is a block of panels for a
// strip of rows.
type direct struct {
	windowSums
	copied bool // the strip is copied, else it is the input itself
	flat   bool // the strip's pixels are the rows of one matrix

	// runs are neighbouring windows with the same taps inside the map, of rows
	// and of columns: taps outside are left out. Without runs they are zeros of
	// the strip.
	runs [2][]run

	rows, strips int // rows of the result in a strip; strips of an item
	block        int // panels in a task
}

const (
	// stripBytes is how much of the input a strip should hold, to stay in the
	// second-level cache while every panel passes over it.
	stripBytes = 256 << 10

	// flatRows is the least number of pixels in a flat strip: four tiles.
	flatRows = 24

	// fewTasks is how many tasks an item should offer, so that threads can
	// share it, if blocks of at least taskPanels panels give so many.
	fewTasks, taskPanels = 8, 4
)

func newDirect(m convMap, p Param) (*direct, error) {
	weights := remember(m.Tier, p, tensor.F32, func() []byte { return p.Panels().widen(m.Tier, p.Data) })
	return newDirectFrom(m, p.Panels().widened(), weights, 0)
}

// newDirectFrom makes a direct convolution of weights that are the rows of
// panels of float32 from row first on.
func newDirectFrom(m convMap, p Panels, weights []byte, first int) (*direct, error) {
	d := &direct{windowSums: newWindowSums(m, p, weights)}
	d.firstRow = first
	d.layRuns()
	d.layStrip()
	d.laySegments(d.runs[0] == nil)

	fit := stripBytes / 4 / d.pitchLine()
	switch {
	case d.runs[0] != nil:
		d.rows = max(1, fit)
	default:
		d.rows = max(1, (fit-d.inRows(1))/(d.inRows(2)-d.inRows(1))+1)
	}
	if d.flat {
		d.rows = max(d.rows, ceilDiv(flatRows, m.out[1]))
	}
	d.strips = ceilDiv(m.out[0], d.rows)
	d.rows = ceilDiv(m.out[0], d.strips)
	d.block = max(taskPanels, ceilDiv(d.Count()*d.strips, fewTasks))
	return d, nil
}

// Place makes d a Placer.
func (d *direct) Place(first, channels int) Op {
	if d.residual {
		return nil
	}
	placed := *d
	placed.offset, placed.pixel = first, channels
	return &placed
}

// layStrip decides whether the input is read in place. It is copied where it
// is padded, where a 1×1 kernel skips pixels, and where pixels stand so that
// a tile's rows would evict one another.
func (d *direct) layStrip() {
	one := d.Kernel == [2]int{1, 1} && d.Pad == [4]int{} && !d.Pool
	skips := one && d.Stride[0] == d.Stride[1] && d.Stride[0] > 1
	d.flat = (skips || one && d.Stride == [2]int{1, 1}) && d.gap == 0
	d.strip = strip{left: d.Pad[1], pixels: d.Pad[1] + d.width + d.Pad[3], pitch: d.cin, every: 1}
	stride := d.Stride
	if skips {
		stride = [2]int{1, 1}
		d.every, d.pixels = d.Stride[0], d.out[1]
	}
	d.copied = skips || d.Pad != [4]int{}
	if d.runs[0] != nil {
		d.copied, d.left, d.pixels = false, 0, d.width
	}
	if aliases(stride[1]*d.pitch) && d.Count() > 1 {
		d.copied = true
		d.pitch += NR
	}
	d.down, d.right = stride[0]*d.pitchLine(), stride[1]*d.pitch
}

// inRows is how many rows of the strip that many rows of the result need.
func (d *direct) inRows(rows int) int {
	return (rows*d.pooled()-1)*d.Stride[0]/d.every + int(d.Extent(0))
}

// Scratch is the strip, if it is copied.
func (d *direct) Scratch() int {
	if !d.copied {
		return 0
	}
	rows := d.inRows(d.rows)
	if d.runs[0] != nil {
		rows = min(rows, d.height)
	}
	return 4 * ceilDiv(rows*d.pitchLine(), NR) * NR
}

func (d *direct) blocks() int { return ceilDiv(d.Count(), d.block) }

func (d *direct) Tasks(n int) int { return n * d.maps * d.strips * d.blocks() }

func (d *direct) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	blocks, of := d.blocks(), newMapOperands(in, out)
	for lo < hi {
		// The tasks of one strip are done together: it is copied once.
		s := lo / blocks
		end := min(hi, (s+1)*blocks)
		from, to := (lo-s*blocks)*d.block, min((end-s*blocks)*d.block, d.Count())
		x, residual, y := d.item(of, s/d.strips)
		first := s % d.strips * d.rows
		d.runStrip(w, x, residual, y, first, min(d.rows, d.out[0]-first), from, to)
		lo = end
	}
}

// runStrip computes the panels from, …, to−1 of rows rows of the result.
func (d *direct) runStrip(w *Workspace, x, residual, y []float32, first, rows, from, to int) {
	d.sumStrip(w, x, residual, y, first, rows, from, to)
	d.activateChannels(w, y[first*d.line():(first+rows)*d.line()], d.channel(from), d.channel(to))
}

// sumStrip is runStrip without what activateChannels does.
func (d *direct) sumStrip(w *Workspace, x, residual, y []float32, first, rows, from, to int) {
	src, top := x, first*d.pooled()*d.Stride[0]-d.Pad[0] // the first row of src
	inRows := d.inRows(rows)
	if d.runs[0] != nil {
		end := min(top+inRows, d.height)
		top = min(max(top, 0), d.height)
		inRows = max(end-top, 0)
	}
	if d.copied {
		src = w.floats()
		d.fill(src, x, &d.convMap, top, inRows)
	} else {
		src = x[top*d.pitchLine():]
	}
	for p := from; p < to; p++ {
		s := d.stretch(p, to, first, residual)
		a := src[min(d.channelOf(p), len(src)):]
		switch {
		case d.Pool:
			d.poolRows(w, s.panel, a, y[s.at:], rows, d.out[1], s.n)
		case d.runs[0] != nil:
			d.sumRuns(w, a, y, s, top, first, rows)
		case d.flat:
			s.pixels = rows * d.out[1]
			d.gemmRows(w, a, y, s)
		default:
			s.pixels = d.out[1]
			for r := range rows {
				d.gemmRows(w, a[r*d.down:], y, s)
				s.at += d.line()
			}
		}
	}
}

// channelOf is the first channel of the operand that panel p multiplies.
func (d *direct) channelOf(p int) int { return p / d.PerGroup() * (d.cin / d.Groups) }

// stretch is the part of row row of the result that panel p, of those before
// to, computes, without the number of pixels.
func (d *direct) stretch(p, to, row int, residual []float32) stretch {
	panel := d.wide(nil, p, nil)
	if p+1 < to {
		panel.ahead = d.Size()
	}
	return d.stretchOf(panel, residual, row*d.line()+d.offset+d.channel(p), d.Columns(p))
}
