package rest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/infer-go/infer/tensor"
)

// A datatype is one of the protocol's.
type datatype struct {
	name string
	size int
	kind kind
	elem tensor.Elem // that has the same bytes
	has  bool        // there is such an elem
}

type kind uint8

const (
	integers kind = iota
	unsigned
	floats
	bools
)

var datatypes = [...]datatype{
	{"FP32", 4, floats, tensor.F32, true},
	{"FP16", 2, floats, tensor.F16, true},
	{"FP64", 8, floats, 0, false},
	{"UINT8", 1, unsigned, tensor.U8, true},
	{"UINT16", 2, unsigned, 0, false},
	{"UINT32", 4, unsigned, 0, false},
	{"INT8", 1, integers, tensor.I8, true},
	{"INT16", 2, integers, tensor.I16, true},
	{"INT32", 4, integers, tensor.I32, true},
	{"INT64", 8, integers, tensor.I64, true},
	{"BOOL", 1, bools, tensor.Bool, true},
}

func datatypeNamed(name string) (*datatype, error) {
	for i := range datatypes {
		if datatypes[i].name == name {
			return &datatypes[i], nil
		}
	}
	return nil, fmt.Errorf("datatype %.20q is not supported", name)
}

// datatypeOf is the datatype of a model's tensor.
func datatypeOf(e tensor.Elem) *datatype {
	for i := range datatypes {
		if datatypes[i].has && datatypes[i].elem == e {
			return &datatypes[i]
		}
	}
	panic("rest: an element type without a datatype") // a test goes through all
}

// A value is an element between two types.
type value struct {
	whole bool
	i     int64
	f     float64
}

func whole(i int64) value { return value{whole: true, i: i} }

// float is the value as a float64, and whether it is that exactly.
func (v value) float() (float64, bool) {
	if !v.whole {
		return v.f, true
	}
	f := float64(v.i)
	return f, f < 1<<63 && int64(f) == v.i
}

// int is the value as an integer, and whether it is one.
func (v value) int() (int64, bool) {
	if v.whole {
		return v.i, true
	}
	if v.f >= -1<<63 && v.f < 1<<63 && math.Trunc(v.f) == v.f {
		return int64(v.f), true
	}
	return 0, false
}

var errInexact = errors.New("is no value that the model's input can have")

// read is an element of binary data, little-endian.
func (d *datatype) read(b []byte) value {
	var u uint64
	switch d.size {
	case 1:
		u = uint64(b[0])
	case 2:
		u = uint64(binary.LittleEndian.Uint16(b))
	case 4:
		u = uint64(binary.LittleEndian.Uint32(b))
	default:
		u = binary.LittleEndian.Uint64(b)
	}
	switch {
	case d.kind == integers:
		shift := 64 - 8*d.size
		return whole(int64(u<<shift) >> shift)
	case d.kind != floats:
		return whole(int64(u))
	case d.size == 2:
		return value{f: float64(tensor.Float32(uint16(u)))}
	case d.size == 4:
		return value{f: float64(math.Float32frombits(uint32(u)))}
	}
	return value{f: math.Float64frombits(u)}
}

// scan reads an element from JSON.
func (d *datatype) scan(s *scanner) (value, error) {
	if d.kind == bools {
		b, err := s.boolean()
		if b {
			return whole(1), err
		}
		return whole(0), err
	}
	if d.kind == floats && d.size == 4 {
		f, err := s.float32()
		return value{f: float64(f)}, err
	}
	s.peek()
	at := s.at
	n, err := s.number()
	if err != nil {
		return value{}, err
	}
	if d.kind == floats {
		f, err := n.float64()
		if err != nil {
			s.at = at
			err = s.fail("a number is too large")
		}
		return value{f: f}, err
	}
	i, ok := n.int64()
	bits := 8 * d.size
	if d.kind == integers {
		ok = ok && (bits == 64 || i >= -1<<(bits-1) && i < 1<<(bits-1))
	} else {
		ok = ok && i >= 0 && i < 1<<bits
	}
	if !ok {
		s.at = at
		return value{}, s.fail("a number is not one of " + d.name)
	}
	return whole(i), nil
}

// float32 reads a number as the nearest float32.
func (s *scanner) float32() (float32, error) {
	s.peek()
	at := s.at
	n, err := s.number()
	if err != nil {
		return 0, err
	}
	x, err := n.float32()
	if err != nil {
		s.at = at
		err = s.fail("a number is too large")
	}
	return x, err
}

// store appends a value to a tensor of a model, if it is the same there.
func (v value) store(to []byte, e tensor.Elem) ([]byte, error) {
	if e.Float() {
		f, ok := v.float()
		x := float32(f)
		ok = ok && (float64(x) == f || f != f)
		if e == tensor.F32 && ok {
			return binary.LittleEndian.AppendUint32(to, math.Float32bits(x)), nil
		}
		if h := tensor.Float16(x); e == tensor.F16 && ok && (tensor.Float32(h) == x || x != x) {
			return binary.LittleEndian.AppendUint16(to, h), nil
		}
		return to, errInexact
	}
	i, ok := v.int()
	bits := 8 * e.Size()
	switch {
	case e == tensor.Bool:
		ok = ok && (i == 0 || i == 1)
	case e == tensor.U8:
		ok = ok && i >= 0 && i < 256
	case e != tensor.I64:
		ok = ok && i >= -1<<(bits-1) && i < 1<<(bits-1)
	}
	if !ok {
		return to, errInexact
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(i))
	return append(to, b[:e.Size()]...), nil
}

// convert brings binary data into a model's type. It returns data where that is
// the same.
func convert(data []byte, d *datatype, e tensor.Elem) ([]byte, error) {
	if d.has && d.elem == e && e != tensor.Bool {
		return data, nil
	}
	to := make([]byte, 0, len(data)/d.size*e.Size())
	for i := 0; i+d.size <= len(data); i += d.size {
		var err error
		if to, err = d.read(data[i:]).store(to, e); err != nil {
			return nil, fmt.Errorf("element %d %w", i/d.size, err)
		}
	}
	return to, nil
}
