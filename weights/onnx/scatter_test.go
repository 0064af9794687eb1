package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// An indexCase has x = [[1 2 3] [4 5 6]], and perhaps indices i, which are an
// input of every other run, and updates u.
type indexCase struct {
	op      string
	attrs   []attr
	index   []int64
	shape   []int // of the indices
	updates []float32
	want    []float32
	of      []int // the result's shape
}

var indexCases = []indexCase{
	{op: "GatherElements", attrs: []attr{{"axis", 1}}, index: []int64{2, -3, 0, 1}, shape: []int{2, 2}, want: []float32{3, 1, 4, 5}, of: []int{2, 2}},
	{op: "GatherElements", index: []int64{1, -2, 1}, shape: []int{1, 3}, want: []float32{4, 2, 6}, of: []int{1, 3}},
	{op: "GatherND", index: []int64{1, -2}, shape: []int{2, 1}, want: []float32{4, 5, 6, 1, 2, 3}, of: []int{2, 3}},
	{op: "GatherND", index: []int64{1, -1, 0, 0}, shape: []int{2, 2}, want: []float32{6, 1}, of: []int{2}},
	{op: "GatherND", attrs: []attr{{"batch_dims", 1}}, index: []int64{2, 0}, shape: []int{2, 1}, want: []float32{3, 4}, of: []int{2}},
	{op: "GatherND", attrs: []attr{{"batch_dims", 1}}, index: []int64{2, 0, -1, 1}, shape: []int{2, 2, 1}, want: []float32{3, 1, 6, 5}, of: []int{2, 2}},
	{op: "ScatterElements", attrs: []attr{{"axis", 1}}, index: []int64{2, 0, -1, 1}, shape: []int{2, 2}, updates: []float32{10, 20, 30, 40}, want: []float32{20, 2, 10, 4, 40, 30}, of: []int{2, 3}},
	{op: "ScatterElements", index: []int64{1, 0, -1}, shape: []int{1, 3}, updates: []float32{10, 20, 30}, want: []float32{1, 20, 3, 10, 5, 30}, of: []int{2, 3}},
	{op: "ScatterElements", attrs: []attr{{"reduction", "add"}}, index: []int64{1, 1, 0, 1, 0, 0}, shape: []int{2, 3}, updates: []float32{1, 2, 3, 4, 5, 6}, want: []float32{1, 7, 12, 9, 7, 6}, of: []int{2, 3}},
	{op: "ScatterElements", attrs: []attr{{"reduction", "mul"}, {"axis", 1}}, index: []int64{0, 0}, shape: []int{1, 2}, updates: []float32{3, 5}, want: []float32{15, 2, 3, 4, 5, 6}, of: []int{2, 3}},
	{op: "ScatterElements", attrs: []attr{{"reduction", "max"}, {"axis", 1}}, index: []int64{0, 1}, shape: []int{1, 2}, updates: []float32{3, -5}, want: []float32{3, 2, 3, 4, 5, 6}, of: []int{2, 3}},
	{op: "ScatterND", index: []int64{-1}, shape: []int{1, 1}, updates: []float32{7, 8, 9}, want: []float32{1, 2, 3, 7, 8, 9}, of: []int{2, 3}},
	{op: "ScatterND", index: []int64{0, 1, 1, -1}, shape: []int{2, 2}, updates: []float32{7, 8}, want: []float32{1, 7, 3, 4, 5, 8}, of: []int{2, 3}},
	{op: "ScatterND", attrs: []attr{{"reduction", "add"}}, index: []int64{1, 1}, shape: []int{2, 1}, updates: []float32{1, 2, 3, 10, 20, 30}, want: []float32{1, 2, 3, 15, 27, 39}, of: []int{2, 3}},
	{op: "ScatterND", attrs: []attr{{"reduction", "min"}}, index: []int64{1, 2, 1, 2}, shape: []int{2, 2}, updates: []float32{5, 3}, want: []float32{1, 2, 3, 4, 5, 3}, of: []int{2, 3}},
}

// TestIndices has operators that read or write at indices which are constant or
// computed.
func TestIndices(t *testing.T) {
	x := []float32{1, 2, 3, 4, 5, 6}
	for k, c := range indexCases {
		for _, given := range []string{"indices", "x and updates", "nothing"} { // at the run
			t.Run(fmt.Sprintf("%s %d %s", c.op, k, given), func(t *testing.T) {
				m := newModel(18)
				var in [][]byte
				floats := func(name string, shape []int, v []float32) {
					if given == "x and updates" {
						m.input(name, shape...)
						in = append(in, tensor.Bytes(v))
					} else {
						m.floats(name, shape, v...)
					}
				}
				floats("x", []int{2, 3}, x)
				if given == "indices" {
					m.input("i", c.shape...)
					m.inputs[len(m.inputs)-1].elem = typeInt64
					in = append(in, tensor.Bytes(c.index))
				} else {
					m.tensors = append(m.tensors, testTensor{"i", typeInt64, c.shape, rawInts(c.index...)})
				}
				operands := "x i"
				if c.updates != nil {
					operands = "x i u"
					shape := c.shape
					if c.op == "ScatterND" {
						shape = []int{c.shape[0]}
						if c.shape[1] == 1 {
							shape = append(shape, 3)
						}
					}
					floats("u", shape, c.updates)
				}
				if given == "nothing" {
					m.input("other", 1)
					in = append(in, make([]byte, 4))
				}
				m.node(c.op, operands, "y", c.attrs...)
				m.output("y")
				net, _, err := Freeze(m.bytes(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				got := tensor.Slice[float32](runBytes(t, net, nil, 1, in...)[0])
				if !net.Values[net.Outputs[0]].Shape.Equal(c.of) || !slices.Equal(got, c.want) {
					t.Errorf("%v of shape %v, want %v", got, net.Values[net.Outputs[0]].Shape, c.want)
				}
			})
		}
	}
}

// TestTupleFaults has computed tuples of which one number does not exist in its
// dimension, while the place that they make together would.
func TestTupleFaults(t *testing.T) {
	for _, op := range []string{"GatherND", "ScatterND"} {
		m := newModel(18)
		m.input("x", 3, 2, 4)
		m.input("i", 1, 2)
		m.inputs[1].elem = typeInt64
		operands := "x i"
		if op == "ScatterND" {
			m.floats("u", []int{1, 4}, 1, 2, 3, 4)
			operands = "x i u"
		}
		m.node(op, operands, "y")
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			at    []int64
			fault bool
		}{{[]int64{2, 1}, false}, {[]int64{-3, -2}, false}, {[]int64{0, 2}, true}, {[]int64{1, -3}, true}, {[]int64{3, -1}, true}} {
			data, err := weights.Marshal(net)
			if err != nil {
				t.Fatal(err)
			}
			model, err := engine.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			s, err := model.NewSession(engine.SessionOptions{})
			if err != nil {
				t.Fatal(err)
			}
			copy(s.InputBytes(1), tensor.Bytes(c.at))
			if err := s.Run(1); errors.Is(err, engine.ErrFault) != c.fault {
				t.Errorf("%s at %v: %v", op, c.at, err)
			}
			s.Close()
			model.Close()
		}
	}
}

// TestMovedItems has moves of which each item takes its own, in an open batch.
func TestMovedItems(t *testing.T) {
	for _, c := range []constantCase{
		{name: "a column that is written", dims: []int{0, 3}, x: []float32{1, 2, 3, 4, 5, 6}, build: func(m *model) {
			// As exporters write x[:, 1] = 2·x[:, 0], with rows counted up to the batch.
			m.ints("zero", 0)
			m.ints("one", 1)
			m.ints("column", 1)
			m.node("Shape", "x", "s")
			m.node("Gather", "s zero", "n")
			m.node("Squeeze", "n", "count")
			m.tensors = append(m.tensors, testTensor{"from", typeInt64, []int{}, rawInts(0)}, testTensor{"by", typeInt64, []int{}, rawInts(1)})
			m.node("Range", "from count by", "rows")
			m.node("Unsqueeze", "rows one", "r")
			m.node("Expand", "column n", "columns")
			m.node("Unsqueeze", "columns one", "k")
			m.node("Concat", "r k", "i", attr{"axis", 1})
			m.node("Gather", "x zero", "first", attr{"axis", 1})
			m.node("Add", "first first", "twice")
			m.ints("axis", 1)
			m.node("Squeeze", "twice axis", "u")
			m.node("ScatterND", "x i u", "y")
		}, shape: []int{1, 3}, want: []float32{1, 2, 3, 4, 8, 6}},
		{name: "sequences reversed", dims: []int{1, 3}, ask: true, x: []float32{1, 2, 3, 4, 5, 6}, build: func(m *model) {
			m.ints("axis", 2)
			m.node("Unsqueeze", "x axis", "u")
			m.node("Transpose", "u", "t", attr{"perm", []int64{0, 2, 1}})
			m.ints("lengths", 2)
			m.node("ReverseSequence", "t lengths", "r", attr{"batch_axis", 1}, attr{"time_axis", 2})
			m.node("Transpose", "r", "b", attr{"perm", []int64{0, 2, 1}})
			m.node("Squeeze", "b axis", "y")
		}, shape: []int{1, 3}, want: []float32{2, 1, 3, 5, 4, 6}},
	} {
		t.Run(c.name, c.run)
	}
}

// TestSmallOperators has operators of one formula, with their attributes.
func TestSmallOperators(t *testing.T) {
	x := []float32{1, 2, 3, 4, 5, 6}
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		opset   int64
		op      string
		attrs   []attr
		operand []int64 // a second one of integers
		x       []float32
		dims    []int
		want    []float32
		of      []int
	}{
		{op: "CumSum", operand: []int64{1}, want: []float32{1, 3, 6, 4, 9, 15}},
		{op: "CumSum", operand: []int64{-1}, attrs: []attr{{"reverse", 1}}, want: []float32{6, 5, 3, 15, 11, 6}},
		{op: "CumSum", operand: []int64{1}, attrs: []attr{{"exclusive", 1}}, want: []float32{0, 1, 3, 0, 4, 9}},
		{op: "CumSum", operand: []int64{0}, attrs: []attr{{"exclusive", 1}, {"reverse", 1}}, want: []float32{4, 5, 6, 0, 0, 0}},
		{op: "CumSum", operand: []int64{1}, x: []float32{1, inf, 2, 3, 4, 5}, want: []float32{1, inf, inf, 3, 7, 12}},
		{op: "Hardmax", x: []float32{1, 3, 3, 9, 5, 6}, want: []float32{0, 1, 0, 1, 0, 0}},
		{op: "Hardmax", attrs: []attr{{"axis", 0}}, want: []float32{0, 0, 0, 1, 1, 1}},
		{opset: 11, op: "Hardmax", attrs: []attr{{"axis", 0}}, want: []float32{0, 0, 0, 0, 0, 1}},
		{op: "Compress", operand: []int64{1, 0}, attrs: []attr{{"axis", 0}}, want: []float32{1, 2, 3}, of: []int{1, 3}},
		{op: "Compress", operand: []int64{0, 1, 0, 0, 1}, want: []float32{2, 5}, of: []int{2}},
		{op: "ReverseSequence", operand: []int64{2, 1, 2}, want: []float32{4, 2, 6, 1, 5, 3}},
		{op: "ReverseSequence", operand: []int64{3, 2}, attrs: []attr{{"batch_axis", 0}, {"time_axis", 1}}, want: []float32{3, 2, 1, 5, 4, 6}},
		{op: "EyeLike", attrs: []attr{{"k", 1}}, want: []float32{0, 1, 0, 0, 0, 1}},
		{op: "EyeLike", attrs: []attr{{"k", -1}, {"dtype", 7}}, want: []float32{0, 0, 0, 1, 0, 0}},
		{op: "LpPool", dims: []int{1, 1, 6}, x: []float32{1, -2, 2, -1, 0, 3}, attrs: []attr{{"p", 1}, {"kernel_shape", []int64{2}}, {"strides", []int64{2}}}, want: []float32{3, 3, 3}, of: []int{1, 1, 3}},
		{op: "LpPool", dims: []int{1, 1, 6}, x: []float32{3, -4, 5, 12, 0, 3}, attrs: []attr{{"kernel_shape", []int64{2}}, {"strides", []int64{2}}}, want: []float32{5, 13, 3}, of: []int{1, 1, 3}},
		{op: "LpPool", dims: []int{1, 1, 6}, x: []float32{3, 4, 5, 0, -2, 0}, attrs: []attr{{"p", 3}, {"kernel_shape", []int64{3}}, {"strides", []int64{3}}}, want: []float32{6, 2}, of: []int{1, 1, 2}},
		{op: "GlobalLpPool", dims: []int{1, 1, 6}, x: []float32{3, 4, 5, 0, 0, 0}, attrs: []attr{{"p", 3}}, want: []float32{6}, of: []int{1, 1, 1}},
	} {
		t.Run(fmt.Sprintf("%s %v %v", c.op, c.attrs, c.operand), func(t *testing.T) {
			for _, constant := range []bool{false, true} {
				if constant && !slices.Contains([]string{"CumSum", "Compress", "ReverseSequence", "EyeLike"}, c.op) {
					continue
				}
				m := newModel(max(c.opset, 13))
				if c.opset > 0 {
					m.opset = c.opset
				}
				dims, values, of := c.dims, c.x, c.of
				if dims == nil {
					dims = []int{2, 3}
				}
				if values == nil {
					values = x
				}
				if of == nil {
					of = dims
				}
				in := [][]byte{tensor.Bytes(values)}
				if constant {
					m.floats("x", dims, values...)
					m.input("other", 1)
					in = [][]byte{make([]byte, 4)}
				} else {
					m.input("x", dims...)
				}
				operands := "x"
				switch {
				case c.op == "Compress":
					var flags []byte
					for _, v := range c.operand {
						flags = append(flags, byte(v))
					}
					m.tensors = append(m.tensors, testTensor{"i", typeBool, []int{len(flags)}, flags})
					operands = "x i"
				case c.operand != nil:
					m.ints("i", c.operand...)
					operands = "x i"
				}
				m.node(c.op, operands, "y", c.attrs...)
				m.output("y")
				net, _, err := Freeze(m.bytes(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				y := net.Values[net.Outputs[0]]
				got := asFloats(y.Elem, runBytes(t, net, nil, 1, in...)[0])
				if !y.Shape.Equal(of) || !slices.EqualFunc(got, c.want, func(a, b float32) bool { return a == b || math.Abs(float64(a-b)) < 1e-5 }) {
					t.Errorf("constant is %v: %v of shape %v, want %v", constant, got, y.Shape, c.want)
				}
			}
		})
	}
}

// TestUnique finds each number once.
func TestUnique(t *testing.T) {
	for _, c := range []struct {
		sorted int
		want   [4][]int64
	}{
		{1, [4][]int64{{1, 2, 3}, {1, 3, 0}, {2, 0, 2, 1, 0}, {2, 1, 2}}},
		{0, [4][]int64{{3, 1, 2}, {0, 1, 3}, {0, 1, 0, 2, 1}, {2, 2, 1}}},
	} {
		m := newModel(13)
		m.input("other", 1)
		m.ints("x", 3, 1, 3, 2, 1)
		m.node("Unique", "x", "a b c d", attr{"sorted", c.sorted})
		m.output("a", "b", "c", "d")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range runBytes(t, net, nil, 1, make([]byte, 4)) {
			if got := tensor.Slice[int64](b); !slices.Equal(got, c.want[i]) {
				t.Errorf("sorted %d: result %d is %v, want %v", c.sorted, i, got, c.want[i])
			}
		}
	}
}

// TestBadIndices has indices that do not exist or do not fit, and counts that no
// memory holds.
func TestBadIndices(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(m *model)
		want  string
	}{
		{"an index outside", func(m *model) {
			m.tensors = append(m.tensors, testTensor{"i", typeInt64, []int{1, 1}, rawInts(5)})
			m.node("GatherElements", "x i", "y")
		}, "index 5 is outside of a dimension of size 2"},
		{"more indices than rows", func(m *model) {
			m.tensors = append(m.tensors, testTensor{"i", typeInt64, []int{1, 4}, rawInts(0, 0, 0, 0)})
			m.node("GatherElements", "x i", "y")
		}, "indices of shape 1×4 in a tensor of shape 2×3"},
		{"updates that do not fit", func(m *model) {
			m.tensors = append(m.tensors, testTensor{"i", typeInt64, []int{1, 1}, rawInts(0)})
			m.floats("u", []int{2}, 1, 2)
			m.node("ScatterND", "x i u", "y")
		}, "updates of shape 2 where 1×3 are expected"},
		{"an unknown reduction", func(m *model) {
			m.tensors = append(m.tensors, testTensor{"i", typeInt64, []int{1, 1}, rawInts(0)})
			m.node("ScatterElements", "x i x", "y", attr{"reduction", "mean"})
		}, `reduction "mean" is unknown`},
		{"a sequence that is too long", func(m *model) {
			m.ints("l", 9, 1, 1)
			m.node("ReverseSequence", "x l", "y")
		}, "a length of 9 in a dimension of size 2"},
		{"a mask of the wrong shape", func(m *model) {
			m.opset = 23
			m.input("q", 1, 2, 3, 4)
			m.weight("m", 0, 1, 5, 5)
			m.node("Attention", "q q q m", "y")
		}, "a mask of shape 5×5 for scores of shape 1×2×3×3"},
		{"a power of millions", func(m *model) {
			m.input("z", 1, 1, 4)
			m.node("LpPool", "z", "y", attr{"kernel_shape", []int64{2}}, attr{"p", 1 << 30})
		}, "p is 1073741824"},
		{"a one-hot of 2⁴⁰", func(m *model) {
			m.ints("depth", 1<<40)
			m.floats("values", []int{2}, 0, 1)
			m.node("OneHot", "x depth values", "y")
		}, "a depth of 1.099511627776e+12 is too large"},
		{"the 2³¹ largest", func(m *model) {
			m.ints("k", 1<<31)
			m.node("TopK", "x k", "y i")
		}, "the 2147483648 largest of dimension 1, of size 3"},
	} {
		m := newModel(18)
		m.input("x", 2, 3)
		c.build(m)
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", c.name, err, c.want)
		}
	}
}
