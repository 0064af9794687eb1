package kernels

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/infer-go/infer/tensor"
)

// FreezeTiers are the tiers for which a net is frozen if nothing else is asked
// for: none of them is slower with what is chosen at freeze.
//
// neondot is not among them. Its dot products sum sixteen products of bytes where a
// widening multiply-add sums four of int16, so Winograd's algorithm never pays: by
// llvm-mca's models of Neoverse N1 and Apple's A14, a convolution takes about twice
// as long with it. The other tiers gain up to as much, or more.
var FreezeTiers = []string{"portable", "avx2", "avx512", "neon"}

// CheckFreezeTiers returns an error if nets cannot be frozen for one of the named
// tiers. These need not be tiers of the processor at hand.
func CheckFreezeTiers(names []string) error {
	for _, name := range names {
		if _, ok := wordCosts[name]; !ok {
			return fmt.Errorf("no tier is named %q: there are %s", name,
				strings.Join(slices.Sorted(maps.Keys(wordCosts)), ", "))
		}
	}
	return nil
}

// A wordCost says what Winograd's algorithm in int16 costs on a tier. The unit is
// the time of one product of bytes by the tier's gemm kernels.
type wordCost struct {
	product   int // of int16
	transform int // of a tile, for each channel of the input and of the result
	partial   int // what a tile that stands out of the result costs more, for each channel of that
	fetch     int // of a weight of int16 from afar, of which one of bytes is half
	pixel     int // what a pixel of a direct convolution costs beside products, for each channel
}

// wordCosts are those of portable, avx2 and avx512 as measured on AMD's Zen 4,
// and of neon and neondot as llvm-mca's model of Neoverse N1 has them.
var wordCosts = map[string]wordCost{
	"portable": {product: 1, transform: 850},
	"avx2":     {product: 1, transform: 300, partial: 280, fetch: 5, pixel: 15},
	"avx512":   {product: 2, transform: 680, partial: 400, fetch: 12, pixel: 28},
	"neon":     {product: 2, transform: 510, partial: 490, fetch: 9, pixel: 26},
	"neondot":  {product: 7, transform: 2200, partial: 2000, fetch: 30, pixel: 100},
}

const (
	// leastWordChannels are the fewest channels, on both sides, that the costs were
	// measured with.
	leastWordChannels = 16

	// nearWeights is the bytes of weights that stay in the second-level cache while
	// a net runs, beside all else.
	nearWeights = 512 << 10
)

// QuantisedWinograd returns the algorithm by which a convolution is to be computed
// that is frozen for these operands and params. If they are quantised, every one of
// the tiers named gains by WinogradF4, and its rounding error is small compared
// with that of int8 weights, it is WinogradF4; else NoWinograd. The Spec's own
// Winograd is ignored.
//
// With AVX-512, which gains least, a map of 56×56×64 takes 0.62 of the time, one of
// 28×28×128 0.56, and one of 14×14×256 0.72 with weights in the third-level cache,
// or as long as the direct computation with weights from memory. One of 7×7×512,
// whose weights serve four tiles, would take 1.4 to 2.4 times as long.
func (c *Conv) QuantisedWinograd(in []tensor.Type, params []Param, tiers []string) Winograd {
	spec := *c
	spec.Winograd = WinogradF4
	out, err := spec.Infer(in, params)
	if err != nil || !isQuantised(in) {
		return NoWinograd
	}
	size := [2]int{out[0].Shape[1], out[0].Shape[2]}
	if c.Pool {
		size[0], size[1] = 2*size[0], 2*size[1]
	}
	cin := in[0].Shape[3]
	for _, tier := range tiers {
		if !wordCosts[tier].pays(size, cin, c.Channels) {
			return NoWinograd
		}
	}
	if roundingShare(params[0].Panels(), params[0].Data, cin, in[0].Zero) > mostRoundingShare {
		return NoWinograd
	}
	return WinogradF4
}

// Decide implements Deciding: the file says how a convolution of quantised operands
// is computed. For float32 operands Bind decides that.
func (c *Conv) Decide(in []tensor.Type, params []Param, tiers []string) {
	if isQuantised(in) {
		c.Winograd = c.QuantisedWinograd(in, params, tiers)
	}
}

// pays says whether the algorithm takes less time than products of bytes, for a
// convolution of so many rows and columns.
func (w wordCost) pays(size [2]int, cin, cout int) bool {
	if min(cin, cout) < leastWordChannels {
		return false
	}
	pixels := int64(size[0]) * int64(size[1])
	tiles := int64(ceilDiv(size[0], f4.m)) * int64(ceilDiv(size[1], f4.m))
	partial := tiles - int64(size[0]/f4.m)*int64(size[1]/f4.m)
	in, out := int64(cin), int64(cout)
	cost := func(perKernel, bytes, uses int64) int64 {
		if perKernel*bytes*in*out > nearWeights {
			uses += bytes * int64(w.fetch) / 2
		}
		return perKernel * in * out * uses
	}
	direct := cost(9, 1, pixels) + pixels*out*int64(w.pixel)
	winograd := cost(frequencies, 2, tiles*int64(w.product)) +
		tiles*(in+out)*int64(w.transform) + partial*out*int64(w.partial)
	return winograd < direct
}

// mostRoundingShare is the most of roundingShare with which the algorithm is chosen:
// both errors together are larger by an eighth than that of int8 weights alone.
const mostRoundingShare = 0.25

// roundingShare is the mean square of the error by which the rounded weights change
// a result, over that by which int8 weights do. Both are for elements that do not
// depend on one another and whose mean above the zero point is as large as their
// deviation, as after a ReLU.
func roundingShare(p Panels, data []byte, cin int, zero int32) float64 {
	k := newKernelFrequencies(cin, zero)
	var sum float64 // over all channels of the result, in squares of int8's step
	for j := range p.Count() {
		k.transform(p, p.panel(data, j))
		for f := range frequencies {
			gain := errorGain(f)
			for c := range p.Columns(j) {
				unit := float64(k.unit(f, c))
				for i := range cin {
					d := float64(k.rounded(f, i, c)*unit) - float64(k.u[f][i][c])/kernelDenominator
					sum += float64(gain * d * d)
				}
			}
		}
	}
	// A weight's rounding to int8 is uniform, of a twelfth in the mean square, and an
	// element of one in deviation and in mean has two.
	return sum / (float64(p.N) * float64(9*cin) / 12 * 2)
}

// errorGain is the mean square by which an error of one in a weight of frequency f
// changes a result, of those of a tile: the mean square of that frequency of such
// elements, with what Aᵀ makes of it.
func errorGain(f int) float64 {
	line := func(i int) (squares, sum, taken float64) {
		for _, b := range patchMatrix[i] {
			squares += float64(b * b)
			sum += float64(b)
		}
		for _, row := range f4.at {
			taken += float64(row[i] * row[i])
		}
		return squares, sum * sum, taken
	}
	s0, m0, t0 := line(f / 6)
	s1, m1, t1 := line(f % 6)
	return float64(float64(s0*s1)+float64(m0*m1)) * t0 * t1 / float64(f4.m*f4.m)
}
