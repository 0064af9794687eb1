package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"os"
	"strings"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// What is refused, so that a small file cannot ask for any amount of memory.
const (
	maxPixels  = 100_000_000 // of a picture
	maxPicture = 512 << 20   // bytes of a picture's file
)

var errFolder = errors.New("it is a folder")

// readPicture reads a picture and turns it upright. Errors name the file.
func (a *app) readPicture(file string) (image.Image, error) {
	data, err := a.readFile(file, maxPicture)
	if err != nil {
		return nil, err
	}
	img, err := decodePicture(data)
	if err != nil {
		return nil, inFile(file, err)
	}
	return upright(img, data), nil
}

// decodePicture decodes a picture whose header asks for no absurd size.
func decodePicture(data []byte) (img image.Image, err error) {
	defer func() {
		// Decoders of damaged files have had their faults.
		if r := recover(); r != nil {
			img, err = nil, fmt.Errorf("the picture is damaged: %v", r)
		}
	}()
	if len(data) == 0 {
		return nil, errors.New("the file is empty")
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, errors.New("not a PNG, JPEG, GIF, BMP, TIFF or WebP picture")
	case err != nil:
		return nil, damaged(format, err)
	case c.Width < 1 || c.Height < 1:
		return nil, fmt.Errorf("the picture has no pixels: %d×%d", c.Width, c.Height)
	case c.Width > maxPixels/c.Height:
		return nil, fmt.Errorf("the picture is too large: %d×%d, more than %d megapixels", c.Width, c.Height, maxPixels/1_000_000)
	}
	img, _, err = image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, damaged(format, err)
	}
	return img, nil
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
	return fmt.Errorf("the %s picture is damaged or not supported: %w", format, err)
}

// readFile reads a file of at most limit bytes; - is standard input. Errors
// name the file.
func (a *app) readFile(file string, limit int64) ([]byte, error) {
	in := a.stdin
	var size int64
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, inFile(file, err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, inFile(file, err)
		}
		if info.IsDir() {
			return nil, inFile(file, errFolder)
		}
		in, size = f, info.Size()
	}
	var b bytes.Buffer
	b.Grow(int(min(size, limit, 1<<30)) + bytes.MinRead) // files may grow, and lie about their size
	n, err := b.ReadFrom(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, inFile(file, err)
	}
	if n > limit {
		return nil, fmt.Errorf("%s: more than %d MB", file, limit>>20)
	}
	return b.Bytes(), nil
}
