package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/asm"
)

// PoolKind is what a pool keeps of its window.
type PoolKind uint8

const (
	MaxPool           PoolKind = iota
	AveragePool                // of the elements inside the map
	AveragePoolPadded          // of the whole window, padding counted as zeros
)

// Pool reduces windows of an NHWC map. Ceil rounds the output's size up;
// windows are then cut off at the padded map's edge. A global pool is one
// whose Kernel is the whole map.
type Pool struct {
	Window
	Kind PoolKind
	Ceil bool
}

func (*Pool) Op() string { return "Pool" }

func (p *Pool) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := featureMap(p, in, params, 1, 0); err != nil {
		return nil, err
	}
	if p.Kind > AveragePoolPadded {
		return nil, errorf(p, "unknown kind %d", p.Kind)
	}
	x := in[0]
	n, err := p.count(p, x[1], x[2], p.Ceil)
	if err != nil {
		return nil, err
	}
	for i, pad := range p.Pad {
		// A window of padding alone would have no maximum and no average.
		if int64(pad) >= p.extent(i%2) {
			return nil, errorf(p, "padding %v is not smaller than the kernel %s with dilation %s",
				p.Pad, dims(p.Kernel[:]...), dims(p.Dilation[:]...))
		}
	}
	return result64(p, x[0], n, x[3])
}

func (p *Pool) Bind(t *Tier, in [][]int, params []Param) (Op, error) {
	out, err := p.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	x, y := in[0], out[0]
	op := &poolOp{
		kind:   p.Kind,
		maps:   x[0],
		height: x[1], width: x[2], channels: x[3],
		rows:   p.spans(0, x[1], y[1]),
		cols:   p.spans(1, x[2], y[2]),
		row:    p.Dilation[0] * x[2] * x[3],
		col:    p.Dilation[1] * x[3],
		stride: p.Stride[1] * x[3],
		blocks: ceilDiv(x[3], poolChannels),
	}
	if p.Kind == MaxPool {
		op.bindMax(t, p)
	}
	return op, nil
}

// bindMax finds the columns whose windows reach over neither side of the map,
// and the taps of such a window.
func (op *poolOp) bindMax(t *Tier, p *Pool) {
	whole := func(x span) bool { return x.taps == p.Kernel[1] }
	first := slices.IndexFunc(op.cols, whole)
	if first < 0 {
		return
	}
	op.whole = [2]int{first, first + 1}
	for op.whole[1] < len(op.cols) && whole(op.cols[op.whole[1]]) {
		op.whole[1]++
	}
	// As many rows of taps as any window has inside the map.
	height := 0
	for _, y := range op.rows {
		height = max(height, y.taps)
	}
	for ky := range height {
		for kx := range p.Kernel[1] {
			op.taps = append(op.taps, ky*op.row+kx*op.col)
		}
	}
	op.max = t.MaxPool
}

// A span is what a window covers in one dimension.
type span struct {
	first  int // index in the map of the first tap inside it
	taps   int // how many taps are inside the map
	padded int // how many are inside the padded map
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
			spans[o].first, spans[o].taps = int(start+lo*dilation), int(hi-lo)
		}
	}
	return spans
}

// poolChannels is how many channels of a row of results are one task.
const poolChannels = 256

// poolOp is a Pool. A task is one row of results, poolChannels wide. A window
// that lies between the map's elements, as a dilated one can, has the maximum
// −Inf and no average: NaN.
type poolOp struct {
	scratchless
	kind                          PoolKind
	maps, height, width, channels int
	rows, cols                    []span
	row, col                      int // elements from one row or column of taps to the next
	stride                        int // elements from one window to the next
	blocks                        int // tasks in a row of results

	// The tier's kernel takes the maximum where it can: for the columns
	// whole[0], …, whole[1]−1, by the first rows of taps.
	max   func(*asm.TapsArgs)
	whole [2]int
	taps  []int
}

func (op *poolOp) Tasks(n int) int { return n * op.maps * len(op.rows) * op.blocks }

func (op *poolOp) Run(w *Workspace, in, out [][]float32, n, lo, hi int) {
	for task := lo; task < hi; task++ {
		row, block := task/op.blocks, task%op.blocks
		item, y := row/len(op.rows), op.rows[row%len(op.rows)]
		first := block * poolChannels
		src := in[0][(item*op.height+y.first)*op.width*op.channels+first:]
		dst := out[0][row*len(op.cols)*op.channels+first:]
		op.line(w, dst, src, y, min(poolChannels, op.channels-first))
	}
}

// line computes a row of results, for channels channels.
func (op *poolOp) line(w *Workspace, dst, src []float32, y span, channels int) {
	for o := 0; o < len(op.cols); o++ {
		x := op.cols[o]
		if op.max != nil && o == op.whole[0] && y.taps > 0 {
			a := &w.taps
			a.X, a.XStride, a.Y, a.YStride = &src[x.first*op.channels], op.stride, &dst[o*op.channels], op.channels
			a.Tap, a.Taps = &op.taps[0], y.taps*x.taps
			a.Pixels, a.C = op.whole[1]-op.whole[0], channels
			a.Lo, a.Hi = Act{}.limits()
			op.max(a)
			o = op.whole[1] - 1
			continue
		}
		for c := 0; c < channels; c += lanes {
			op.window(dst[o*op.channels+c:][:min(lanes, channels-c)], src, x.first*op.channels+c, y, x)
		}
	}
}

// window reduces the window at src[at] for len(dst) channels, at most lanes.
func (op *poolOp) window(dst, src []float32, at int, y, x span) {
	if op.kind == MaxPool {
		for i := range dst {
			dst[i] = float32(math.Inf(-1))
		}
		for ky := range y.taps {
			for kx := range x.taps {
				for i, v := range src[at+ky*op.row+kx*op.col:][:len(dst)] {
					dst[i] = max(dst[i], v)
				}
			}
		}
		return
	}
	var sum [lanes]float64
	for ky := range y.taps {
		sumRows(&sum, src[at+ky*op.row:], op.col, x.taps, len(dst))
	}
	count := float64(y.taps) * float64(x.taps)
	if op.kind == AveragePoolPadded {
		count = float64(y.padded) * float64(x.padded)
	}
	for i := range dst {
		dst[i] = float32(sum[i] / count)
	}
}
