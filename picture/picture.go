// Package picture turns pictures of package image into the inputs of nets, in
// the way that a model file asks for: photos are scaled, cut out and
// normalised; a digit is looked for, and brought to the form of MNIST's.
package picture

import (
	"fmt"
	"image"
	"sync"

	"github.com/infer-go/infer/weights"
)

// What a picture may have at most. One that is computed rather than stored, such
// as image.Uniform, can have any number of pixels; and one that is nearly a line
// would take memory and time for its length alone, out of proportion to them.
const (
	maxSide   = 1 << 16
	maxPixels = 1 << 28
)

// A preparer turns pictures into inputs. It holds the buffers for it and
// serves one picture at a time.
type preparer struct {
	rows  rowReader
	line  []float32 // a row of a photo, interleaved
	scale scaler
	digit digitFinder
}

var preparers = sync.Pool{New: func() any { return new(preparer) }}

// Prepare turns img into an input of [channels, height, width], as p says,
// which weights has checked. len(dst) is the product of the three. Any number
// of goroutines may call it.
//
// Errors are ErrNoPicture, ErrEmpty, ErrTooLarge for more than 2¹⁶ pixels a
// side or 2²⁸ in all, ErrBlank if no digit was found, and one of no kind for a
// dst of another length.
func Prepare(dst []float32, img image.Image, p *weights.Preparation) error {
	c := p.Order.Channels()
	switch {
	case p.Kind == weights.NoPicture:
		return ErrNoPicture
	case img == nil || img.Bounds().Empty():
		return ErrEmpty
	case tooLarge(img.Bounds()):
		return fmt.Errorf("%w: its bounds are %v, where %d pixels a side and %d in all are possible", ErrTooLarge, img.Bounds(), maxSide, maxPixels)
	case len(dst) != c*p.Width*p.Height:
		return fmt.Errorf("a prepared picture has %d×%d×%d elements, but is to be written to %d", c, p.Height, p.Width, len(dst))
	}
	w := preparers.Get().(*preparer)
	defer preparers.Put(w)
	w.rows.open(img)
	defer w.rows.close()

	if p.Kind == weights.Photo {
		w.photo(dst, p, c)
		return nil
	}
	if err := w.digit.find(dst, &w.rows); err != nil {
		return err
	}
	normaliseInk(dst, p)
	return nil
}

// tooLarge says that r, which is not empty, has more than maxSide pixels on a
// side, or more than maxPixels.
func tooLarge(r image.Rectangle) bool {
	w, h := uint(r.Dx()), uint(r.Dy()) // differences that do not fit an int fit here
	return w > maxSide || h > maxSide || h > maxPixels/w
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

// grow returns a slice of n elements, s itself if it is large enough. The
// elements are arbitrary.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
