// Package npy reads and writes numpy's .npy files.
//
// It exists because the libraries that do bring a matrix library along, or
// allocate what a damaged header asks for. Only what ONNX tensors need is
// understood: little-endian elements in C order, of the types that a net's
// inputs and outputs have; format versions 1 to 3.
package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/infer-go/infer/tensor"
)

const magic = "\x93NUMPY"

// maxHeader is the longest header that is read, in bytes; numpy's own are
// some hundred bytes long.
const maxHeader = 1 << 16

// An Array is a row-major tensor, whose bytes are little-endian. A scalar has an
// empty Shape.
type Array struct {
	Elem  tensor.Elem
	Shape []int
	Data  []byte
}

// descriptions are numpy's names of types.
var descriptions = map[tensor.Elem]string{
	tensor.F32: "<f4", tensor.F16: "<f2", tensor.U8: "|u1", tensor.I8: "|i1", tensor.I16: "<i2", tensor.I32: "<i4", tensor.I64: "<i8", tensor.Bool: "|b1",
}

// Floats is an array of float32.
func Floats(shape []int, x []float32) *Array {
	a := &Array{Shape: shape, Data: make([]byte, 0, 4*len(x))}
	for _, v := range x {
		a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(v))
	}
	return a
}

// Floats are the elements of an array of float32.
func (a *Array) Floats() []float32 {
	x := make([]float32, len(a.Data)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(a.Data[4*i:]))
	}
	return x
}

// Read reads an array. What follows it is an error, as is everything but
// a type of elements that is valid, in C order. Memory grows only as data arrive.
// Numbers in half precision become float32, as those of a model do.
func Read(r io.Reader) (*Array, error) {
	elem, shape, n, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	a := &Array{Elem: elem, Shape: shape}
	size := elem.Size()
	buf := make([]byte, min(size*n, 1<<16))
	for len(a.Data) < size*n {
		part := buf[:min(len(buf), size*n-len(a.Data))]
		if _, err := io.ReadFull(r, part); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, fmt.Errorf("it is cut off: %d numbers of shape %v are missing", n-len(a.Data)/size, shape)
			}
			return nil, err
		}
		a.Data = append(a.Data, part...)
	}
	var extra [1]byte
	switch _, err := io.ReadFull(r, extra[:]); err {
	case io.EOF:
		if elem == tensor.F16 {
			x := make([]float32, n)
			for i := range x {
				x[i] = tensor.Float32(binary.LittleEndian.Uint16(a.Data[2*i:]))
			}
			a = Floats(shape, x)
		}
		return a, nil
	case nil:
		return nil, fmt.Errorf("it holds more than %d numbers of shape %v", n, shape)
	default:
		return nil, err
	}
}

// readHeader reads up to the data and returns the elements' type, the shape and
// the number of elements.
func readHeader(r io.Reader) (elem tensor.Elem, shape []int, n int, err error) {
	var start [8]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return 0, nil, 0, headerError(err)
	}
	if string(start[:6]) != magic {
		return 0, nil, 0, errors.New("not a .npy file")
	}
	var length int
	switch version := start[6]; version {
	case 1:
		var b [2]byte
		_, err = io.ReadFull(r, b[:])
		length = int(binary.LittleEndian.Uint16(b[:]))
	case 2, 3:
		var b [4]byte
		_, err = io.ReadFull(r, b[:])
		length = int(min(binary.LittleEndian.Uint32(b[:]), maxHeader+1))
	default:
		return 0, nil, 0, fmt.Errorf("version %d.%d of .npy is unknown", version, start[7])
	}
	if err != nil {
		return 0, nil, 0, headerError(err)
	}
	if length > maxHeader {
		return 0, nil, 0, errors.New("its header is too long")
	}
	header := make([]byte, length)
	if _, err := io.ReadFull(r, header); err != nil {
		return 0, nil, 0, headerError(err)
	}
	return parse(string(header))
}

func headerError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not a .npy file, or cut off within its header")
	}
	return err
}

// The header is a Python dictionary. Every writer writes it in this form, keys
// in any order. The expressions are compiled at the first use: most calls of
// the command read no .npy.
var patterns = sync.OnceValue(func() [3]*regexp.Regexp {
	return [3]*regexp.Regexp{
		regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`),
		regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`),
		regexp.MustCompile(`'shape'\s*:\s*\(([0-9,\s]*)\)`),
	}
})

// parse reads the dictionary.
func parse(header string) (elem tensor.Elem, shape []int, n int, err error) {
	var found [3]string
	for i, p := range patterns() {
		m := p.FindStringSubmatch(header)
		if m == nil {
			return 0, nil, 0, fmt.Errorf("its header has no %s that is valid", [...]string{"descr", "fortran_order", "shape"}[i])
		}
		found[i] = m[1]
	}
	known := false
	for e, name := range descriptions {
		if name == found[0] {
			elem, known = e, true
		}
	}
	if !known && found[0] == "<f8" {
		return 0, nil, 0, errors.New("its numbers are float64: save x.astype('float32')")
	}
	if !known {
		return 0, nil, 0, fmt.Errorf("its numbers are %q, not float32 (\"<f4\"), float16 (\"<f2\"), an integer of up to 64 bits (\"<i8\", \"<i4\", \"<i2\", \"|i1\", \"|u1\") or a Boolean (\"|b1\")", found[0])
	}
	for _, s := range strings.Split(found[2], ",") {
		s = strings.TrimSpace(s)
		if s == "" {
			continue // after the last comma
		}
		d, err := strconv.Atoi(s)
		if err != nil {
			return 0, nil, 0, fmt.Errorf("its shape (%s) is not valid", found[2])
		}
		shape = append(shape, d)
	}
	n, ok := tensor.Shape(shape).Elements()
	if !ok {
		return 0, nil, 0, fmt.Errorf("its shape (%s) is too large", found[2])
	}
	if found[1] == "True" && len(shape) > 1 {
		return 0, nil, 0, errors.New("it is in Fortran order, not in C order")
	}
	return elem, shape, n, nil
}

// Write writes an array as version 1.0, or 2.0 if the header is long.
func Write(w io.Writer, a *Array) error {
	dims := make([]string, len(a.Shape))
	for i, d := range a.Shape {
		dims[i] = strconv.Itoa(d)
	}
	if n, ok := tensor.Shape(a.Shape).Elements(); !ok || n*a.Elem.Size() != len(a.Data) {
		return fmt.Errorf("%d bytes for %v of the shape %v", len(a.Data), a.Elem, a.Shape)
	}
	shape := strings.Join(dims, ", ")
	if len(dims) == 1 {
		shape += ","
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descriptions[a.Elem], shape)
	// Spaces and a line end bring the data to a multiple of 64 bytes.
	start := []byte(magic + "\x01\x00")
	fill := (64-(len(start)+2+len(header)+1)%64)%64 + 1
	if len(header)+fill < 1<<16 {
		start = binary.LittleEndian.AppendUint16(start, uint16(len(header)+fill))
	} else {
		start[6] = 2
		fill = (64-(len(start)+4+len(header)+1)%64)%64 + 1
		start = binary.LittleEndian.AppendUint32(start, uint32(len(header)+fill))
	}
	start = append(start, header...)
	start = append(start, strings.Repeat(" ", fill-1)+"\n"...)
	if _, err := w.Write(start); err != nil {
		return err
	}
	_, err := w.Write(a.Data)
	return err
}
