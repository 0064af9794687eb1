package tensor

import (
	"math"
	"slices"
	"testing"
	"unsafe"
)

func TestTypeCheck(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	shape := Shape{2, 3}
	for _, c := range []struct {
		t    Type
		want string
	}{
		{Type{Elem: F32, Shape: shape}, ""},
		{Type{Elem: I64, Shape: nil}, ""},
		{Type{Elem: U8, Shape: shape, Scale: 0.5, Zero: 255}, ""},
		{Type{Elem: I8, Shape: shape, Scale: 0.5, Zero: -128}, ""},
		{Type{Elem: LastElem + 1, Shape: shape}, "is of the unknown element type 8"},
		{Type{Elem: F32, Shape: Shape{0}}, "of 0 elements is empty"},
		{Type{Elem: F32, Shape: shape, Scale: 1}, "is quantised, which f32 cannot be"},
		{Type{Elem: U8, Shape: shape, Zero: 1}, "has scale 0, which is not positive and finite"},
		{Type{Elem: U8, Shape: shape, Scale: -1}, "has scale -1, which is not positive and finite"},
		{Type{Elem: U8, Shape: shape, Scale: nan}, "has scale NaN, which is not positive and finite"},
		{Type{Elem: U8, Shape: shape, Scale: inf}, "has scale +Inf, which is not positive and finite"},
		{Type{Elem: U8, Shape: shape, Scale: float32(math.Copysign(0, -1))}, "has scale -0, which is not positive and finite"},
		{Type{Elem: U8, Shape: shape, Scale: 1, Zero: 256}, "has zero point 256, which is not a valid u8"},
		{Type{Elem: I8, Shape: shape, Scale: 1, Zero: -129}, "has zero point -129, which is not a valid i8"},
	} {
		got := ""
		if err := c.t.Check(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.t, got, c.want)
		}
	}
}

func TestEncode(t *testing.T) {
	u8 := Type{Elem: U8, Scale: 0.5, Zero: 10}
	for _, c := range []struct {
		t    Type
		x    float32
		want []byte // nil for an error
	}{
		{Floats(), 1, []byte{0, 0, 0x80, 0x3f}},
		{Type{Elem: F16}, 1, []byte{0, 0x3c}},
		{u8, 1, []byte{12}},
		{u8, 0.25, []byte{10}}, // ties to even
		{u8, 0.75, []byte{12}},
		{u8, -100, []byte{0}},
		{u8, 1e30, []byte{255}},
		{u8, float32(math.NaN()), nil},
		{Type{Elem: U8}, 255, []byte{255}},
		{Type{Elem: U8}, 256, nil},
		{Type{Elem: I8}, -128, []byte{0x80}},
		{Type{Elem: I16}, -2, []byte{0xfe, 0xff}},
		{Type{Elem: I32}, 0.5, nil},
		{Type{Elem: I64}, -1, []byte{255, 255, 255, 255, 255, 255, 255, 255}},
		{Type{Elem: I64}, 1 << 63, nil},
		{Type{Elem: I64}, float32(math.Inf(1)), nil},
		{Type{Elem: Bool}, 1, []byte{1}},
		{Type{Elem: Bool}, 2, nil},
	} {
		got, err := c.t.Encode(c.x)
		if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("%v as %+v: % x, %v; want % x", c.x, c.t, got, err, c.want)
		}
	}
}

func TestElems(t *testing.T) {
	sizes := map[Elem]int{F32: 4, F16: 2, U8: 1, I8: 1, I16: 2, I32: 4, I64: 8, Bool: 1}
	names := map[string]bool{}
	for e := range LastElem + 1 {
		if e.Size() != sizes[e] || names[e.String()] || !e.Valid() {
			t.Errorf("element type %d: %v of %d bytes", e, e, e.Size())
		}
		names[e.String()] = true
	}
	if e := LastElem + 1; e.Valid() || e.Size() != 0 || e.String() == "" {
		t.Errorf("%d is an element type", e)
	}
}

func TestAlignedBytes(t *testing.T) {
	for n := range 200 {
		b := AlignedBytes(n)
		if len(b) != n || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%Align != 0 {
			t.Fatalf("%d bytes: %d of them at %p", n, len(b), b)
		}
		if AlignUp(n)%Align != 0 || AlignUp(n) < n || AlignUp(n) >= n+Align {
			t.Fatalf("%d is rounded up to %d", n, AlignUp(n))
		}
	}
	x := Aligned[uint16](3)
	x[1] = 0x0102
	if b := Bytes(x); !slices.Equal(b, []byte{0, 0, 2, 1, 0, 0}) || &Slice[uint16](b)[1] != &x[1] {
		t.Errorf("as bytes % x", b)
	}
	if Slice[float32](nil) != nil || Bytes[float32](nil) != nil || len(Slice[float32](make([]byte, 3))) != 0 {
		t.Error("nothing is something")
	}
}
