package tensor

import (
	"strings"
	"unsafe"
)

// Align is the alignment, in bytes, of tensors and of the panels of weights:
// one cache line.
const Align = 64

// AlignUp rounds a number of bytes up to the next multiple of Align.
func AlignUp(n int) int { return (n + Align - 1) &^ (Align - 1) }

// AlignedBytes allocates n zero bytes whose first is aligned to Align.
func AlignedBytes(n int) []byte { return aligned(make([]byte, n+Align-1)) }

// DirtyBytes is AlignedBytes for memory that is written before it is read:
// its content is undefined. Large memory is available at once, whereas
// clearing it would take a millisecond for every few megabytes that the
// program has used before.
func DirtyBytes(n int) []byte {
	// Nothing in the language allocates without zeros, but a Builder does. Its
	// string is of no more than the byte that makes its address known, and
	// nobody keeps it.
	var b strings.Builder
	b.Grow(n + Align)
	b.WriteByte(0)
	return aligned(unsafe.Slice(unsafe.StringData(b.String()), n+Align-1))
}

// aligned cuts up to Align − 1 bytes off both ends.
func aligned(b []byte) []byte {
	n := len(b) - (Align - 1)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (Align - 1))
	b = b[off : off+n : off+n]
	preferHuge(b)
	return b
}

// Aligned allocates n zero elements whose first is aligned to Align.
func Aligned[T Number](n int) []T {
	return Slice[T](AlignedBytes(n * int(unsafe.Sizeof(*new(T)))))
}

// A Number is a Go type as which elements can be viewed: float32 for F32,
// uint16 for F16, and so on; float64 for sums; an unsigned integer for
// elements that are only moved.
type Number interface {
	float32 | float64 | uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64 | int64
}

// Slice views bytes as elements, in place. The first byte must be aligned to
// the size of an element, and the processor must be little-endian. Trailing
// bytes that do not make a whole element are omitted.
func Slice[T Number](b []byte) []T {
	n := len(b) / int(unsafe.Sizeof(*new(T)))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// Bytes views elements as bytes, in place.
func Bytes[T Number](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(*new(T))))
}

// IsZero reports whether all bytes are zero.
func IsZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
