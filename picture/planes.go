package picture

import (
	"image"

	"github.com/infer-go/infer/kernels"
)

// A planeReader reads a stretch of a picture's columns row by row: bytes of red,
// green and blue each, on white where the picture is transparent.
type planeReader struct {
	kernels  *kernels.Rows
	img      image.Image
	from, to int // columns, from the picture's left edge
	colours  int // 1 if the picture is gray

	subsampled int  // columns to a sample of chroma, 0 if it is not read as luma and chroma
	between    bool // chroma of 2 columns is interpolated, not repeated
	rows       rowReader
	chroma     [2][]byte
}

// open makes r read columns from, …, to−1 of img, or some more on the left. It
// returns the first that it reads. Chroma is interpolated, as libjpeg has it, if
// that is asked for: it takes time, and makes no difference where many pixels are
// added to one.
func (r *planeReader) open(img image.Image, k *kernels.Rows, from, to int, interpolated bool) int {
	r.kernels, r.img, r.to, r.colours, r.subsampled = k, img, to, 3, 0
	r.between = false
	switch m := img.(type) {
	case *image.Gray:
		r.colours = 1
	case *image.YCbCr:
		// Rows begin where a sample of chroma does, if there is such a place.
		left := m.Rect.Min.X
		if n := columnsOf(m.SubsampleRatio); n > 0 && left >= 0 && m.Rect.Min.Y >= 0 && from >= (left+from)%n {
			from -= (left + from) % n
			r.subsampled = n
			r.between = interpolated && n == 2
		}
	}
	if r.colours == 3 && r.subsampled == 0 {
		r.rows.open(img)
	}
	r.from = from
	return from
}

// columnsOf is how many columns a sample of chroma has, 0 if that is not known.
func columnsOf(ratio image.YCbCrSubsampleRatio) int {
	switch ratio {
	case image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio440:
		return 1
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		return 2
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		return 4
	}
	return 0
}

// close lets go of the picture.
func (r *planeReader) close() {
	r.img = nil
	r.rows.close()
}

// read reads row y, counted from the picture's top. If the picture is gray, it
// reads red alone.
func (r *planeReader) read(red, green, blue []byte, y int) {
	b := r.img.Bounds()
	if m, ok := r.img.(*image.Gray); ok {
		copy(red, m.Pix[m.PixOffset(b.Min.X+r.from, b.Min.Y+y):])
		return
	}
	if r.subsampled == 0 {
		r.kernels.Planes(red, green, blue, r.rows.row(y)[4*r.from:4*r.to])
		return
	}
	m := r.img.(*image.YCbCr)
	luma := m.Y[m.YOffset(b.Min.X+r.from, b.Min.Y+y):]
	at, n := m.COffset(b.Min.X+r.from, b.Min.Y+y), (len(red)+r.subsampled-1)/r.subsampled
	if r.between {
		r.kernels.YCbCr(red, green, blue, luma, r.interpolate(0, m, m.Cb, n, y), r.interpolate(1, m, m.Cr, n, y), 1)
		return
	}
	cb, cr := m.Cb[at:at+n], m.Cr[at:at+n]
	columns := r.subsampled
	if columns == 4 {
		columns = 2
		cb, cr = r.double(0, cb), r.double(1, cr)
	}
	r.kernels.YCbCr(red, green, blue, luma, cb, cr, columns)
}

// double repeats each sample of chroma.
func (r *planeReader) double(i int, samples []byte) []byte {
	r.chroma[i] = grow(r.chroma[i], 2*len(samples))
	for k, v := range samples {
		r.chroma[i][2*k], r.chroma[i][2*k+1] = v, v
	}
	return r.chroma[i]
}

// interpolate makes two columns of each of n samples of a plane of chroma, for row
// y of the picture. A sample lies in the middle between its pixels: its own weighs
// three times as much as its neighbour, in either direction.
func (r *planeReader) interpolate(i int, m *image.YCbCr, plane []byte, n, y int) []byte {
	b := m.Rect
	width, other := (b.Max.X-1)/2-b.Min.X/2+1, b.Min.Y+y
	if m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		other = min(max(other+2*(other&1)-1, b.Min.Y), b.Max.Y-1)
	}
	near := plane[m.COffset(b.Min.X, b.Min.Y+y):][:width]
	far := plane[m.COffset(b.Min.X, other):][:width]
	sum := func(k int) uint {
		k = min(max(k, 0), width-1)
		return 3*uint(near[k]) + uint(far[k])
	}
	r.chroma[i] = grow(r.chroma[i], 2*n)
	out := r.chroma[i]
	first := (b.Min.X+r.from)/2 - b.Min.X/2
	left, own := sum(first-1), sum(first)
	for k := range n {
		right := sum(first + k + 1)
		out[2*k] = byte((3*own + left + 8) >> 4)
		out[2*k+1] = byte((3*own + right + 7) >> 4)
		left, own = own, right
	}
	return out
}
