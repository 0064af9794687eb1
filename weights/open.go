package weights

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// A File is an open file and its Net.
type File struct {
	Net *Net

	unmap  func() error // gives the memory back; nil if there is nothing to do
	closed atomic.Bool
}

// Open opens a file and checks all of it. A regular file is mapped into
// memory, on systems that can do so, read-only and shared with all other
// processes that map it; any other file is read.
//
// A mapped file must be neither written to nor truncated while it is open.
// Save does neither, since it puts a new file in the place of the old one.
//
// Errors name the path; they are those of Parse and of package os.
func Open(path string) (*File, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, unmap, err := mapFile(f)
	if err != nil {
		return nil, err
	}
	if data == nil {
		if data, err = readFile(f); err != nil {
			return nil, inFile(path, err)
		}
	}
	n, err := Parse(data)
	if err != nil {
		if unmap != nil {
			unmap()
		}
		return nil, inFile(path, err)
	}
	return &File{Net: n, unmap: unmap}, nil
}

// Close releases the memory of the weights. The Net no longer has them, and
// reading them through a slice that was kept from the Net's Params crashes
// the program. Close may be called more than once.
func (f *File) Close() error {
	if f.closed.Swap(true) {
		return nil
	}
	for i := range f.Net.Params {
		f.Net.Params[i].Data = nil
	}
	if f.unmap == nil {
		return nil
	}
	return f.unmap()
}

// open opens a path for reading, unless it is a directory.
func open(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s: is a directory", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// readFile reads the bytes of a file that may be a pipe: no more than its
// header announces, and one, which shows whether there is more.
func readFile(r io.Reader) ([]byte, error) {
	head := make([]byte, headerSize)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	head = head[:n]
	_, length, err := readHeader(head)
	if err != nil {
		return nil, err
	}
	rest := int64(min(length, 1<<62)) - int64(len(head)) + 1
	return io.ReadAll(io.MultiReader(bytes.NewReader(head), io.LimitReader(r, rest)))
}

func inFile(path string, err error) error { return fmt.Errorf("%s: %w", path, err) }
