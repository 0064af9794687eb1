package files

import (
	"errors"
	"image"
	"os"
	"strings"
)

// Error is an error about a file, which it names once, and first. It leaves out
// which package found the fault: that is of no use to whoever typed a command.
func Error(file string, err error) error {
	switch e := err.(type) {
	case *os.PathError:
		err = e.Err
	case *fileError:
		if e.file == file {
			return e
		}
	}
	return &fileError{file, err}
}

type fileError struct {
	file string
	err  error
}

func (e *fileError) Error() string {
	text := e.err.Error()
	for _, name := range [...]string{"engine: ", "onnx: "} {
		text = strings.TrimPrefix(text, name)
	}
	return e.file + ": " + text
}

func (e *fileError) Unwrap() error { return e.err }

// Named is the error of Error that err wraps, nil if there is none.
func Named(err error) error {
	var e *fileError
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// PictureError is an error about a picture's file.
func PictureError(file string, err error) error {
	if errors.Is(err, image.ErrFormat) {
		err = errors.New("not a PNG, JPEG, GIF, BMP, TIFF or WebP picture")
	}
	return Error(file, err)
}
