package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// LRN is local response normalisation over channels of an NHWC map, as ONNX
// defines it:
//
//	y[c] = x[c] / (Bias + Alpha/Size · Σ x[i]²)^Beta
//
// where i runs from c − ⌊(Size−1)/2⌋ to c + ⌈(Size−1)/2⌉ inside the map.
type LRN struct {
	Size              int
	Alpha, Beta, Bias float32
}

func (*LRN) Op() string { return "LRN" }

func (*LRN) Order() Order { return Maps }

// Traits counts each term of each sum.
func (l *LRN) Traits(in []tensor.Type, _ []Param) Traits {
	return Traits{Extra: macs(in[0], min(l.Size, in[0].Shape[3]))}
}

func (l *LRN) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := featureMap(l, in, params, 1, 0); err != nil {
		return nil, err
	}
	if err := checkRange(l, "size", l.Size, 1); err != nil {
		return nil, err
	}
	if !tensor.IsFinite(l.Alpha) || !tensor.IsFinite(l.Beta) || !tensor.IsFinite(l.Bias) {
		return nil, errorf(l, "alpha %v, beta %v, bias %v are not all finite", l.Alpha, l.Beta, l.Bias)
	}
	return result(l, in[0], slices.Clone(in[0].Shape)...)
}

func (l *LRN) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := l.Infer(in, params); err != nil {
		return nil, err
	}
	x := in[0].Shape
	return &lrnOp{
		rows:     x[0] * x[1],
		width:    x[2],
		channels: x[3],
		before:   (l.Size - 1) / 2,
		after:    l.Size / 2,
		scale:    float64(l.Alpha) / float64(l.Size),
		beta:     float64(l.Beta),
		bias:     float64(l.Bias),
	}, nil
}

// lrnOp is an LRN. A task is a row of pixels.
type lrnOp struct {
	scratchless
	rows, width, channels int
	before, after         int // channels of the sum before and after the middle
	scale, beta, bias     float64
}

func (op *lrnOp) Tasks(n int) int { return n * op.rows }

func (op *lrnOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	operand, result := floats(in[0]), floats(out[0])
	for pixel := lo * op.width; pixel < hi*op.width; pixel++ {
		x := operand[pixel*op.channels:][:op.channels]
		y := result[pixel*op.channels:][:op.channels]
		for c, v := range x {
			// Each sum is taken afresh: one that slides would carry an infinity or
			// a NaN on to channels that do not see it.
			sum := 0.0
			for _, u := range x[max(c-op.before, 0) : c+1+min(op.after, len(x)-1-c)] {
				sum += float64(u) * float64(u)
			}
			y[c] = float32(float64(v) / op.power(op.bias+float64(op.scale*sum)))
		}
	}
}

// power is x^Beta. The Beta of nearly all networks is 0.75, for which two
// roots are several times faster.
func (op *lrnOp) power(x float64) float64 {
	if op.beta == 0.75 {
		root := math.Sqrt(x)
		return root * math.Sqrt(root)
	}
	return math.Pow(x, op.beta)
}
