package onnx

import (
	"math"

	"github.com/infer-go/infer/weights"
)

// noise is how far a value is from what it should be, summed over elements.
type noise struct{ signal, error float64 }

// add looks at a value of an item, and at what it should be.
func (n *noise) add(got, want []float32) {
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		n.signal += float64(w) * float64(w)
		n.error += d * d
	}
}

// decibels is the ratio of signal to noise: infinite where there is no noise.
func (n *noise) decibels() float64 {
	if n.error == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(n.signal/n.error)
}

// A QuantisationReport compares a quantised net with the float net, on the
// calibration data.
type QuantisationReport struct {
	Items int

	// Layers are the operations that are computed in integers, and convolutions
	// and fully connected layers that are not, in the order in which they run.
	Layers []QuantisedLayer

	// SNR is the signal-to-noise ratio of all outputs together, in decibels.
	// Largest is the largest difference in an element of the first output,
	// and Range the difference between its largest and its smallest element.
	SNR            float64
	Largest, Range float64

	// Changed is the number of items for which another element of the first
	// output is the greatest; −1 if the net is not a classifier.
	Changed int

	// Corrected says that biases compensate for what rounding adds to the
	// means of results.
	Corrected bool
}

// A QuantisedLayer is one operation of a quantised net.
type QuantisedLayer struct {
	Name, Op string

	// SNR is the power of the result divided by the power of its difference
	// from the float net's, in decibels. The difference includes everything
	// that comes from earlier layers.
	SNR float64

	// Float says why the layer is computed in float32. It is empty if the
	// layer is computed in integers.
	Float string
}

// A netComparison compares two nets, which compute the same, item by item.
type netComparison struct {
	plain, other *evaluator
	pairs        []comparedValues // values of the first, and those of the second
	noises       []noise
	outputs      noise
	changed      int
	largest      float64
	lo, hi       float64
	buf          []float32
}

// comparedValues are the numbers of a value in two nets.
type comparedValues struct{ plain, other int }

func newNetComparison(plain, other *evaluator, pairs []comparedValues) *netComparison {
	return &netComparison{plain: plain, other: other, pairs: pairs, noises: make([]noise, len(pairs)), lo: math.Inf(1), hi: math.Inf(-1)}
}

// layers looks at all pairs of values that have been computed.
func (c *netComparison) layers() {
	for i, p := range c.pairs {
		if p.other < 0 {
			continue
		}
		want := c.plain.floats(p.plain, nil)
		got := c.other.floats(p.other, c.buf)
		c.noises[i].add(got, want)
		if c.other.net.Values[p.other].Quantised() {
			c.buf = got
		}
	}
}

// ends looks at outputs.
func (c *netComparison) ends() {
	for i, v := range c.plain.net.Outputs[:len(c.other.net.Outputs)] {
		want, got := c.plain.floats(v, nil), c.other.floats(c.other.net.Outputs[i], nil)
		c.outputs.add(got, want)
		if i > 0 {
			continue
		}
		for j, w := range want {
			c.largest = max(c.largest, math.Abs(float64(got[j])-float64(w)))
			c.lo, c.hi = min(c.lo, float64(w)), max(c.hi, float64(w))
		}
		if greatest(want) != greatest(got) {
			c.changed++
		}
	}
}

// greatest is the place of the greatest element.
func greatest(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// namesClasses says whether the greatest element of the first output is what a net
// answers.
func namesClasses(a weights.Answer, net *weights.Net) bool {
	return (a.Kind == weights.Scores || a.Kind == weights.Probabilities) && net.Values[net.Outputs[0]].Shape.Volume() > 1
}
