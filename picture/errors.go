package picture

import "errors"

// Errors of pictures. They say what is wrong with one in words that go behind
// the name of its file, or of whatever else it came in.
var (
	// ErrBlank says that a picture of a digit shows nothing.
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
