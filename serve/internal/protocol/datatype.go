package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/infer-go/infer/tensor"
)

// A Datatype is one of the protocol's.
type Datatype struct {
	Name string
	Size int
	Kind Kind
	elem tensor.Elem // that has the same bytes
	has  bool        // there is such an elem
}

// A Kind is what a Datatype's elements are.
type Kind uint8

const (
	Integers Kind = iota
	Unsigned
	Floats
	Bools
)

var datatypes = [...]Datatype{
	{"FP32", 4, Floats, tensor.F32, true},
	{"FP16", 2, Floats, tensor.F16, true},
	{"FP64", 8, Floats, 0, false},
	{"UINT8", 1, Unsigned, tensor.U8, true},
	{"UINT16", 2, Unsigned, 0, false},
	{"UINT32", 4, Unsigned, 0, false},
	{"INT8", 1, Integers, tensor.I8, true},
	{"INT16", 2, Integers, tensor.I16, true},
	{"INT32", 4, Integers, tensor.I32, true},
	{"INT64", 8, Integers, tensor.I64, true},
	{"BOOL", 1, Bools, tensor.Bool, true},
}

// Datatypes are all that are supported.
func Datatypes() []Datatype { return datatypes[:] }

// DatatypeNamed finds a Datatype.
func DatatypeNamed(name string) (*Datatype, error) {
	for i := range datatypes {
		if datatypes[i].Name == name {
			return &datatypes[i], nil
		}
	}
	return nil, fmt.Errorf("datatype %.20q is not supported", name)
}

// DatatypeOf is the Datatype of a model's tensor.
func DatatypeOf(e tensor.Elem) *Datatype {
	for i := range datatypes {
		if datatypes[i].has && datatypes[i].elem == e {
			return &datatypes[i]
		}
	}
	panic("protocol: an element type without a datatype") // a test goes through all
}

// A Value is an element between two types.
type Value struct {
	whole bool
	i     int64
	f     float64
}

// Whole and Real are Values.
func Whole(i int64) Value { return Value{whole: true, i: i} }

// Real is a Value that need not be whole.
func Real(f float64) Value { return Value{f: f} }

// Float is the Value as a float64, and whether it is that exactly.
func (v Value) Float() (float64, bool) {
	if !v.whole {
		return v.f, true
	}
	f := float64(v.i)
	return f, f < 1<<63 && int64(f) == v.i
}

// Int is the Value as an integer, and whether it is one.
func (v Value) Int() (int64, bool) {
	if v.whole {
		return v.i, true
	}
	if v.f >= -1<<63 && v.f < 1<<63 && math.Trunc(v.f) == v.f {
		return int64(v.f), true
	}
	return 0, false
}

var errInexact = errors.New("is not a value that the model's input can have")

// Read is an element of binary data, little-endian.
func (d *Datatype) Read(b []byte) Value {
	var u uint64
	switch d.Size {
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
	case d.Kind == Integers:
		shift := 64 - 8*d.Size
		return Whole(int64(u<<shift) >> shift)
	case d.Kind != Floats:
		return Whole(int64(u))
	case d.Size == 2:
		return Real(float64(tensor.Float32(uint16(u))))
	case d.Size == 4:
		return Real(float64(math.Float32frombits(uint32(u))))
	}
	return Real(math.Float64frombits(u))
}

// Is says that elements have the same bytes as those of a model's tensor.
func (d *Datatype) Is(e tensor.Elem) bool { return d.has && d.elem == e }

// Holds reports whether an integer is one of the Datatype's, which has integers.
func (d *Datatype) Holds(i int64) bool {
	switch bits := 8 * d.Size; d.Kind {
	case Bools:
		return i == 0 || i == 1
	case Integers:
		return bits == 64 || i >= -1<<(bits-1) && i < 1<<(bits-1)
	default:
		return i >= 0 && i < 1<<bits
	}
}

// Store appends a Value to a tensor of a model, if it is the same there.
func (v Value) Store(to []byte, e tensor.Elem) ([]byte, error) {
	if e.Float() {
		f, ok := v.Float()
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
	i, ok := v.Int()
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

// Convert brings binary data into a model's type. It returns data where that is
// the same.
func Convert(data []byte, d *Datatype, e tensor.Elem) ([]byte, error) {
	if d.Is(e) && e != tensor.Bool {
		return data, nil
	}
	to := make([]byte, 0, len(data)/d.Size*e.Size())
	for i := 0; i+d.Size <= len(data); i += d.Size {
		var err error
		if to, err = d.Read(data[i:]).Store(to, e); err != nil {
			return nil, fmt.Errorf("element %d %w", i/d.Size, err)
		}
	}
	return to, nil
}
