package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"strings"
)

// A knownFormat is one whose files this package can tell by how they begin, where
// ? is any byte, and the package whose import registers it.
type knownFormat struct{ name, begin, registers string }

var knownFormats = []knownFormat{
	{"PNG", "\x89PNG\r\n\x1a\n", "image/png"},
	{"JPEG", "\xff\xd8", "image/jpeg"},
	{"GIF", "GIF8?a", "image/gif"},
	{"BMP", "BM????\x00\x00\x00\x00", "golang.org/x/image/bmp"},
	{"TIFF", "II*\x00", "golang.org/x/image/tiff"},
	{"TIFF", "MM\x00*", "golang.org/x/image/tiff"},
	{"WebP", "RIFF????WEBPVP8", "golang.org/x/image/webp"},
}

// begins says whether data are of the format.
func (f *knownFormat) begins(data []byte) bool {
	if len(data) < len(f.begin) {
		return false
	}
	for i, c := range []byte(f.begin) {
		if c != '?' && c != data[i] {
			return false
		}
	}
	return true
}

// registered says whether package image has a decoder for the format.
func (f *knownFormat) registered() bool {
	_, _, err := image.DecodeConfig(bytes.NewReader([]byte(f.begin)))
	return !errors.Is(err, image.ErrFormat)
}

// Formats returns those of the formats PNG, JPEG, GIF, BMP, TIFF and WebP that
// the program has registered with package image, by these names.
func Formats() []string {
	names := []string{}
	for i := range knownFormats {
		f := &knownFormats[i]
		if (i == 0 || knownFormats[i-1].name != f.name) && f.registered() {
			names = append(names, f.name)
		}
	}
	return names
}

// A formatError is an image.ErrFormat that says what the program lacks.
type formatError struct{ text string }

func (e *formatError) Error() string { return e.text }

func (e *formatError) Unwrap() error { return image.ErrFormat }

// unregistered is the error of data that no registered decoder takes.
func unregistered(data []byte) error {
	for i := range knownFormats {
		if f := &knownFormats[i]; f.begins(data) && !f.registered() {
			return &formatError{fmt.Sprintf("%s pictures are not registered with package image: import _ %q", f.name, f.registers)}
		}
	}
	if names := Formats(); len(names) > 0 {
		return &formatError{"not a picture in a format that is registered with package image: " + strings.Join(names, ", ")}
	}
	return &formatError{`no picture format is registered with package image: PNG needs import _ "image/png"`}
}
