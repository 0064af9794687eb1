package kernels

import "github.com/infer-go/infer/asm"

// A sliding is a window that slides over an NHWC map, channel by channel: a
// pool, or a depthwise convolution. The map is read in place; where a window
// reaches over its sides, the taps outside are left out.
type sliding struct {
	kernel   func(*asm.TapsArgs)
	channels int
	rows     []span // of each row of results
	runs     []run  // of columns
	row, col int    // elements from one row or column of taps to the next
	down     int    // elements of a row of the map
	stride   int    // elements from one window to the next
	block    int    // channels that a call of the kernel computes
	padded   bool   // means are of the whole window

	// A depthwise convolution has C biases, then kernel[0] rows of kernel[1]
	// taps of C weights. Pools have none.
	weights []float32
	taps    int // in a row of weights

	// empty is the result of a window without taps, to which a bias is added.
	empty float32
}

// newSliding lays a window over a map of height × width pixels with n rows
// and columns of results.
func newSliding(w *Window, height, width, channels int, n [2]int) sliding {
	s := sliding{
		channels: channels,
		rows:     w.spans(0, height, n[0]),
		runs:     runsOf(w.spans(1, width, n[1]), w.Stride[1]),
		row:      w.Dilation[0] * width * channels,
		col:      w.Dilation[1] * channels,
		down:     width * channels,
		stride:   w.Stride[1] * channels,
		taps:     w.Kernel[1],
	}
	// A block's weights, and the patch that some pixels read, share the nearest
	// cache with what else is read.
	patch := w.Kernel[0] * (2*w.Kernel[1] + slidingPixels*min(w.Kernel[1], w.Stride[1]))
	s.block = min(max(slidingBytes/4/patch/NR, 1), maxBlock/NR) * NR
	blocks := ceilDiv(channels, s.block)
	s.block = ceilDiv(ceilDiv(channels, blocks), NR) * NR
	return s
}

const (
	// slidingPixels is how many neighbouring pixels the kernels take at a time.
	slidingPixels = 6

	// slidingBytes is how much of the first-level cache a call should use.
	slidingBytes = 24 << 10

	// maxBlock bounds a block of channels, so that threads can share a map of
	// few rows.
	maxBlock = 256
)

// blocks is how many blocks of channels there are.
func (s *sliding) blocks() int { return ceilDiv(s.channels, s.block) }

// A span is what a window covers in one dimension.
type span struct {
	first   int // index in the map of the first tap inside it
	skipped int // how many taps are before the map
	taps    int // how many are inside it
	padded  int // how many are inside the padded map
}

// spans are the spans of n windows along dimension i of a map of this size.
func (w *Window) spans(i, size, n int) []span {
	// In 64 bits, because sums of sizes and paddings overflow an int of 32.
	kernel, dilation := int64(w.Kernel[i]), int64(w.Dilation[i])
	spans := make([]span, n)
	for o := range spans {
		start := int64(o)*int64(w.Stride[i]) - int64(w.Pad[i])
		// before is the number of taps that lie before a place.
		before := func(place int64) int64 {
			return min(max((place-start+dilation-1)/dilation, 0), kernel)
		}
		lo, hi := before(0), before(int64(size))
		spans[o].padded = int(before(int64(size) + int64(w.Pad[i+2])))
		if lo < hi {
			spans[o].first, spans[o].skipped, spans[o].taps = int(start+lo*dilation), int(lo), int(hi-lo)
		}
	}
	return spans
}

// A run is neighbouring windows with the same taps.
type run struct {
	span     // of the first
	from, to int
}

// runsOf joins windows that start stride apart.
func runsOf(spans []span, stride int) []run {
	var runs []run
	for i, x := range spans {
		if i > 0 {
			r := &runs[len(runs)-1]
			next := r.span
			next.first += (i - r.from) * stride
			if x == next || x.taps == 0 && r.taps == 0 && x.padded == r.padded {
				r.to++
				continue
			}
		}
		runs = append(runs, run{x, i, i + 1})
	}
	return runs
}

// line computes the channels from, …, to−1 of a row of results, of at most one
// block: y is the whole row, x the map.
func (s *sliding) line(w *Workspace, y, x []float32, rows span, from, to int, lo, hi float32) {
	a := &w.taps
	a.XRow, a.XCol, a.XStride, a.YStride = s.row, s.col, s.stride, s.channels
	a.WRow, a.WCol = s.taps*s.channels, s.channels
	a.Rows, a.C = rows.taps, to-from
	a.Lo, a.Hi = lo, hi
	a.Bias, a.W = nil, nil
	if s.weights != nil {
		a.Bias = &s.weights[from]
	}
	for i := range s.runs {
		r := &s.runs[i]
		if rows.taps == 0 || r.taps == 0 {
			s.lineEmpty(y, r, from, to, lo, hi)
			continue
		}
		a.Cols = r.taps
		a.Count = float64(rows.taps) * float64(r.taps)
		if s.padded {
			a.Count = float64(rows.padded) * float64(r.padded)
		}
		if s.weights != nil {
			a.W = &s.weights[(1+rows.skipped*s.taps+r.skipped)*s.channels+from]
		}
		// A vector of a tap takes a cycle at most.
		most := max(1, callCycles*8/(rows.taps*r.taps*s.block))
		for o := r.from; o < r.to; o += most {
			a.X = &x[rows.first*s.down+r.first*s.channels+(o-r.from)*s.stride+from]
			a.Y = &y[o*s.channels+from]
			a.Pixels = min(most, r.to-o)
			s.kernel(a)
		}
	}
}

// lineEmpty sets the results of windows without taps.
func (s *sliding) lineEmpty(y []float32, r *run, from, to int, lo, hi float32) {
	for o := r.from; o < r.to; o++ {
		for c := from; c < to; c++ {
			v := s.empty
			if s.weights != nil {
				v += s.weights[c]
			}
			y[o*s.channels+c] = clamp(v, lo, hi)
		}
	}
}
