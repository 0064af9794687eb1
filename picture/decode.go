package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
)

// MaxDecoded is the largest number of pixels that Decode decodes.
const MaxDecoded = 100_000_000

// Decode decodes a picture of at most MaxDecoded pixels and turns it upright as
// the Exif data of its file say, or TIFF's own tag. It reads the formats that
// the program has registered with package image.
//
// Errors wrap image.ErrFormat for data in none of these formats, ErrTooLarge and
// ErrEmpty. Data that are cut off, damaged or not supported give the decoder's
// error; a decoder that panics gives one, too.
func Decode(data []byte) (image.Image, error) { return DecodeAtMost(data, MaxDecoded) }

// DecodeAtMost is Decode with another limit. Pictures with more than 2¹⁶ pixels
// on a side are never decoded, since Prepare would reject them.
//
// The limit is compared with the size in the header before memory is allocated,
// because a few kilobytes can ask for gigabytes. Decoders take up to 8 bytes
// for a pixel, and some take several times as much while they work.
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
		return view{}, unregistered(data)
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
			return fmt.Errorf("the tiff picture uses JPEG compression, which is not supported: %w", err)
		}
	}
	return fmt.Errorf("the %s picture is damaged or not supported: %w", format, err)
}
