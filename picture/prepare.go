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
	photos photoScaler
	rows   rowReader
	digit  digitFinder
	planes []byte // of a picture that is decoded to be prepared
}

var preparers = sync.Pool{New: func() any { return new(preparer) }}

// Prepare converts img to an input, as p says, in the given layout. p must have
// been checked by package weights. dst has one element for each channel of each
// of the p.Width×p.Height pixels. The Placement says where they are in img.
//
// An element has the same bits in either layout. Any number of goroutines may
// call Prepare.
//
// Errors are ErrNoPicture; ErrEmpty; ErrTooLarge for more than 2¹⁶ pixels on a
// side or 2²⁸ in total; ErrBlank if no digit was found; and an error for a dst
// of another length, or an unknown layout. After an error dst is undefined.
func Prepare(dst []float32, img image.Image, p *weights.Preparation, layout Layout) (Placement, error) {
	if err := check(dst, p, layout); err != nil {
		return Placement{}, err
	}
	switch {
	case img == nil || img.Bounds().Empty():
		return Placement{}, ErrEmpty
	case tooLarge(img.Bounds()):
		return Placement{}, fmt.Errorf("%w: its bounds are %v, where %d pixels a side and %d in total are possible", ErrTooLarge, img.Bounds(), maxSide, maxPixels)
	}
	w := preparers.Get().(*preparer)
	defer preparers.Put(w)
	placed, err := w.prepare(dst, viewOf(img), p, layout)
	if err != nil {
		return Placement{}, err
	}
	return placed.add(img.Bounds().Min), nil
}

// check checks all but the picture.
func check(dst []float32, p *weights.Preparation, layout Layout) error {
	c := p.Order.Channels()
	switch {
	case p.Kind == weights.NoPicture:
		return ErrNoPicture
	case layout > Interleaved:
		return fmt.Errorf("there is no layout %d", layout)
	case len(dst) != c*p.Width*p.Height:
		return fmt.Errorf("a prepared picture has %d×%d×%d elements, but dst has %d", c, p.Height, p.Width, len(dst))
	}
	return nil
}

// prepare is Prepare of what is all right. The Placement is on a picture whose
// bounds begin at 0, 0.
func (w *preparer) prepare(dst []float32, v view, p *weights.Preparation, layout Layout) (Placement, error) {
	if p.Kind == weights.Photo {
		return w.photo(dst, v, p, layout), nil
	}
	w.rows.open(turn(v.img, v.orientation))
	defer w.rows.close()
	placed, err := w.digit.find(dst, &w.rows)
	if err != nil {
		return Placement{}, err
	}
	normaliseInk(dst, p)
	return placed.times(1 << v.shift), nil
}

// tooLarge says that r, which is not empty, has more than maxSide pixels on a
// side, or more than maxPixels.
func tooLarge(r image.Rectangle) bool {
	w, h := uint(r.Dx()), uint(r.Dy()) // differences that do not fit an int fit here
	return w > maxSide || h > maxSide || h > maxPixels/w
}

// grow returns a slice of n elements, s itself if it is large enough. The
// elements are arbitrary.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
