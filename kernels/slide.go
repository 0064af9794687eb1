package kernels

import (
	"math"
	"sort"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// A sliding is a window that slides over an NHWC map, channel by channel: a
// pool, or a depthwise convolution. The map is read in place; where a window
// reaches over its sides, the taps outside are left out.
type sliding struct {
	kernel   func(*asm.TapsArgs)
	channels int
	out      [2]int // rows and columns of results
	runs     [2][]run
	tap      [2]int // elements from one row, or column, of taps to the next
	pixel    [2]int // elements from one row, or column, of the map to the next
	stride   [2]int // elements from one window to the one below, or beside it
	next     [2]int // elements from one result to the one below, or beside it
	block    int    // channels that a call of the kernel computes
	padded   bool   // means are of the whole window

	// A depthwise convolution has C biases, then kernel[0] rows of kernel[1]
	// taps of depth times C weights, the first of them behind so many that are
	// not its own. Pools have none.
	weights []float32
	taps    int // in a row of weights
	depth   int
	before  int

	taskRows int // rows of results that are computed together

	// largest: a result is the largest of its taps, not their sum.
	largest bool

	// empty is the result of a window without taps, to which a bias is added.
	empty float32
}

// newSliding lays a window over a map of height × width pixels with n rows
// and columns of results.
func newSliding(w *Window, height, width, channels int, n [2]int) sliding {
	s := sliding{
		channels: channels, out: n, taps: w.Kernel[1], depth: 1,
		pixel: [2]int{width * channels, channels},
		next:  [2]int{n[1] * channels, channels},
	}
	for i, size := range [2]int{height, width} {
		s.runs[i] = w.runs(i, size, n[i])
		s.tap[i] = w.Dilation[i] * s.pixel[i]
		s.stride[i] = w.Stride[i] * s.pixel[i]
	}
	s.taskRows = max(min(n[0], leastRows), ceilDiv(n[0], fewTasks))
	// A block's weights, and the patch that some pixels read, share the nearest
	// cache with what else is read. The product overflows where a kernel is
	// larger than any map.
	patch := max(w.Kernel[0]*(2*w.Kernel[1]+slidingPixels*min(w.Kernel[1], w.Stride[1])), 1)
	s.block = min(max(slidingBytes/4/patch/NR, 1), maxBlock/NR) * NR
	blocks := ceilDiv(channels, s.block)
	s.block = ceilDiv(ceilDiv(channels, blocks), NR) * NR
	return s
}

const (
	// slidingPixels is how many neighbouring pixels the kernels take at a time.
	slidingPixels = 4

	// leastRows is how many rows a task has, so that the pixels at the sides of
	// a map have neighbours of their own kind: above one another.
	leastRows = 7

	// slidingBytes is how much of the first-level cache a call should use.
	slidingBytes = 24 << 10

	// maxBlock bounds a block of channels, so that threads can share a map of
	// few rows.
	maxBlock = 256
)

// blocks is how many blocks of channels there are.
func (s *sliding) blocks() int { return ceilDiv(s.channels, s.block) }

// line is a row of results, in elements.
func (s *sliding) line() int { return s.out[1] * s.channels }

// tasks is how many times taskRows rows a map's results have.
func (s *sliding) tasks() int { return ceilDiv(s.out[0], s.taskRows) }

// taskArea is the rows of a task, of the tasks of all maps.
func (s *sliding) taskArea(task int) (item, from, to int) {
	item, part := task/s.tasks(), task%s.tasks()
	return item, part * s.taskRows, min((part+1)*s.taskRows, s.out[0])
}

// A span is what a window covers in one dimension.
type span struct {
	first   int // index in the map of the first tap inside it
	skipped int // how many taps are before the map
	taps    int // how many are inside it
	padded  int // how many are inside the padded map
}

// A run is neighbouring windows with the same taps.
type run struct {
	span     // of the first
	from, to int
}

// maxEdge is the most windows, in one dimension, that may reach over the sides
// of a map: each can be a run of its own. Nets have a handful.
const maxEdge = 1 << 11

// edge is the most runs that n windows along dimension i can be.
func (w *Window) edge(i int, n int64) int64 {
	// There is a new run where one of a window's taps enters the map, leaves
	// it, or leaves the padding; and only windows on padding, or cut off after
	// it, differ.
	changes := 3*int64(w.Kernel[i]) + 1
	padded := (int64(w.Pad[i])+int64(w.Pad[i+2]))/int64(w.Stride[i]) + 4
	return min(n, changes, padded)
}

// tableEntries bounds the runs of both dimensions.
func (w *Window) tableEntries() int {
	return int(w.edge(0, maxEdge) + w.edge(1, maxEdge))
}

// checkEdge refuses more than maxEdge of n windows at the sides of a map.
func (w *Window) checkEdge(s Spec, n [2]int64) error {
	for i := range n {
		if edge := w.edge(i, n[i]); edge > maxEdge {
			return errorf(s, "%d windows of kernel %s extend beyond the map with padding %v, more than %d",
				edge, tensor.Dims(w.Kernel[:]...), w.Pad, maxEdge)
		}
	}
	return nil
}

// runs are n windows along dimension i of a map of this size.
func (w *Window) runs(i, size, n int) []run {
	var runs []run
	for from := 0; from < n; {
		lo, hi, padded := w.before(i, size, from)
		// From window to window no tap turns back.
		to := from + 1 + sort.Search(n-from-1, func(more int) bool {
			l, h, p := w.before(i, size, from+1+more)
			return l != lo || h != hi || p != padded
		})
		r := run{span{padded: padded}, from, to}
		if lo < hi {
			r.first = int(w.start(i, from) + int64(lo)*int64(w.Dilation[i]))
			r.skipped, r.taps = lo, hi-lo
		} else if last := len(runs) - 1; last >= 0 && runs[last].taps == 0 && runs[last].padded == padded {
			runs[last].to = to
			from = to
			continue
		}
		runs = append(runs, r)
		from = to
	}
	return runs
}

// start is the place of window o's first tap. It takes 64 bits, because sums of
// sizes and paddings overflow an int of 32.
func (w *Window) start(i, o int) int64 {
	return int64(o)*int64(w.Stride[i]) - int64(w.Pad[i])
}

// before counts those taps of window o that stand before the map, before its
// end, and before the end of its padding.
func (w *Window) before(i, size, o int) (lo, hi, padded int) {
	dilation := int64(w.Dilation[i])
	count := func(place int64) int {
		return int(min(max((place-w.start(i, o)+dilation-1)/dilation, 0), int64(w.Kernel[i])))
	}
	return count(0), count(int64(size)), count(int64(size) + int64(w.Pad[i+2]))
}

// weight is the weights of one tap from channel c on.
func (s *sliding) weight(row, col, c int) *float32 {
	return &s.weights[(1+(s.before+row*s.taps+col)*s.depth)*s.channels+c]
}

// An area is rows and channels of the results of one map.
type area struct {
	rows, channels [2]int // from, to
	lo, hi         float32
}

// compute computes an area of at most one block of channels: x is the map, and
// y starts with the area's first row.
func (s *sliding) compute(w *Workspace, y, x []float32, area area) {
	a := &w.taps
	a.XRow, a.XCol = 4*s.tap[0], 4*s.tap[1]
	a.WIn = 4 * s.channels
	a.WCol = s.depth * a.WIn
	a.WRow = s.taps * a.WCol
	a.C = area.channels[1] - area.channels[0]
	a.Lo, a.Hi = area.lo, area.hi
	a.Bias, a.W = nil, nil
	for i := range s.runs[0] {
		rows := s.runs[0][i].cut(area.rows[0], area.rows[1], s.stride[0]/s.pixel[0])
		if rows.from >= rows.to {
			continue
		}
		for j := range s.runs[1] {
			s.tile(w, y[(rows.from-area.rows[0])*s.next[0]:], x, &rows, &s.runs[1][j], area.channels[0])
		}
	}
}

// cut is the part of a run that lies in from, …, to−1.
func (r run) cut(from, to, stride int) run {
	from, to = max(from, r.from), min(to, r.to)
	r.first += (from - r.from) * stride
	r.from, r.to = from, to
	return r
}

// tile computes the windows of some rows and columns, which have the same taps,
// for the channels from c on. The kernel goes along the rows, or, where these
// are short, down the columns.
func (s *sliding) tile(w *Workspace, y, x []float32, rows, cols *run, c int) {
	a := &w.taps
	if s.weights != nil {
		a.Bias = &s.weights[c]
	}
	size := [2]int{rows.to - rows.from, cols.to - cols.from}
	y = y[cols.from*s.next[1]+c:]
	if rows.taps == 0 || cols.taps == 0 {
		s.tileEmpty(a, y, size, c)
		return
	}
	x = x[rows.first*s.pixel[0]+cols.first*s.pixel[1]+c:]
	a.Rows, a.Cols = rows.taps, cols.taps
	a.Count = float64(rows.taps) * float64(cols.taps)
	if s.padded {
		a.Count = float64(rows.padded) * float64(cols.padded)
	}
	if s.weights != nil {
		a.W = s.weight(rows.skipped, cols.skipped, c)
	}
	along := 1
	if size[1] < min(size[0], slidingPixels) {
		along = 0
	}
	a.XStride, a.YStride = 4*s.stride[along], 4*s.next[along]
	// A vector of a tap takes a cycle at most. 32 bits are too few for some
	// windows.
	most := int(callVectors / (int64(rows.taps) * int64(cols.taps) * int64(s.block/vector*s.depth)))
	if most == 0 {
		s.tileLarge(w, y, x, rows, cols, c)
		return
	}
	for across := range size[1-along] {
		for done := 0; done < size[along]; done += most {
			a.X = &x[across*s.stride[1-along]+done*s.stride[along]]
			a.Y = &y[across*s.next[1-along]+done*s.next[along]]
			a.Pixels = min(most, size[along]-done)
			s.kernel(a)
		}
	}
}

// callVectors is the most vectors of taps that a call of a kernel takes.
const (
	vector      = 8
	callVectors = callCycles
)

// tileLarge is tile for windows so large that a call for one of them would take
// too long. It takes a call for each piece of a window and puts their results
// together.
func (s *sliding) tileLarge(w *Workspace, y, x []float32, rows, cols *run, c int) {
	a := &w.taps
	whole := *a
	a.Pixels, a.Count, a.Y = 1, 1, &w.piece[0]
	a.Lo, a.Hi = Act{}.limits()
	if s.weights != nil {
		a.Bias = &noBias[0]
	}
	width := min(cols.taps, callVectors/(s.block/vector*s.depth))
	height := min(rows.taps, max(1, callVectors/(width*(s.block/vector*s.depth))))
	for r := range rows.to - rows.from {
		for o := range cols.to - cols.from {
			var results [maxBlock]float64
			if s.largest {
				for i := range results {
					results[i] = math.Inf(-1)
				}
			}
			for i := 0; i < rows.taps; i += height {
				for j := 0; j < cols.taps; j += width {
					a.Rows, a.Cols = min(height, rows.taps-i), min(width, cols.taps-j)
					a.X = &x[r*s.stride[0]+o*s.stride[1]+i*s.tap[0]+j*s.tap[1]]
					if s.weights != nil {
						a.W = s.weight(rows.skipped+i, cols.skipped+j, c)
					}
					s.kernel(a)
					for k, v := range w.piece[:a.C] {
						if s.largest {
							results[k] = max(results[k], float64(v))
						} else {
							results[k] += float64(v)
						}
					}
				}
			}
			for k, v := range results[:a.C] {
				switch {
				case s.weights != nil:
					v += float64(s.weights[c+k])
				case !s.largest:
					v /= whole.Count
				}
				y[r*s.next[0]+o*s.next[1]+k] = clamp(float32(v), whole.Lo, whole.Hi)
			}
		}
	}
	*a = whole
}

// noBias stands for the biases of those pieces of a window that have none.
var noBias [maxBlock]float32

// tileEmpty sets the results of windows without taps.
func (s *sliding) tileEmpty(a *asm.TapsArgs, y []float32, size [2]int, c int) {
	for r := range size[0] {
		for o := range size[1] {
			for i := range a.C {
				v := s.empty
				if s.weights != nil {
					v += s.weights[c+i]
				}
				y[r*s.next[0]+o*s.next[1]+i] = clamp(v, a.Lo, a.Hi)
			}
		}
	}
}
