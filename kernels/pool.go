package kernels

import "math"

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

func (p *Pool) Bind(_ *Tier, in [][]int, params []Param) (Op, error) {
	out, err := p.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	x, y := in[0], out[0]
	return &poolOp{
		kind:   p.Kind,
		maps:   x[0],
		height: x[1], width: x[2], channels: x[3],
		rows:     p.spans(0, x[1], y[1]),
		cols:     p.spans(1, x[2], y[2]),
		dilation: p.Dilation,
		blocks:   ceilDiv(x[3], poolChannels),
	}, nil
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
const poolChannels = 64

// poolOp is a Pool. A task is one row of results, poolChannels wide. A window
// that lies between the map's elements, as a dilated one can, has the maximum
// −Inf and no average: NaN.
type poolOp struct {
	scratchless
	kind                          PoolKind
	maps, height, width, channels int
	rows, cols                    []span
	dilation                      [2]int
	blocks                        int
}

func (op *poolOp) Tasks(n int) int { return n * op.maps * len(op.rows) * op.blocks }

func (op *poolOp) Run(_ *Workspace, in, out [][]float32, n, lo, hi int) {
	for task := lo; task < hi; task++ {
		row, block := task/op.blocks, task%op.blocks
		item, y := row/len(op.rows), op.rows[row%len(op.rows)]
		from := block * poolChannels
		to := min(from+poolChannels, op.channels)
		src := in[0][(item*op.height+y.first)*op.width*op.channels:]
		dst := out[0][row*len(op.cols)*op.channels:]
		for ox, x := range op.cols {
			for c := from; c < to; c += lanes {
				at := x.first*op.channels + c
				op.window(dst[ox*op.channels+c:][:min(lanes, to-c)], src, at, y, x)
			}
		}
	}
}

// window reduces the window at src[at] for len(dst) channels, at most lanes.
func (op *poolOp) window(dst, src []float32, at int, y, x span) {
	row, col := op.dilation[0]*op.width*op.channels, op.dilation[1]*op.channels
	if op.kind == MaxPool {
		for i := range dst {
			dst[i] = float32(math.Inf(-1))
		}
		for ky := range y.taps {
			for kx := range x.taps {
				for i, v := range src[at+ky*row+kx*col:][:len(dst)] {
					if v > dst[i] || v != v {
						dst[i] = v
					}
				}
			}
		}
		return
	}
	var sum [lanes]float64
	for ky := range y.taps {
		for kx := range x.taps {
			for i, v := range src[at+ky*row+kx*col:][:len(dst)] {
				sum[i] += float64(v)
			}
		}
	}
	count := float64(y.taps) * float64(x.taps)
	if op.kind == AveragePoolPadded {
		count = float64(y.padded) * float64(x.padded)
	}
	for i := range dst {
		dst[i] = float32(sum[i] / count)
	}
}
