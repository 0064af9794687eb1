package picture

import (
	"image"
	"image/color"
)

// turn turns a picture upright that has an Exif orientation: cameras write it
// as the sensor sees it, and how they were held beside it.
func turn(img image.Image, orientation int) image.Image {
	if orientation < 2 {
		return img
	}
	v := view{img: img, orientation: orientation}
	v.size = v.upright(img.Bounds().Dx(), img.Bounds().Dy())
	return v.image()
}

// image is the whole picture, upright.
func (v view) image() image.Image {
	if v.orientation < 2 && v.shift == 0 {
		return v.img
	}
	src, ok := v.img.(image.RGBA64Image)
	if !ok {
		src = slowImage{v.img}
	}
	return &turned{v, src}
}

// A turned picture is another one, mirrored or turned by quarters: Exif's
// orientations 2 to 8; and one that was reduced, its pixels repeated.
type turned struct {
	view view
	src  image.RGBA64Image
}

func (t *turned) ColorModel() color.Model { return color.RGBA64Model }

// Bounds begin at 0, 0.
func (t *turned) Bounds() image.Rectangle { return image.Rectangle{Max: t.view.size} }

func (t *turned) RGBA64At(x, y int) color.RGBA64 {
	v := t.view
	size := v.upright(v.size.X, v.size.Y) // in the file
	if v.orientation >= 5 {               // rows of the file are columns
		x, y = y, x
	}
	mirrored, upsideDown := v.mirrored()
	if mirrored {
		x = size.X - 1 - x
	}
	if upsideDown {
		y = size.Y - 1 - y
	}
	b := t.src.Bounds()
	return t.src.RGBA64At(b.Min.X+x>>v.shift, b.Min.Y+y>>v.shift)
}

func (t *turned) At(x, y int) color.Color { return t.RGBA64At(x, y) }

// A slowImage is an image of a format whose decoder does not know RGBA64Image.
type slowImage struct{ image.Image }

func (m slowImage) RGBA64At(x, y int) color.RGBA64 {
	r, g, b, a := m.At(x, y).RGBA()
	return color.RGBA64{uint16(r), uint16(g), uint16(b), uint16(a)}
}
