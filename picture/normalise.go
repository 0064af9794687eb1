package picture

import "github.com/infer-go/infer/weights"

// NormaliseGray converts gray pixels of 0…255, which already have the input's
// size and form, to the input: v becomes (v·Scale − Mean[0]) / Std[0]. dst is
// as long as pix.
func NormaliseGray(dst []float32, pix []uint8, p *weights.Preparation) {
	dst = dst[:len(pix)]
	a, b := affine(p, 0)
	for i, v := range pix {
		dst[i] = a*float32(v) + b
	}
}

// normaliseInk makes ink of 0…1 into what p makes of 0…255.
func normaliseInk(x []float32, p *weights.Preparation) {
	a, b := affine(p, 0)
	a *= 255
	if a > 0.9999999 && a < 1.0000001 && b == 0 {
		return // as it should be: numbers that are exact stay exact
	}
	for i := range x {
		x[i] = a*x[i] + b
	}
}

// affine returns the normalisation of channel c, (v·Scale − Mean) / Std, as
// v·a + b.
func affine(p *weights.Preparation, c int) (a, b float32) {
	return p.Scale / p.Std[c], -p.Mean[c] / p.Std[c]
}
