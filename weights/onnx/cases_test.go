package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/infer-go/infer/internal/testenv"
	"github.com/infer-go/infer/tensor"
)

// emptyCases have an input or an output without elements: those of a frozen net
// have dimensions of at least 1.
var emptyCases = map[string]string{
	"test_reshape_allowzero_reordered": "cannot have shape",
	"test_slice_start_out_of_bounds":   "has no elements",
}

// TestCases runs ONNX's own operator tests.
func TestCases(t *testing.T) {
	dir := testenv.File(t, "onnx", "cases")
	cases, err := os.ReadDir(dir)
	if err != nil || len(cases) < 100 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	for _, c := range cases {
		t.Run(c.Name(), func(t *testing.T) {
			path := filepath.Join(dir, c.Name())
			model, err := os.ReadFile(filepath.Join(path, "model.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			net, _, err := Freeze(model, Options{})
			if want, ok := emptyCases[c.Name()]; ok {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("error %v, want one that contains %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var in [][]float32
			for i := range net.Inputs {
				_, x := readNpy(t, filepath.Join(path, fmt.Sprintf("input_%d.npy", i)))
				in = append(in, x)
			}
			shape, want := readNpy(t, filepath.Join(path, "output_0.npy"))
			got := run(t, net, 1, in...)[0]
			if !net.Values[net.Outputs[0]].Shape.Equal(shape) {
				t.Errorf("output of shape %v, want %v", net.Values[net.Outputs[0]].Shape, shape)
			}
			if len(got) != len(want) {
				t.Fatalf("%d elements, want %d", len(got), len(want))
			}
			for i := range want {
				if diff := math.Abs(float64(got[i]) - float64(want[i])); !(diff <= 1e-3*math.Abs(float64(want[i]))+1e-4) {
					t.Fatalf("element %d is %v, want %v", i, got[i], want[i])
				}
			}
		})
	}
}

// TestRealModels compares trained models with ONNX Runtime.
func TestRealModels(t *testing.T) {
	dir := testenv.File(t, "onnx", "real")
	for _, c := range []struct {
		name  string
		elem  tensor.Elem
		batch bool
		bound float64 // of the largest difference, relative to the output's range
	}{
		{"mnist_cntk", tensor.F32, false, 1e-3},
		{"mnist_cntk", tensor.F32, true, 1e-3},
		{"squeezenet_imagenet_f16", tensor.F32, false, 1e-2},
		{"squeezenet_imagenet_f16", tensor.F16, true, 1e-2},
		{"face_rfb320", tensor.F32, false, 1e-3},
		{"face_rfb320", tensor.F32, true, 1e-3},
	} {
		t.Run(fmt.Sprintf("%s/%v/batch=%v", c.name, c.elem, c.batch), func(t *testing.T) {
			path := filepath.Join(dir, c.name)
			model, err := os.ReadFile(path + ".onnx")
			if err != nil {
				t.Fatal(err)
			}
			net, report, err := Freeze(model, Options{Weights: c.elem, Batch: c.batch})
			if err != nil {
				t.Fatal(err)
			}
			if net.Batched != c.batch {
				t.Errorf("batched is %v: %s", net.Batched, report.Unbatched)
			}
			_, x := readNpy(t, path+".input.npy")
			n := 1
			if c.batch {
				n, x = 2, append(x, x...)
			}
			for i, got := range run(t, net, n, x) {
				name := path + ".output.npy"
				if i > 0 {
					name = fmt.Sprintf("%s.output_%d.npy", path, i)
				}
				_, want := readNpy(t, name)
				for item := range n {
					if diff := relativeDifference(t, got[item*len(want):][:len(want)], want); !(diff <= c.bound) {
						t.Errorf("output %d of item %d differs by %.2g of its range", i, item, diff)
					} else {
						t.Logf("output %d of item %d differs by %.2g of its range", i, item, diff)
					}
				}
			}
		})
	}
}

// relativeDifference is the largest difference of two tensors, relative to the
// range of the second; to its number, if there is only one.
func relativeDifference(t *testing.T, got, want []float32) float64 {
	t.Helper()
	lo, hi, diff := math.Inf(1), math.Inf(-1), 0.0
	for i, w := range want {
		lo, hi = min(lo, float64(w)), max(hi, float64(w))
		diff = max(diff, math.Abs(float64(got[i])-float64(w)))
	}
	if diff == 0 {
		return 0 // where all are one number, too
	}
	if lo == hi {
		return diff / math.Abs(lo)
	}
	return diff / (hi - lo)
}

var npyHeader = regexp.MustCompile(`'descr': '(<f4|<i8|<i4|<i2|[|]i1|[|]u1|[|]b1)', 'fortran_order': (True|False), 'shape': \(([^)]*)\)`)

// readNpy reads a .npy file of float32.
func readNpy(t testing.TB, path string) (shape []int, x []float32) {
	t.Helper()
	elem, shape, b := readBytes(t, path)
	if elem != tensor.F32 {
		t.Fatalf("%s: elements of %v", path, elem)
	}
	return shape, asFloats(elem, b)
}

// asFloats are elements of any type as float32.
func asFloats(e tensor.Elem, b []byte) []float32 {
	x := make([]float32, len(b)/e.Size())
	for i := range x {
		word := make([]byte, 8)
		copy(word, b[i*e.Size():][:e.Size()])
		v := binary.LittleEndian.Uint64(word)
		switch e {
		case tensor.F32:
			x[i] = math.Float32frombits(uint32(v))
		case tensor.I8:
			x[i] = float32(int8(v))
		case tensor.I16:
			x[i] = float32(int16(v))
		case tensor.I32:
			x[i] = float32(int32(v))
		default:
			x[i] = float32(int64(v))
		}
	}
	return x
}

// readBytes reads a .npy file of any type.
func readBytes(t testing.TB, path string) (elem tensor.Elem, shape []int, x []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 10 || string(b[:7]) != "\x93NUMPY\x01" {
		t.Fatalf("%s: no .npy file of version 1", path)
	}
	head := 10 + int(binary.LittleEndian.Uint16(b[8:]))
	m := npyHeader.FindSubmatch(b[:head])
	if m == nil {
		t.Fatalf("%s: header %q", path, b[10:head])
	}
	elem = map[string]tensor.Elem{"<f4": tensor.F32, "<i8": tensor.I64, "<i4": tensor.I32, "<i2": tensor.I16, "|i1": tensor.I8, "|u1": tensor.U8, "|b1": tensor.Bool}[string(m[1])]
	for _, d := range strings.FieldsFunc(string(m[3]), func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.Atoi(d)
		if err != nil {
			t.Fatal(err)
		}
		shape = append(shape, n)
	}
	x = b[head:]
	if string(m[2]) == "True" {
		x = fromFortran(shape, x, elem.Size())
	}
	return elem, shape, x
}

// fromFortran makes a column-major tensor row-major.
func fromFortran(shape []int, x []byte, size int) []byte {
	y := make([]byte, len(x))
	for i := range len(y) / size {
		from, rest, stride := 0, i, 1
		for _, d := range shape {
			stride *= d
		}
		for d := len(shape) - 1; d >= 0; d-- {
			stride /= shape[d]
			from += rest % shape[d] * stride
			rest /= shape[d]
		}
		copy(y[i*size:][:size], x[from*size:])
	}
	return y
}
