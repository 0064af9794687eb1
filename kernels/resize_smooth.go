package kernels

import (
	"math"

	"github.com/infer-go/infer/tensor"
)

// smooth says that windows grow with a map that shrinks.
func (r *Resize) smooth() bool { return r.Mode == SmoothLinear || r.Mode == SmoothCubic }

// reach is how many elements of a map that does not shrink a window holds on
// either side of its centre.
func (r *Resize) reach() float64 {
	if r.Mode == SmoothCubic {
		return 2
	}
	return 1
}

// smoothTaps are the rows or columns that one of the result is a weighted sum of:
// those from first on, as many as there are weights.
type smoothTaps struct {
	first   int
	weights []float32
}

// stretch is how far apart the elements of a window stand in the result of a map
// that has size of them.
func (r *Resize) stretch(i int) float64 { return max(1/float64(r.Scale[i]), 1) }

// smoothSamples are samples of the modes that smooth: the formulas are those of
// ONNX Runtime, whose windows are the filter's, stretched as far as the map
// shrinks. What a window would hold outside of the map is the map's edge, or with
// ExcludeOutside has no weight.
func (r *Resize) smoothSamples(i, size int) []smoothTaps {
	stretch := r.stretch(i)
	support := r.reach() * stretch
	taps := make([]smoothTaps, r.Size[i])
	for o := range taps {
		// Beyond this all of a window is outside, on that side.
		centre := clamp(r.coordinate(i, size, o)+0.5, -support-2, float64(size)+support+2)
		first, last := int(math.Floor(centre-support+0.5)), int(math.Floor(centre+support+0.5)) // and not last itself
		lo, hi := min(max(first, 0), size-1), min(max(last, 1), size)
		weights := make([]float64, hi-lo)
		sum := 0.0
		for k := first; k < last; k++ {
			w := r.filter((float64(k) - centre + 0.5) / stretch)
			if k < 0 || k >= size {
				if r.ExcludeOutside {
					continue
				}
			}
			weights[min(max(k, 0), size-1)-lo] += w
			sum += w
		}
		if sum == 0 {
			sum = 1
		}
		taps[o] = smoothTaps{lo, make([]float32, len(weights))}
		for k, w := range weights {
			taps[o].weights[k] = float32(w / sum)
		}
	}
	return taps
}

// filter is the weight at a distance from the centre.
func (r *Resize) filter(x float64) float64 {
	x = math.Abs(x)
	switch {
	case r.Mode == SmoothLinear:
		return max(1-x, 0)
	case x >= 2:
		return 0
	case x < 1:
		return cubicWeights(x, float64(r.CubicA))[1]
	}
	return cubicWeights(x-1, float64(r.CubicA))[0]
}

// smoothEntries bounds the tables of smoothSamples: a weight is a 25th of an
// entry.
func (r *Resize) smoothEntries(in tensor.Shape) int {
	entries := 0
	for i := range 2 {
		taps := min(2*r.reach()*r.stretch(i)+2, float64(in[1+i]))
		n := float64(r.Size[i]) * (1 + taps/25)
		entries += int(min(n, math.MaxInt32/2))
	}
	return entries
}

// smoothOp is a Resize of a mode that smooths. A task is a row of results: first a
// weighted sum of the operand's rows, then one of that row's pixels for each
// column.
type smoothOp struct {
	maps, height, width, channels int
	rows, cols                    []smoothTaps
}

func (op *smoothOp) Scratch() int { return 4 * op.width * op.channels }

func (op *smoothOp) Tasks(n int) int { return n * op.maps * len(op.rows) }

func (op *smoothOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	operand, result := floats(in[0]), floats(out[0])
	line := op.width * op.channels
	for task := lo; task < hi; task++ {
		x := operand[task/len(op.rows)*op.height*line:][:op.height*line]
		mixed := w.floats()[:line]
		mixSmooth(mixed, x, &op.rows[task%len(op.rows)])
		y := result[task*len(op.cols)*op.channels:][:len(op.cols)*op.channels]
		for o := range op.cols {
			mixSmooth(y[o*op.channels:][:op.channels], mixed, &op.cols[o])
		}
	}
}

// mixSmooth sets dst to a weighted sum of stretches of x, each as long as dst.
// What has no weight is not looked at.
func mixSmooth(dst, x []float32, taps *smoothTaps) {
	clear(dst)
	for k, w := range taps.weights {
		if w == 0 {
			continue
		}
		for i, v := range x[(taps.first+k)*len(dst):][:len(dst)] {
			dst[i] += float32(w * v)
		}
	}
}

// outside says of each of the result's rows (i = 0) or columns (i = 1) whether it
// lies outside of a map that has size of them.
func (r *Resize) outside(i, size int) []bool {
	out := make([]bool, r.Size[i])
	for o := range out {
		x := r.coordinate(i, size, o)
		out[o] = !(x >= 0 && x <= float64(size-1))
	}
	return out
}

// croppedOp is a Resize of CropAndResize: another whose results outside of the map
// are then replaced. A task is a row of results in both.
type croppedOp struct {
	Op
	rows, cols []bool
	pixel      []byte // of the Extrapolation
}

func (op *croppedOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	op.Op.Run(w, in, out, n, lo, hi)
	for task := lo; task < hi; task++ {
		line := out[0][task*len(op.cols)*len(op.pixel):]
		for o, outside := range op.cols {
			if outside || op.rows[task%len(op.rows)] {
				copy(line[o*len(op.pixel):], op.pixel)
			}
		}
	}
}
