package picture

import (
	"errors"
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/infer-go/infer/weights"
)

// FuzzPicture prepares pictures of every type and any size, whole or parts of
// larger ones, for inputs of every kind: numbers come out, or an error.
func FuzzPicture(f *testing.F) {
	f.Add([]byte{0, 9, 7, 0, 0, 0, 5, 4, 0, 1, 2, 3, 255})
	f.Add([]byte{1, 1, 1, 1, 1, 1, 8, 8, 3, 9})
	f.Add([]byte{2, 255, 3, 2, 2, 2, 1, 30, 200, 0, 200, 100, 50, 255})
	f.Add([]byte{3, 40, 44, 9, 0, 0, 0, 0, 0, 0, 0, 255, 7})
	f.Add([]byte("\x04p0\x03 strokes of a pen on paper that was lying about"))
	f.Add([]byte("\x05@@\x01\x01 sixteen bits and a palette \x00\xff\x80"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 10 {
			return
		}
		head, pixels := data[:9], data[9:]
		img := imageOf(head[0], int(head[1]), int(head[2]), pixels)
		p := &weights.Preparation{
			Kind: weights.Photo, Order: weights.Order(head[3] % 3), Fit: weights.Fit(head[4] % 3),
			Width: 1 + int(head[6])%64, Height: 1 + int(head[7])%64, Resize: int(head[8]) * int(head[5]),
			Scale: 1. / 255, Mean: [3]float32{0.5, 0.4, 0.3}, Std: [3]float32{0.2, 0.3, 0.4},
		}
		if head[3] >= 128 {
			p = digitPreparation
		}
		dst := make([]float32, p.Order.Channels()*p.Width*p.Height)
		for i := range dst {
			dst[i] = float32(math.NaN()) // what is not written shows
		}
		placed, err := Prepare(dst, img, p, Layout(head[7]/64%2))
		if err != nil {
			if !errors.Is(err, ErrBlank) && !errors.Is(err, ErrEmpty) {
				t.Fatal(err)
			}
			return
		}
		around := img.Bounds()
		if p.Kind == weights.Digit {
			around.Max = around.Max.Add(image.Pt(1, 1)) // reduced by 2 at most
		}
		checkPlacement(t, placed, around, image.Pt(p.Width, p.Height))
		for i, v := range dst {
			if !(v >= -5 && v <= 5) {
				t.Fatalf("element %d of %d is %v", i, len(dst), v)
			}
		}
	})
}

// imageOf makes an image of one of the types of package image. Those of odd
// kinds are a part of a larger one.
func imageOf(kind byte, w, h int, pixels []byte) image.Image {
	r := image.Rect(-2, 1, w-2, h+1)
	var img interface {
		image.Image
		SubImage(image.Rectangle) image.Image
	}
	var pix []byte
	switch kind / 2 % 8 {
	case 0:
		m := image.NewGray(r)
		img, pix = m, m.Pix
	case 1:
		m := image.NewNRGBA(r)
		img, pix = m, m.Pix
	case 2:
		m := image.NewRGBA(r) // more colour than opacity allows, too
		img, pix = m, m.Pix
	case 3:
		// Left of zero, package image makes fewer samples of colour than its
		// own At reads.
		r = r.Add(image.Pt(2, 0))
		m := image.NewYCbCr(r, image.YCbCrSubsampleRatio(kind/16%6))
		copy(m.Cb, pixels)
		img, pix = m, m.Y
	case 4:
		m := image.NewPaletted(r, color.Palette{color.Black, color.White, color.NRGBA{9, 200, 30, 40}, color.CMYK{1, 2, 3, 4}})
		img, pix = m, m.Pix
	case 5:
		m := image.NewNRGBA64(r)
		img, pix = m, m.Pix
	case 6:
		m := image.NewGray16(r)
		img, pix = m, m.Pix
	default:
		m := image.NewCMYK(r)
		img, pix = m, m.Pix
	}
	for i := range pix {
		pix[i] = pixels[i*31%len(pixels)]
	}
	if kind%2 == 1 {
		return img.SubImage(r.Inset(1))
	}
	return img
}
