package kernels

import (
	"math"

	"github.com/infer-go/infer/tensor"
)

// RoiAlign pools regions of maps: the operands are the maps, NHWC, the regions
// [R, 4] as x1, y1, x2, y2, and the map that each lies on, int32 or int64 [R];
// the result is [R, Size, C]. A region, times Scale, is cut into Size bins, and a
// bin is the mean of samples, or with Max their maximum. There are Sampling
// samples in each direction, or, if that is 0, as many as the bin has pixels,
// rounded up. They are interpolated linearly; a sample more than a pixel outside
// the map is 0. With HalfPixel the centre of the first pixel is at ½, ½; without,
// it is at 0, 0, and the sides of a region are at least 1. This is ONNX's
// RoiAlign.
//
// As in ONNX Runtime, the maximum is over the four neighbours of all samples,
// each times its weight.
//
// The result of a region is NaN if a corner is NaN or coordinates exceed 2²⁰. A
// region on a map that does not exist is a fault of the run.
type RoiAlign struct {
	Max, HalfPixel bool
	Size           [2]int
	Sampling       int
	Scale          float32
}

// maxSampling is the largest Sampling.
const maxSampling = 1 << 10

func (*RoiAlign) Op() string { return "RoiAlign" }

func (*RoiAlign) Order() Order { return RowMajor }

// Traits counts each neighbour of each sample on the map. In each direction, all
// bins together have at most two samples per pixel plus one per bin.
func (r *RoiAlign) Traits(in []tensor.Type, _ []Param) Traits {
	x := in[0].Shape
	samples := [2]int{r.Sampling * r.Size[0], r.Sampling * r.Size[1]}
	for i := range samples {
		if r.Sampling == 0 {
			samples[i] = 2*min(x[1+i], tensor.MaxDim/4) + r.Size[i]
		}
	}
	return Traits{MixesItems: true, NumbersItems: true, Extra: tensor.Saturated(4, in[1].Shape[0], samples[0], samples[1], x[3])}
}

func (r *RoiAlign) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(r, in, params, 3, 0); err != nil {
		return nil, err
	}
	if err := checkMap(r, in); err != nil {
		return nil, err
	}
	regions, maps := in[1].Shape, in[2].Shape
	switch {
	case in[0].Elem != tensor.F32 || in[1].Elem != tensor.F32 || in[2].Elem != tensor.I32 && in[2].Elem != tensor.I64:
		return nil, errorf(r, "operands of %v, %v and %v", in[0], in[1], in[2])
	case len(regions) != 2 || regions[1] != 4 || len(maps) != 1 || maps[0] != regions[0]:
		return nil, errorf(r, "regions of shape %s on maps of shape %s", regions, maps)
	case r.Sampling < 0 || r.Sampling > maxSampling:
		return nil, errorf(r, "%d samples are not from 0 to %d", r.Sampling, maxSampling)
	case !tensor.IsFinite(r.Scale):
		return nil, errorf(r, "scale %v is not finite", r.Scale)
	}
	for _, n := range r.Size {
		if n < 1 || n > MaxResized {
			return nil, errorf(r, "bins of %s are empty, or too many", tensor.Dims(r.Size[:]...))
		}
	}
	return result(r, in[0], regions[0], r.Size[0], r.Size[1], in[0].Shape[3])
}

func (r *RoiAlign) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := r.Infer(in, params); err != nil {
		return nil, err
	}
	x := in[0].Shape
	return &roiOp{RoiAlign: *r, maps: x[0], size: [2]int{x[1], x[2]}, sampler: newSampler(t, x[3]), regions: in[1].Shape[0], places: in[2].Elem}, nil
}

// roiOp is a RoiAlign. A task is a row of bins of a region. A mean of samples is
// separable: a sum over the rows and columns of pixels in which they lie, each
// with the sum of its weights.
type roiOp struct {
	RoiAlign
	sampler
	maps    int
	size    [2]int
	regions int
	places  tensor.Elem
}

// taps is the largest number of rows, or columns, between which samples of a bin
// lie. If they are counted by pixels, they lie in order.
func (op *roiOp) taps(i int) int {
	if op.Sampling > 0 {
		return 2 * op.Sampling
	}
	return op.size[i]
}

// Scratch is what a sampler needs, and the taps of a row and of a column of bins.
func (op *roiOp) Scratch() int {
	if op.Max {
		return 0
	}
	return 4 * (op.scratch() + 2*(op.taps(0)+op.taps(1)))
}

func (op *roiOp) Tasks(n int) int { return n * op.regions * op.RoiAlign.Size[0] }

func (op *roiOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	y := floats(out[0])
	bins := op.RoiAlign.Size
	line := bins[1] * op.channels
	for task := lo; task < hi; task++ {
		region, row := task/bins[0], task%bins[0]
		var at int64
		if op.places == tensor.I32 {
			at = int64(tensor.Slice[int32](in[2])[region])
		} else {
			at = tensor.Slice[int64](in[2])[region]
		}
		if at < 0 || at >= int64(op.maps) {
			w.Fault = ErrIndex
			return
		}
		area := op.size[0] * op.size[1] * op.channels
		op.row(w, y[task*line:][:line], floats(in[0])[int(at)*area:][:area], floats(in[1])[4*region:][:4], row)
	}
}

// row makes a row of bins.
func (op *roiOp) row(w *Workspace, dst, x, region []float32, row int) {
	down, across, ok := op.grids(region)
	if !ok {
		for c := range dst {
			dst[c] = float32(math.NaN())
		}
		return
	}
	if op.Max {
		for i := range op.RoiAlign.Size[1] {
			op.largest(dst[i*op.channels:][:op.channels], x, down, across, float32(row), float32(i))
		}
		return
	}
	scratch := w.floats()
	list := scratch[op.scratch():]
	rows := op.along(list, down, row, 0)
	list = list[2*op.taps(0):]
	scale := 1 / float32(max(int64(down.count)*int64(across.count), 1))
	for i := range op.RoiAlign.Size[1] {
		columns := op.along(list, across, i, 1)
		op.sum(w, dst[i*op.channels:][:op.channels], x, scratch, &rows, &columns, op.size[1], scale)
	}
}

// along are the taps of all samples of a bin in one direction, in a list.
func (op *roiOp) along(list []float32, g roiGrid, bin, i int) taps {
	t := newTaps(list, op.taps(i))
	lo, hi := op.onMap(g, float32(bin), i)
	for k := lo; k < hi; k++ {
		if s, on := linearTaps(g.at(float32(bin), k), op.size[i]); on {
			t.add(s.at[0], s.weight[0])
			t.add(s.at[1], s.weight[1])
		}
	}
	return t
}

// onMap are the samples of a bin of which some may lie on the map.
func (op *roiOp) onMap(g roiGrid, bin float32, i int) (lo, hi int) {
	if op.Sampling == 0 && g.count > 1 {
		return g.inside(bin, op.size[i])
	}
	return 0, g.count
}

// A roiGrid is the samples of a region in one direction: of bin b sample i lies
// at start + b·bin + (i + ½)·bin/count.
type roiGrid struct {
	start, bin float32
	count      int
}

// grids are those of a region, down and across; false if there are none.
func (op *roiOp) grids(region []float32) (down, across roiGrid, ok bool) {
	var g [2]roiGrid
	for i := range g {
		start, end := float32(region[1-i]*op.Scale), float32(region[3-i]*op.Scale)
		if op.HalfPixel {
			start -= 0.5
			end -= 0.5
		}
		size := end - start
		if !op.HalfPixel {
			size = max(size, 1)
		}
		const most = 1 << 20
		if !(start > -most && start < most && size > -most && size < most) {
			return down, across, false
		}
		g[i] = roiGrid{start: start, bin: size / float32(op.RoiAlign.Size[i]), count: op.Sampling}
		if op.Sampling == 0 {
			g[i].count = max(int(math.Ceil(float64(g[i].bin))), 0)
		}
	}
	return g[0], g[1], true
}

// at is where a sample of a bin lies.
func (g roiGrid) at(bin float32, i int) float32 {
	return g.start + float32(bin*g.bin) + float32((float32(i)+0.5)*g.bin)/float32(g.count)
}

// inside are the samples lo, …, hi−1 of a bin, of those that pixels count, outside
// of which none lies on a map of so many pixels, or less than one outside of it:
// a region may be far larger than the map. Places in float32 are off by less than
// a pixel.
func (g roiGrid) inside(bin float32, size int) (lo, hi int) {
	step := float64(g.bin) / float64(g.count) // ½ at least, of more than one
	at := float64(g.at(bin, 0))
	most := float64(g.count)
	return int(clamp(math.Floor((-2-at)/step)-1, 0, most)), int(clamp(math.Ceil((float64(size)+1-at)/step)+2, 0, most))
}

// largest makes a bin that is a maximum.
func (op *roiOp) largest(dst, x []float32, down, across roiGrid, row, column float32) {
	clear(dst)
	top, bottom := op.onMap(down, row, 0)
	left, right := op.onMap(across, column, 1)
	all := down.count == bottom-top && across.count == right-left
	first := all // of a maximum that no sample outside keeps from being negative
	for i := top; i < bottom; i++ {
		v, ok := linearTaps(down.at(row, i), op.size[0])
		for j := left; j < right; j++ {
			h, on := linearTaps(across.at(column, j), op.size[1])
			if !ok || !on {
				for c := range dst {
					dst[c] = max(dst[c], 0)
					if first {
						dst[c] = 0
					}
				}
				first = false
				continue
			}
			for k := range 4 {
				w := v.weight[k/2] * h.weight[k%2]
				from := x[(v.at[k/2]*op.size[1]+h.at[k%2])*op.channels:][:op.channels]
				for c, e := range from {
					if p := float32(w * e); first {
						dst[c] = p
					} else {
						dst[c] = max(dst[c], p)
					}
				}
				first = false
			}
		}
	}
}

// linearTaps are the two elements of size between which a place lies; false if it
// lies farther than one outside.
func linearTaps(at float32, size int) (t struct {
	at     [2]int
	weight [2]float32
}, on bool) {
	if at < -1 || at > float32(size) {
		return t, false
	}
	at = max(at, 0)
	low := int(at)
	if low >= size-1 {
		t.at, t.weight = [2]int{size - 1, size - 1}, [2]float32{1, 0}
		return t, true
	}
	far := at - float32(low)
	t.at, t.weight = [2]int{low, low + 1}, [2]float32{1 - far, far}
	return t, true
}
