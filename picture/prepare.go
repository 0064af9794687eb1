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

// Prepare turns img into an input in a layout, as p says, which weights has
// checked: dst has a place for each channel of each of p.Width×p.Height pixels,
// and no more. The Placement says where they lie on img.
//
// An element has the same bits in either layout. Any number of goroutines may
// call Prepare.
//
// Errors are ErrNoPicture, ErrEmpty, ErrTooLarge for more than 2¹⁶ pixels a
// side or 2²⁸ in all, ErrBlank if no digit was found, and one of no kind for a
// dst of another length or another layout. What is in dst is then undefined.
func Prepare(dst []float32, img image.Image, p *weights.Preparation, layout Layout) (Placement, error) {
	c := p.Order.Channels()
	switch {
	case p.Kind == weights.NoPicture:
		return Placement{}, ErrNoPicture
	case layout > Interleaved:
		return Placement{}, fmt.Errorf("a picture is not prepared in the layout %d", layout)
	case img == nil || img.Bounds().Empty():
		return Placement{}, ErrEmpty
	case tooLarge(img.Bounds()):
		return Placement{}, fmt.Errorf("%w: its bounds are %v, where %d pixels a side and %d in all are possible", ErrTooLarge, img.Bounds(), maxSide, maxPixels)
	case len(dst) != c*p.Width*p.Height:
		return Placement{}, fmt.Errorf("a prepared picture has %d×%d×%d elements, but is to be written to %d", c, p.Height, p.Width, len(dst))
	}
	w := preparers.Get().(*preparer)
	defer preparers.Put(w)
	w.rows.open(img)
	defer w.rows.close()

	var placed Placement
	if p.Kind == weights.Photo {
		placed = w.photo(dst, p, layout)
	} else {
		var err error
		if placed, err = w.digit.find(dst, &w.rows); err != nil {
			return Placement{}, err
		}
		normaliseInk(dst, p)
	}
	return placed.add(w.rows.bounds.Min), nil
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
