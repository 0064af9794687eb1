package picture

import (
	"image"
	"math"

	"github.com/infer-go/infer/picture/internal/jpeg"
	"github.com/infer-go/infer/weights"
)

// photo scales, cuts out and normalises. The Placement is on the whole picture,
// upright, whose bounds begin at 0, 0.
//
// The picture is scaled as it lies in the file, and turned when it is written:
// that is little.
func (w *preparer) photo(dst []float32, v view, p *weights.Preparation, layout Layout) Placement {
	placed := place(v.size, p)
	at := placed.Input
	across := axis{placed.X0, placed.X1, at.Dx(), v.size.X}
	down := axis{placed.Y0, placed.Y1, at.Dy(), v.size.Y}
	if v.orientation >= 5 {
		across, down = down, across
	}
	mirrored, upsideDown := v.mirrored()
	across.set(&w.photos.across, v.img.Bounds().Dx(), v.shift, mirrored)
	down.set(&w.photos.down, v.img.Bounds().Dy(), v.shift, upsideDown)

	c := p.Order.Channels()
	channel, pixel := layout.strides(p.Width*p.Height, c)
	row := p.Width * pixel
	first := at.Min.Y*row + at.Min.X*pixel
	right, below := pixel, row // what a step in the file is in the input
	if v.orientation >= 5 {
		right, below = below, right
	}
	if mirrored {
		first += (across.n - 1) * right
		right = -right
	}
	if upsideDown {
		first += (down.n - 1) * below
		below = -below
	}

	if at != image.Rect(0, 0, p.Width, p.Height) {
		clear(dst) // what the picture does not cover stays 0, the mean
	}
	w.photos.begin(v.img, v.shift == 0)
	defer w.photos.end()
	for i := range down.n {
		colours := w.photos.row(i)
		for k := range c {
			a, b := affine(p, k)
			line := colours[colourOf(p.Order, k)]
			if p.Order == weights.Gray {
				line = w.photos.luma(colours)
			}
			to := dst[k*channel:]
			at := first + i*below
			for _, v := range line {
				to[at] = a*v + b
				at += right
			}
		}
	}
	return placed
}

// colourOf is which of red, green and blue channel k is.
func colourOf(order weights.Order, k int) int {
	if order == weights.BGR {
		return 2 - k
	}
	return k
}

// An axis is a stretch of a picture's side that n pixels of the input are made
// of.
type axis struct {
	lo, hi float64
	n      int
	size   int
}

// set computes the weights of the side as it lies in the file, where it has size
// samples: it may be the other way round there, and reduced.
func (a axis) set(s *scale, size, shift int, reversed bool) {
	lo, hi := a.lo, a.hi
	if reversed {
		lo, hi = float64(a.size)-hi, float64(a.size)-lo
	}
	reduction := float64(int(1) << shift)
	if shift == jpeg.MaxShift { // otherwise, frequencies were left out
		s.setOfMeans(size, lo/reduction, hi/reduction, a.n)
		return
	}
	s.set(size, lo/reduction, hi/reduction, a.n, triangleSupport)
}

// place applies the rule p.Fit to a picture of a given size.
func place(size image.Point, p *weights.Preparation) Placement {
	w, h := float64(size.X), float64(size.Y)
	all := image.Rect(0, 0, p.Width, p.Height)
	switch p.Fit {
	case weights.Stretch:
		return Placement{0, 0, w, h, all}

	case weights.Pad:
		k := min(float64(p.Width)/w, float64(p.Height)/h)
		in := image.Pt(max(1, int(math.Round(w*k))), max(1, int(math.Round(h*k))))
		off := all.Size().Sub(in).Div(2)
		return Placement{0, 0, w, h, image.Rectangle{Max: in}.Add(off)}
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
	return Placement{
		left * w / sw, top * h / sh,
		(left + float64(p.Width)) * w / sw, (top + float64(p.Height)) * h / sh,
		all,
	}
}
