package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Convert gives each element another type, To: the nearest float32; the lowest
// bits of an integer; of a float32 what FloatToInt says. As Bool all but 0 is
// true, NaN too.
type Convert struct{ To tensor.Elem }

func (*Convert) Op() string { return "Convert" }

func (*Convert) Order() Order { return AnyOrder }

func (*Convert) Traits([]tensor.Type, []Param) Traits { return Traits{} }

func (c *Convert) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(c, in, params, 1, 0); err != nil {
		return nil, err
	}
	if !c.To.Valid() || c.To == tensor.F16 || in[0].Elem == tensor.F16 || in[0].Quantised() {
		return nil, errorf(c, "a conversion of %v to %v", in[0].Elem, c.To)
	}
	return result(c, tensor.Type{Elem: c.To}, slices.Clone(in[0].Shape)...)
}

func (c *Convert) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := c.Infer(in, params); err != nil {
		return nil, err
	}
	return &convertOp{flat{volume: in[0].Shape.Volume()}, in[0].Elem, c.To}, nil
}

// FloatToInt is a floating-point number as an element of a type of integers:
// what is behind the point is cut off. Numbers beyond an int64, and NaN, are
// −2⁶³; numbers that an int64 holds and a shorter type does not are −2³¹ as
// int32 and, of still shorter types, the lowest bits of that: as processors do
// it for which ONNX Runtime is built most.
func FloatToInt(x float64, e tensor.Elem) int64 {
	most := float64(1 << 63)
	if e != tensor.I64 {
		most = 1 << 31
	}
	v := -int64(most/2) * 2
	if x = math.Trunc(x); x >= -most && x < most {
		v = int64(x)
	}
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

// convertOp converts by way of int64, some elements at a time.
type convertOp struct {
	flat
	from, to tensor.Elem
}

func (op *convertOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	start, end := op.elements(n, lo, hi)
	if op.from == op.to && op.from != tensor.Bool {
		size := op.from.Size()
		copy(out[0][start*size:end*size], in[0][start*size:end*size])
		return
	}
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
		floats := floats(src)[from:]
		for i := range x {
			if op.to == tensor.Bool {
				x[i] = int64(truth(floats[i] != 0))
			} else {
				x[i] = FloatToInt(float64(floats[i]), op.to)
			}
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
