package onnx

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/internal/onnxtest"
	"github.com/infer-go/infer/tensor"
)

// oddModel is y = op(…) of operands of any rank and type, some of them
// constant or left out, with attributes that may make sense.
func oddModel(op string, r *rand.Rand) *model {
	opsets := []int64{7, 9, 10, 11, 13, 18, 21, MaxOpset}
	m := newModel(opsets[r.IntN(len(opsets))])
	shape := func() (dims []int) {
		for range r.IntN(6) {
			dims = append(dims, 1+r.IntN(4))
		}
		return dims
	}
	var in []string
	for i := range r.IntN(6) {
		name := fmt.Sprintf("v%d", i)
		switch r.IntN(6) {
		case 0:
			name = "_"
		case 1:
			dims := shape()
			n, _ := tensor.Shape(dims).Elements()
			m.tensors = append(m.tensors, testTensor{name, []elemType{typeUint8, typeInt8, typeBool}[r.IntN(3)], dims, make([]byte, n)})
		case 2:
			m.ints(name, []int64{int64(r.IntN(5) - 1), 1, 2, 0}[:r.IntN(5)]...)
		case 3:
			m.weight(name, float32(-2*r.IntN(2)), 2, shape()...)
		default:
			m.input(name, shape()...)
			if r.IntN(4) == 0 {
				m.inputs[len(m.inputs)-1].elem = []elemType{typeUint8, typeInt8, typeInt32, typeInt64, typeBool}[r.IntN(5)]
			}
		}
		in = append(in, name)
	}
	var attrs []attr
	for _, a := range []attr{
		{"axis", r.IntN(7) - 3}, {"axes", []int64{int64(r.IntN(4) - 1)}}, {"keepdims", r.IntN(2)}, {"group", 1 + r.IntN(2)},
		{"kernel_shape", []int64{2, 2}[:1+r.IntN(2)]}, {"strides", []int64{2, 1}[:1+r.IntN(2)]}, {"blocksize", 2}, {"size", 3},
		{"auto_pad", "SAME_UPPER"}, {"transA", r.IntN(2)}, {"transB", r.IntN(2)}, {"alpha", float32(2)}, {"beta", float32(3)},
		{"to", r.IntN(17)}, {"perm", []int64{1, 0}}, {"largest", r.IntN(2)}, {"fmod", r.IntN(2)}, {"upper", r.IntN(2)}, {"mode", "nearest"}, {"scales", []float32{1, 1, 2, 0.5}[:r.IntN(5)]},
		{"num_groups", 1 + r.IntN(3)}, {"p", 1 + r.IntN(2)}, {"equation", "ij,jk"},
		{"direction", []string{"bidirectional", "LEFT"}[r.IntN(2)]}, {"layout", 1}, {"reduction", "add"}, {"antialias", 1}, {"batch_dims", r.IntN(2)}, {"is_causal", 1},
		{"offset_group", r.IntN(3)}, {"align_corners", 1}, {"output_datatype", r.IntN(17)}, {"periodic", 0}, {"left_window_size", r.IntN(4) - 2},
	} {
		if r.IntN(3) == 0 {
			attrs = append(attrs, a)
		}
	}
	m.node(op, strings.Join(in, " "), "y", attrs...)
	m.output("y")
	return m
}

// TestOddModels checks that no operator panics at operands that it does not
// expect.
func TestOddModels(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	sound := 0
	for _, op := range slices.Sorted(maps.Keys(operators)) {
		for range 400 {
			m := oddModel(op, r)
			net, _, err := Freeze(m.bytes(), Options{})
			switch {
			case errors.Is(err, errPanic):
				t.Fatalf("%+v with %+v: %v", m.nodes, m.inputs, err)
			case err == nil:
				sound++
				if err := net.Check(); err != nil {
					t.Errorf("%+v: the net is not sound: %v", m.nodes, err)
				}
			}
		}
	}
	if sound < 1000 {
		t.Errorf("only %d models were frozen", sound)
	}
}

// FuzzFreeze checks that no input makes Freeze panic, and that what it accepts
// is a net that the file's own checks accept.
func FuzzFreeze(f *testing.F) {
	f.Add(digitNet().bytes())
	f.Add(externalModel("location", "w.bin"))
	f.Add(functionModel())
	for _, build := range []func(m *model){
		func(m *model) {
			m.conv("x", "c", 4, 4, 3, attr{"pads", []int64{1, 1, 1, 1}})
			m.batchNorm("c", "b", 4)
			m.node("Sigmoid", "b", "s")
			m.node("Mul", "s b", "g")
			m.node("Add", "g x", "y")
		},
		func(m *model) {
			m.node("Shape", "x", "s")
			m.ints("zero", 0)
			m.node("Gather", "s zero", "n")
			m.ints("rest", -1)
			m.node("Concat", "n rest", "shape", attr{"axis", 0})
			m.node("Reshape", "x shape", "r")
			m.weight("w", -1, 1, 144, 3)
			m.node("MatMul", "r w", "y")
		},
		func(m *model) {
			m.node("DepthToSpace", "x", "d", attr{"blocksize", 2})
			m.node("Transpose", "d", "t", attr{"perm", []int64{0, 2, 3, 1}})
			m.node("Split", "t", "a b", attr{"axis", 2})
			m.node("Concat", "b a", "k", attr{"axis", 1})
			m.ints("pads", 0, 1, -1, 0, 0, 0, 2, 0)
			m.node("Pad", "k pads", "p")
			m.node("Softmax", "p", "y", attr{"axis", 1})
		},
		func(m *model) {
			m.ints("starts", -1, 1)
			m.ints("ends", -9, 5)
			m.ints("axes", 2, 3)
			m.ints("steps", -2, 1)
			m.node("Slice", "x starts ends axes steps", "s")
			m.floats("scales", []int{4}, 1, 1, 2, 1.5)
			m.node("Resize", "s _ scales", "r")
			m.weight("w", -1, 1, 4, 2, 3, 3)
			m.node("ConvTranspose", "r w", "c", attr{"group", 2}, attr{"auto_pad", "SAME_UPPER"}, attr{"strides", []int64{2, 2}})
			m.node("ReduceMean", "c", "y", attr{"axes", []int64{2, 3}})
		},
		func(m *model) {
			m.qdq("x", "a", typeUint8, 0.01, 120)
			m.qdqConv("a", "c", 4, 4, 3, 0.01, attr{"pads", []int64{1, 1, 1, 1}})
			m.node("Add", "c a", "s")
			m.node("Relu", "s", "r")
			m.node("MaxPool", "r", "p", attr{"kernel_shape", []int64{2, 2}})
			m.qdq("p", "b", typeInt8, 0.03, -128)
			m.node("Sigmoid", "b", "y")
		},
		func(m *model) {
			e := m.encoding("a", typeUint8, 0.01, 120)
			m.node("QuantizeLinear", "x "+e, "a")
			m.codes("w", typeInt8, -127, 127, 4, 4, 1, 1)
			m.node("QLinearConv", "a "+e+" w "+m.channelScales("w", typeInt8, 4)+" "+e, "c")
			m.node("QLinearAdd", "a "+e+" c "+e+" "+e, "s")
			m.node("QLinearConcat", e+" a "+e+" s "+e, "k", attr{"axis", 1})
			m.node("DynamicQuantizeLinear", "x", "q s z")
			m.node("ConvInteger", "q w z", "i")
			m.node("DequantizeLinear", "k "+e, "y")
		},
	} {
		m := newModel(13)
		m.input("x", 0, 4, 6, 6)
		build(m)
		m.output("y")
		f.Add(m.bytes())
	}
	for _, c := range openCases {
		f.Add(c.model().bytes())
	}
	r := rand.New(rand.NewPCG(7, 8))
	for _, op := range slices.Sorted(maps.Keys(operators)) {
		for range 3 {
			f.Add(oddModel(op, r).bytes())
		}
	}
	for seed := range uint64(100) {
		f.Add(onnxtest.Random(seed, MaxOpset).Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		net, _, err := Freeze(data, Options{})
		if errors.Is(err, errPanic) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		if err := net.Check(); err != nil {
			t.Errorf("the net is not sound: %v", err)
		}
		if len(net.Open) == 0 {
			return
		}
		var least []int
		for _, d := range net.Open {
			least = append(least, d.Least)
		}
		if _, err := net.Sized(least); err != nil {
			t.Errorf("the least sizes are not possible: %v", err)
		}
	})
}

// TestRecovered checks that a panic names the node, and that one of the
// caller's own is left to the caller.
func TestRecovered(t *testing.T) {
	whole := operators["Abs"]
	defer func() { operators["Abs"] = whole }()
	broken := whole
	broken.translate = func(*call) []*value { panic("out of range") }
	operators["Abs"] = broken
	m := newModel(13)
	m.input("x", 0, 4)
	m.node("Abs", "x", "y")
	m.output("y")
	_, _, err := Freeze(m.bytes(), Options{})
	if want := `onnx: Abs "Absy" (opset 13): a bug in package onnx: out of range`; !errors.Is(err, errPanic) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}

	operators["Abs"] = whole
	defer func() {
		if r := recover(); r != "mine" {
			t.Errorf("recovered %v", r)
		}
	}()
	Freeze(m.bytes(), Options{Progress: func(int, int) { panic("mine") }})
	t.Error("Freeze returned")
}
