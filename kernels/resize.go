package kernels

import (
	"math"

	"github.com/infer-go/infer/tensor"
)

// ResizeMode is how a resized map is sampled.
type ResizeMode uint8

const (
	Nearest ResizeMode = iota
	Linear
	Cubic
)

// Coordinates maps an output coordinate to an input coordinate, as ONNX's
// Resize names them.
type Coordinates uint8

const (
	HalfPixel Coordinates = iota
	PytorchHalfPixel
	AlignCorners
	Asymmetric
	HalfPixelSymmetric
)

// Rounding is how Nearest rounds a coordinate.
type Rounding uint8

const (
	RoundPreferFloor Rounding = iota
	RoundPreferCeil
	RoundFloor
	RoundCeil
)

// Resize samples an NHWC map anew. Size is the result's height and width, at
// most MaxResized each, since Bind makes a table of the rows and of the
// columns. Scale is output size over input size, as the model gives it.
//
// Where Scale is no quotient of whole sizes, coordinates follow it and not
// Size, with two exceptions. AlignCorners puts the corners of the result on
// those of the operand, so that Size alone counts: this is what PyTorch and
// ONNX Runtime compute, whereas ONNX's reference implementation divides by
// input size · Scale − 1 and misses the last corner. HalfPixelSymmetric
// follows Scale from the middle of the map, where the two maps' middles, by
// Size, coincide.
//
// Elements of any type are sampled by Nearest, float32 by the others.
//
// Rounding is for Nearest. CubicA and ExcludeOutside are for Cubic: the
// parameter of Keys' weights, and whether neighbours outside the map have no
// weight; otherwise they are what the map's edge is. In other modes both are
// zero.
type Resize struct {
	Mode        ResizeMode
	Coordinates Coordinates
	Rounding    Rounding
	Scale       [2]float32
	Size        [2]int

	CubicA         float32
	ExcludeOutside bool
}

// MaxResized is the largest height or width of a Resize's result.
const MaxResized = 1 << 20

func (*Resize) Op() string { return "Resize" }

func (*Resize) Order() Order { return Maps }

func (r *Resize) Traits([]tensor.Type, []Param) Traits {
	return Traits{TableEntries: r.Size[0] + r.Size[1]}
}

func (r *Resize) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(r, in, params, 1, 0); err != nil {
		return nil, err
	}
	if err := checkMap(r, in); err != nil {
		return nil, err
	}
	if r.Mode != Nearest && in[0].Elem != tensor.F32 {
		return nil, errorf(r, "operand 0 is %v, of which only the nearest element can be taken: others are computed of f32", in[0])
	}
	if r.Mode > Cubic || r.Coordinates > HalfPixelSymmetric || r.Rounding > RoundCeil {
		return nil, errorf(r, "unknown mode %d, coordinates %d or rounding %d", r.Mode, r.Coordinates, r.Rounding)
	}
	switch {
	case r.Mode != Cubic && (r.CubicA != 0 || r.ExcludeOutside):
		return nil, errorf(r, "mode %d has no CubicA and no ExcludeOutside", r.Mode)
	case !tensor.IsFinite(r.CubicA):
		return nil, errorf(r, "CubicA %v is not finite", r.CubicA)
	}
	for _, scale := range r.Scale {
		if !tensor.IsFinite(scale) || scale <= 0 {
			return nil, errorf(r, "scale %v is not positive and finite", scale)
		}
	}
	if max(r.Size[0], r.Size[1]) > MaxResized {
		return nil, errorf(r, "the result's map of %s is larger than %d", tensor.Dims(r.Size[:]...), MaxResized)
	}
	return result(r, in[0], in[0].Shape[0], r.Size[0], r.Size[1], in[0].Shape[3])
}

func (r *Resize) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := r.Infer(in, params); err != nil {
		return nil, err
	}
	x := in[0].Shape
	if r.Mode == Cubic {
		return &cubicOp{
			maps:   x[0],
			height: x[1], width: x[2], channels: x[3],
			rows: r.cubicSamples(0, x[1]),
			cols: r.cubicSamples(1, x[2]),
		}, nil
	}
	if r.Mode == Nearest && in[0].Elem != tensor.F32 {
		return &nearestOp{maps: x[0], width: x[2], item: x[1:].Volume(), pixel: x[3] * in[0].Elem.Size(), size: in[0].Elem.Size(), rows: r.samples(0, x[1]), cols: r.samples(1, x[2])}, nil
	}
	return &resizeOp{
		maps:   x[0],
		height: x[1], width: x[2], channels: x[3],
		rows: r.samples(0, x[1]),
		cols: r.samples(1, x[2]),
	}, nil
}

// A sample is where a result's row or column comes from: the weighted sum of
// one or two of the operand's.
type sample struct {
	at     [2]int
	weight [2]float64
	taps   int
}

// samples are where the rows (i = 0) or columns (i = 1) come from, of a map
// that has size of them.
func (r *Resize) samples(i, size int) []sample {
	s := make([]sample, r.Size[i])
	for o := range s {
		x := r.coordinate(i, size, o)
		if r.Mode == Nearest {
			x = r.Rounding.round(x)
		}
		x = min(max(x, 0), float64(size-1))
		low := math.Floor(x)
		s[o] = sample{at: [2]int{int(low), int(low) + 1}, weight: [2]float64{1 - (x - low), x - low}, taps: 2}
		if x == low {
			// A row without weight is not looked at: if it held an infinity, the
			// sum would be NaN.
			s[o].taps = 1
		}
	}
	return s
}

// coordinate is the operand's coordinate of the result's o-th row or column,
// by the formulas of ONNX Runtime's Resize.
func (r *Resize) coordinate(i, size, o int) float64 {
	// The sizes' quotient is used where the scale is that, rounded: it makes
	// coordinates that are whole come out whole.
	in, out := float64(size), float64(r.Size[i])
	exact := r.Scale[i] == float32(out/in)
	if !exact {
		out = in * float64(r.Scale[i])
	}
	// A scale of 0.6 is not quite 0.6; rounded to its own precision, 3/0.6 is 5.
	rounded := func(x float64) float64 {
		if exact {
			return x
		}
		return float64(float32(x))
	}
	switch r.Coordinates {
	case AlignCorners:
		if r.Size[i] == 1 {
			return 0
		}
		return float64(o) * float64(size-1) / float64(r.Size[i]-1)
	case Asymmetric:
		return rounded(float64(o) * in / out)
	case PytorchHalfPixel:
		if r.Size[i] == 1 {
			return 0
		}
	case HalfPixelSymmetric:
		return symmetric(size, r.Size[i], o, r.Scale[i])
	}
	return rounded((float64(o)+0.5)*in/out) - 0.5
}

// symmetric is a coordinate of HalfPixelSymmetric. Every value has the
// precision that it has in ONNX Runtime: with a scale of 0.6, which is not
// quite 0.6, 3/0.6 is less than 5 in this mode alone, and Nearest should find
// the same element.
func symmetric(size, resized, o int, scale float32) float64 {
	adjustment := float32(resized) / float32(scale*float32(size))
	offset := float32(float32(size) / 2 * (1 - adjustment))
	coordinate := float32(float64(offset) + (float64(o)+0.5)/float64(scale) - 0.5)
	if !tensor.IsFinite(coordinate) {
		return 0 // of a scale so small that nothing is left of the map
	}
	return float64(coordinate)
}

// round rounds a coordinate to a whole one.
func (r Rounding) round(x float64) float64 {
	switch r {
	case RoundPreferCeil:
		return math.Floor(x + 0.5)
	case RoundFloor:
		return math.Floor(x)
	case RoundCeil:
		return math.Ceil(x)
	}
	return math.Ceil(x - 0.5)
}

// resizeOp is a Resize. A task is a row of results.
type resizeOp struct {
	scratchless
	maps, height, width, channels int
	rows, cols                    []sample
}

func (op *resizeOp) Tasks(n int) int { return n * op.maps * len(op.rows) }

func (op *resizeOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	operand, result := floats(in[0]), floats(out[0])
	item := op.height * op.width * op.channels
	for task := lo; task < hi; task++ {
		x := operand[task/len(op.rows)*item:][:item]
		dst := result[task*len(op.cols)*op.channels:]
		row := &op.rows[task%len(op.rows)]
		for o := range op.cols {
			op.pixel(dst[o*op.channels:][:op.channels], x, row, &op.cols[o])
		}
	}
}

// pixel is the weighted sum of one, two or four pixels.
func (op *resizeOp) pixel(dst, x []float32, row, col *sample) {
	at := func(i, j int) []float32 {
		return x[(row.at[i]*op.width+col.at[j])*op.channels:][:len(dst)]
	}
	switch {
	case row.taps == 1 && col.taps == 1:
		copy(dst, at(0, 0))
	case row.taps == 1:
		mix(dst, at(0, 0), at(0, 1), col.weight)
	case col.taps == 1:
		mix(dst, at(0, 0), at(1, 0), row.weight)
	default:
		a, b, c, d := at(0, 0), at(0, 1), at(1, 0), at(1, 1)
		for i := range dst {
			top := weigh(float64(a[i]), float64(b[i]), col.weight)
			bottom := weigh(float64(c[i]), float64(d[i]), col.weight)
			dst[i] = float32(weigh(top, bottom, row.weight))
		}
	}
}

func mix(dst, a, b []float32, weight [2]float64) {
	for i := range dst {
		dst[i] = float32(weigh(float64(a[i]), float64(b[i]), weight))
	}
}

// weigh is a weighted sum whose products are rounded, so that no compiler
// fuses them with the sum, and all processors agree.
func weigh(a, b float64, weight [2]float64) float64 {
	return float64(a*weight[0]) + float64(b*weight[1])
}

// nearestOp is a Resize that takes pixels as they are, whatever their elements.
// A task is a row of results.
type nearestOp struct {
	scratchless
	maps, width int
	item        int // elements of a map
	size, pixel int // bytes of an element, and of a pixel
	rows, cols  []sample
}

func (op *nearestOp) Tasks(n int) int { return n * op.maps * len(op.rows) }

func (op *nearestOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	for task := lo; task < hi; task++ {
		x := in[0][(task/len(op.rows)*op.item)*op.size:]
		x = x[op.rows[task%len(op.rows)].at[0]*op.width*op.pixel:]
		y := out[0][task*len(op.cols)*op.pixel:]
		for o := range op.cols {
			copy(y[o*op.pixel:][:op.pixel], x[op.cols[o].at[0]*op.pixel:])
		}
	}
}
