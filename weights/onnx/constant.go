package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/infer-go/infer/tensor"
)

// elemType is a TensorProto.DataType.
type elemType int

const (
	typeFloat    elemType = 1
	typeUint8    elemType = 2
	typeInt8     elemType = 3
	typeUint16   elemType = 4
	typeInt16    elemType = 5
	typeInt32    elemType = 6
	typeInt64    elemType = 7
	typeBool     elemType = 9
	typeFloat16  elemType = 10
	typeDouble   elemType = 11
	typeUint32   elemType = 12
	typeUint64   elemType = 13
	typeBFloat16 elemType = 16
	typeUint4    elemType = 21
	typeInt4     elemType = 22
)

var elemNames = map[elemType]string{
	typeFloat: "float", typeUint8: "uint8", typeInt8: "int8", typeUint16: "uint16", typeInt16: "int16",
	typeInt32: "int32", typeInt64: "int64", typeBool: "bool", typeFloat16: "float16", typeDouble: "double",
	typeUint32: "uint32", typeUint64: "uint64", typeBFloat16: "bfloat16",
	typeUint4: "uint4", typeInt4: "int4",
	8: "string", 14: "complex64", 15: "complex128",
	17: "float8e4m3fn", 18: "float8e4m3fnuz", 19: "float8e5m2", 20: "float8e5m2fnuz", 23: "float4e2m1",
}

func (t elemType) String() string {
	if name, ok := elemNames[t]; ok {
		return name
	}
	return fmt.Sprintf("element type %d", int(t))
}

// float says whether elements of the type are floating-point numbers.
func (t elemType) float() bool {
	return t == typeFloat || t == typeFloat16 || t == typeDouble || t == typeBFloat16
}

// elem is the type of the elements of an activation of the type: all
// floating-point numbers are float32. It is false if there is none.
func (t elemType) elem() (tensor.Elem, bool) {
	switch t {
	case typeFloat, typeFloat16, typeDouble, typeBFloat16:
		return tensor.F32, true
	case typeUint8:
		return tensor.U8, true
	case typeInt8:
		return tensor.I8, true
	case typeInt16:
		return tensor.I16, true
	case typeInt32:
		return tensor.I32, true
	case typeInt64:
		return tensor.I64, true
	case typeBool:
		return tensor.Bool, true
	}
	return tensor.F32, false
}

// instead says which type to take for one that no activation has.
func (t elemType) instead() string {
	switch t {
	case typeUint4, typeInt4:
		return ": int8 holds its numbers"
	case typeUint16:
		return ": int32 holds its numbers"
	case typeUint32:
		return ": int64 holds its numbers"
	case typeUint64:
		return ": int64 holds its numbers below 2⁶³"
	case 17, 18, 19, 20, 23: // floats of 8 and of 4 bits
		return ": float16 holds its numbers"
	}
	return ""
}

// kindOf is the type whose elem is e.
func kindOf(e tensor.Elem) elemType {
	switch e {
	case tensor.U8:
		return typeUint8
	case tensor.I8:
		return typeInt8
	case tensor.I16:
		return typeInt16
	case tensor.I32:
		return typeInt32
	case tensor.I64:
		return typeInt64
	case tensor.Bool:
		return typeBool
	}
	return typeFloat
}

// packed says whether a byte of raw data holds two elements of the type, the first
// in its low half.
func (t elemType) packed() bool { return t == typeUint4 || t == typeInt4 }

// size is the size of an element in raw data; 0 if the type is not supported or
// packed.
func (t elemType) size() int {
	switch t {
	case typeUint8, typeInt8, typeBool:
		return 1
	case typeUint16, typeInt16, typeFloat16, typeBFloat16:
		return 2
	case typeFloat, typeInt32, typeUint32:
		return 4
	case typeInt64, typeDouble, typeUint64:
		return 8
	}
	return 0
}

// A constant is a tensor that the model holds: row-major floats if its type is a floating-point
// one, else ints.
type constant struct {
	kind   elemType
	dims   tensor.Shape
	floats []float32
	ints   []int64

	// What has been found out or made, as a model is translated more than once:
	// all floats are finite; the transpose of the matrix that it is.
	finite      bool
	turned      *constant
	dequantised *dequantised

	// encoding is how floats were quantised; nil if they were not.
	encoding *encoding

	// origin is what it was folded from; nil if it was not.
	origin *origin
}

func floatTensor(dims []int, x []float32) *constant {
	return &constant{kind: typeFloat, dims: dims, floats: x}
}

func intTensor(dims []int, x []int64) *constant {
	return &constant{kind: typeInt64, dims: dims, ints: x}
}

// len is the number of elements.
func (t *constant) len() int { return max(len(t.floats), len(t.ints)) }

// float64 is element i as a number.
func (t *constant) float64(i int) float64 {
	if t.kind.float() {
		return float64(t.floats[i])
	}
	return float64(t.ints[i])
}

// setFloat sets element i of a tensor of floats to what its type can hold of x.
func (t *constant) setFloat(i int, x float64) {
	f := float32(x)
	switch t.kind {
	case typeFloat16:
		f = tensor.Float32(tensor.Float16(f))
	case typeBFloat16:
		f = bfloat16(f)
	}
	t.floats[i] = f
}

// bfloat16 rounds to the nearest number of which the last 16 bits are zero,
// ties to even.
func bfloat16(x float32) float32 {
	bits := math.Float32bits(x)
	if x == x { // else rounding could make a NaN an infinity
		bits += 0x7fff + bits>>16&1
	}
	return math.Float32frombits(bits &^ 0xffff)
}

// setInt sets element i of a tensor of ints to x, which wraps around where the
// type ends, as it does in C. Of Booleans all but 0 is true.
func (t *constant) setInt(i int, x int64) {
	switch t.kind {
	case typeBool:
		if x != 0 {
			x = 1
		}
	case typeUint4:
		x &= 15
	case typeInt4:
		x = int64(int8(x<<4) >> 4)
	case typeUint8:
		x = int64(uint8(x))
	case typeInt8:
		x = int64(int8(x))
	case typeUint16:
		x = int64(uint16(x))
	case typeInt16:
		x = int64(int16(x))
	case typeUint32:
		x = int64(uint32(x))
	case typeInt32:
		x = int64(int32(x))
	}
	t.ints[i] = x
}

// reshaped is t with other dimensions, of the same product.
func (t *constant) reshaped(dims []int) *constant {
	c := *t
	c.dims, c.turned, c.dequantised, c.origin = dims, nil, nil, nil
	c.encoding = t.encoding.reshaped(t.dims, dims)
	return &c
}

// transposed is the transpose of t, which holds a matrix of floats. Whoever
// asks again gets the same one.
func (t *constant) transposed(rows, columns int) *constant {
	dims := tensor.Shape{columns, rows}
	if t.turned != nil && t.turned.dims.Equal(dims) {
		return t.turned
	}
	t.turned = floatTensor(dims, transposed(t.floats, rows, columns))
	t.turned.encoding = t.encoding.transposed(rows, columns)
	return t.turned
}

// transposed is the transpose of a matrix.
func transposed[T any](x []T, rows, columns int) []T {
	// Squares of both matrices stay in the cache while one is read by rows and
	// the other written by columns.
	const square = 32
	y := make([]T, len(x))
	for top := 0; top < rows; top += square {
		for left := 0; left < columns; left += square {
			for i := top; i < min(top+square, rows); i++ {
				for j := left; j < min(left+square, columns); j++ {
					y[j*rows+i] = x[i*columns+j]
				}
			}
		}
	}
	return y
}

// fill reads t's elements from raw, little-endian, as ONNX stores them. The
// length must be exact.
func (t *constant) fill(raw []byte) error {
	n, ok := t.dims.Elements()
	if !ok {
		return fmt.Errorf("dimensions %s are out of range", t.dims)
	}
	if t.kind.packed() {
		return t.unpack(raw, n)
	}
	size := t.kind.size()
	if size == 0 {
		return fmt.Errorf("%v is not supported%s", t.kind, t.kind.instead())
	}
	if len(raw)%size != 0 || len(raw)/size != n {
		return fmt.Errorf("%d bytes of data for %s elements of %v", len(raw), t.dims, t.kind)
	}
	if t.kind.float() {
		t.floats = make([]float32, n)
		if t.kind == typeFloat { // most of nearly every model
			for i := range t.floats {
				t.floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
			}
			return nil
		}
		for i := range t.floats {
			t.floats[i] = rawFloat(t.kind, raw[i*size:])
		}
		return nil
	}
	t.ints = make([]int64, n)
	for i := range t.ints {
		t.setInt(i, rawInt(t.kind, raw[i*size:]))
	}
	return nil
}

// unpack reads n elements, two from each byte. A last half that is left is padding.
func (t *constant) unpack(raw []byte, n int) error {
	if len(raw) != n/2+n%2 {
		return fmt.Errorf("%d bytes of data for %s elements of %v", len(raw), t.dims, t.kind)
	}
	t.ints = make([]int64, n)
	for i := range t.ints {
		t.setInt(i, int64(raw[i/2]>>(i%2*4)))
	}
	return nil
}

func rawFloat(kind elemType, b []byte) float32 {
	switch kind {
	case typeFloat16:
		return tensor.Float32(binary.LittleEndian.Uint16(b))
	case typeBFloat16:
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
	case typeDouble:
		return float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(b))
}

func rawInt(kind elemType, b []byte) int64 {
	switch kind {
	case typeUint8:
		return int64(b[0])
	case typeBool:
		return int64(min(b[0], 1))
	case typeInt8:
		return int64(int8(b[0]))
	case typeUint16:
		return int64(binary.LittleEndian.Uint16(b))
	case typeInt16:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case typeInt32:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	case typeUint32:
		return int64(binary.LittleEndian.Uint32(b))
	}
	return int64(binary.LittleEndian.Uint64(b))
}
