package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Form is the order in which a Param's elements lie.
type Form uint8

const (
	// FormPlain is a row-major tensor of any element type but F16.
	FormPlain Form = iota

	// FormPanels is the right-hand side of a matrix product: see Panels.
	FormPanels

	// FormTaps is a depthwise filter: C float32 of bias, then one row of C float32
	// for each filter tap, rows from the top, taps from the left; those of a
	// ConvTranspose are in its own order. One of int8 has C int32 of bias, C float32
	// of scales, as panels do, and rows of C int8.
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

	// Data are the bytes as they lie in the file: read-only, and Bytes() of
	// them. What Bind is given is aligned to 32 bytes, better to tensor.Align.
	Data []byte
}

// Bytes is the length of the data that Form, Elem and Shape imply. It is
// false if they are no valid combination, or if the length overflows.
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

// Panels is the layout of a Param of FormPanels.
func (p Param) Panels() Panels {
	return Panels{Elem: p.Elem, Groups: p.Shape[0], K: p.Shape[1], N: p.Shape[2]}
}

// Floats returns the data of a Param of F32 elements in place. The processor
// must be little-endian, and the data aligned.
func (p Param) Floats() []float32 { return tensor.Slice[float32](p.Data) }

// CheckUnit is the number of bytes into whose multiples a Param's data may be
// cut for CheckData.
func (p Param) CheckUnit() int {
	if p.Form == FormPanels {
		return p.Panels().Size()
	}
	return tensor.Align
}

// CheckData checks a part of the data of a Param, whose Bytes are valid, that
// begins off bytes, a multiple of its CheckUnit, into them: every element is
// finite, but that those of FormPlain are any, as infinities in masks; Booleans
// are 0 or 1; scales are positive; and the padding of panels is zero.
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

// TableParam makes the Param of a Unary on quantised operands: it takes elements
// of type x to what Convert makes of f, rounded to float32, of the float32 that
// Convert makes of them; a NaN is the zero point. It is computed where the net is
// frozen, since processors round functions such as exp in ways of their own.
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
