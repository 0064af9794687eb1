package weights

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// The sizes by which counts are capped must not be larger than what an item
// can take; they would refuse sound files.
func TestLeastSizes(t *testing.T) {
	size := func(fields func(c *coder)) int {
		c := writer()
		fields(c)
		if err := c.end(); err != nil {
			t.Fatal(err)
		}
		return len(c.data)
	}
	for _, tt := range []struct {
		what       string
		have, want int
	}{
		{"string", size(func(c *coder) { c.string(new(string)) }), stringSize},
		{"value", size(func(c *coder) { c.value(new(Value)) }), valueSize},
		{"param", size(func(c *coder) { c.param(new(kernels.Param)) }), paramSize},
		{"step", size(func(c *coder) { c.step(&Step{Spec: &kernels.Transpose{}}) }), stepSize},
		{"open dimension", size(func(c *coder) { c.openDim(new(OpenDim)) }), openSize},
		{"axis", size(func(c *coder) { c.axis(new(Axis)) }), axisSize},
		{"growth", size(func(c *coder) { c.growth(new(Growth)) }), growthSize},
		{"length", size(func(c *coder) { c.length(new(Length)) }), lengthSize},
		{"term", size(func(c *coder) { c.term(new(Term)) }), termSize},
		{"grid", size(func(c *coder) { c.grid(new(Grid)) }), gridSize},
	} {
		if tt.have != tt.want {
			t.Errorf("the smallest %s takes %d bytes, not %d", tt.what, tt.have, tt.want)
		}
	}
}

func TestCoderRefuses(t *testing.T) {
	for _, tt := range []struct {
		what   string
		data   string
		fields func(c *coder)
		want   string
	}{
		{"too few bytes", "abc", func(c *coder) { c.int(new(int)) }, "byte 0: 4 bytes needed, 3 left"},
		{"too many bytes", "abcde", func(c *coder) { c.int(new(int)) }, "byte 4: 1 bytes too many"},
		{"neither true nor false", "\x02", func(c *coder) { c.bool(new(bool)) }, "byte 1: 2 is not a Boolean"},
		{"an unknown constant", "\x12", func(c *coder) { enum(c, new(kernels.Activation), kernels.LastActivation) }, "byte 1: unknown kernels.Activation 18"},
		{"a count without items", "\xff\xff\xff\xff", func(c *coder) { c.intList(new([]int)) }, "byte 4: 4294967295 items announced, but only 0 bytes left"},
		{"a long string", "\x05\x00\x00\x00abcd", func(c *coder) { c.string(new(string)) }, "byte 4: 5 items announced, but only 4 bytes left"},
		{"bad UTF-8", "\x01\x00\x00\x00\xff", func(c *coder) { c.string(new(string)) }, `byte 5: "\xff" is not UTF-8`},
		{"NaN", "\x00\x00\xc0\x7f", func(c *coder) { c.float(new(float32)) }, "byte 4: NaN"},
		{"an unknown operation", "\xff", func(c *coder) { c.spec(new(kernels.Spec)) }, "byte 1: unknown operation 255"},
	} {
		c := reader(Version, []byte(tt.data))
		tt.fields(c)
		if err := c.end(); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v; want %s", tt.what, err, tt.want)
		}
	}

	if strconv.IntSize > 32 {
		c := writer()
		tooLarge := math.MaxInt
		c.int(&tooLarge)
		if err := c.end(); err == nil {
			t.Errorf("%d was written in 32 bits", tooLarge)
		}
	}
}

// Every field of every struct must be coded: one that is forgotten, or added
// later and not here, would silently be lost.
func TestEveryFieldIsCoded(t *testing.T) {
	roundTrip := func(what string, was, is any, code func(c *coder, v any)) {
		populate(reflect.ValueOf(was).Elem())
		if r, ok := was.(*kernels.Resize); ok {
			r.Mode, r.Coordinates = kernels.Cubic, kernels.CropAndResize // others lack fields
		}
		if m, ok := was.(*Meta); ok {
			m.Answer.Kind = Boxes // other answers are nothing but their kind
		}
		if q, ok := was.(kernels.Quantising); ok {
			quantised := tensor.Type{Elem: tensor.U8, Scale: 1}
			*q.ResultElements(quantised) = kernels.Elements{} // stands with the value
		}
		w := writer()
		code(w, was)
		if err := w.end(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		r := reader(Version, w.data)
		code(r, is)
		if err := r.end(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !reflect.DeepEqual(is, was) {
			t.Errorf("%s: is\n%+v\nwas\n%+v", what, is, was)
		}
	}
	for _, s := range specCodes {
		roundTrip(s.make().Op(), s.make(), s.make(), func(c *coder, v any) { s.fields(c, v.(kernels.Spec)) })
	}
	roundTrip("meta", new(Meta), new(Meta), func(c *coder, v any) { c.meta(v.(*Meta)) })
	roundTrip("value", new(Value), new(Value), func(c *coder, v any) { c.value(v.(*Value)) })
}

// populate gives every field something that is not its zero.
func populate(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32:
		v.SetInt(-3)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Float32:
		v.SetFloat(0.5)
	case reflect.String:
		v.SetString("ü")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			populate(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			populate(v.Field(i))
		}
	default:
		panic(v.Type())
	}
}

// TestLaterVersions makes up a version 2 that adds a constant, an operation and
// a field: in a file of version 1 they are unknown, or not there.
func TestLaterVersions(t *testing.T) {
	defer func(codes []specCode) { specCodes = codes }(specCodes)
	code := byte(len(specCodes))
	specCodes = append(specCodes[:code:code], codeOf(2, func(*coder, *later) {}))

	spec := func(c *coder) { c.spec(new(kernels.Spec)) }
	constant := func(c *coder) { enum(c, new(kernels.Winograd), kernels.WinogradF2, kernels.WinogradF4) }
	field := func(c *coder) {
		var v struct{ old, added bool }
		c.bool(&v.old)
		if c.has(2) {
			c.bool(&v.added)
		}
	}
	for _, tt := range []struct {
		what   string
		data   []byte
		fields func(*coder)
		want   [2]string // in versions 1 and 2
	}{
		{"an operation", []byte{code}, spec, [2]string{fmt.Sprintf("byte 1: unknown operation %d", code), ""}},
		{"an old constant", []byte{1}, constant, [2]string{}},
		{"a constant", []byte{2}, constant, [2]string{"byte 1: unknown kernels.Winograd 2", ""}},
		{"no constant", []byte{3}, constant, [2]string{"byte 1: unknown kernels.Winograd 3", "byte 1: unknown kernels.Winograd 3"}},
		{"a field", []byte{1, 1}, field, [2]string{"byte 1: 1 bytes too many", ""}},
	} {
		for i, want := range tt.want {
			c := reader(uint32(i+1), tt.data)
			tt.fields(c)
			got := ""
			if err := c.end(); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%s in version %d: %q, want %q", tt.what, i+1, got, want)
			}
		}
	}
}

// later is an operation of version 2.
type later struct{ kernels.MatMul }

func (*later) Op() string { return "Later" }
