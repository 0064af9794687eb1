// Package idx reads files in MNIST's IDX format: unsigned bytes in any number
// of dimensions, plain or compressed by gzip.
package idx

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/infer-go/infer/tensor"
)

// maxDims is more dimensions than anything has.
const maxDims = 8

// An Array is a row-major tensor of bytes.
type Array struct {
	Shape []int
	Data  []byte
}

// Len is the number of items: the first dimension.
func (a *Array) Len() int { return a.Shape[0] }

// Item is item i, and Size its number of bytes.
func (a *Array) Item(i int) []byte { return a.Data[i*a.Size():][:a.Size()] }

// Size is the number of bytes of an item.
func (a *Array) Size() int { return tensor.Shape(a.Shape[1:]).Volume() }

// Read reads an array. What follows it is an error. Memory grows only as data
// arrive.
func Read(r io.Reader) (*Array, error) {
	b := bufio.NewReader(r)
	if start, _ := b.Peek(2); len(start) == 2 && start[0] == 0x1f && start[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("damaged gzip data: %w", err)
		}
		defer z.Close()
		a, err := read(z)
		if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) {
			err = fmt.Errorf("damaged gzip data: %w", err)
		}
		return a, err
	}
	return read(b)
}

func read(r io.Reader) (*Array, error) {
	shape, n, err := header(r)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, n))
	if err != nil {
		return nil, cutOff(err)
	}
	if int64(len(data)) < n {
		return nil, tooShort(int64(len(data)), n, shape)
	}
	var extra [1]byte
	switch _, err := io.ReadFull(r, extra[:]); err {
	case io.EOF: // for gzip, the checksum was right
	case nil:
		return nil, tooLong(n, shape)
	default:
		return nil, cutOff(err)
	}
	return &Array{shape, data}, nil
}

// header reads what stands before the data, and says how many bytes those have.
func header(r io.Reader) (shape []int, n int64, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, cutOff(err)
	}
	dims := int(head[3])
	if head[0] != 0 || head[1] != 0 || dims == 0 || dims > maxDims {
		return nil, 0, errors.New("not an IDX file")
	}
	if head[2] != 8 {
		return nil, 0, fmt.Errorf("not an IDX file of unsigned bytes: element type 0x%02x", head[2])
	}
	shape = make([]int, dims)
	n = 1
	for i := range shape {
		var d [4]byte
		if _, err := io.ReadFull(r, d[:]); err != nil {
			return nil, 0, cutOff(err)
		}
		size := int64(binary.BigEndian.Uint32(d[:]))
		if size == 0 {
			return nil, 0, fmt.Errorf("dimension %d is 0", i)
		}
		if n > math.MaxInt/size {
			return nil, 0, errors.New("its dimensions are too large")
		}
		n *= size
		shape[i] = int(size)
	}
	return shape, n, nil
}

func tooShort(have, n int64, shape []int) error {
	return fmt.Errorf("it is cut off: %d of %d bytes of shape %v", have, n, shape)
}

func tooLong(n int64, shape []int) error {
	return fmt.Errorf("it holds more than %d bytes of shape %v", n, shape)
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut off")
	}
	return err
}
