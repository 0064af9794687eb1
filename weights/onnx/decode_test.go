package onnx

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// tensorField encodes a TensorProto and returns it as a field of its own.
func tensorField(dims []int64, kind elemType, rest ...[]byte) field {
	var b []byte
	for _, d := range dims {
		b = appendInt(b, 1, d)
	}
	b = appendInt(b, 2, int64(kind))
	return field{num: 5, typ: protowire.BytesType, bytes: slices.Concat(append([][]byte{b}, rest...)...)}
}

// TestTensors decodes tensors of every type, raw and typed, packed and not.
func TestTensors(t *testing.T) {
	packed := func(values ...uint64) []byte {
		var b []byte
		for _, v := range values {
			b = protowire.AppendVarint(b, v)
		}
		return b
	}
	minus1 := uint64(math.MaxUint64)
	double := protowire.AppendFixed64(nil, math.Float64bits(-1.5))
	for _, c := range []struct {
		name   string
		field  field
		floats []float32
		ints   []int64
	}{
		{"float raw", tensorField([]int64{2}, typeFloat, appendMessage(nil, 9, rawFloats([]float32{1, -2}))), []float32{1, -2}, nil},
		{"float packed", tensorField([]int64{2, 1}, typeFloat, appendMessage(nil, 4, rawFloats([]float32{1, -2}))), []float32{1, -2}, nil},
		{"float one by one", tensorField([]int64{2}, typeFloat,
			protowire.AppendFixed32(protowire.AppendTag(nil, 4, protowire.Fixed32Type), math.Float32bits(3)),
			protowire.AppendFixed32(protowire.AppendTag(nil, 4, protowire.Fixed32Type), math.Float32bits(4))), []float32{3, 4}, nil},
		{"float16 raw", tensorField([]int64{2}, typeFloat16, appendMessage(nil, 9, []byte{0x00, 0x3c, 0x00, 0xc0})), []float32{1, -2}, nil},
		{"float16 typed", tensorField([]int64{2}, typeFloat16, appendMessage(nil, 5, packed(0x3c00, 0xc000))), []float32{1, -2}, nil},
		{"bfloat16 raw", tensorField([]int64{1}, typeBFloat16, appendMessage(nil, 9, []byte{0x80, 0x3f})), []float32{1}, nil},
		{"bfloat16 typed", tensorField([]int64{1}, typeBFloat16, appendMessage(nil, 5, packed(0x3f80))), []float32{1}, nil},
		{"double raw", tensorField([]int64{1}, typeDouble, appendMessage(nil, 9, double)), []float32{-1.5}, nil},
		{"double typed", tensorField([]int64{1}, typeDouble, appendMessage(nil, 10, double)), []float32{-1.5}, nil},
		{"int64 raw", tensorField([]int64{1}, typeInt64, appendMessage(nil, 9, slices.Repeat([]byte{0xff}, 8))), nil, []int64{-1}},
		{"int64 packed", tensorField([]int64{2}, typeInt64, appendMessage(nil, 7, packed(5, minus1))), nil, []int64{5, -1}},
		{"int64 one by one", tensorField([]int64{1}, typeInt64, appendInt(nil, 7, -7)), nil, []int64{-7}},
		{"int32 raw", tensorField([]int64{1}, typeInt32, appendMessage(nil, 9, []byte{0xfe, 0xff, 0xff, 0xff})), nil, []int64{-2}},
		{"int32 typed", tensorField([]int64{2}, typeInt32, appendMessage(nil, 5, packed(minus1, 2))), nil, []int64{-1, 2}},
		{"int8 raw", tensorField([]int64{2}, typeInt8, appendMessage(nil, 9, []byte{0xff, 1})), nil, []int64{-1, 1}},
		{"int16 raw", tensorField([]int64{1}, typeInt16, appendMessage(nil, 9, []byte{0xff, 0xff})), nil, []int64{-1}},
		{"uint8 raw", tensorField([]int64{1}, typeUint8, appendMessage(nil, 9, []byte{0xff})), nil, []int64{255}},
		{"uint16 raw", tensorField([]int64{1}, typeUint16, appendMessage(nil, 9, []byte{0xff, 0xff})), nil, []int64{65535}},
		{"uint32 raw", tensorField([]int64{1}, typeUint32, appendMessage(nil, 9, []byte{0xff, 0xff, 0xff, 0xff})), nil, []int64{1<<32 - 1}},
		{"bool typed", tensorField([]int64{2}, typeBool, appendMessage(nil, 5, packed(1, 0))), nil, []int64{1, 0}},
		{"bool that is neither 0 nor 1", tensorField([]int64{3}, typeBool, appendMessage(nil, 9, []byte{0, 2, 255})), nil, []int64{0, 1, 1}},
		{"bool typed that is neither", tensorField([]int64{3}, typeBool, appendMessage(nil, 5, packed(0, 2, minus1))), nil, []int64{0, 1, 1}},
		{"uint8 typed that is too large", tensorField([]int64{1}, typeUint8, appendMessage(nil, 5, packed(258))), nil, []int64{2}},
		{"int4 raw", tensorField([]int64{3}, typeInt4, appendMessage(nil, 9, []byte{0x7f, 0xf8})), nil, []int64{-1, 7, -8}},
		{"uint4 raw", tensorField([]int64{2}, typeUint4, appendMessage(nil, 9, []byte{0x7f})), nil, []int64{15, 7}},
		{"uint4 typed", tensorField([]int64{3}, typeUint4, appendMessage(nil, 5, packed(0x7f, 0xf8))), nil, []int64{15, 7, 8}},
		{"a scalar", tensorField(nil, typeFloat, appendMessage(nil, 9, rawFloats([]float32{7}))), []float32{7}, nil},
		{"no elements", tensorField([]int64{0, 3}, typeInt64), nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := (&decoder{}).tensor(c.field)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.tensor.floats, c.floats) || !slices.Equal(got.tensor.ints, c.ints) {
				t.Errorf("%v %v, want %v %v", got.tensor.floats, got.tensor.ints, c.floats, c.ints)
			}
		})
	}
	for _, c := range []struct {
		name  string
		field field
		want  string
	}{
		{"too little raw data", tensorField([]int64{3}, typeFloat, appendMessage(nil, 9, make([]byte, 8))), "8 bytes of data for 3 elements"},
		{"too much raw data", tensorField([]int64{1}, typeFloat, appendMessage(nil, 9, make([]byte, 5))), "5 bytes"},
		{"too little int4", tensorField([]int64{3}, typeInt4, appendMessage(nil, 9, []byte{1})), "1 bytes of data for 3 elements of int4"},
		{"too many int4", tensorField([]int64{2}, typeInt4, appendMessage(nil, 5, packed(1, 2))), "2 bytes of data for 2 elements of int4"},
		{"too few values", tensorField([]int64{3}, typeInt64, appendInt(nil, 7, 1)), "1 values for 3"},
		{"values of another type", tensorField([]int64{1}, typeFloat, appendInt(nil, 7, 1)), "0 values"},
		{"a negative dimension", tensorField([]int64{-1}, typeFloat), "dimension -1"},
		{"an absurd dimension", tensorField([]int64{1 << 40}, typeFloat), "out of range"},
		{"dimensions whose product overflows", tensorField([]int64{1 << 30, 1 << 30, 1 << 30}, typeFloat, appendMessage(nil, 9, nil)), "out of range"},
		{"strings", tensorField([]int64{1}, 8, appendMessage(nil, 6, []byte("x"))), "string is not supported"},
		{"raw strings", tensorField([]int64{1}, 8, appendMessage(nil, 9, []byte("x"))), "string is not supported"},
		{"an unknown type", tensorField([]int64{1}, 99), "element type 99"},
		{"segments", tensorField([]int64{1}, typeFloat, appendMessage(nil, 3, nil)), "segments"},
		{"a wrong wire type", tensorField(nil, typeFloat, appendInt(nil, 4, 1)), "wire type"},
		{"half a float", tensorField([]int64{1}, typeFloat, appendMessage(nil, 4, []byte{1, 2})), "2 bytes of floats"},
		{"half a double", tensorField([]int64{1}, typeDouble, appendMessage(nil, 10, []byte{1, 2})), "2 bytes of doubles"},
		{"half a varint", tensorField([]int64{1}, typeInt64, appendMessage(nil, 7, []byte{0x80})), "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := (&decoder{}).tensor(c.field); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that contains %q", err, c.want)
			}
		})
	}
}

// externalModel is y = Neg(x + w) with w in a file of its own.
func externalModel(entries ...string) []byte {
	m := newModel(13)
	m.input("x", 0, 2)
	m.node("Add", "x w", "s")
	m.node("Neg", "s", "y")
	m.output("y")
	t := appendInt(appendInt(nil, 1, 2), 2, int64(typeFloat))
	t = appendString(t, 8, "w")
	for i := 0; i < len(entries); i += 2 {
		t = appendMessage(t, 13, appendString(appendString(nil, 1, entries[i]), 2, entries[i+1]))
	}
	t = appendInt(t, 14, 1)
	// A second graph field is one more part of the same message.
	return appendMessage(m.bytes(), 7, appendMessage(nil, 5, t))
}

func TestExternalData(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "model")
	if err := os.MkdirAll(filepath.Join(inside, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, x := range map[string][]float32{
		filepath.Join(inside, "w.bin"):        {9, 1, 2, 9},
		filepath.Join(inside, "sub", "w.bin"): {1, 2},
		filepath.Join(dir, "secret.bin"):      {1, 2},
	} {
		if err := os.WriteFile(path, rawFloats(x), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "secret.bin"), filepath.Join(inside, "link.bin")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir     string
		entries []string
		want    string // of the error; empty if there is none
	}{
		{inside, []string{"location", "w.bin", "offset", "4", "length", "8"}, ""},
		{inside, []string{"location", "sub/w.bin"}, ""},
		{"", []string{"location", "w.bin"}, "which was not given: freeze the model from a file"},
		{inside, []string{"location", "../secret.bin"}, "external data"},
		{inside, []string{"location", filepath.Join(dir, "secret.bin")}, "external data"},
		{inside, []string{"location", "link.bin"}, "external data"},
		{inside, []string{"location", "sub"}, "not a regular file"},
		{inside, []string{"location", "none.bin"}, "external data"},
		{inside, []string{"location", "w.bin", "offset", "17"}, "offset 17"},
		{inside, []string{"location", "w.bin", "offset", "-1"}, "offset -1"},
		{inside, []string{"location", "w.bin", "offset", "12", "length", "8"}, "8 bytes from 12"},
		{inside, []string{"location", "w.bin"}, "16 bytes of data"},
		{inside, []string{"location", "w.bin", "length", "many"}, "invalid syntax"},
		{filepath.Join(dir, "none"), []string{"location", "w.bin"}, "none"},
	} {
		net, _, err := Freeze(externalModel(c.entries...), Options{Dir: c.dir})
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: error %v, want one that contains %q", c.entries, err, c.want)
			}
		case err != nil:
			t.Errorf("%v: %v", c.entries, err)
		default:
			if got := run(t, net, 1, []float32{10, 20})[0]; !slices.Equal(got, []float32{-11, -22}) {
				t.Errorf("%v: %v", c.entries, got)
			}
		}
	}
}
