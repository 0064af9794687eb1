package onnx

import (
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// A field is one field of a protocol buffer message.
type field struct {
	num   protowire.Number
	typ   protowire.Type
	value uint64 // of a varint or a fixed32 or fixed64
	bytes []byte // of a length-delimited field
}

// each visits the fields of a message in order, up to the first error.
func each(message []byte, visit func(field) error) error {
	for b := message; len(b) > 0; {
		f, n, err := nextField(b)
		if err != nil {
			return fmt.Errorf("byte %d of %d of a message: %w", len(message)-len(b), len(message), err)
		}
		if err := visit(f); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// each visits the fields of a field that is a message itself.
func (f field) each(visit func(field) error) error {
	b, err := f.message()
	if err != nil {
		return err
	}
	return each(b, visit)
}

// parseError is an error of package protowire, by its number. What exactly is
// wrong with bytes that are not a field helps nobody.
func parseError(n int) error {
	if errors.Is(protowire.ParseError(n), io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return errNoField
}

// errNoField says that bytes are not a field.
var errNoField = errors.New("not a field of a protocol buffer")

// nextField reads the field at the start of b and says how long it is.
func nextField(b []byte) (field, int, error) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return field{}, 0, parseError(n)
	}
	f := field{num: num, typ: typ}
	m := 0
	switch typ {
	case protowire.VarintType:
		f.value, m = protowire.ConsumeVarint(b[n:])
	case protowire.Fixed32Type:
		var v uint32
		v, m = protowire.ConsumeFixed32(b[n:])
		f.value = uint64(v)
	case protowire.Fixed64Type:
		f.value, m = protowire.ConsumeFixed64(b[n:])
	case protowire.BytesType:
		f.bytes, m = protowire.ConsumeBytes(b[n:])
	default:
		m = protowire.ConsumeFieldValue(num, typ, b[n:])
	}
	if m < 0 {
		return field{}, 0, parseError(m)
	}
	return f, n + m, nil
}

// wrongType is the error for a field that is not of its declared type.
func (f field) wrongType() error {
	return fmt.Errorf("field %d has wire type %d", f.num, f.typ)
}

// int64 is the value of an integer or enumeration field.
func (f field) int64() (int64, error) {
	if f.typ != protowire.VarintType {
		return 0, f.wrongType()
	}
	return int64(f.value), nil
}

// float32 is the value of a float field.
func (f field) float32() (float32, error) {
	if f.typ != protowire.Fixed32Type {
		return 0, f.wrongType()
	}
	return math.Float32frombits(uint32(f.value)), nil
}

// message is the content of a field that is a message, bytes or a string.
func (f field) message() ([]byte, error) {
	if f.typ != protowire.BytesType {
		return nil, f.wrongType()
	}
	return f.bytes, nil
}

// string is the value of a string field.
func (f field) string() (string, error) {
	b, err := f.message()
	return string(b), err
}

// appendInts appends the values of a repeated integer field, packed or not.
func (f field) appendInts(x []int64) ([]int64, error) {
	if f.typ != protowire.BytesType {
		v, err := f.int64()
		return append(x, v), err
	}
	for b := f.bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, fmt.Errorf("field %d: %w", f.num, parseError(n))
		}
		x, b = append(x, int64(v)), b[n:]
	}
	return x, nil
}

// appendFloats appends the values of a repeated float field, packed or not.
func (f field) appendFloats(x []float32) ([]float32, error) {
	if f.typ != protowire.BytesType {
		v, err := f.float32()
		return append(x, v), err
	}
	if len(f.bytes)%4 != 0 {
		return nil, fmt.Errorf("field %d: %d bytes of floats", f.num, len(f.bytes))
	}
	for b := f.bytes; len(b) > 0; b = b[4:] {
		x = append(x, rawFloat(typeFloat, b))
	}
	return x, nil
}

// appendDoubles appends the values of a repeated double field, packed or not.
func (f field) appendDoubles(x []float32) ([]float32, error) {
	switch {
	case f.typ == protowire.Fixed64Type:
		return append(x, float32(math.Float64frombits(f.value))), nil
	case f.typ != protowire.BytesType:
		return nil, f.wrongType()
	case len(f.bytes)%8 != 0:
		return nil, fmt.Errorf("field %d: %d bytes of doubles", f.num, len(f.bytes))
	}
	for b := f.bytes; len(b) > 0; b = b[8:] {
		x = append(x, rawFloat(typeDouble, b))
	}
	return x, nil
}
