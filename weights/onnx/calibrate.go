package onnx

import (
	"errors"
	"fmt"
	"math"

	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A Tensor is one input of the calibration data: its elements, row-major in the
// model's own order.
type Tensor struct {
	tensor.Type
	Data []byte
}

// Items are the calibration data: inputs like those that the net will be given.
// Item is called several times for the same i, in any order, and must return
// the same tensors each time, one for each input. They are only read, and only
// until the next call.
type Items interface {
	Len() int
	Item(i int) ([]Tensor, error)
}

// An ItemError is an error about one of the items of the calibration data.
type ItemError struct {
	Item int
	Err  error
}

func (e *ItemError) Error() string {
	return fmt.Sprintf("item %d to calibrate with: %v", e.Item, e.Err)
}

func (e *ItemError) Unwrap() error { return e.Err }

// LeastItems is the least number of items with which a net is calibrated. If
// there are more than MostItems, an evenly spread selection of MostItems is
// used.
const LeastItems, MostItems = 16, 1000

// calibration is items that are known to fit a net.
type calibration struct {
	items Items
	net   *weights.Net
	n     int // items that are looked at
}

func newCalibration(items Items, net *weights.Net) (*calibration, error) {
	n := items.Len()
	switch {
	case n == 0:
		return nil, errors.New("there are no items to calibrate with")
	case n < LeastItems:
		return nil, fmt.Errorf("%d items are too few to calibrate with: at least %d are needed", n, LeastItems)
	}
	return &calibration{items, net, min(n, MostItems)}, nil
}

// check checks that an item fits the inputs.
func (c *calibration) check(item []Tensor) error {
	if len(item) != len(c.net.Inputs) {
		return fmt.Errorf("%d tensors for %d inputs", len(item), len(c.net.Inputs))
	}
	sizes := make([]int, len(c.net.Open))
	want := make([]tensor.Shape, len(item))
	for i, v := range c.net.Inputs {
		want[i] = append(tensor.Shape{}, c.net.Values[v].Shape...)
	}
	for k, d := range c.net.Open {
		for j, at := range d.At {
			if at.Dim < len(item[at.Input].Shape) {
				if size := item[at.Input].Shape[at.Dim]; j == 0 {
					sizes[k] = size
				}
			}
			want[at.Input][at.Dim] = sizes[k]
		}
	}
	for i, v := range c.net.Inputs {
		in, x := c.net.Values[v], item[i]
		if x.Elem != in.Elem || !x.Shape.Equal(want[i]) || len(x.Data) != x.Bytes() {
			return fmt.Errorf("%v, where input %q takes %v", x.Type, in.Name, in.Of(want[i]...))
		}
		if at := tensor.NotFinite(x.Elem, x.Data); at >= 0 {
			return fmt.Errorf("element %d for input %q is not finite", at/in.Elem.Size(), in.Name)
		}
	}
	return c.net.CheckSizes(sizes)
}

// each computes the items that are looked at in turn, and calls look after each.
func (c *calibration) each(progress func(done, total int), look func(i int) error, evaluators ...*evaluator) error {
	for i := range c.n {
		at := i * c.items.Len() / c.n
		item, err := c.items.Item(at)
		if err == nil {
			err = c.check(item)
		}
		for _, e := range evaluators {
			if err == nil {
				err = e.run(item)
			}
		}
		if err == nil {
			err = look(i)
		}
		if err != nil {
			return &ItemError{at, err}
		}
		if progress != nil {
			progress(i+1, c.n)
		}
	}
	return nil
}

// A ranger finds between which real numbers nearly all elements of a value lie.
type ranger struct {
	lo, hi float32

	// counts are how many elements lie in each of as many intervals, from −span to
	// span; nil if only the least and the largest count. A span is a power of two.
	counts []int64
	span   float32
}

// rangerBins is how many intervals there are: of the half that a range covers at
// least, a thousand, where there will be 256 elements.
const rangerBins = 1 << 12

// leastSpan is the least span, for values that are all zero.
const leastSpan = 0x1p-60

func newRanger(histogram bool) *ranger {
	r := &ranger{lo: float32(math.Inf(1)), hi: float32(math.Inf(-1))}
	if histogram {
		r.counts, r.span = make([]int64, rangerBins), leastSpan
	}
	return r
}

// add looks at elements. They are finite.
func (r *ranger) add(x []float32) {
	lo, hi := r.lo, r.hi
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	r.lo, r.hi = lo, hi
	if r.counts == nil || len(x) == 0 {
		return
	}
	for r.span < max(hi, -lo) {
		r.widen()
	}
	scale := rangerBins / 2 / r.span
	for _, v := range x {
		r.counts[min(int(v*scale+rangerBins/2), rangerBins-1)]++
	}
}

// widen doubles the span: two intervals become one.
func (r *ranger) widen() {
	half := make([]int64, rangerBins)
	for i, n := range r.counts {
		half[rangerBins/4+i/2] += n
	}
	r.counts, r.span = half, 2*r.span
}

// ends are the range: all of it, or what is left when so many of a hundred
// elements are within and as many are cut off at either end.
func (r *ranger) ends(percentile float64) (lo, hi float32) {
	if r.lo > r.hi {
		return 0, 0
	}
	if r.counts == nil {
		return r.lo, r.hi
	}
	total := int64(0)
	for _, n := range r.counts {
		total += n
	}
	cut := int64(math.Round(float64(total) * (100 - percentile) / 200))
	bin := 2 * r.span / rangerBins
	lo, hi = r.lo, r.hi
	for i, left := 0, cut; i < rangerBins; i++ {
		if left -= r.counts[i]; left < 0 {
			lo = max(lo, -r.span+float32(i)*bin)
			break
		}
	}
	for i, left := rangerBins-1, cut; i >= 0; i-- {
		if left -= r.counts[i]; left < 0 {
			hi = min(hi, -r.span+float32(i+1)*bin)
			break
		}
	}
	return lo, hi
}
