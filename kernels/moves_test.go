package kernels

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestMovesOfEveryElement moves numbered elements of each size, and compares
// with the same moves of float32, which have references of their own. Types of
// results, quantised ones too, are those of the operands.
func TestMovesOfEveryElement(t *testing.T) {
	const n = 2
	shape := []int{1, 5, 18, 7}
	for _, spec := range []Spec{
		&Transpose{Perm: []int{0, 3, 1, 2}},
		&Transpose{Perm: []int{0, 2, 3, 1}},
		&Reshape{Shape: []int{1, 630}},
		&Slice{Start: []int{0, 4, 1, 0}, Step: []int{1, -2, 3, 1}, Size: []int{1, 2, 5, 7}},
		&Split{Axis: 2, Sizes: []int{3, 15}},
		&Concat{Axis: 1},
		&Padding{Mode: PadReflect, Before: []int{0, 1, 2, 0}, After: []int{0, 0, 3, 1}},
		&Padding{Mode: PadConstant, Before: []int{0, 1, 2, 0}, After: []int{0, 0, 3, 1}, Value: 3},
	} {
		results := func(elem tensor.Type) (out [][]byte, types []tensor.Type) {
			in := []tensor.Type{elem.Of(shape...)}
			if _, ok := spec.(*Concat); ok {
				in = append(in, in[0])
			}
			types, err := spec.Infer(in, nil)
			if err != nil {
				t.Fatalf("%s%+v of %v: %v", spec.Op(), spec, in, err)
			}
			op, err := spec.Bind(Tiers()[0], in, nil)
			if err != nil {
				t.Fatal(err)
			}
			operands := make([][]byte, len(in))
			for i, x := range in {
				operands[i] = tensor.AlignedBytes(n * x.Bytes())
				for k := range n * x.Shape.Volume() {
					putNumber(operands[i][k*x.Elem.Size():][:x.Elem.Size()], x.Elem, 7*i+k)
				}
			}
			for _, y := range types {
				out = append(out, tensor.AlignedBytes(n*y.Bytes()))
			}
			op.Run(&Workspace{}, operands, out, n, 0, op.Tasks(n))
			return out, types
		}
		want, shapes := results(tensor.Floats())
		for _, elem := range []tensor.Type{
			{Elem: tensor.U8}, {Elem: tensor.I8}, {Elem: tensor.F16}, {Elem: tensor.I16}, {Elem: tensor.I32}, {Elem: tensor.I64},
			{Elem: tensor.U8, Scale: 0.5, Zero: 10},
		} {
			got, types := results(elem)
			for i, y := range types {
				if !y.Equal(elem.Of(shapes[i].Shape...)) {
					t.Errorf("%s%+v of %v is %v", spec.Op(), spec, elem, y)
				}
				size := y.Elem.Size()
				for k, v := range tensor.Slice[float32](want[i]) {
					expected := make([]byte, size)
					putNumber(expected, y.Elem, int(v))
					if p, ok := spec.(*Padding); ok && p.Mode == PadConstant && v == p.Value {
						// Element 3 itself, or the constant.
						fill, _ := elem.Encode(p.Value)
						if slices.Equal(got[i][k*size:][:size], fill) {
							continue
						}
					}
					if !slices.Equal(got[i][k*size:][:size], expected) {
						t.Fatalf("%s%+v of %v: result %d, element %d is % x, want % x", spec.Op(), spec, elem, i, k, got[i][k*size:][:size], expected)
					}
				}
			}
		}
	}
}

// putNumber writes a number as an element of a type, as much of it as fits.
func putNumber(b []byte, e tensor.Elem, x int) {
	switch e {
	case tensor.F32:
		putFloat(b, float32(x))
	default:
		for i := range b {
			b[i] = byte(x >> (8 * i))
		}
	}
}

func TestMovesOfOneKind(t *testing.T) {
	shape := []int{1, 4}
	u8, f32 := tensor.Type{Elem: tensor.U8, Shape: shape}, tensor.Floats(shape...)
	finer := tensor.Type{Elem: tensor.U8, Shape: shape, Scale: 0.5}
	for _, c := range []struct {
		spec Spec
		in   []tensor.Type
		want string
	}{
		{&Concat{Axis: 1}, []tensor.Type{u8, f32}, "Concat: operand 1 of f32 1×4 cannot be joined to one of u8 1×4"},
		{&Concat{Axis: 1}, []tensor.Type{u8, finer}, "Concat: operand 1 of u8 1×4 of scale 0.5 and zero point 0 cannot be joined to one of u8 1×4"},
		{&Unary{}, []tensor.Type{u8}, "Unary: operand 0 is u8 1×4, but only f32 and quantised u8 are supported"},
		{&Padding{Before: []int{0, 0}, After: []int{0, 1}, Value: 0.5}, []tensor.Type{u8}, "Pad: the constant 0.5 is not a valid u8"},
		{&Reshape{Shape: []int{4}}, []tensor.Type{{Elem: 99, Shape: shape}}, "Reshape: operand 0 is of the unknown element type 99"},
		{&Reshape{Shape: []int{4}}, []tensor.Type{{Elem: tensor.U8, Shape: shape, Scale: float32(math.Inf(1))}}, "Reshape: operand 0 has scale +Inf, which is not positive and finite"},
	} {
		if _, err := c.spec.Infer(c.in, nil); err == nil || err.Error() != c.want {
			t.Errorf("%s of %v: %v, want %s", c.spec.Op(), fmt.Sprint(c.in), err, c.want)
		}
	}
}
