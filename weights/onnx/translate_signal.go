package onnx

import (
	"math"

	"github.com/infer-go/infer/tensor"
)

// window computes a window of constant size whose elements are a function of the
// angle, which goes from 0 to 2π.
func window(of func(angle float64) float64) operator {
	return operator{since: 17, fold: func(c *call) []*value {
		list := c.constantInts(0, "the size")
		if c.ready() && len(list) != 1 {
			c.fail("a size of %d numbers", len(list))
		}
		size := c.sizes(list, "the size")
		if !c.ready() {
			return nil
		}
		n := size[0]
		t := c.newTensor(c.outputType("output_datatype", typeFloat), []int{n})
		if t == nil {
			return nil
		}
		parts := n
		if c.intAttr("periodic", 1) == 0 {
			parts = max(n-1, 1) // of one element there is no angle but 0
		}
		for i := range n {
			t.set(i, of(2*math.Pi*float64(i)/float64(parts)))
		}
		return c.folded(t)
	}}
}

func hann(angle float64) float64 { return 0.5 - 0.5*math.Cos(angle) }

func hamming(angle float64) float64 { return (25 - 21*math.Cos(angle)) / 46 }

func blackman(angle float64) float64 {
	return 0.42 - 0.5*math.Cos(angle) + 0.08*math.Cos(2*angle)
}

// outputType reads an attribute that is the type of a constant's elements.
func (c *call) outputType(name string, otherwise elemType) elemType {
	kind := elemType(c.intAttr(name, int64(otherwise)))
	if c.ready() && (kind.size() == 0 || kind == typeBool) {
		c.fail("%s %v is not supported%s", name, kind, kind.instead())
	}
	if !c.ready() {
		return typeFloat
	}
	return kind
}

// set sets element i to a number, of integers to the integer part.
func (t *constant) set(i int, x float64) {
	if t.kind.float() {
		t.setFloat(i, x)
	} else {
		t.setInt(i, int64(x))
	}
}

// melWeights computes MelWeightMatrix, [bins of the spectrum, bins of the mel scale]:
// triangles of height 1 that overlap by halves, between frequencies that are equally
// far apart in mel.
func (c *call) melWeights() []*value {
	var x [5]float64
	for i, what := range []string{"the number of mel bins", "the length of the DFT", "the sample rate", "the lower edge", "the upper edge"} {
		v := c.constant(i, what)
		if c.ready() && v.data.len() != 1 {
			c.fail("%s is not a number", what)
		}
		if !c.ready() {
			return nil
		}
		if x[i] = v.data.float64(0); !(x[i] >= 0 && x[i] <= tensor.MaxElements) || i < 3 && x[i] < 1 {
			return c.fail("%s is %v", what, x[i])
		}
	}
	mels, length, rate := int(x[0]), int(x[1]), x[2]
	bins := length/2 + 1
	t := c.newTensor(c.outputType("output_datatype", typeFloat), []int{bins, mels})
	if t == nil {
		return nil
	}
	mel := func(hertz float64) float64 { return 2595 * math.Log10(1+hertz/700) }
	low, high := mel(x[3]), mel(x[4])
	// edge is the bin of the spectrum where triangle i begins, and i−1 is highest.
	edge := func(i int) int {
		hertz := 700 * (math.Pow(10, (low+float64(i)*(high-low)/float64(mels+2))/2595) - 1)
		return int(math.Floor(float64(length+1) * hertz / rate))
	}
	if last := edge(mels + 1); low > high || last > bins {
		return c.fail("edges from %v to %v Hz at a sample rate of %v: they are not in order, or beyond the spectrum", x[3], x[4], rate)
	}
	for m := range mels {
		lower, centre, upper := edge(m), edge(m+1), edge(m+2)
		for j := lower; j < min(centre, bins); j++ {
			t.set(j*mels+m, float64(j-lower)/float64(centre-lower))
		}
		for j := centre; j < min(max(upper, centre+1), bins); j++ {
			t.set(j*mels+m, float64(max(upper-j, 1))/float64(max(upper-centre, 1)))
		}
	}
	return c.folded(t)
}
