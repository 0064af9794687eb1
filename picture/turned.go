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
	src, ok := img.(image.RGBA64Image)
	if !ok {
		src = slowImage{img}
	}
	return &turned{src, orientation}
}

// A turned picture is another one, mirrored or turned by quarters: Exif's
// orientations 2 to 8.
type turned struct {
	src         image.RGBA64Image
	orientation int
}

func (t *turned) ColorModel() color.Model { return color.RGBA64Model }

// Bounds begin at 0, 0.
func (t *turned) Bounds() image.Rectangle {
	size := t.src.Bounds().Size()
	if t.orientation >= 5 {
		size.X, size.Y = size.Y, size.X
	}
	return image.Rectangle{Max: size}
}

func (t *turned) RGBA64At(x, y int) color.RGBA64 {
	b := t.src.Bounds()
	if t.orientation >= 5 { // rows of the file are columns
		x, y = y, x
	}
	switch t.orientation {
	case 2, 3, 7, 8:
		x = b.Dx() - 1 - x
	}
	switch t.orientation {
	case 3, 4, 6, 7:
		y = b.Dy() - 1 - y
	}
	return t.src.RGBA64At(b.Min.X+x, b.Min.Y+y)
}

func (t *turned) At(x, y int) color.Color { return t.RGBA64At(x, y) }

// A slowImage is an image of a format whose decoder does not know RGBA64Image.
type slowImage struct{ image.Image }

func (m slowImage) RGBA64At(x, y int) color.RGBA64 {
	r, g, b, a := m.At(x, y).RGBA()
	return color.RGBA64{uint16(r), uint16(g), uint16(b), uint16(a)}
}
