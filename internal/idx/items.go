package idx

import (
	"bytes"
	"fmt"
	"io"

	"github.com/infer-go/infer/tensor"
)

// Items are those of an array, some of which are read at a time.
type Items struct {
	Shape []int

	// One of these has the data.
	all    []byte
	file   io.ReaderAt
	offset int64
}

// Open begins to read an array. Of a file that can be read anywhere, and is not
// compressed, only what Read asks for is read, as long as that stays open; all
// else is read at once, and may not take more than limit bytes before it is
// decompressed.
func Open(r io.Reader, limit int64) (*Items, error) {
	if f, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		if size, err := f.Seek(0, io.SeekEnd); err == nil {
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return nil, err
			}
			var head [4 + 4*maxDims]byte
			k, err := f.ReadAt(head[:], 0)
			if err != nil && err != io.EOF {
				return nil, err
			}
			if k < 2 || head[0] != 0x1f || head[1] != 0x8b {
				return openAt(f, size, head[:k])
			}
		}
	}
	whole := &io.LimitedReader{R: r, N: limit + 1}
	a, err := Read(whole)
	switch {
	case whole.N == 0:
		return nil, fmt.Errorf("more than %d MB", limit>>20)
	case err != nil:
		return nil, err
	}
	return &Items{Shape: a.Shape, all: a.Data}, nil
}

func openAt(f io.ReaderAt, size int64, head []byte) (*Items, error) {
	shape, n, err := header(bytes.NewReader(head))
	if err != nil {
		return nil, err
	}
	offset := int64(4 + 4*len(shape))
	switch have := size - offset; {
	case have < n:
		return nil, tooShort(have, n, shape)
	case have > n:
		return nil, tooLong(n, shape)
	}
	return &Items{Shape: shape, file: f, offset: offset}, nil
}

// Len is the number of items: the first dimension.
func (a *Items) Len() int { return a.Shape[0] }

// Size is the number of bytes of an item.
func (a *Items) Size() int { return tensor.Shape(a.Shape[1:]).Volume() }

// Read is n items from the first on. They are not to be changed.
func (a *Items) Read(first, n int) ([]byte, error) {
	size := a.Size()
	if a.file == nil {
		return a.all[first*size:][:n*size], nil
	}
	data := make([]byte, n*size)
	if _, err := a.file.ReadAt(data, a.offset+int64(first)*int64(size)); err != nil {
		return nil, cutOff(err)
	}
	return data, nil
}
