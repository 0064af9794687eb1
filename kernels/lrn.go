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

// maxAfresh is the greatest number of terms of sums that are taken afresh for
// each channel.
const maxAfresh = 32

// terms is the number of terms of a sum.
func (l *LRN) terms(channels int) int { return min(l.Size, channels) }

// Traits counts each term of sums that are computed anew for each channel.
// Longer sums, which lrnOp.halves updates at their ends, take about as long as
// five terms.
func (l *LRN) Traits(in []tensor.Type, _ []Param) Traits {
	terms := l.terms(in[0].Shape[3])
	if terms > maxAfresh {
		terms = 5
	}
	return Traits{Extra: macs(in[0], terms)}
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
		before:   min((l.Size-1)/2, x[3]-1),
		after:    min(l.Size/2, x[3]-1),
		halved:   l.terms(x[3]) > maxAfresh,
		scale:    float64(l.Alpha) / float64(l.Size),
		beta:     float64(l.Beta),
		bias:     float64(l.Bias),
	}, nil
}

// lrnOp is an LRN. A task is a row of pixels.
type lrnOp struct {
	rows, width, channels int
	before, after         int  // channels of the sum before and after the middle
	halved                bool // see halves
	scale, beta, bias     float64
}

func (op *lrnOp) Tasks(n int) int { return n * op.rows }

// Scratch is for the sums of a block: see halves.
func (op *lrnOp) Scratch() int {
	if !op.halved {
		return 0
	}
	return 8 * min(op.window(), op.channels)
}

// window is the number of channels of a sum, those outside the map included.
func (op *lrnOp) window() int { return op.before + 1 + op.after }

func (op *lrnOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	operand, result := floats(in[0]), floats(out[0])
	for pixel := lo * op.width; pixel < hi*op.width; pixel++ {
		x := operand[pixel*op.channels:][:op.channels]
		y := result[pixel*op.channels:][:op.channels]
		if op.halved {
			op.halves(x, y, tensor.Slice[uint64](w.Scratch))
			continue
		}
		for c, v := range x {
			// Each sum is taken afresh: one that slides would carry an infinity or
			// a NaN on to channels that do not see it.
			sum := 0.0
			for _, u := range x[max(c-op.before, 0) : c+1+min(op.after, len(x)-1-c)] {
				sum += squared(u)
			}
			y[c] = op.normal(v, sum)
		}
	}
}

// halves computes a pixel whose windows have many channels, in a time that does
// not grow with the window. The windows' first channels are cut into blocks as
// long as a window, so that each window is the end of one block and the
// beginning of the next. The sums of all ends of a block are taken backwards
// and kept, as bits; those of the beginnings grow from one window to the next.
// Nothing is ever subtracted: an infinity or a NaN is in the sums of exactly
// the windows that see it.
func (op *lrnOp) halves(x, y []float32, ends []uint64) {
	window := op.window()
	for from := 0; from < len(x); from += window {
		// The window of channel c begins with channel c − before, which may be
		// outside the map.
		first := from - op.before
		next := first + window // the next block
		block := y[from:min(from+window, len(x))]
		sum := 0.0
		for i := min(next, len(x)) - 1; i >= max(first, 0); i-- {
			sum += squared(x[i])
			if j := i - first; j < len(block) {
				ends[j] = math.Float64bits(sum)
			}
		}
		for j := range min(-first, len(block)) {
			ends[j] = math.Float64bits(sum) // what is outside adds nothing
		}
		sum = 0
		for j := range block {
			block[j] = op.normal(x[from+j], math.Float64frombits(ends[j])+sum)
			if i := next + j; i < len(x) {
				sum += squared(x[i])
			}
		}
	}
}

func squared(x float32) float64 { return float64(x) * float64(x) }

// normal is x over the power of its sum.
func (op *lrnOp) normal(x float32, sum float64) float32 {
	return float32(float64(x) / op.power(op.bias+float64(op.scale*sum)))
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
