package kernels

import (
	"math"

	"github.com/infer-go/infer/tensor"
)

// Winograd's F(4×4, 3×3) on quantised operands computes in int16. Of the patches,
// less the zero point, the input transform is exact. The transformed weights are
// not whole numbers: those of each frequency and output channel are multiplied by
// a scale and rounded. What they and the patches make of one another is an exact
// int32, of which float32 is made, divided by the scale and transformed back.
//
// The scale is so large that the weights fill an int16, but no larger than that
// the sum of all magnitudes fits an int32, whatever the elements of the patch are:
// nothing can overflow, in any order of summation.
const (
	frequencies = 36

	// Scratch of the transforms, in bytes.
	patchTemp = frequencies * 64
	tileTemp  = 4 * 6 * 64

	// kernelDenominator makes whole numbers of the transformed weights: 24² times
	// G g Gᵀ is one for each g of integers.
	kernelDenominator = 24 * 24

	// mostWordChannels bounds the channels of the input. With more the scale would
	// leave nothing of the weights.
	mostWordChannels = 1 << 14
)

// mostPatch is the largest magnitude in frequency f of transformed patches of
// uint8 with a zero point. It is at most 25,500, and less for most frequencies, as
// the weights of the patch's elements are of both signs.
func mostPatch(f int, zero int32) int32 {
	var positive, negative int32
	for _, a := range patchMatrix[f/6] {
		for _, b := range patchMatrix[f%6] {
			positive += max(a*b, 0)
			negative += max(-a*b, 0)
		}
	}
	low, high := zero, 255-zero // magnitudes of the least element and the largest
	return max(positive*high+negative*low, positive*low+negative*high)
}

// A wordParam is a convolution's weights made ready for operands and results of
// some elements.
type wordParam struct {
	words  []int16   // [panel][frequency][pair of input channels][NR][2]
	factor []float32 // [panel][frequency][NR]: of sums
	bias   []float32 // [panel][NR]
}

// newWordParam makes it of panels of int8.
func newWordParam(s Spec, x, result Elements, p Param, cin int) (*wordParam, error) {
	panels := p.Panels()
	words := 2 * NR * ceilDiv(cin, 2) // of a frequency
	size, ok := tensor.Product(2*frequencies*words, panels.Count())
	if !ok {
		return nil, errorf(s, "%d transformed weights are too many", panels.N)
	}
	w := &wordParam{
		words:  tensor.Aligned[int16](size / 2),
		factor: tensor.Aligned[float32](panels.Count() * frequencies * NR),
		bias:   tensor.Aligned[float32](panels.Count() * NR),
	}
	k := newKernelFrequencies(cin, x.Zero)
	for j := range panels.Count() {
		panel := panels.panel(p.Data, j)
		k.transform(panels, panel)
		bias, scale := panels.header(panel)
		var multipliers [NR]float32
		for c := range panels.Columns(j) {
			m, err := result.multiplier(s, x.Scale, scale[c])
			if err != nil {
				return nil, err
			}
			multipliers[c] = m
			w.bias[j*NR+c] = float32(float32(bias[c]) * m)
		}
		for f := range frequencies {
			at := j*frequencies + f
			k.round(w.words[at*words:][:words], f)
			for c, m := range multipliers {
				w.factor[at*NR+c] = float32(k.unit(f, c) * m)
			}
		}
	}
	return w, nil
}

// kernelFrequencies are the transformed weights of a panel.
type kernelFrequencies struct {
	cin  int
	most [frequencies]int32       // magnitude in the patches
	u    [frequencies][][NR]int32 // kernelDenominator·(G g Gᵀ) by input channel
	by   [frequencies][NR]float64 // the scale; 0 where there are only zeros
}

func newKernelFrequencies(cin int, zero int32) *kernelFrequencies {
	k := &kernelFrequencies{cin: cin}
	for f := range k.u {
		k.most[f] = mostPatch(f, zero)
		k.u[f] = make([][NR]int32, cin)
	}
	return k
}

// kernelLine is 24·G g of F(4×4).
func kernelLine(g0, g1, g2 int32) [6]int32 {
	s, d := g0+4*g2, 2*g1
	return [6]int32{6 * g0, -4 * (g0 + g1 + g2), -4 * (g0 - g1 + g2), s + d, s - d, 24 * g2}
}

// transform takes a panel's weights, and finds the scales.
func (k *kernelFrequencies) transform(panels Panels, panel []byte) {
	l, _ := panels.layout()
	rows := panels.rowsFrom(panel, 0)
	for i := range k.cin {
		for c := range NR {
			weight := func(tap int) int32 { return int32(int8(rows[l.index(tap*k.cin+i, c)])) }
			var half [6][3]int32 // G g
			for x := range 3 {
				for u, h := range kernelLine(weight(x), weight(3+x), weight(6+x)) {
					half[u][x] = h
				}
			}
			for u, h := range half {
				for v, w := range kernelLine(h[0], h[1], h[2]) {
					k.u[6*u+v][i][c] = w
				}
			}
		}
	}
	for f := range k.u {
		var largest [NR]int32
		var total [NR]int64
		for i := range k.u[f] {
			for c, u := range k.u[f][i] {
				u = max(u, -u)
				largest[c] = max(largest[c], u)
				total[c] += int64(u)
			}
		}
		// Rounding adds half of one to a magnitude at most.
		limit := float64(math.MaxInt32/k.most[f] - int32(k.cin)/2 - 1)
		for c := range NR {
			k.by[f][c] = 0
			if largest[c] > 0 {
				k.by[f][c] = min(math.MaxInt16/float64(largest[c]), limit/float64(total[c]))
			}
		}
	}
}

// unit is the float32 by which a sum of frequency f in column c is multiplied to
// be one of G g Gᵀ itself.
func (k *kernelFrequencies) unit(f, c int) float32 {
	if k.by[f][c] == 0 {
		return 0
	}
	return float32(1 / float64(kernelDenominator*k.by[f][c]))
}

// rounded is the weight of input channel i in column c of frequency f.
func (k *kernelFrequencies) rounded(f, i, c int) float64 {
	// The sum with so large a number has no more digits than its whole ones. The
	// product is rounded before, on every processor.
	const whole = 3 << 51
	return float64(float64(k.u[f][i][c])*k.by[f][c]) + whole - whole
}

// round stores the weights of frequency f.
func (k *kernelFrequencies) round(words []int16, f int) {
	for i := range k.cin {
		for c := range NR {
			words[i/2*2*NR+2*c+i%2] = int16(k.rounded(f, i, c))
		}
	}
}
