package picture

import (
	"image"
	"math"

	"github.com/infer-go/infer/weights"
)

// photo scales, cuts out and normalises. The Placement is on a picture whose
// bounds begin at 0, 0.
func (w *preparer) photo(dst []float32, p *weights.Preparation, layout Layout) Placement {
	c := p.Order.Channels()
	size := w.rows.bounds.Size()
	placed := place(size, p)
	at := placed.Input
	w.scale.across.set(size.X, placed.X0, placed.X1, at.Dx(), triangleSupport)
	w.scale.down.set(size.Y, placed.Y0, placed.Y1, at.Dy(), triangleSupport)
	w.line = grow(w.line, c*size.X)

	channel, pixel := layout.strides(p.Width*p.Height, c)
	row := p.Width * pixel
	corner := at.Min.Y*row + at.Min.X*pixel
	clear(dst)
	w.scale.begin(c, layout)
	from, to := w.scale.down.span()
	for y := from; y < to; y++ {
		toFloat(w.line, w.rows.row(y), p.Order)
		w.scale.add(dst[corner:], channel, row, y, w.line)
	}

	// What the picture does not cover stays 0, the mean.
	for k := range c {
		a, b := affine(p, k)
		for y := range at.Dy() {
			line := dst[corner+k*channel+y*row:][:(at.Dx()-1)*pixel+1]
			for i := 0; i < len(line); i += pixel {
				line[i] = a*line[i] + b
			}
		}
	}
	return placed
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
