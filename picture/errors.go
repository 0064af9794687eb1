package picture

import "errors"

// Errors of pictures. Their texts are made to follow the name of the picture's
// file or other source.
var (
	// ErrBlank says that a picture in which a digit was to be found is blank.
	ErrBlank = errors.New("nothing is drawn on it")

	// ErrEmpty says that a picture has no pixels.
	ErrEmpty = errors.New("the picture has no pixels")

	// ErrTooLarge says that a picture has more pixels, or longer sides, than
	// are decoded or prepared.
	ErrTooLarge = errors.New("the picture is too large")

	// ErrNoPicture says that a Preparation does not specify how a picture
	// becomes an input.
	ErrNoPicture = errors.New("the model does not say how a picture becomes its input")
)
