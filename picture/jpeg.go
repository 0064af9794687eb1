package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"

	"github.com/infer-go/infer/picture/internal/jpeg"
)

// DecodeJPEG decodes a JPEG picture without turning it upright. Its sides are
// divided by reduction, which is 1, 2, 4 or 8, and rounded up. The bounds of
// the result begin at 0, 0.
//
// Sequential pictures of 8 bits, gray or YCbCr, are decoded by this package
// several times as fast as by image/jpeg, and become an *image.Gray or an
// *image.YCbCr. Without reduction each sample is within 1 of image/jpeg's. A
// picture reduced by 8 has the means of 8×8 samples of luma; one reduced by 2
// or 4 keeps the lower spatial frequencies of these squares. Chroma with fewer
// samples than luma is reduced by less, to as many samples if it has them, so
// that the result may be subsampled less than the picture. Other pictures, and
// damaged ones, are left to the decoder that the program has registered, and
// are not reduced.
//
// There is no limit to the size of the picture. Errors are those of
// image.Decode.
func DecodeJPEG(data []byte, reduction int) (image.Image, error) {
	for shift := range jpeg.MaxShift + 1 {
		if reduction == 1<<shift {
			img, _, err := decodeJPEG(data, shift, nil)
			return img, err
		}
	}
	return nil, fmt.Errorf("a JPEG picture cannot be reduced by %d", reduction)
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
