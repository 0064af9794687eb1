package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
)

// MaxDecoded is how many pixels Decode decodes at most.
const MaxDecoded = 100_000_000

// Decode decodes a picture of at most MaxDecoded pixels and turns it upright,
// as the Exif data of its file ask for, or TIFF's own tag. Its formats are those
// that the program has registered with package image.
//
// Errors are image.ErrFormat for data in none of these formats, ErrTooLarge,
// ErrEmpty, and of no kind for data that are cut off, damaged or not supported.
// Decoders that panic make such an error.
func Decode(data []byte) (image.Image, error) { return DecodeAtMost(data, MaxDecoded) }

// DecodeAtMost is Decode with another limit. More than 2¹⁶ pixels a side are
// never decoded: Prepare would refuse them.
//
// The limit is compared with what the header claims, before memory is taken for
// it: a few kilobytes can ask for gigabytes. Decoders take up to 8 bytes for a
// pixel, and some of them several times that while they work.
func DecodeAtMost(data []byte, pixels int) (img image.Image, err error) {
	v, err := decode(data, pixels, nil, whole)
	if err != nil {
		return nil, err
	}
	return v.image(), nil
}

// whole says that a picture is not to be reduced.
func whole(image.Point) (shift int) { return 0 }

// decode decodes a picture of at most so many pixels as its file has it, at 1/2ʳ
// of its size if it can be, where reduce makes r of the upright picture's size.
// Planes may be used for its samples; nil is none.
func decode(data []byte, pixels int, planes *[]byte, reduce func(size image.Point) (shift int)) (v view, err error) {
	defer func() {
		// Decoders of damaged files have had their faults.
		if r := recover(); r != nil {
			v, err = view{}, fmt.Errorf("the picture is damaged: %v", r)
		}
	}()
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case errors.Is(err, image.ErrFormat):
		return view{}, image.ErrFormat
	case err != nil:
		return view{}, damaged(format, err)
	case c.Width < 1 || c.Height < 1:
		return view{}, fmt.Errorf("%w: %d×%d", ErrEmpty, c.Width, c.Height)
	case c.Width > pixels/c.Height:
		return view{}, fmt.Errorf("%w: %d×%d, more than %v megapixels", ErrTooLarge, c.Width, c.Height, float64(pixels)/1e6)
	case max(c.Width, c.Height) > maxSide:
		return view{}, fmt.Errorf("%w: %d×%d, more than %d pixels a side", ErrTooLarge, c.Width, c.Height, maxSide)
	}
	v.orientation = orientation(data)
	if format == "jpeg" {
		v.img, v.shift, err = decodeJPEG(data, reduce(v.upright(c.Width, c.Height)), planes)
	} else {
		v.img, _, err = image.Decode(bytes.NewReader(data))
	}
	switch {
	case err != nil:
		return view{}, damaged(format, err)
	case v.img.Bounds().Empty(): // a frame of a GIF can be, on a larger screen
		return view{}, ErrEmpty
	}
	if v.shift == 0 { // a frame of a GIF need not be as large as the screen
		c.Width, c.Height = v.img.Bounds().Dx(), v.img.Bounds().Dy()
	}
	v.size = v.upright(c.Width, c.Height)
	return v, nil
}

// damaged says what is wrong with a picture of a known format. Decoders do not
// agree on an error for one that ends too early.
func damaged(format string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the %s picture is cut off", format)
	}
	for _, text := range [...]string{"EOF", "not enough pixel data", "not enough image data", "short Huffman data", "short chunk data"} {
		if strings.Contains(err.Error(), text) {
			return fmt.Errorf("the %s picture is cut off", format)
		}
	}
	for _, text := range [...]string{"compression value 6", "compression value 7"} { // old and new
		if format == "tiff" && strings.HasSuffix(err.Error(), text) {
			return fmt.Errorf("the tiff picture is compressed as JPEG is, which is not supported: %w", err)
		}
	}
	return fmt.Errorf("the %s picture is damaged or not supported: %w", format, err)
}
