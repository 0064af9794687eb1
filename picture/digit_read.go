package picture

import (
	"image"
	"math"

	"github.com/infer-go/infer/kernels"
)

// read reduces a part of the picture by the factor k, averaging squares of k×k
// pixels.
func (f *digitFinder) read(rows *rowReader, k int, part image.Rectangle) {
	size := part.Size()
	f.k, f.origin = k, part.Min
	f.w, f.h = (size.X+k-1)/k, (size.Y+k-1)/k
	n := f.w * f.h
	f.pix = grow(f.pix, 3*n)
	f.alpha = grow(f.alpha, n)
	f.opaque = true
	if opaque(rows.img) {
		f.c = f.opaques.read(f.pix, rows.img, k, part)
		return
	}
	grey := true

	if k > 1 {
		f.sums = grow(f.sums, 4*f.w)
	}
	for y := range f.h {
		alpha, pix := f.alpha[y*f.w:][:f.w], f.pix[3*y*f.w:][:3*f.w]
		if k == 1 {
			row := rows.row(part.Min.Y + y)[4*part.Min.X:]
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
			row := rows.row(part.Min.Y + y*k + j)[4*part.Min.X : 4*part.Max.X]
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

// opaque says that a picture is not transparent anywhere, where that is known.
func opaque(img image.Image) bool {
	if m, ok := img.(interface{ Opaque() bool }); ok {
		return m.Opaque()
	}
	return false
}

// An opaqueReader reduces pictures that are not transparent.
type opaqueReader struct {
	rgba    image.RGBA // what an image.NRGBA is
	kernels *kernels.Rows
	planes  planeReader
	bytes   []byte // rows of red, green and blue
	offsets []int  // of those that are added up
	ones    []float32
	sums    [3][]float32
}

// read does what digitFinder.read does. It returns the number of channels, 1 if
// all pixels are grey.
func (r *opaqueReader) read(pix []uint8, img image.Image, k int, part image.Rectangle) (channels int) {
	if m, ok := img.(*image.NRGBA); ok { // without opacity it is the same
		r.rgba = image.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
		defer func() { r.rgba = image.RGBA{} }()
		img = &r.rgba
	}
	if r.kernels == nil {
		r.kernels = defaultTier().Rows()
	}
	from := r.planes.open(img, r.kernels, part.Min.X, part.Max.X, false)
	defer r.planes.close()
	skip := part.Min.X - from
	width := part.Max.X - from
	stride := (width + 31) &^ 31
	r.bytes = grow(r.bytes, 3*k*stride)
	r.offsets, r.ones = grow(r.offsets, k), grow(r.ones, k)
	for j := range k {
		r.offsets[j], r.ones[j] = 3*j*stride, 1
	}
	colours := r.planes.colours
	for c := range colours {
		r.sums[c] = grow(r.sums[c], stride)
	}
	w, grey := (part.Dx()+k-1)/k, true
	for y := 0; y*k < part.Dy(); y++ {
		high := min(k, part.Dy()-y*k)
		out := pix[y*w*colours:][:w*colours]
		for j := range high {
			row := r.bytes[r.offsets[j]:]
			r.planes.read(row[:width], row[stride:][:width], row[2*stride:][:width], part.Min.Y+y*k+j)
		}
		for c := range colours {
			r.kernels.Weigh(r.sums[c], r.bytes[c*stride:], r.offsets[:high], r.ones[:high])
			sums := r.sums[c][skip:width]
			for x := range w {
				square := sums[x*k : min((x+1)*k, len(sums))]
				var sum float32 // a whole number of less than 2²⁴
				for _, v := range square {
					sum += v
				}
				area := uint32(high * len(square))
				out[x*colours+c] = uint8((uint32(sum) + area/2) / area)
			}
		}
		if colours == 3 && grey {
			for x := range w {
				p := out[3*x : 3*x+3 : 3*x+3]
				grey = grey && p[0] == p[1] && p[1] == p[2]
			}
		}
	}
	if colours == 3 && grey {
		for i := range w * ((part.Dy() + k - 1) / k) {
			pix[i] = pix[3*i]
		}
		return 1
	}
	return colours
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
