package main

import (
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

	"github.com/infer-go/infer/internal/files"
)

// readPicture reads the bytes of a picture. Errors name the file.
func (a *app) readPicture(file string) ([]byte, error) {
	data, err := a.readFile(file, files.MaxPicture)
	return data, files.NotEmpty(file, data, err)
}

// readFile reads a file of at most limit bytes; - is standard input. Errors
// name the file.
func (a *app) readFile(file string, limit int64) ([]byte, error) {
	if file == "-" {
		return files.ReadFrom(a.stdin, file, 0, limit)
	}
	return files.Read(file, limit)
}
