package kernels

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"

	"github.com/infer-go/infer/asm"
)

// NR is the number of columns of a panel: how many output channels every
// matrix kernel computes at a time, on every tier.
const NR = 16

// Align is the alignment, in bytes, of a Param's data and of its panels: one
// cache line.
const Align = 64

// Elem is the type of a Param's elements in the file.
type Elem uint8

const (
	F32 Elem = iota // IEEE 754 binary32, little-endian
	F16             // IEEE 754 binary16, little-endian
)

// Size is the size of an element in bytes.
func (e Elem) Size() int {
	if e == F16 {
		return 2
	}
	return 4
}

// kernel is what kernels call the type.
func (e Elem) kernel() asm.Elem {
	if e == F16 {
		return asm.F16
	}
	return asm.F32
}

func (e Elem) String() string {
	switch e {
	case F32:
		return "f32"
	case F16:
		return "f16"
	}
	return "unknown element type"
}

// Form is the order in which a Param's elements lie.
type Form uint8

const (
	// Plain is a row-major float32 tensor.
	Plain Form = iota

	// Panels is the right-hand side of a matrix product, K rows by N columns,
	// for each of Groups groups, cut into panels of NR columns. A panel is NR
	// float32 of bias, then K rows of NR elements, then zeros up to the next
	// multiple of Align bytes. Columns past N are zero.
	Panels

	// Taps is a depthwise filter: C float32 of bias, then one row of C float32
	// for each filter tap, rows from the top, taps from the left.
	Taps
)

func (f Form) String() string {
	switch f {
	case Plain:
		return "plain"
	case Panels:
		return "panels"
	case Taps:
		return "taps"
	}
	return "unknown form"
}

// A Param is a constant tensor.
type Param struct {
	Form Form
	Elem Elem // F32 unless Form is Panels

	// Shape is the tensor's shape for Plain, [Groups, K, N] for Panels and
	// [taps, C] for Taps.
	Shape []int

	// Data are the bytes as they lie in the file: read-only, and Bytes() of
	// them. What Bind is given is aligned to 32 bytes, better to Align.
	Data []byte
}

// PanelBytes is the size of one panel of K rows, its bias and its padding
// included.
func PanelBytes(k int, e Elem) int {
	return (NR*4 + k*NR*e.Size() + Align - 1) &^ (Align - 1)
}

// PanelCount is the number of panels that n columns take.
func PanelCount(n int) int { return (n + NR - 1) / NR }

// Bytes is the length of the data that Form, Elem and Shape imply. It is
// false if they are no valid combination, or if the length overflows.
func (p Param) Bytes() (int, bool) {
	for _, d := range p.Shape {
		if d < 1 || d > 1<<31-1 {
			return 0, false
		}
	}
	switch {
	case p.Form == Plain && p.Elem == F32:
		return product(4, p.Shape...)
	case p.Form == Panels && len(p.Shape) == 3 && (p.Elem == F32 || p.Elem == F16):
		// K < 2³¹, so that a panel's size itself cannot overflow in 64 bits;
		// in 32 bits product says so.
		if _, ok := product(NR*4, p.Shape[1]+2); !ok {
			return 0, false
		}
		return product(PanelBytes(p.Shape[1], p.Elem), p.Shape[0], PanelCount(p.Shape[2]))
	case p.Form == Taps && p.Elem == F32 && len(p.Shape) == 2:
		return product(4, p.Shape[0]+1, p.Shape[1])
	}
	return 0, false
}

// product multiplies positive numbers; false says that it overflows an int.
func product(x int, dims ...int) (int, bool) {
	for _, d := range dims {
		hi, lo := bits.Mul(uint(x), uint(d))
		if hi != 0 || lo > math.MaxInt {
			return 0, false
		}
		x = int(lo)
	}
	return x, true
}

// Floats returns the data of a Param of F32 elements in place. The processor
// must be little-endian, and the data aligned.
func (p Param) Floats() []float32 {
	if len(p.Data) == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(p.Data))), len(p.Data)/4)
}

// AlignedBytes allocates n zero bytes whose first is aligned to Align.
func AlignedBytes(n int) []byte {
	b := make([]byte, n+Align-1)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (Align - 1))
	return b[off : off+n : off+n]
}

// AlignedFloats allocates n zeros whose first is aligned to Align.
func AlignedFloats(n int) []float32 {
	return Param{Data: AlignedBytes(4 * n)}.Floats()[:n:n]
}

// PlainParam makes a Param of Form Plain.
func PlainParam(shape []int, x []float32) Param {
	data := AlignedBytes(4 * len(x))
	for i, v := range x {
		putFloat(data[4*i:], v)
	}
	return Param{Form: Plain, Shape: shape, Data: data}
}

// PackPanels makes a Param of Form Panels from weight(group, row, column) and
// bias(group, column).
func PackPanels(e Elem, groups, k, n int, weight func(g, k, n int) float32, bias func(g, n int) float32) Param {
	p := Param{Form: Panels, Elem: e, Shape: []int{groups, k, n}}
	size, _ := p.Bytes()
	p.Data = AlignedBytes(size)
	panel := PanelBytes(k, e)
	for g := range groups {
		for j := range n {
			b := p.Data[(g*PanelCount(n)+j/NR)*panel:]
			col := j % NR
			putFloat(b[4*col:], bias(g, j))
			rows := b[4*NR:]
			for r := range k {
				if i := r*NR + col; e == F16 {
					binary.LittleEndian.PutUint16(rows[2*i:], Float16(weight(g, r, j)))
				} else {
					putFloat(rows[4*i:], weight(g, r, j))
				}
			}
		}
	}
	return p
}

// PackTaps makes a Param of Form Taps from weight(tap, channel) and
// bias(channel).
func PackTaps(taps, c int, weight func(tap, c int) float32, bias func(c int) float32) Param {
	p := Param{Form: Taps, Shape: []int{taps, c}, Data: AlignedBytes(4 * (taps + 1) * c)}
	for j := range c {
		putFloat(p.Data[4*j:], bias(j))
		for t := range taps {
			putFloat(p.Data[4*((t+1)*c+j):], weight(t, j))
		}
	}
	return p
}

func putFloat(b []byte, x float32) { binary.LittleEndian.PutUint32(b, math.Float32bits(x)) }

// halves is the address of the float16 at the beginning of b.
func halves(b []byte) *uint16 { return (*uint16)(unsafe.Pointer(&b[0])) }
