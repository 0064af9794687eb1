package main

import (
	"bytes"
	"errors"
	"fmt"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"os"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// maxPicture is how many bytes of a picture's file are read at most.
const maxPicture = 512 << 20

var errFolder = errors.New("it is a folder")

// readPicture reads the bytes of a picture. Errors name the file.
func (a *app) readPicture(file string) ([]byte, error) {
	data, err := a.readFile(file, maxPicture)
	if err == nil && len(data) == 0 {
		err = inFile(file, errors.New("the file is empty"))
	}
	return data, err
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
		return nil, inFile(file, fmt.Errorf("more than %d MB", limit>>20))
	}
	return b.Bytes(), nil
}
