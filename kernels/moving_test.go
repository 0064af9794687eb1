package kernels

import (
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// runPortable computes an item of an operation of one result on the portable tier.
func runPortable(t *testing.T, s Spec, in tensor.Type, params []Param, x []byte) (tensor.Type, []byte) {
	t.Helper()
	out, err := s.Infer([]tensor.Type{in}, params)
	if err != nil {
		t.Fatal(err)
	}
	op, err := s.Bind(portable, []tensor.Type{in}, params)
	if err != nil {
		t.Fatal(err)
	}
	y := tensor.AlignedBytes(out[0].Bytes())
	w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
	op.Run(w, [][]byte{x}, [][]byte{y}, 1, 0, op.Tasks(1))
	return out[0], y
}

// TestMoving checks that what is said to move elements gives some of its operand's,
// and that what computes is not said to.
func TestMoving(t *testing.T) {
	one := [2]int{1, 1}
	window := Window{Kernel: [2]int{2, 2}, Stride: one, Dilation: one, Pad: [4]int{1, 0, 0, 1}}
	e := Elements{tensor.U8, 0.1, 100}
	x := e.Of(1, 4, 4, 4)
	bytes := tensor.AlignedBytes(64)
	for i := range bytes {
		bytes[i] = byte(i * 4) // none is the zero point's neighbour
	}
	for _, s := range []Spec{
		&Reshape{Shape: []int{1, 64}}, &Transpose{Perm: []int{0, 3, 1, 2}}, &Concat{Axis: 1},
		&Slice{Start: []int{0, 1, 3, 0}, Step: []int{1, 1, -1, 2}, Size: []int{1, 2, 3, 2}},
		&Padding{Before: []int{0, 1, 0, 0}, After: []int{0, 0, 2, 0}}, &Padding{Mode: PadReflect, Before: []int{0, 1, 0, 0}, After: []int{0, 0, 2, 0}},
		&Take{Axis: 3, Index: []int{3, 3, 0}}, &Repeat{Times: []int{1, 1, 2, 1}}, &Pool{Window: window, Result: e},
		&Resize{Scale: [2]float32{2, 1.5}, Size: [2]int{8, 6}},
	} {
		if !Moves(s) || Computes(s) {
			t.Errorf("%+v is not said to move", s)
		}
		typ, y := runPortable(t, s, x, nil, bytes)
		if !typ.SameElements(x) {
			t.Errorf("%s gives %v of %v", s.Op(), typ, x)
		}
		for _, b := range y {
			if !slices.Contains(bytes, b) && b != byte(e.Zero) {
				t.Errorf("%s gives %d, which no element is", s.Op(), b)
			}
		}
	}
	if x, fills := (&Padding{Value: 3}).Fill(); x != 3 || !fills {
		t.Error("Padding does not fill")
	}
	if _, fills := (&Padding{Mode: PadEdge}).Fill(); fills {
		t.Error("Padding with a map's edge fills")
	}
	if !Moves(&Split{}) || Computes(&Split{}) || Computes(&Convert{}) || !Converts(&Convert{}) {
		t.Error("Split computes, or Convert")
	}
	for _, s := range []Spec{&Conv{}, &Pool{Kind: AveragePool}, &Resize{Mode: Linear}, &Unary{}, &Binary{}, &Softmax{}} {
		if Moves(s) || Converts(s) || !Computes(s) {
			t.Errorf("%+v is not said to compute", s)
		}
	}
}

// TestTableOfFunctions compares tables with what conversions to float32 and back
// make of the same operations.
func TestTableOfFunctions(t *testing.T) {
	bytes := tensor.AlignedBytes(256)
	for i := range bytes {
		bytes[i] = byte(i)
	}
	c := PlainParam(tensor.Shape{1}, []float32{0.3})
	for _, s := range []Spec{
		&Unary{Kind: Abs}, &Unary{Kind: Sign}, &Unary{Kind: Floor}, &Unary{Act: Act{Kind: Clamp, Lo: -0.5, Hi: 1}},
		&Unary{Act: Act{Kind: ActLeakyRelu, Lo: 0.3}}, &Unary{Act: Act{Kind: ActHardSigmoid, Lo: 0.2, Hi: 0.5}},
		&Binary{Kind: Add}, &Binary{Kind: Sub, Swap: true}, &Binary{Kind: Mul}, &Binary{Kind: Div}, &Binary{Kind: Div, Swap: true},
		&Binary{Kind: Max}, &Binary{Kind: PRelu},
	} {
		for _, e := range [][2]Elements{
			{{tensor.U8, 0.01, 120}, {tensor.U8, 0.02, 3}}, {{tensor.U8, 0.02, 128}, {tensor.U8, 0.02, 128}}, {{tensor.U8, 0.013, 255}, {tensor.U8, 0.1, 77}},
		} {
			var params []Param
			var f func(float64) float64
			switch s := s.(type) {
			case *Unary:
				f = s.Of
			case *Binary:
				f, params = s.OfElement(0.3), []Param{c}
			}
			typ, y := runPortable(t, &Convert{}, e[0].Of(256), nil, bytes)
			typ, y = runPortable(t, s, typ, params, y)
			for i, v := range floats(y) {
				if v != v {
					floats(y)[i] = 0 // a NaN is the zero point
				}
			}
			_, want := runPortable(t, &Convert{e[1]}, typ, nil, y)
			if got := TableParam(e[0], e[1], f).Data; !slices.Equal(got, want) {
				t.Errorf("%+v from %v to %v: %v, want %v", s, e[0], e[1], got, want)
			}
		}
	}
	if f := (&Binary{Kind: Equal}).OfElement(1); f != nil {
		t.Error("a comparison is a function of floats")
	}
}

// TestFits checks that Fits says which multipliers there are.
func TestFits(t *testing.T) {
	for _, c := range []struct {
		e    Elements
		a, b float32
		want bool
	}{
		{Elements{}, 0.1, 0.2, true},
		{Elements{tensor.U8, 0.5, 0}, 0.1, 0.2, true},
		{Elements{tensor.U8, 1e-30, 0}, 1, 1, false},
		{Elements{}, 1e-20, 1e-20, false},
		{Elements{tensor.U8, math.MaxFloat32, 0}, 1, 1, false},
		{Elements{tensor.U8, 1, 0}, math.MaxFloat32, math.MaxFloat32, false},
	} {
		if got := c.e.Fits(c.a, c.b); got != c.want {
			t.Errorf("%v·%v as %v: %v", c.a, c.b, c.e, got)
		}
		if _, err := c.e.multiplier(&Unary{}, c.a, c.b); (err == nil) != c.want {
			t.Errorf("%v·%v as %v: %v", c.a, c.b, c.e, err)
		}
	}
}
