// Package files reads files, and makes their errors such that whoever gave a path
// knows what to do.
package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrFolder is the error of a folder where a file is wanted.
var ErrFolder = errors.New("it is a folder")

// MaxPicture is how many bytes of a picture's file are read at most.
const MaxPicture = 512 << 20

// pictureExtensions are those of files that hold pictures.
var pictureExtensions = []string{".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

// IsPicture reports whether a file is called as pictures are, of those of which many
// lie together.
func IsPicture(name string) bool {
	return slices.Contains(pictureExtensions, strings.ToLower(filepath.Ext(name)))
}

// Read reads a file of at most limit bytes. Errors name it.
func Read(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Error(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, Error(path, err)
	}
	if info.IsDir() {
		return nil, Error(path, ErrFolder)
	}
	return ReadFrom(f, path, info.Size(), limit)
}

// ReadFrom reads what is left of a file, of at most limit bytes. It has size bytes,
// most likely.
func ReadFrom(r io.Reader, path string, size, limit int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(size, limit, 1<<30)) + bytes.MinRead) // files may grow, and lie about their size
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, Error(path, err)
	}
	if n > limit {
		return nil, Error(path, fmt.Errorf("more than %d MB", limit>>20))
	}
	return b.Bytes(), nil
}

// ReadPicture reads the bytes of a picture.
func ReadPicture(path string) ([]byte, error) {
	data, err := Read(path, MaxPicture)
	return data, NotEmpty(path, data, err)
}

// NotEmpty is the error of a file that nothing is in, or the one that there is.
func NotEmpty(path string, data []byte, err error) error {
	if err == nil && len(data) == 0 {
		return Error(path, errors.New("the file is empty"))
	}
	return err
}

// MayPass says of an error of Read that it may be another one, or none, when the
// file is read again: where something is, and may be read, but cannot.
func MayPass(path string, err error) bool {
	var system syscallError
	if !errors.As(err, &system) || errors.Is(err, fs.ErrPermission) {
		return false
	}
	info, missing := os.Stat(path)
	return missing == nil && !info.IsDir()
}

// A syscallError is one of the system: package syscall's Errno has these methods
// everywhere.
type syscallError interface {
	error
	Temporary() bool
	Timeout() bool
}
