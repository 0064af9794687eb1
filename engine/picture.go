package engine

import (
	"errors"
	"fmt"
	"image"
	"math"
	"sync"

	"github.com/infer-go/infer/weights"
)

// Errors that a picture can cause.
var (
	// ErrBlank: a digit was to be read, and the picture shows nothing.
	ErrBlank = errors.New("nothing is drawn on it")

	// ErrEmpty: the picture has no pixels.
	ErrEmpty = errors.New("the picture has no pixels")

	// ErrNoPicture: the model file does not say how a picture becomes its
	// input, so that it can only be given raw tensors.
	ErrNoPicture = errors.New("the model does not say how a picture becomes its input")
)

// maxPixels is the most pixels that a picture may have. One that is computed
// rather than stored, such as image.Uniform, can have any number.
const maxPixels = 1 << 28

// A preparer turns pictures into inputs. It holds the buffers for it and
// serves one picture at a time.
type preparer struct {
	rows  rowReader
	line  []float32 // a row of a photo, interleaved
	scale scaler
	digit digitFinder
}

var preparers = sync.Pool{New: func() any { return new(preparer) }}

// prepare turns img into an input of [channels, height, width], as p says,
// which weights has checked. len(dst) is the product of the three.
func prepare(dst []float32, img image.Image, p *weights.Preparation) error {
	c := p.Order.Channels()
	switch {
	case p.Kind == weights.NoPicture:
		return ErrNoPicture
	case img == nil || img.Bounds().Empty():
		return ErrEmpty
	case pixels(img.Bounds()) > maxPixels:
		return fmt.Errorf("the picture is too large: %v, more than %d pixels", img.Bounds(), maxPixels)
	case len(dst) != c*p.Width*p.Height:
		return fmt.Errorf("a picture makes %d×%d×%d numbers, but the input takes %d", c, p.Height, p.Width, len(dst))
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
	// Ink is 1 and ground 0: the same as 255 and 0, scaled by 1/255.
	normalise(dst, p, 255)
	return nil
}

// pixels is the number of pixels in r, which is not empty, or more than
// maxPixels if it is more.
func pixels(r image.Rectangle) uint {
	w, h := uint(r.Dx()), uint(r.Dy()) // differences that do not fit an int fit here
	if w > maxPixels || h > maxPixels/w {
		return maxPixels + 1
	}
	return w * h
}

// normalise makes one channel's v, after multiplication by full, into
// (v·Scale − Mean) / Std.
func normalise(x []float32, p *weights.Preparation, full float32) {
	a, b := affine(p, 0)
	a *= full
	if a > 0.9999999 && a < 1.0000001 && b == 0 {
		return // as it should be: numbers that are exact stay exact
	}
	for i := range x {
		x[i] = a*x[i] + b
	}
}

// affine returns the preparation of channel c as v·a + b.
func affine(p *weights.Preparation, c int) (a, b float32) {
	return p.Scale / p.Std[c], -p.Mean[c] / p.Std[c]
}

// photo scales, cuts out and normalises.
func (w *preparer) photo(dst []float32, p *weights.Preparation, c int) {
	size := w.rows.bounds.Size()
	placed := place(size, p)
	w.scale.across.set(size.X, placed.x0, placed.x1, placed.at.Dx(), triangle)
	w.scale.down.set(size.Y, placed.y0, placed.y1, placed.at.Dy(), triangle)
	w.scale.begin(dst, c)
	w.line = grow(w.line, c*size.X)

	plane := p.Width * p.Height
	corner := placed.at.Min.Y*p.Width + placed.at.Min.X
	from, to := w.scale.down.span()
	for y := from; y < to; y++ {
		toFloat(w.line, w.rows.row(y), p.Order)
		w.scale.add(dst[corner:], plane, p.Width, y, w.line, c)
	}

	for k := range c {
		a, b := affine(p, k)
		if p.Fit == weights.Pad {
			b0 := dst[k*plane:][:plane]
			fill := float32(0) // the mean, after normalisation
			for y := range p.Height {
				for x := range p.Width {
					if i := y*p.Width + x; image.Pt(x, y).In(placed.at) {
						b0[i] = a*b0[i] + b
					} else {
						b0[i] = fill
					}
				}
			}
			continue
		}
		for i, v := range dst[k*plane:][:plane] {
			dst[k*plane+i] = a*v + b
		}
	}
}

// A placement is the part of a picture, in its own pixels, that goes to a
// rectangle of the input.
type placement struct {
	x0, y0, x1, y1 float64
	at             image.Rectangle
}

// place applies the rule p.Fit to a picture of a given size.
func place(size image.Point, p *weights.Preparation) placement {
	w, h := float64(size.X), float64(size.Y)
	all := image.Rect(0, 0, p.Width, p.Height)
	switch p.Fit {
	case weights.Stretch:
		return placement{0, 0, w, h, all}

	case weights.Pad:
		k := min(float64(p.Width)/w, float64(p.Height)/h)
		in := image.Pt(max(1, int(math.Round(w*k))), max(1, int(math.Round(h*k))))
		off := all.Size().Sub(in).Div(2)
		return placement{0, 0, w, h, image.Rectangle{Max: in}.Add(off)}
	}

	// Crop, as torchvision does it: the shorter side becomes Resize, the
	// longer one is rounded down, and the middle is cut out at whole pixels of
	// the scaled picture.
	short := float64(p.Resize)
	if p.Resize == 0 {
		short = max(float64(p.Width)/w, float64(p.Height)/h) * min(w, h)
	}
	long := short * max(w, h) / min(w, h)
	sw, sh := math.Round(short), math.Floor(long+1e-6)
	if w > h {
		sw, sh = sh, sw
	}
	// A picture that would not fill the input is scaled up until it does.
	if k := max(float64(p.Width)/sw, float64(p.Height)/sh); k > 1 {
		sw, sh = max(sw*k, float64(p.Width)), max(sh*k, float64(p.Height))
	}
	left := math.RoundToEven((sw - float64(p.Width)) / 2)
	top := math.RoundToEven((sh - float64(p.Height)) / 2)
	return placement{
		left * w / sw, top * h / sh,
		(left + float64(p.Width)) * w / sw, (top + float64(p.Height)) * h / sh,
		all,
	}
}

// toFloat makes premultiplied RGBA into interleaved channels 0…255, on white
// where the picture is transparent.
func toFloat(dst []float32, row []uint8, order weights.Order) {
	for x := range len(row) / 4 {
		s := row[4*x : 4*x+4 : 4*x+4]
		white := 255 - s[3]
		r, g, b := s[0]+white, s[1]+white, s[2]+white
		switch order {
		case weights.Gray:
			dst[x] = luma(r, g, b)
		case weights.RGB:
			d := dst[3*x : 3*x+3 : 3*x+3]
			d[0], d[1], d[2] = float32(r), float32(g), float32(b)
		default:
			d := dst[3*x : 3*x+3 : 3*x+3]
			d[0], d[1], d[2] = float32(b), float32(g), float32(r)
		}
	}
}
