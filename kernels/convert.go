package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Convert converts each element to the type Result.
//
// If neither type is quantised, it becomes the nearest float32; an integer
// keeps its lowest bits; a float32 becomes an integer as FloatToInt says. As
// Bool everything but 0 is true, even NaN.
//
// Float32, uint8 and int8, quantised or not, can be quantised: each becomes the
// element nearest to the real number that it stands for, ties to even, clamped
// to the least and the largest one. Of float32 x that is clamp(rne(x / scale) +
// zero), the quotient rounded to float32; for all others, what Elements says
// holds. So int8 q with zero point z and uint8 q+128 with zero point z+128 and
// the same scale are converted to one another exactly. A NaN has no nearest
// element: it becomes the zero point, and the run's fault is ErrNaN. Quantised
// elements that are not requantised can only become the float32 that they stand
// for.
type Convert struct{ Result Elements }

func (*Convert) Op() string { return "Convert" }

func (*Convert) Order() Order { return AnyOrder }

func (c *Convert) ResultElements(tensor.Type) *Elements { return &c.Result }

// Converts implements Converting.
func (*Convert) Converts() bool { return true }

func (*Convert) Traits([]tensor.Type, []Param) Traits { return Traits{InPlace: true} }

func (c *Convert) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(c, in, params, 1, 0); err != nil {
		return nil, err
	}
	to := c.Result.Of()
	if !to.Elem.Valid() || to.Elem == tensor.F16 || in[0].Elem == tensor.F16 {
		return nil, errorf(c, "a conversion of %v to %v", in[0].Elem, to.Elem)
	}
	out, err := result(c, to, slices.Clone(in[0].Shape)...)
	if err != nil {
		return nil, err
	}
	if err := out[0].Check(); err != nil {
		return nil, errorf(c, "the result %w", err)
	}
	switch {
	case to.Quantised():
		return out, c.checkQuantised(ElementsOf(in[0]))
	case in[0].Quantised() && to.Elem != tensor.F32:
		return nil, errorf(c, "operand 0 is %v, which can only become f32 or be requantised, not %v", in[0], to.Elem)
	}
	return out, nil
}

func (c *Convert) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := c.Infer(in, params); err != nil {
		return nil, err
	}
	op := flat{volume: in[0].Shape.Volume()}
	from, to := ElementsOf(in[0]), c.Result
	switch {
	case from == to && to.Elem != tensor.Bool:
		return &copyElements{op, to.Elem.Size()}, nil
	case to.Of().Quantised() && from.Elem == tensor.F32:
		return newQuantise(t, op, to), nil
	case to.Of().Quantised():
		return c.requantise(t, in[0].Shape, from), nil
	case to.Elem == tensor.F32 && (from.Elem == tensor.U8 || from.Elem == tensor.I8):
		return newDequantise(t, op, from), nil
	}
	if row := t.convertRow(from.Elem, to.Elem); row != nil {
		return &convertRows{op, from.Elem.Size(), to.Elem.Size(), row}, nil
	}
	return &convertOp{op, from.Elem, to.Elem}, nil
}

// FloatToInt converts a floating-point number to an element of an integer type,
// truncating towards zero. NaN and numbers outside the range of int64 become
// −2⁶³. Numbers that fit an int64 but not a shorter type become −2³¹ as int32,
// and the lowest bits of that in still shorter types. The processors for which
// ONNX Runtime is mostly built do the same.
func FloatToInt(x float64, e tensor.Elem) int64 {
	v := cutOff(x, reach(e))
	switch e {
	case tensor.U8:
		return int64(uint8(v))
	case tensor.I8:
		return int64(int8(v))
	case tensor.I16:
		return int64(int16(v))
	}
	return v
}

// reach is how far numbers go that are cut off for a type of integers.
func reach(e tensor.Elem) float64 {
	if e == tensor.I64 {
		return 1 << 63
	}
	return 1 << 31
}

// cutOff is a number without what is behind the point, or −most where that is
// not from −most to most. What lies less than 1 below −most is −most, too.
func cutOff(x, most float64) int64 {
	if x >= -most && x < most {
		return int64(x)
	}
	return -int64(most/2) * 2
}

// copyElements is a Convert that changes nothing.
type copyElements struct {
	flat
	size int
}

func (op *copyElements) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	copy(out[0][from*op.size:to*op.size], in[0][from*op.size:to*op.size])
}

// convertRows converts without a step in between.
type convertRows struct {
	flat
	from, to int // bytes of an element
	row      convertRow
}

func (op *convertRows) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	start, end := op.elements(n, lo, hi)
	op.row(w, out[0][start*op.to:end*op.to], in[0][start*op.from:end*op.from])
}

// A convertRow makes elements of z of as many of x.
type convertRow func(w *Workspace, z, x []byte)

// convertRow is the conversion between two types that nets use often, nil of
// others.
func (t *Tier) convertRow(from, to tensor.Elem) convertRow {
	switch [2]tensor.Elem{from, to} {
	case [2]tensor.Elem{tensor.F32, tensor.Bool}:
		return t.floatsToTruths()
	case [2]tensor.Elem{tensor.Bool, tensor.F32}:
		return t.truthsTo(1)
	case [2]tensor.Elem{tensor.Bool, tensor.I32}:
		return t.truthsTo(math.Float32frombits(1))
	case [2]tensor.Elem{tensor.F32, tensor.I32}:
		return floatsTo[int32](tensor.I32)
	case [2]tensor.Elem{tensor.F32, tensor.I64}:
		return floatsTo[int64](tensor.I64)
	case [2]tensor.Elem{tensor.I32, tensor.F32}:
		return numbersTo[float32, int32]
	case [2]tensor.Elem{tensor.I64, tensor.F32}:
		return numbersTo[float32, int64]
	case [2]tensor.Elem{tensor.I32, tensor.I64}:
		return numbersTo[int64, int32]
	case [2]tensor.Elem{tensor.I64, tensor.I32}:
		return numbersTo[int32, int64]
	}
	return nil
}

func numbersTo[Z, X number](_ *Workspace, z, x []byte) {
	dst, src := tensor.Slice[Z](z), tensor.Slice[X](x)
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = Z(src[i])
	}
}

// floatsTo makes integers as FloatToInt does. Those between −2³¹ and 2³¹, almost
// all, fit any of these types.
func floatsTo[Z int32 | int64](to tensor.Elem) convertRow {
	most := reach(to)
	return func(_ *Workspace, z, x []byte) {
		dst, src := tensor.Slice[Z](z), floats(x)
		src = src[:len(dst)]
		for i, v := range src {
			if v > -1<<31 && v < 1<<31 {
				dst[i] = Z(int32(v))
			} else {
				dst[i] = Z(cutOff(float64(v), most))
			}
		}
	}
}

// floatsToTruths makes Booleans of float32: what is not equal to 0.
func (t *Tier) floatsToTruths() convertRow {
	compare := t.compareFloats(Equal)
	var zeros [laneSize]float32
	return func(w *Workspace, z, x []byte) {
		src := floats(x)
		for lo := 0; lo < len(src); lo += laneSize {
			count := min(laneSize, len(src)-lo)
			compare(w, z[lo:][:count], src[lo:][:count], zeros[:count])
		}
		negate(z)
	}
}

// truthsTo makes four-byte elements of Booleans, one or 0.
func (t *Tier) truthsTo(one float32) convertRow {
	choose := t.selectFloats()
	var zeros, ones [laneSize]float32
	for i := range ones {
		ones[i] = one
	}
	return func(w *Workspace, z, x []byte) {
		dst := floats(z)
		for lo := 0; lo < len(dst); lo += laneSize {
			count := min(laneSize, len(dst)-lo)
			choose(w, dst[lo:][:count], x[lo:][:count], ones[:count], zeros[:count])
		}
	}
}

// convertOp converts by way of int64, some elements at a time.
type convertOp struct {
	flat
	from, to tensor.Elem
}

func (op *convertOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	start, end := op.elements(n, lo, hi)
	var block [256]int64
	for from := start; from < end; from += len(block) {
		x := block[:min(len(block), end-from)]
		op.load(x, in[0], from)
		op.store(out[0], x, from)
	}
}

// load makes elements of x, from the one at index from on, of those of src.
func (op *convertOp) load(x []int64, src []byte, from int) {
	switch op.from {
	case tensor.F32:
		floats := floats(src)[from:][:len(x)]
		most := reach(op.to) // store takes the lowest bits
		for i, v := range floats {
			x[i] = cutOff(float64(v), most)
		}
	case tensor.I8:
		widenTo(x, tensor.Slice[int8](src)[from:])
	case tensor.I16:
		widenTo(x, tensor.Slice[int16](src)[from:])
	case tensor.I32:
		widenTo(x, tensor.Slice[int32](src)[from:])
	case tensor.I64:
		widenTo(x, tensor.Slice[int64](src)[from:])
	case tensor.Bool:
		for i := range x {
			x[i] = int64(truth(src[from+i] != 0))
		}
	default:
		widenTo(x, src[from:])
	}
}

// store makes elements of dst, from the one at index from on, of x.
func (op *convertOp) store(dst []byte, x []int64, from int) {
	switch op.to {
	case tensor.F32:
		narrowTo(floats(dst)[from:], x)
	case tensor.I16:
		narrowTo(tensor.Slice[int16](dst)[from:], x)
	case tensor.I32:
		narrowTo(tensor.Slice[int32](dst)[from:], x)
	case tensor.I64:
		narrowTo(tensor.Slice[int64](dst)[from:], x)
	case tensor.Bool:
		for i, v := range x {
			dst[from+i] = truth(v != 0)
		}
	default: // the lowest bits, whatever they mean
		narrowTo(dst[from:], x)
	}
}

func widenTo[T integer](x []int64, src []T) {
	for i := range x {
		x[i] = int64(src[i])
	}
}

func narrowTo[T number](dst []T, x []int64) {
	for i, v := range x {
		dst[i] = T(v)
	}
}
