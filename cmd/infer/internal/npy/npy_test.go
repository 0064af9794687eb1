package npy

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/tensor"
)

func TestRoundTrip(t *testing.T) {
	for _, shape := range [][]int{{}, {0}, {1}, {7}, {2, 3}, {1, 3, 28, 28}, {3, 0, 5}, slices.Repeat([]int{1}, 23000)} {
		n := 1
		for _, d := range shape {
			n *= d
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i) - 0.5
		}
		want := Floats(shape, x)
		var b bytes.Buffer
		if err := Write(&b, want); err != nil {
			t.Fatal(err)
		}
		if at := b.Len() - 4*n; at%64 != 0 {
			t.Errorf("%d dimensions: the data begin at byte %d", len(shape), at)
		}
		got, err := Read(&b)
		if len(shape) == 23000 {
			// Longer than what is read, but written as numpy would.
			if err == nil || !strings.Contains(err.Error(), "header is too long") {
				t.Errorf("a long header: error %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%v: %v", shape, err)
		}
		if !slices.Equal(got.Shape, shape) || !slices.Equal(got.Floats(), x) {
			t.Errorf("wrote %v, read %v", want, got)
		}
	}
	if err := Write(&bytes.Buffer{}, Floats([]int{2}, make([]float32, 3))); err == nil {
		t.Error("3 numbers were written for shape [2]")
	}
}

// What numpy 1.24 writes for arrays of other types.
func TestOtherTypes(t *testing.T) {
	for _, c := range []struct {
		elem  tensor.Elem
		descr string
	}{{tensor.U8, "|u1"}, {tensor.I8, "|i1"}, {tensor.I16, "<i2"}, {tensor.I32, "<i4"}, {tensor.I64, "<i8"}, {tensor.Bool, "|b1"}} {
		want := &Array{Elem: c.elem, Shape: []int{2, 1}, Data: make([]byte, 2*c.elem.Size())}
		want.Data[0], want.Data[c.elem.Size()] = 0, 1
		var b bytes.Buffer
		if err := Write(&b, want); err != nil {
			t.Fatal(err)
		}
		header := "{'descr': '" + c.descr + "', 'fortran_order': False, 'shape': (2, 1), }"
		if !bytes.Contains(b.Bytes(), []byte(header)) {
			t.Errorf("%v: header %q", c.elem, b.Bytes())
		}
		if got, err := Read(&b); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %v, %v", c.elem, got, err)
		}
	}
}

// file makes a .npy file of a header and bytes.
func file(header string, data ...byte) []byte {
	b := []byte(magic + "\x01\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	return append(append(b, header...), data...)
}

// What numpy 1.24 writes for np.float32([[1, 2]]), and dictionaries in other
// orders that other writers produce.
func TestReadOthers(t *testing.T) {
	data := []byte{0, 0, 128, 63, 0, 0, 0, 64}
	for _, header := range []string{
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }                                                          \n",
		"{'shape':(1,2),'fortran_order':False,'descr':'<f4'}\n",
	} {
		got, err := Read(bytes.NewReader(file(header, data...)))
		if want := (Floats([]int{1, 2}, []float32{1, 2})); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v, %v", header, got, err)
		}
	}
}

func TestReadErrors(t *testing.T) {
	good := "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n"
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "not a .npy file"},
		{"another file", []byte("GIF89a, or so"), "not a .npy file"},
		{"a new version", []byte(magic + "\x09\x00  "), "version 9.0"},
		{"header cut off", file(good)[:30], "cut off within its header"},
		{"data cut off", file(good, 1, 2, 3, 4, 5), "cut off"},
		{"too much", file(good, 1, 2, 3, 4, 5, 6, 7, 8, 9), "holds more"},
		{"float64", file(strings.Replace(good, "<f4", "<f8", 1)), `its numbers are float64: save x.astype('float32')`},
		{"big-endian", file(strings.Replace(good, "<f4", ">f4", 1)), `">f4"`},
		{"an object", file(strings.Replace(good, "'<f4'", "'|O'", 1)), `"|O"`},
		{"Fortran", file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }"), "Fortran"},
		{"no shape", file("{'descr': '<f4', 'fortran_order': False}"), "no shape"},
		{"negative", file("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}"), "no shape"},
		{"huge", file("{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000000000)}"), "too large"},
		{"more than a number", file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"), "not valid"},
		{"a promise", file("{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000,)}", 1, 2, 3), "cut off"},
	} {
		_, err := Read(bytes.NewReader(c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// TestReadHalf reads numbers in half precision.
func TestReadHalf(t *testing.T) {
	data := file("{'descr': '<f2', 'fortran_order': False, 'shape': (4,), }\n", 0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c)
	a, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{1, -2, 0x1p-24, float32(math.Inf(1))}
	if a.Elem != tensor.F32 || !slices.Equal(a.Shape, []int{4}) || !slices.Equal(a.Floats(), want) {
		t.Errorf("%v of %v, %v, want %v", a.Elem, a.Shape, a.Floats(), want)
	}
}

// Arrays of real nets.
func TestReadReal(t *testing.T) {
	f, err := os.Open(testenv.File(t, "onnx", "real", "mnist_cntk.input.npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := Read(f)
	if err != nil || !slices.Equal(a.Shape, []int{1, 1, 28, 28}) {
		t.Fatalf("%v, %v", a, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n", 1, 2, 3, 4, 5, 6, 7, 8))
	f.Add(file("{'shape':(),'fortran_order':False,'descr':'<f4'}", 0, 0, 128, 127))
	f.Add([]byte(magic + "\x02\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		if len(a.Data) > len(data) {
			t.Fatalf("%d bytes from %d", len(a.Data), len(data))
		}
		var b bytes.Buffer
		if err := Write(&b, a); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&b)
		if err != nil || again.Elem != a.Elem || !slices.Equal(again.Shape, a.Shape) || !bytes.Equal(again.Data, a.Data) {
			t.Fatalf("read %v, then %v, %v", a, again, err)
		}
	})
}
