package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"

	"github.com/infer-go/infer/picture/internal/jpeg"
)

// DecodeJPEG decodes a JPEG picture, as the file has it and not turned upright,
// with its sides divided by reduction, 1, 2, 4 or 8, and rounded up. The bounds
// of the result begin at 0, 0.
//
// Sequential pictures of 8 bits, gray or YCbCr, are decoded here, several times as
// fast as package image/jpeg does it, and are an *image.Gray or an *image.YCbCr.
// Of one that is decoded whole each sample is within 1 of image/jpeg's. One that
// is reduced by 8 has the means of 8×8 samples; those by 2 and 4 keep the lower
// spatial frequencies of such squares. Others, and what is damaged, are left to
// the decoder that the program has registered, and come whole.
//
// There is no limit to its size, nor does it say what of the file is wrong as
// Decode does: errors are those of image.Decode.
func DecodeJPEG(data []byte, reduction int) (image.Image, error) {
	for shift := range jpeg.MaxShift + 1 {
		if reduction == 1<<shift {
			img, _, err := decodeJPEG(data, shift, nil)
			return img, err
		}
	}
	return nil, fmt.Errorf("a JPEG picture is not reduced by %d", reduction)
}

// decodeJPEG is DecodeJPEG, and says by which shift the picture is reduced. Planes
// may be used for its samples; nil is none.
func decodeJPEG(data []byte, shift int, planes *[]byte) (image.Image, int, error) {
	img, err := jpeg.Decode(data, shift, planes)
	if errors.Is(err, jpeg.ErrOdd) {
		img, _, err = image.Decode(bytes.NewReader(data))
		return img, 0, err
	}
	return img, shift, err
}
