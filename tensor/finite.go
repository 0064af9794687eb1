package tensor

import (
	"encoding/binary"
	"math"
)

// IsNaN reports whether x is not a number.
func IsNaN(x float32) bool { return x != x }

// IsFinite reports whether x is neither NaN nor an infinity.
func IsFinite(x float32) bool { return math.Abs(float64(x)) <= math.MaxFloat32 }

// NotFinite returns the offset, in bytes, of the first floating-point
// element that is NaN or an infinity; −1 if there is none, which includes
// integer elements.
func NotFinite(e Elem, b []byte) int {
	var l lanes
	switch e {
	case F32:
		l = lanes32
	case F16:
		l = lanes16
	default:
		return -1
	}
	if l.finite(b) {
		return -1
	}
	for i := 0; ; i += e.Size() {
		if !l.finite(b[i : i+e.Size()]) {
			return i
		}
	}
}

// lanes are the floating-point numbers of one size that fit in 64 bits: the
// bits of all their exponents, the lowest bit of each, and the bit above each.
// A number is not finite if its exponent is all ones, which is to say if
// adding the lowest bit to it carries into the bit above.
type lanes struct{ exponent, lowest, above uint64 }

var (
	lanes32 = lanes{0x7f800000_7f800000, 0x00800000_00800000, 0x80000000_80000000}
	lanes16 = lanes{0x7c00_7c00_7c00_7c00, 0x0400_0400_0400_0400, 0x8000_8000_8000_8000}
)

func (l lanes) finite(b []byte) bool {
	var carry uint64
	for ; len(b) >= 32; b = b[32:] {
		carry |= binary.LittleEndian.Uint64(b)&l.exponent + l.lowest
		carry |= binary.LittleEndian.Uint64(b[8:])&l.exponent + l.lowest
		carry |= binary.LittleEndian.Uint64(b[16:])&l.exponent + l.lowest
		carry |= binary.LittleEndian.Uint64(b[24:])&l.exponent + l.lowest
	}
	for len(b) > 0 {
		var x [8]byte
		n := copy(x[:], b)
		carry |= binary.LittleEndian.Uint64(x[:])&l.exponent + l.lowest
		b = b[n:]
	}
	return carry&l.above == 0
}
