package kernels

// ResizeMode is how a resized map is sampled.
type ResizeMode uint8

const (
	Nearest ResizeMode = iota
	Linear
)

// Coordinates maps an output coordinate to an input coordinate, as ONNX's
// Resize names them.
type Coordinates uint8

const (
	HalfPixel Coordinates = iota
	PytorchHalfPixel
	AlignCorners
	Asymmetric
)

// Rounding is how Nearest rounds a coordinate.
type Rounding uint8

const (
	RoundPreferFloor Rounding = iota
	RoundPreferCeil
	RoundFloor
	RoundCeil
)

// Resize samples an NHWC map anew. Size is the result's height and width.
// Scale is output size over input size, as the model gives it: where it is
// no quotient of whole sizes, coordinates follow it and not Size.
type Resize struct {
	Mode        ResizeMode
	Coordinates Coordinates
	Rounding    Rounding
	Scale       [2]float32
	Size        [2]int
}

func (*Resize) Op() string { return "Resize" }

func (r *Resize) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := featureMap(r, in, params, 1, 0); err != nil {
		return nil, err
	}
	if r.Mode > Linear || r.Coordinates > Asymmetric || r.Rounding > RoundCeil {
		return nil, errorf(r, "unknown mode %d, coordinates %d or rounding %d", r.Mode, r.Coordinates, r.Rounding)
	}
	for _, scale := range r.Scale {
		if !isFinite(scale) || scale <= 0 {
			return nil, errorf(r, "scale %v", scale)
		}
	}
	return result(r, in[0][0], r.Size[0], r.Size[1], in[0][3])
}
