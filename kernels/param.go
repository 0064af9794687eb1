package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Form is the order in which a Param's elements are stored.
type Form uint8

const (
	// FormPlain is a row-major tensor of any element type but F16.
	FormPlain Form = iota

	// FormPanels is the right-hand side of a matrix product: see Panels.
	FormPanels

	// FormTaps is a depthwise filter: C float32 of bias, then one row of C
	// float32 for each filter tap, rows from the top, taps from the left; the
	// taps of a ConvTranspose have their own order. A filter of int8 has C
	// int32 of bias and C float32 of scales, as panels do, and rows of C int8.
	FormTaps
)

func (f Form) String() string {
	switch f {
	case FormPlain:
		return "plain"
	case FormPanels:
		return "panels"
	case FormTaps:
		return "taps"
	}
	return "unknown form"
}

// A Param is a constant tensor.
type Param struct {
	Form Form
	Elem tensor.Elem // F32, F16 or I8 of panels, F32 or I8 of taps, any but F16 of a plain tensor

	// Shape is the tensor's shape for FormPlain, [Groups, K, N] for FormPanels
	// and [taps, C] for FormTaps.
	Shape tensor.Shape

	// Data are the bytes as stored in the file: read-only, and Bytes() of them.
	// Bind needs them aligned to 32 bytes, and preferably to tensor.Align.
	Data []byte
}

// Bytes is the length of the data that Form, Elem and Shape imply. It returns
// false if the combination is invalid, or if the length overflows.
func (p Param) Bytes() (int, bool) {
	for _, d := range p.Shape {
		if d < 1 || d > tensor.MaxDim {
			return 0, false
		}
	}
	switch {
	case p.Form == FormPlain && p.Elem.Valid() && p.Elem != tensor.F16:
		return tensor.Product(p.Elem.Size(), p.Shape...)
	case p.Form == FormPanels && len(p.Shape) == 3:
		return p.Panels().Bytes()
	case p.Form == FormTaps && p.Elem == tensor.F32 && len(p.Shape) == 2:
		return tensor.Product(4, p.Shape[0]+1, p.Shape[1])
	case p.Form == FormTaps && p.Elem == tensor.I8 && len(p.Shape) == 2:
		return tensor.Product(8+p.Shape[0], p.Shape[1])
	}
	return 0, false
}

// Panels returns the layout of a Param of FormPanels.
func (p Param) Panels() Panels {
	return Panels{Elem: p.Elem, Groups: p.Shape[0], K: p.Shape[1], N: p.Shape[2]}
}

// Floats returns the data of a Param of F32 elements in place. The processor
// must be little-endian, and the data aligned.
func (p Param) Floats() []float32 { return tensor.Slice[float32](p.Data) }

// CheckUnit is the number of bytes of which the offsets given to CheckData are
// multiples.
func (p Param) CheckUnit() int {
	if p.Form == FormPanels {
		return p.Panels().Size()
	}
	return tensor.Align
}

// CheckData checks a part of the data of a Param whose Bytes are valid. The
// part begins at byte off, a multiple of CheckUnit. It checks that every
// element is finite, except that those of FormPlain may be anything, as in
// masks; that Booleans are 0 or 1, scales are positive, and the padding of
// panels is zero.
func (p Param) CheckData(off int, data []byte) error {
	switch {
	case p.Form == FormPanels:
		return p.Panels().check(off, data)
	case p.Form == FormPlain:
		return p.checkPlainData(off, data)
	case p.Form == FormTaps && p.Elem == tensor.I8:
		from, to := 4*p.Shape[1], 8*p.Shape[1] // the scales
		from, to = max(from, off), min(to, off+len(data))
		if from >= to {
			return nil
		}
		return checkScales(from, data[from-off:to-off])
	}
	return checkFinite(p.Elem, off, data)
}

// checkParam is checkForm for a param of floats.
func checkParam(s Spec, p Param, what string, form Form, shape ...int) error {
	if !p.Elem.Float() {
		return errorf(s, "%s are %v, where there should be floats", what, p.Elem)
	}
	return checkForm(s, p, what, form, shape...)
}

// checkForm checks a param's form, its shape and the length of its data.
func checkForm(s Spec, p Param, what string, form Form, shape ...int) error {
	if p.Form != form || !slices.Equal(p.Shape, shape) {
		return errorf(s, "%s are %v %s where there should be %v %s", what, p.Form, p.Shape, form, tensor.Dims(shape...))
	}
	n, ok := p.Bytes()
	if !ok {
		return errorf(s, "%s cannot be %v %v of shape %s", what, p.Form, p.Elem, p.Shape)
	}
	if n != len(p.Data) {
		return errorf(s, "%s have %d bytes of data where %d are implied", what, len(p.Data), n)
	}
	return nil
}

// checkPlainData is CheckData for FormPlain.
func (p Param) checkPlainData(off int, data []byte) error {
	if p.Elem != tensor.Bool {
		return nil
	}
	if at := slices.IndexFunc(data, func(b byte) bool { return b > 1 }); at >= 0 {
		return fmt.Errorf("element %d is not a Boolean", off+at)
	}
	return nil
}

// checkPlain checks a param of FormPlain of any shape.
func checkPlain(s Spec, p Param, what string, elem tensor.Elem) error {
	if p.Form != FormPlain || p.Elem != elem {
		return errorf(s, "%s is %v %v where there should be %v %v", what, p.Form, p.Elem, FormPlain, elem)
	}
	if err := p.Shape.Check(); err != nil {
		return errorf(s, "%s %w", what, err)
	}
	if n, ok := p.Bytes(); !ok || n != len(p.Data) {
		return errorf(s, "%s has %d bytes of data where %d are implied", what, len(p.Data), n)
	}
	return nil
}

// PlainParam makes a Param of FormPlain.
func PlainParam(shape tensor.Shape, x []float32) Param {
	data := tensor.AlignedBytes(4 * len(x))
	for i, v := range x {
		putFloat(data[4*i:], v)
	}
	return Param{Form: FormPlain, Shape: shape, Data: data}
}

// TapsParam makes a Param of FormTaps from weight(tap, channel) and
// bias(channel).
func TapsParam(taps, c int, weight func(tap, c int) float32, bias func(c int) float32) Param {
	p := Param{Form: FormTaps, Shape: tensor.Shape{taps, c}, Data: tensor.AlignedBytes(4 * (taps + 1) * c)}
	for j := range c {
		putFloat(p.Data[4*j:], bias(j))
		for t := range taps {
			putFloat(p.Data[4*((t+1)*c+j):], weight(t, j))
		}
	}
	return p
}

// TableParam makes the Param of a Unary on quantised operands. For each element
// of type x the table has the element of type y to which Convert converts f(v),
// rounded to float32, where v is the float32 to which Convert converts the
// element; for a NaN it has the zero point. It is computed when the net is
// frozen, since processors round functions such as exp differently.
func TableParam(x, y Elements, f func(float64) float64) Param {
	data := tensor.AlignedBytes(256)
	lo, hi := y.limits(Act{})
	x.each(func(b byte, q int32) {
		v := roundEven(clamp(float32(f(float64(x.decode(q))))/y.step(), lo, hi))
		if v != v {
			v = 0
		}
		data[b] = byte(int32(v) + y.Zero)
	})
	return Param{Form: FormPlain, Elem: tensor.U8, Shape: tensor.Shape{256}, Data: data}
}

// QuantisedTapsParam makes a Param of FormTaps of int8 from weight(tap, channel),
// scale(channel), which is positive and finite, and bias(channel), in units of
// the operand's scale times that one.
func QuantisedTapsParam(taps, c int, weight func(tap, c int) int8, scale func(c int) float32, bias func(c int) int32) Param {
	p := Param{Form: FormTaps, Elem: tensor.I8, Shape: tensor.Shape{taps, c}, Data: tensor.AlignedBytes((8 + taps) * c)}
	for j := range c {
		binary.LittleEndian.PutUint32(p.Data[4*j:], uint32(bias(j)))
		putFloat(p.Data[4*(c+j):], scale(j))
		for t := range taps {
			p.Data[(8+t)*c+j] = byte(weight(t, j))
		}
	}
	return p
}

func putFloat(b []byte, x float32) { binary.LittleEndian.PutUint32(b, math.Float32bits(x)) }
