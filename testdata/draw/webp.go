package main

import (
	"encoding/binary"
	"image"
	"image/color"
	"io"
	"math/bits"
)

// encodeWebP writes a grey picture in the simplest lossless WebP there is, 8
// bits a pixel without compression: golang.org/x/image has only a decoder. The
// format is in the WebP Lossless Bitstream Specification.
func encodeWebP(w io.Writer, m image.Image) error {
	size := m.Bounds().Size()
	var b bitWriter
	b.write(0x2f, 8)
	b.write(uint32(size.X-1), 14)
	b.write(uint32(size.Y-1), 14)
	b.write(0, 1+3) // no alpha, version 0

	b.write(1, 1) // a transform:
	b.write(2, 2) // red and blue are differences from green
	b.write(0, 1) // no more of them
	b.write(0, 1) // no colour cache
	b.write(0, 1) // one group of prefix codes: green, red, blue, alpha, distance

	// Green: the 256 values have codes of 8 bits, the 24 lengths have none.
	b.write(0, 1)    // a normal code
	b.write(12-4, 4) // lengths of the lengths' code, up to that for the length 8
	for i := range 12 {
		if i == 2 || i == 11 { // for the lengths 0 and 8
			b.write(1, 3)
		} else {
			b.write(0, 3)
		}
	}
	b.write(0, 1) // all lengths are given
	for i := range 256 + 24 {
		if i < 256 {
			b.write(1, 1)
		} else {
			b.write(0, 1)
		}
	}
	for _, only := range []uint32{0, 0, 255, 0} {
		b.write(1, 1) // a simple code
		b.write(0, 1) // of one symbol
		b.write(1, 1) // that takes 8 bits here, and none in the data
		b.write(only, 8)
	}
	for y := range size.Y {
		for x := range size.X {
			v := color.GrayModel.Convert(m.At(x, y)).(color.Gray).Y
			b.write(uint32(bits.Reverse8(v)), 8) // codes begin with their highest bit
		}
	}
	data := b.bytes()

	head := []byte("RIFF")
	head = binary.LittleEndian.AppendUint32(head, uint32(4+8+len(data)+len(data)%2))
	head = append(head, "WEBPVP8L"...)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(data)))
	if len(data)%2 == 1 {
		data = append(data, 0)
	}
	_, err := w.Write(append(head, data...))
	return err
}

// A bitWriter collects bits, the lowest of a byte first.
type bitWriter struct {
	data []byte
	last uint64
	n    int
}

func (b *bitWriter) write(v uint32, n int) {
	b.last |= uint64(v) << b.n
	for b.n += n; b.n >= 8; b.n -= 8 {
		b.data = append(b.data, byte(b.last))
		b.last >>= 8
	}
}

func (b *bitWriter) bytes() []byte {
	if b.n == 0 {
		return b.data
	}
	return append(b.data, byte(b.last))
}
