package main

import (
	"encoding/binary"
	"image"
	"image/color"
)

// upright turns a picture as the Exif data of a JPEG file ask for: cameras
// write the picture as the sensor sees it, and how it was held beside it.
func upright(img image.Image, data []byte) image.Image {
	o := orientation(data)
	src, ok := img.(image.RGBA64Image)
	if o < 2 || !ok {
		return img
	}
	return &turned{src, o}
}

// A turned picture is another one, mirrored or turned by quarters: Exif's
// orientations 2 to 8.
type turned struct {
	image.RGBA64Image
	orientation int
}

// Bounds begin at 0, 0.
func (t *turned) Bounds() image.Rectangle {
	size := t.RGBA64Image.Bounds().Size()
	if t.orientation >= 5 {
		size.X, size.Y = size.Y, size.X
	}
	return image.Rectangle{Max: size}
}

func (t *turned) RGBA64At(x, y int) color.RGBA64 {
	b := t.RGBA64Image.Bounds()
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
	return t.RGBA64Image.RGBA64At(b.Min.X+x, b.Min.Y+y)
}

func (t *turned) At(x, y int) color.Color { return t.RGBA64At(x, y) }

// orientation is the Exif orientation of a JPEG file, 1 to 8; 0 if there is
// none. What is damaged counts as none.
func orientation(data []byte) int {
	if len(data) < 2 || data[0] != 0xff || data[1] != 0xd8 {
		return 0
	}
	for data = data[2:]; len(data) >= 4 && data[0] == 0xff; {
		marker, n := data[1], 2+int(binary.BigEndian.Uint16(data[2:]))
		if n > len(data) || marker == 0xda { // the picture itself begins
			return 0
		}
		if body := data[4:max(4, n)]; marker == 0xe1 && len(body) > 6 && string(body[:6]) == "Exif\x00\x00" {
			return tiffOrientation(body[6:])
		}
		data = data[n:]
	}
	return 0
}

// tiffOrientation looks for the tag 0x112 in the first directory of a TIFF
// structure.
func tiffOrientation(data []byte) int {
	if len(data) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return 0
	}
	entries := data[at+2:]
	for range order.Uint16(data[at:]) {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == 0x112 {
			if v := order.Uint16(entries[8:]); v <= 8 {
				return int(v)
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
}
