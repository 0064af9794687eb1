package picture

import (
	"image"
	"image/color"
)

// A rowReader reads a picture of any type row by row, as 8-bit premultiplied
// RGBA. Its buffers are reused from picture to picture.
type rowReader struct {
	img     image.Image
	bounds  image.Rectangle
	buf     []uint8
	palette []color.RGBA
}

// open makes r read img, which must not be empty.
func (r *rowReader) open(img image.Image) {
	r.img = img
	r.bounds = img.Bounds()
	r.buf = grow(r.buf, 4*r.bounds.Dx())
	if p, ok := img.(*image.Paletted); ok {
		r.palette = grow(r.palette, 256)
		clear(r.palette)
		for i, c := range p.Palette[:min(256, len(p.Palette))] {
			r.palette[i] = color.RGBAModel.Convert(c).(color.RGBA)
		}
	}
}

// close lets go of the picture.
func (r *rowReader) close() { r.img = nil }

// row returns row y, counted from the picture's top, as 4 bytes a pixel. The
// slice is valid until the next call.
func (r *rowReader) row(y int) []uint8 {
	b := r.bounds
	y += b.Min.Y
	dst := r.buf
	switch img := r.img.(type) {
	case *image.RGBA:
		i := img.PixOffset(b.Min.X, y)
		return img.Pix[i : i+4*b.Dx()]

	case *image.NRGBA:
		i := img.PixOffset(b.Min.X, y)
		src := img.Pix[i : i+4*b.Dx()]
		for i := 0; i+3 < len(src) && i+3 < len(dst); i += 4 {
			s, d := src[i:i+4:i+4], dst[i:i+4:i+4]
			a := uint32(s[3])
			if a == 255 {
				copy(d, s)
				continue
			}
			d[0] = uint8((uint32(s[0])*a + 127) / 255)
			d[1] = uint8((uint32(s[1])*a + 127) / 255)
			d[2] = uint8((uint32(s[2])*a + 127) / 255)
			d[3] = uint8(a)
		}

	case *image.Gray:
		i := img.PixOffset(b.Min.X, y)
		for x, v := range img.Pix[i : i+b.Dx()] {
			d := dst[4*x : 4*x+4 : 4*x+4]
			d[0], d[1], d[2], d[3] = v, v, v, 255
		}

	case *image.YCbCr:
		for x := range b.Dx() {
			yi, ci := img.YOffset(b.Min.X+x, y), img.COffset(b.Min.X+x, y)
			d := dst[4*x : 4*x+4 : 4*x+4]
			d[0], d[1], d[2] = color.YCbCrToRGB(img.Y[yi], img.Cb[ci], img.Cr[ci])
			d[3] = 255
		}

	case *image.Paletted:
		i := img.PixOffset(b.Min.X, y)
		for x, v := range img.Pix[i : i+b.Dx()] {
			c, d := r.palette[v], dst[4*x:4*x+4:4*x+4]
			d[0], d[1], d[2], d[3] = c.R, c.G, c.B, c.A
		}

	case image.RGBA64Image: // every other picture of package image: nothing escapes
		for x := range b.Dx() {
			c, d := img.RGBA64At(b.Min.X+x, y), dst[4*x:4*x+4:4*x+4]
			d[0], d[1], d[2], d[3] = uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8), uint8(c.A>>8)
		}

	default:
		for x := range b.Dx() {
			cr, cg, cb, ca := img.At(b.Min.X+x, y).RGBA()
			d := dst[4*x : 4*x+4 : 4*x+4]
			d[0], d[1], d[2], d[3] = uint8(cr>>8), uint8(cg>>8), uint8(cb>>8), uint8(ca>>8)
		}
	}
	return dst
}

// luma is the brightness of a colour by BT.601, 0…255.
func luma(r, g, b uint8) float32 {
	return 0.299*float32(r) + 0.587*float32(g) + 0.114*float32(b)
}
