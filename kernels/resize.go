package kernels

import (
	"bytes"
	"math"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// ResizeMode is how a resized map is sampled.
type ResizeMode uint8

const (
	Nearest ResizeMode = iota
	Linear
	Cubic
	SmoothLinear // antialiased: with windows that grow as the map shrinks
	SmoothCubic
)

// Coordinates says how a result's coordinate is mapped to the operand's; the
// names are those of ONNX's Resize.
type Coordinates uint8

const (
	HalfPixel Coordinates = iota
	PytorchHalfPixel
	AlignCorners
	Asymmetric
	HalfPixelSymmetric
	CropAndResize // TensorFlow's, for the part Crop of the map
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
// columns. Scale is output size over input size, as the model gives it; 0 is that
// of Size over the operand's, whatever it is.
//
// If Scale is not a quotient of whole sizes, coordinates follow Scale, not Size,
// with three exceptions. A map whose height and width both stay the same is
// copied, as in ONNX Runtime. AlignCorners aligns the corners of the result with
// those of the operand, so that only Size counts: PyTorch and ONNX Runtime
// compute this, whereas ONNX's reference implementation divides by input size ·
// Scale − 1 and misses the last corner. HalfPixelSymmetric follows Scale from
// the centre of the map, where the centres of both maps, by Size, coincide.
//
// A result of Linear and Cubic differs from the exact weighted sum by at most
// 16·2⁻²⁴·Σ|wᵢ·xᵢ|. Elements with a weight of 0 are not read: an infinity
// beside a whole coordinate does not spread. Linear and Cubic are for float32;
// Nearest takes elements of any type.
//
// Rounding is for Nearest. CubicA, for Cubic and SmoothCubic, is the parameter of
// Keys' weights. With ExcludeOutside, for these and SmoothLinear, neighbours
// outside the map have no weight; otherwise they equal the element at the edge. In
// other modes these fields are zero.
//
// CropAndResize follows ONNX's specification; ONNX Runtime ignores Crop in a
// direction whose Scale is 1.
//
// Crop and Extrapolation are for CropAndResize, and zero otherwise. Crop is the
// part of the map that the result shows, as top, left, bottom and right, where 0
// and 1 are the centres of the outermost elements; Extrapolation is the value
// outside the map.
type Resize struct {
	Mode        ResizeMode
	Coordinates Coordinates
	Rounding    Rounding
	Scale       [2]float32
	Size        [2]int

	CubicA         float32
	ExcludeOutside bool
	Crop           [4]float32
	Extrapolation  float32
}

// MaxResized is the largest height or width of a Resize's result.
const MaxResized = 1 << 20

func (*Resize) Op() string { return "Resize" }

func (*Resize) Order() Order { return Maps }

// Moves is true for Nearest, which takes elements unchanged.
func (r *Resize) Moves() bool { return r.Mode == Nearest }

func (r *Resize) Extents() []int { return r.Size[:] }

func (r *Resize) WithExtents(extents []int) Spec {
	other := *r
	other.Size = [2]int(extents)
	return &other
}

// scaled is r with the scales that it has for a map, which is one of pixels.
func (r *Resize) scaled(x tensor.Shape) *Resize {
	other := *r
	for i, scale := range r.Scale {
		if scale == 0 {
			other.Scale[i] = float32(float64(r.Size[i]) / float64(x[1+i]))
		}
	}
	return &other
}

func (r *Resize) Traits(in []tensor.Type, _ []Param) Traits {
	if r = r.scaled(in[0].Shape); !r.smooth() {
		return Traits{TableEntries: r.Size[0] + r.Size[1]}
	}
	// The rows of the map that a row of the result is made of, and its pixels.
	x := in[0].Shape
	taps := [2]int{}
	for i := range taps {
		taps[i] = int(min(2*r.reach()*r.stretch(i)+2, float64(x[1+i])))
	}
	rows := tensor.Saturated(x[0], r.Size[0], taps[0], x[2], x[3])
	pixels := tensor.Saturated(x[0], r.Size[0], r.Size[1], taps[1], x[3])
	return Traits{TableEntries: r.smoothEntries(x), Extra: rows + min(pixels, math.MaxInt64-rows)}
}

func (r *Resize) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(r, in, params, 1, 0); err != nil {
		return nil, err
	}
	if err := checkMap(r, in); err != nil {
		return nil, err
	}
	if r.Mode != Nearest && in[0].Elem != tensor.F32 {
		return nil, errorf(r, "operand 0 is %v, which only mode nearest supports: the others need f32", in[0])
	}
	if r.Mode > SmoothCubic || r.Coordinates > CropAndResize || r.Rounding > RoundCeil {
		return nil, errorf(r, "unknown mode %d, coordinates %d or rounding %d", r.Mode, r.Coordinates, r.Rounding)
	}
	switch {
	case r.Mode != Cubic && r.Mode != SmoothCubic && r.CubicA != 0, r.Mode < Cubic && r.ExcludeOutside:
		return nil, errorf(r, "mode %d has no CubicA or no ExcludeOutside", r.Mode)
	case r.Coordinates != CropAndResize && (r.Crop != [4]float32{} || r.Extrapolation != 0):
		return nil, errorf(r, "coordinates %d have no Crop and no Extrapolation", r.Coordinates)
	case r.Coordinates == CropAndResize && !r.hasCrop(in[0]):
		return nil, errorf(r, "crop %v is not finite, or there is no %v that is %v", r.Crop, in[0].Elem, r.Extrapolation)
	case !tensor.IsFinite(r.CubicA):
		return nil, errorf(r, "CubicA %v is not finite", r.CubicA)
	}
	for _, scale := range r.Scale {
		if !tensor.IsFinite(scale) || scale < 0 {
			return nil, errorf(r, "scale %v is negative, or not finite", scale)
		}
	}
	for i, scale := range r.scaled(in[0].Shape).Scale {
		if r.smooth() && 1/float64(scale) > float64(in[0].Shape[1+i])+1 {
			return nil, errorf(r, "scale %v leaves nothing of %d rows or columns", scale, in[0].Shape[1+i])
		}
	}
	if max(r.Size[0], r.Size[1]) > MaxResized {
		return nil, errorf(r, "the result's map of %s is larger than %d", tensor.Dims(r.Size[:]...), MaxResized)
	}
	return result(r, in[0], in[0].Shape[0], r.Size[0], r.Size[1], in[0].Shape[3])
}

// hasCrop says that Crop and Extrapolation are numbers, of which the latter is an
// element of x.
func (r *Resize) hasCrop(x tensor.Type) bool {
	for _, v := range r.Crop {
		if !tensor.IsFinite(v) {
			return false
		}
	}
	_, err := x.Encode(r.Extrapolation)
	return err == nil && !tensor.IsNaN(r.Extrapolation)
}

func (r *Resize) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := r.Infer(in, params); err != nil {
		return nil, err
	}
	r = r.scaled(in[0].Shape)
	op := r.bind(t, in[0])
	if r.Coordinates != CropAndResize {
		return op, nil
	}
	x := in[0].Shape
	fill, _ := in[0].Encode(r.Extrapolation)
	return &croppedOp{Op: op, rows: r.outside(0, x[1]), cols: r.outside(1, x[2]), pixel: bytes.Repeat(fill, x[3])}, nil
}

// bind is Bind, with the edge of the map where CropAndResize reads outside.
func (r *Resize) bind(t *Tier, operand tensor.Type) Op {
	x := operand.Shape
	same := r.Size == [2]int{x[1], x[2]} && r.Coordinates != CropAndResize
	if r.smooth() {
		return &smoothOp{
			maps: x[0], height: x[1], width: x[2], channels: x[3],
			rows: r.smoothSamples(0, x[1]), cols: r.smoothSamples(1, x[2]),
		}
	}
	if r.Mode == Nearest && operand.Elem != tensor.F32 {
		pixel := x[3] * operand.Elem.Size()
		return &nearestOp{
			maps: x[0], size: x[1] * x[2] * pixel, pixel: pixel,
			rows: r.samples(0, x[1], x[2]*pixel, same),
			cols: r.samples(1, x[2], pixel, same),
		}
	}
	return &resizeOp{
		blender: newBlender(t, x[3]),
		maps:    x[0],
		height:  x[1], width: x[2],
		rows: r.samples(0, x[1], 4*x[2]*x[3], same),
		cols: r.samples(1, x[2], 4*x[3], same),
	}
}

// samples are what the rows (i = 0) or columns (i = 1) are the weighted sums
// of, of a map that has size of them, stride bytes apart: those themselves, where the
// map keeps the same size.
func (r *Resize) samples(i, size, stride int, same bool) []asm.Sample {
	s := make([]asm.Sample, r.Size[i])
	for o := range s {
		x := float64(o)
		if !same {
			x = r.coordinate(i, size, o)
		}
		switch r.Mode {
		case Nearest:
			s[o] = linear(min(max(r.Rounding.round(x), 0), float64(size-1)))
		case Linear:
			s[o] = linear(min(max(x, 0), float64(size-1)))
		default:
			s[o] = r.cubic(x, size)
		}
		for t := range s[o].At {
			s[o].At[t] *= stride
		}
	}
	return s
}

// linear is the sample of a coordinate inside the map: a mean of its two
// neighbours. One without weight is not looked at: if it held an infinity, the
// sum would be NaN.
func linear(x float64) asm.Sample {
	low := math.Floor(x)
	if x == low {
		return asm.Sample{Taps: 1, At: [4]int{int(low)}, Weight: [4]float32{1}}
	}
	return asm.Sample{Taps: 2, At: [4]int{int(low), int(low) + 1}, Weight: [4]float32{float32(1 - (x - low)), float32(x - low)}}
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
	case CropAndResize:
		start, end := float64(r.Crop[i]), float64(r.Crop[2+i])
		if r.Size[i] == 1 {
			return (start + end) / 2 * (in - 1)
		}
		return float64(start*(in-1)) + float64(o)*(end-start)*(in-1)/float64(r.Size[i]-1)
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

// half is how close to a half a coordinate is taken for one, as in ONNX Runtime:
// rounding may have put it there.
const half = 1e-6

// round rounds a coordinate to a whole one.
func (r Rounding) round(x float64) float64 {
	switch r {
	case RoundPreferCeil:
		return math.Floor(x + (0.5 + half))
	case RoundFloor:
		return math.Floor(x)
	case RoundCeil:
		return math.Ceil(x)
	}
	return math.Ceil(x - (0.5 + half))
}

// resizeOp is a Resize. A task is a row of results: first a weighted sum of the
// operand's rows, then one of that row's pixels for each column.
type resizeOp struct {
	blender
	maps, height, width int
	rows, cols          []asm.Sample
	offset              int // of the result's channels in its pixels
}

// Place makes op a Placer.
func (op *resizeOp) Place(first, channels int) Op {
	placed := *op
	placed.offset, placed.pixel = first, channels
	return &placed
}

func (op *resizeOp) Scratch() int { return 4 * op.width * op.channels }

func (op *resizeOp) Tasks(n int) int { return n * op.maps * len(op.rows) }

func (op *resizeOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	operand, result := floats(in[0]), floats(out[0])
	line := op.width * op.channels
	for task := lo; task < hi; task++ {
		x := operand[task/len(op.rows)*op.height*line:][:op.height*line]
		row := &op.rows[task%len(op.rows)]
		if row.Taps == 1 && row.Weight[0] == 1 {
			x = x[row.At[0]/4:][:line]
		} else {
			mixed := w.floats()[:line]
			op.mixRows(w, mixed, x, row)
			x = mixed
		}
		op.pixels(w, result[task*len(op.cols)*op.pixel+op.offset:], x, op.cols)
	}
}

// mixRows sets dst to a weighted sum of rows of x, some elements in each call,
// so that each is short.
func (op *resizeOp) mixRows(w *Workspace, dst, x []float32, row *asm.Sample) {
	a := &w.blend
	a.Samples, a.Pixels = row, 1
	for from := 0; from < len(dst); from += taskSize {
		a.X, a.Y, a.C = &x[from], &dst[from], min(taskSize, len(dst)-from)
		op.kernel(a)
	}
}

// nearestOp is a Resize that takes pixels as they are, whatever their elements.
// A task is a row of results.
type nearestOp struct {
	scratchless
	maps        int
	size, pixel int // of a map and of a pixel, in bytes
	rows, cols  []asm.Sample
}

func (op *nearestOp) Tasks(n int) int { return n * op.maps * len(op.rows) }

func (op *nearestOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	for task := lo; task < hi; task++ {
		x := in[0][task/len(op.rows)*op.size+op.rows[task%len(op.rows)].At[0]:]
		y := out[0][task*len(op.cols)*op.pixel:]
		for o := range op.cols {
			copy(y[o*op.pixel:][:op.pixel], x[op.cols[o].At[0]:])
		}
	}
}
