package picture

import (
	"image"
	"math"
)

// How MNIST's digits were made: the ink's box is fitted into 20×20, with its
// proportions kept, and laid into 28×28 with the centre of its mass in the
// middle.
const (
	digitSide = 28
	digitBody = 20

	// digitCentre is where the centre of mass lies in MNIST's pictures, as a
	// pixel's index: measured, and not 13.5.
	digitCentre = 14
)

// A digit is looked for on the picture reduced to few pixels first, which is
// fast and averages noise away. If it turns out to be small there, less than
// twice as large as what is made of it, it is looked for again where it was found,
// on the part of the picture around it, at that size or more; if nothing was
// found, on the whole picture, reduced to many pixels.
const (
	fewPixels  = 1 << 14
	manyPixels = 1 << 19
	largeBody  = 2 * digitBody

	// leastMargin is how many pixels of the reduced picture are looked at
	// around a digit, if it is not longer itself.
	leastMargin = 8
)

const (
	// opaqueAlpha is the least opacity of a pixel that counts as part of a
	// page.
	opaqueAlpha = 250

	// drawnDeviation is the standard deviation of the page's brightness, 0…255,
	// above which something is drawn on it. Below, as when ink of one colour
	// lies on nothing, the shape is in the transparency.
	drawnDeviation = 16

	// readyInk is the least that the brightest pixel of a picture has that is
	// taken as it is. In a paler one the ink is stretched, as in any picture.
	readyInk = 0xc0
)

// A digitFinder turns a picture of a digit into MNIST's form. It holds the
// buffers for it.
//
// The way: the picture is reduced to a moderate size; the ground (paper and
// the light on it) is estimated as a smooth surface from the border inwards;
// ink is what differs from it, along one direction in colour space, in either
// polarity; connected pieces of ink that belong together are the digit.
//
// No formula gives its thresholds, but none of them stands on an edge. Of 1,500
// of MNIST's test digits, drawn on plain, transparent and dusty pages, in
// colours, and in noise and uneven light, the embedded net read 1,490; with any
// one threshold a quarter lower, or a third higher as far as its range goes, it
// read 1,488 to 1,492.
type digitFinder struct {
	k      int         // the factor by which the picture is reduced
	origin image.Point // where what was read begins on the picture
	w, h   int         // of the reduced picture
	c      int         // its channels: 1 if it is grey, else 3
	pix    []uint8     // w·h·c, interleaved
	alpha  []uint8     // w·h
	opaque bool

	ink      []float32 // w·h: difference from the ground, positive where there is ink
	smooth   []float32 // w·h: ink with less noise; ink itself if it is clean
	softened []float32 // smooth's memory
	sums     []uint32  // one row of the reduction
	opaques  opaqueReader

	ground ground
	parts  parts

	scale scaler
	body  [digitBody * digitBody]float32
}

// find writes the digit that is on the picture into dst, 28×28: 0 is ground
// and 1 is ink. It returns ErrBlank if there is none. The Placement is on a
// picture whose bounds begin at 0, 0.
func (f *digitFinder) find(dst []float32, rows *rowReader) (Placement, error) {
	size := rows.bounds.Size()
	page := image.Rectangle{Max: size}
	coarse, fine := reduction(size, fewPixels), reduction(size, manyPixels)
	f.read(rows, coarse, page)
	if box, ok := f.ready(dst); ok {
		return f.placement(box, box), nil
	}
	box, ok := f.segment(f.separate())
	long := max(box.Dx(), box.Dy())
	if ok && coarse > fine && long < largeBody {
		// The rest of the page says nothing more.
		f.read(rows, max(fine, long*coarse/largeBody), f.around(box).Intersect(page))
		box, ok = f.segment(f.separate())
	}
	if !ok && coarse > fine {
		f.read(rows, fine, page)
		box, ok = f.segment(f.separate())
	}
	if !ok {
		return Placement{}, ErrBlank
	}
	return f.placement(box, f.compose(dst, box)), nil
}

// around is the part of the picture that is looked at again for a digit in a box
// of the reduced one: as far as its strokes may lie apart, and paper enough to
// know the ground.
func (f *digitFinder) around(box image.Rectangle) image.Rectangle {
	box = box.Inset(-max(leastMargin, max(box.Dx(), box.Dy())))
	return image.Rect(f.k*box.Min.X, f.k*box.Min.Y, f.k*box.Max.X, f.k*box.Max.Y)
}

// placement is that of a box of the reduced picture at a rectangle of the
// input.
func (f *digitFinder) placement(box, at image.Rectangle) Placement {
	k := float64(f.k)
	return Placement{k * float64(box.Min.X), k * float64(box.Min.Y), k * float64(box.Max.X), k * float64(box.Max.Y), at}.add(f.origin)
}

// reduction is the factor that brings a picture to at most limit pixels.
func reduction(size image.Point, limit int) int {
	k := 1
	for (size.X+k-1)/k*((size.Y+k-1)/k) > limit {
		k++
	}
	return k
}

// ready reports whether the picture is in MNIST's form already, 28×28 with
// the digit's box and its centre of mass in their places, and then writes it
// into dst as it is, inverted if it is dark on bright. It returns the digit's
// box.
func (f *digitFinder) ready(dst []float32) (box image.Rectangle, ok bool) {
	if f.w != digitSide || f.h != digitSide || f.c != 1 {
		return box, false
	}
	pix := f.pix[:digitSide*digitSide]
	var flip uint8
	if pix[0] >= 0x80 {
		flip = 0xff
	}
	var sum, sumX, sumY, top int
	box.Min = image.Pt(digitSide, digitSide)
	for y := range digitSide {
		for x, v := range pix[y*digitSide:][:digitSide] {
			v := int(v ^ flip)
			if v == 0 {
				continue
			}
			box.Min.X, box.Max.X = min(box.Min.X, x), max(box.Max.X, x+1)
			box.Min.Y, box.Max.Y = min(box.Min.Y, y), max(box.Max.Y, y+1)
			sum += v
			sumX += v * x
			sumY += v * y
			top = max(top, v)
		}
	}
	if top < readyInk || max(box.Dx(), box.Dy()) != digitBody {
		return box, false
	}
	x, y := float64(sumX)/float64(sum), float64(sumY)/float64(sum)
	if math.Abs(x-digitCentre) > 1 || math.Abs(y-digitCentre) > 1 {
		return box, false
	}
	for i, v := range pix {
		dst[i] = float32(v^flip) / 255
	}
	return box, true
}

// compose fits the ink in box into 20×20 and centres it in 28×28. It returns
// where it lies there.
func (f *digitFinder) compose(dst []float32, box image.Rectangle) image.Rectangle {
	long := max(box.Dx(), box.Dy())
	w := max(1, (box.Dx()*digitBody+long/2)/long)
	h := max(1, (box.Dy()*digitBody+long/2)/long)

	f.scale.across.set(f.w, float64(box.Min.X), float64(box.Max.X), w, support(box.Dx(), w))
	f.scale.down.set(f.h, float64(box.Min.Y), float64(box.Max.Y), h, support(box.Dy(), h))
	body := f.body[:w*h]
	clear(body)
	f.scale.begin()
	from, to := f.scale.down.span()
	for y := from; y < to; y++ {
		f.scale.add(body, y, f.ink[y*f.w:][:f.w])
	}

	var top, sum, sumX, sumY float32
	for y := range h {
		for x, v := range body[y*w:][:w] {
			top = max(top, v)
			sum += v
			sumX += v * float32(x)
			sumY += v * float32(y)
		}
	}
	left := int(math.Round(float64(digitCentre - sumX/sum)))
	up := int(math.Round(float64(digitCentre - sumY/sum)))
	left, up = min(max(left, 0), digitSide-w), min(max(up, 0), digitSide-h)

	clear(dst)
	for y := range h {
		out := dst[(up+y)*digitSide+left:][:w]
		for x, v := range body[y*w:][:w] {
			out[x] = min(1, v/top)
		}
	}
	return image.Rect(left, up, left+w, up+h)
}

// support is that of the filter for n samples made of size: their mean when the
// picture shrinks, a line between them when it grows.
func support(size, n int) float64 {
	if size >= n {
		return boxSupport
	}
	return triangleSupport
}
