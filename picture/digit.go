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
// twice as large as what is made of it, it is looked for again on more.
const (
	fewPixels  = 1 << 14
	manyPixels = 1 << 19
	largeBody  = 2 * digitBody
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
	k      int     // the factor by which the picture is reduced
	w, h   int     // of the reduced picture
	c      int     // its channels: 1 if it is grey, else 3
	pix    []uint8 // w·h·c, interleaved
	alpha  []uint8 // w·h
	opaque bool

	ink      []float32 // w·h: difference from the ground, positive where there is ink
	smooth   []float32 // w·h: ink with less noise; ink itself if it is clean
	softened []float32 // smooth's memory
	sums     []uint32  // one row of the reduction

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
	coarse, fine := reduction(size, fewPixels), reduction(size, manyPixels)
	f.read(rows, coarse)
	if box, ok := f.ready(dst); ok {
		return f.placement(box, box), nil
	}
	box, ok := f.segment(f.separate())
	if coarse > fine && (!ok || max(box.Dx(), box.Dy()) < largeBody) {
		f.read(rows, fine)
		box, ok = f.segment(f.separate())
	}
	if !ok {
		return Placement{}, ErrBlank
	}
	return f.placement(box, f.compose(dst, box)), nil
}

// placement is that of a box of the reduced picture at a rectangle of the
// input.
func (f *digitFinder) placement(box, at image.Rectangle) Placement {
	k := float64(f.k)
	return Placement{k * float64(box.Min.X), k * float64(box.Min.Y), k * float64(box.Max.X), k * float64(box.Max.Y), at}
}

// reduction is the factor that brings a picture to at most limit pixels.
func reduction(size image.Point, limit int) int {
	k := 1
	for (size.X+k-1)/k*((size.Y+k-1)/k) > limit {
		k++
	}
	return k
}

// read reduces the picture by the factor k, averaging squares of k×k pixels.
func (f *digitFinder) read(rows *rowReader, k int) {
	size := rows.bounds.Size()
	f.k = k
	f.w, f.h = (size.X+k-1)/k, (size.Y+k-1)/k
	n := f.w * f.h
	f.pix = grow(f.pix, 3*n)
	f.alpha = grow(f.alpha, n)
	f.opaque = true
	grey := true

	if k > 1 {
		f.sums = grow(f.sums, 4*f.w)
	}
	for y := range f.h {
		alpha, pix := f.alpha[y*f.w:][:f.w], f.pix[3*y*f.w:][:3*f.w]
		if k == 1 {
			row := rows.row(y)
			for x := range alpha {
				s, d := row[4*x:4*x+4:4*x+4], pix[3*x:3*x+3:3*x+3]
				d[0], d[1], d[2], alpha[x] = s[0], s[1], s[2], s[3]
				if s[3] != 255 {
					f.opaque = false
				}
				if s[0] != s[1] || s[1] != s[2] {
					grey = false
				}
			}
			continue
		}
		clear(f.sums)
		high := min(k, size.Y-y*k)
		for j := range high {
			row := rows.row(y*k + j)
			for x := range f.w {
				t := f.sums[4*x : 4*x+4 : 4*x+4]
				for i := 4 * x * k; i < min(4*(x+1)*k, len(row)); i += 4 {
					s := row[i : i+4 : i+4]
					t[0] += uint32(s[0])
					t[1] += uint32(s[1])
					t[2] += uint32(s[2])
					t[3] += uint32(s[3])
				}
			}
		}
		for x := range alpha {
			t, d := f.sums[4*x:4*x+4:4*x+4], pix[3*x:3*x+3:3*x+3]
			area := uint32(high * min(k, size.X-x*k))
			d[0] = uint8((t[0] + area/2) / area)
			d[1] = uint8((t[1] + area/2) / area)
			d[2] = uint8((t[2] + area/2) / area)
			alpha[x] = uint8((t[3] + area/2) / area)
			if alpha[x] != 255 {
				f.opaque = false
			}
			if d[0] != d[1] || d[1] != d[2] {
				grey = false
			}
		}
	}

	f.c = 3
	if !f.opaque {
		f.flatten()
		return
	}
	if grey {
		f.c = 1
		for i := range n {
			f.pix[i] = f.pix[3*i]
		}
	}
}

// flatten takes transparency out of the picture. Where the shape is drawn in
// the transparency itself, the result is the opacity as a grey picture, ink
// bright, whatever the ink's colour. Where an opaque page merely ends in
// transparency, as with round corners, the page is continued.
func (f *digitFinder) flatten() {
	n := f.w * f.h
	var count int // of opaque pixels
	var hist [3][256]int
	var sum, squares float64
	for i, a := range f.alpha {
		if a < opaqueAlpha {
			continue
		}
		p := f.pix[3*i : 3*i+3 : 3*i+3]
		for k, v := range p {
			hist[k][v]++
		}
		l := float64(luma(p[0], p[1], p[2]))
		sum += l
		squares += l * l
		count++
	}
	deviation := 0.0
	if count > 0 {
		deviation = math.Sqrt(max(0, squares/float64(count)-sum/float64(count)*sum/float64(count)))
	}
	if 2*count > n && deviation > drawnDeviation {
		var page [3]uint8
		for k := range page {
			page[k] = uint8(median(hist[k][:], count))
		}
		for i, a := range f.alpha {
			p := f.pix[3*i : 3*i+3 : 3*i+3]
			for k := range p {
				p[k] += uint8((uint32(page[k])*uint32(255-a) + 127) / 255)
			}
		}
		return
	}
	f.c = 1
	copy(f.pix, f.alpha)
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
