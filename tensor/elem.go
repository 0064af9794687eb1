package tensor

// An Elem is the type of a tensor's elements. Its values are those in model
// files.
type Elem uint8

const (
	F32  Elem = iota // IEEE 754 binary32
	F16              // IEEE 754 binary16
	U8               // unsigned, 8 bits
	I8               // two's complement, 8 bits
	I16              // two's complement, 16 bits
	I32              // two's complement, 32 bits
	I64              // two's complement, 64 bits
	Bool             // a byte that is 0 or 1
	elems
)

// LastElem is the element type with the largest value.
const LastElem = elems - 1

var elemTable = [elems]struct {
	name string
	size int
}{
	F32:  {"f32", 4},
	F16:  {"f16", 2},
	U8:   {"u8", 1},
	I8:   {"i8", 1},
	I16:  {"i16", 2},
	I32:  {"i32", 4},
	I64:  {"i64", 8},
	Bool: {"bool", 1},
}

// Valid reports whether e is one of the constants.
func (e Elem) Valid() bool { return e < elems }

// Size returns the size of an element in bytes, or 0 if e is not valid.
func (e Elem) Size() int {
	if !e.Valid() {
		return 0
	}
	return elemTable[e].size
}

// String returns the short name of the type: "f32", "u8".
func (e Elem) String() string {
	if !e.Valid() {
		return "unknown element type"
	}
	return elemTable[e].name
}

// Float reports whether elements of the type are floating-point numbers.
func (e Elem) Float() bool { return e == F32 || e == F16 }
