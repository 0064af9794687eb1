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
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, cutOff(err)
	}
	dims := int(head[3])
	if head[0] != 0 || head[1] != 0 || dims == 0 || dims > maxDims {
		return nil, errors.New("not an IDX file")
	}
	if head[2] != 8 {
		return nil, fmt.Errorf("not an IDX file of unsigned bytes: element type 0x%02x", head[2])
	}
	a := &Array{Shape: make([]int, dims)}
	n := int64(1)
	for i := range a.Shape {
		var d [4]byte
		if _, err := io.ReadFull(r, d[:]); err != nil {
			return nil, cutOff(err)
		}
		size := int64(binary.BigEndian.Uint32(d[:]))
		if size == 0 {
			return nil, fmt.Errorf("dimension %d is 0", i)
		}
		if n > math.MaxInt/size {
			return nil, errors.New("its dimensions are too large")
		}
		n *= size
		a.Shape[i] = int(size)
	}
	data, err := io.ReadAll(io.LimitReader(r, n))
	if err != nil {
		return nil, cutOff(err)
	}
	if int64(len(data)) < n {
		return nil, fmt.Errorf("it is cut off: %d of %d bytes of shape %v", len(data), n, a.Shape)
	}
	var extra [1]byte
	switch _, err := io.ReadFull(r, extra[:]); err {
	case io.EOF: // for gzip, the checksum was right
	case nil:
		return nil, fmt.Errorf("there is more in it than %d bytes of shape %v", n, a.Shape)
	default:
		return nil, cutOff(err)
	}
	a.Data = data
	return a, nil
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut off")
	}
	return err
}
