package onnx

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestIntegers compares models of an input x, int64, and an input f, float,
// with numbers worked out by hand.
func TestIntegers(t *testing.T) {
	long := []int64{-1 << 40, -3, 0, 5, 1<<33 + 1, 7}
	floats := []float32{-2.5, 3, 0, 8, 1, -1}
	one := func(op, in string, attrs ...attr) func(*model) {
		return func(m *model) { m.node(op, in, "y", attrs...) }
	}
	for _, c := range []struct {
		name  string
		build func(m *model)
		elem  tensor.Elem
		want  []float32
	}{
		{"identity", one("Identity", "x"), tensor.I64, []float32{-1 << 40, -3, 0, 5, 1 << 33, 7}},
		{"sum", func(m *model) { m.ints("c", 1<<40, 3, 0, -5, -1<<33, -7); m.node("Add", "x c", "y") }, tensor.I64, []float32{0, 0, 0, 0, 1, 0}},
		{"difference", func(m *model) { m.ints("c", 1); m.node("Sub", "c x", "y") }, tensor.I64, []float32{1<<40 + 1, 4, 1, -4, -1 << 33, -6}},
		{"quotient", func(m *model) { m.ints("c", 2); m.node("Div", "x c", "y") }, tensor.I64, []float32{-1 << 39, -1, 0, 2, 1 << 32, 3}},
		{"remainder of the divisor's sign", func(m *model) { m.ints("c", 4); m.node("Mod", "x c", "y") }, tensor.I64, []float32{0, 1, 0, 1, 1, 3}},
		{"remainder of the dividend's sign", func(m *model) { m.ints("c", 4); m.node("Mod", "x c", "y", attr{"fmod", 1}) }, tensor.I64, []float32{0, -3, 0, 1, 1, 3}},
		{"remainder of floats", func(m *model) { m.floats("c", nil, 2); m.node("Mod", "f c", "y", attr{"fmod", 1}) }, tensor.F32, []float32{-0.5, 1, 0, 0, 1, -1}},
		{"absolute", one("Abs", "x"), tensor.I64, []float32{1 << 40, 3, 0, 5, 1<<33 + 1, 7}},
		{"negative", one("Neg", "x"), tensor.I64, []float32{1 << 40, 3, 0, -5, -(1<<33 + 1), -7}},
		{"sign", one("Sign", "x"), tensor.I64, []float32{-1, -1, 0, 1, 1, 1}},
		{"a power of integers", func(m *model) {
			m.floats("c", nil, 2.5)
			m.node("Cast", "x", "i", attr{"to", int(typeInt8)})
			m.node("Abs", "i", "a")
			m.node("Pow", "a c", "y")
		}, tensor.I8, []float32{0, 15, 0, 55, 1, -127}},
		{"a square of integers", func(m *model) { m.floats("c", nil, 2); m.node("Pow", "x c", "y") }, tensor.I64, []float32{0, 9, 0, 25, 1<<34 + 1, 49}},
		{"powers of two", func(m *model) {
			m.ints("c", 2)
			m.floats("none", nil, 0)
			m.node("Max", "f none", "e")
			m.node("Pow", "c e", "y")
		}, tensor.I64, []float32{1, 8, 1, 256, 2, 1}},
		{"the largest bytes", func(m *model) {
			m.ints("line", 1, 1, 6)
			m.node("Cast", "x", "b", attr{"to", int(typeUint8)})
			m.node("Reshape", "b line", "r")
			m.node("MaxPool", "r", "y", attr{"kernel_shape", []int64{2}})
		}, tensor.U8, []float32{253, 253, 5, 5, 7}},
		{"bits of both", func(m *model) { m.opset = 18; m.ints("c", 6); m.node("BitwiseAnd", "x c", "y") }, tensor.I64, []float32{0, 4, 0, 4, 0, 6}},
		{"bits of either", func(m *model) { m.opset = 18; m.ints("c", 6); m.node("BitwiseOr", "c x", "y") }, tensor.I64, []float32{-1<<40 + 6, -1, 6, 7, 1 << 33, 7}},
		{"bits of one alone", func(m *model) { m.opset = 18; m.ints("c", -1); m.node("BitwiseXor", "x c", "y") }, tensor.I64, []float32{1<<40 - 1, 2, -1, -6, -1<<33 - 2, -8}},
		{"other bits", func(m *model) { m.opset = 18; m.node("BitwiseNot", "x", "y") }, tensor.I64, []float32{1<<40 - 1, 2, -1, -6, -1<<33 - 2, -8}},
		{"other bits of bytes", func(m *model) {
			m.opset = 18
			m.integers("c", typeUint8, []int{6}, 0, 1, 255, 128, 15, 7)
			m.constant("BitwiseNot", "c", "n")
			m.node("Cast", "x", "b", attr{"to", int(typeUint8)})
			m.node("BitwiseNot", "b", "d")
			m.node("BitwiseXor", "d n", "y")
		}, tensor.U8, []float32{0, 253 ^ 1, 255, 133, 14, 0}},
		{"shifted bytes", func(m *model) {
			m.integers("c", typeUint8, []int{6}, 0, 1, 2, 3, 8, 255)
			m.node("Cast", "x", "b", attr{"to", int(typeUint8)})
			m.node("BitShift", "b c", "l", attr{"direction", "LEFT"})
			m.integers("one", typeUint8, []int{1}, 1)
			m.node("BitShift", "l one", "y", attr{"direction", "RIGHT"})
		}, tensor.U8, []float32{0, 125, 0, 20, 0, 0}},
		{"constants of bits", func(m *model) {
			m.opset = 18
			m.integers("c", typeUint64, []int{6}, -1, 1<<62, 3, 4, 5, 6)
			m.integers("by", typeUint64, []int{6}, 60, 61, 1, 64, -1, 0)
			m.constant("BitShift", "c by", "s", attr{"direction", "RIGHT"})
			m.constant("Cast", "s", "t", attr{"to", int(typeInt64)})
			m.ints("eight", 8)
			m.ints("two", 2)
			m.constant("BitwiseOr", "t eight", "u")
			m.constant("BitShift", "u two", "v", attr{"direction", "LEFT"})
			m.ints("zero", 0)
			m.node("Mul", "x zero", "z")
			m.node("Add", "z v", "y")
		}, tensor.I64, []float32{4 * 15, 4 * 10, 4 * 9, 4 * 8, 4 * 8, 4 * 14}},
		{"cast like another", func(m *model) { m.opset = 15; m.node("CastLike", "f x", "y") }, tensor.I64, []float32{-2, 3, 0, 8, 1, -1}},
		{"cast like a constant", func(m *model) {
			m.opset = 15
			m.integers("c", typeInt32, []int{1}, 7)
			m.floats("d", []int{1}, 2.5)
			m.constant("CastLike", "d c", "two")
			m.node("CastLike", "x c", "e")
			m.node("Mul", "e two", "y")
		}, tensor.I32, []float32{0, -6, 0, 10, 2, 14}},
		{"sum along an axis", one("ReduceSum", "x", attr{"keepdims", 0}), tensor.I64, []float32{-(1 << 40) + 1<<33 + 10}},
		{"largest along an axis", one("ReduceMax", "x", attr{"axes", []int64{1}}), tensor.I64, []float32{1<<33 + 1}},
		{"resized, and what reads it", func(m *model) {
			m.ints("line", 1, 1, 6)
			m.ints("flat", 1, 12)
			m.ints("c", 1)
			m.floats("roi", []int{0})
			m.floats("scales", []int{3}, 1, 1, 2)
			m.node("Reshape", "x line", "l")
			m.node("Resize", "l roi scales", "r")
			m.node("Add", "r c", "a")
			m.node("Reshape", "a flat", "y")
		}, tensor.I64, []float32{-1<<40 + 1, -1<<40 + 1, -2, -2, 1, 1, 6, 6, 1<<33 + 2, 1<<33 + 2, 8, 8}},
		{"clip", func(m *model) {
			m.tensors = append(m.tensors, testTensor{"lo", typeInt64, nil, []byte{254, 255, 255, 255, 255, 255, 255, 255}})
			m.node("Clip", "x lo", "y")
		}, tensor.I64, []float32{-2, -2, 0, 5, 1<<33 + 1, 7}},
		{"largest of three", func(m *model) { m.ints("c", 1); m.ints("d", 6); m.node("Max", "x c d", "y") }, tensor.I64, []float32{6, 6, 6, 6, 1<<33 + 1, 7}},
		{"cast to bool", one("Cast", "x", attr{"to", int(typeBool)}), tensor.Bool, []float32{1, 1, 0, 1, 1, 1}},
		{"cast to int32", one("Cast", "x", attr{"to", int(typeInt32)}), tensor.I32, []float32{0, -3, 0, 5, 1, 7}},
		{"cast of floats", one("Cast", "f", attr{"to", int(typeInt8)}), tensor.I8, []float32{-2, 3, 0, 8, 1, -1}},
		{"cast to float", one("Cast", "x", attr{"to", int(typeFloat)}), tensor.F32, []float32{-1 << 40, -3, 0, 5, 1 << 33, 7}},
		{"greater", func(m *model) { m.ints("c", 5); m.node("Greater", "x c", "y") }, tensor.Bool, []float32{0, 0, 0, 0, 1, 1}},
		{"greater or equal, the other way round", func(m *model) { m.ints("c", 5); m.node("GreaterOrEqual", "c x", "y") }, tensor.Bool, []float32{1, 1, 1, 1, 0, 0}},
		{"logic", func(m *model) {
			m.ints("c", 0)
			m.node("Less", "x c", "a")
			m.node("Equal", "x c", "b")
			m.node("Or", "a b", "o")
			m.node("Not", "o", "n")
			m.node("Xor", "n a", "r")
			m.node("And", "r n", "y")
		}, tensor.Bool, []float32{0, 0, 0, 1, 1, 1}},
		{"where", func(m *model) {
			m.floats("zero", nil, 0)
			m.node("LessOrEqual", "f zero", "c")
			m.node("Neg", "f", "n")
			m.node("Where", "c zero n", "y")
		}, tensor.F32, []float32{0, -3, 0, -8, -1, 0}},
		{"an infinite mask", func(m *model) {
			m.tensors = append(m.tensors, testTensor{"c", typeBool, []int{6}, []byte{1, 0, 1, 0, 1, 0}})
			m.floats("inf", nil, posInf)
			m.node("Where", "c f inf", "y")
		}, tensor.F32, []float32{-2.5, posInf, 0, posInf, 1, posInf}},
		{"take", func(m *model) { m.ints("i", -1, 0, 0, 3, 2, 1); m.node("Gather", "f i", "y", attr{"axis", 1}) }, tensor.F32, []float32{-1, -2.5, -2.5, 8, 0, 3}},
		{"a slice by places", func(m *model) { m.ints("i", 5, 3, 1); m.node("Gather", "f i", "y", attr{"axis", 1}) }, tensor.F32, []float32{-1, 8, 3}},
		{"the last", func(m *model) {
			m.tensors = append(m.tensors, testTensor{"i", typeInt32, nil, []byte{255, 255, 255, 255}})
			m.node("Gather", "x i", "y", attr{"axis", 1})
		}, tensor.I64, []float32{7}},
		{"a table", func(m *model) {
			m.floats("table", []int{3, 2}, 0, 1, 10, 11, 20, 21)
			m.ints("c", 3)
			m.node("Mod", "x c", "i")
			m.node("Gather", "table i", "y")
		}, tensor.F32, []float32{20, 21, 0, 1, 0, 1, 20, 21, 0, 1, 10, 11}},
		{"largest", one("ArgMax", "f", attr{"axis", -1}), tensor.I64, []float32{3}},
		{"smallest", one("ArgMin", "x", attr{"axis", 1}, attr{"keepdims", 0}), tensor.I64, []float32{0}},
		{"three largest", func(m *model) {
			m.ints("k", 3)
			m.node("TopK", "f k", "v i")
			m.node("Cast", "i", "c", attr{"to", int(typeFloat)})
			m.node("Concat", "v c", "y", attr{"axis", 1})
		}, tensor.F32, []float32{8, 3, 1, 3, 1, 4}},
		{"expanded", func(m *model) { m.ints("s", 2, 1, 6); m.node("Expand", "x s", "y") }, tensor.I64, []float32{-1 << 40, -3, 0, 5, 1 << 33, 7, -1 << 40, -3, 0, 5, 1 << 33, 7}},
		{"tiled", func(m *model) { m.ints("r", 1, 2); m.node("Tile", "f r", "y") }, tensor.F32, slices.Repeat([]float32{-2.5, 3, 0, 8, 1, -1}, 2)},
		{"one hot", func(m *model) {
			m.ints("k", 2)
			m.floats("v", []int{2}, -1, 4)
			m.node("OneHot", "x k v", "y", attr{"axis", 0})
		}, tensor.F32, []float32{-1, -1, 4, -1, -1, -1, -1, -1, -1, -1, -1, -1}},
		{"a lower triangle", func(m *model) {
			m.opset = 14
			m.ints("s", 2, 3)
			m.node("Reshape", "f s", "r")
			m.node("Trilu", "r", "y", attr{"upper", 0})
		}, tensor.F32, []float32{-2.5, 0, 0, 8, 1, 0}},
		{"wrapped around more than once", func(m *model) {
			m.ints("p", 0, 7, 0, 1)
			m.node("Pad", "f p", "y", attr{"mode", "wrap"})
		}, tensor.F32, []float32{-1, -2.5, 3, 0, 8, 1, -1, -2.5, 3, 0, 8, 1, -1, -2.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(13)
			m.input("x", 1, 6)
			m.inputs[0].elem = typeInt64
			m.input("f", 1, 6)
			c.build(m)
			m.output("y")
			net, _, err := Freeze(m.bytes(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			out := runBytes(t, net, nil, 1, tensor.Bytes(long), tensor.Bytes(floats))[0]
			elem := net.Values[net.Outputs[0]].Elem
			if got := asFloats(elem, out); elem != c.elem || !slices.Equal(got, c.want) {
				t.Errorf("%v %v, want %v %v", elem, got, c.elem, c.want)
			}
		})
	}
}

// posInf is +∞.
var posInf = rawFloat(typeFloat, []byte{0, 0, 0x80, 0x7f})

// TestHostilePlaces checks that counts and places that do not exist are errors.
func TestHostilePlaces(t *testing.T) {
	for _, c := range []struct {
		op, in, want string
		values       []int64
		attrs        []attr
	}{
		{"TopK", "x c", "the 2147483648 largest of dimension 1, of size 6", []int64{1 << 31}, nil},
		{"TopK", "x c", "the 0 largest", []int64{0}, nil},
		{"Gather", "x c", "index 6 is outside of dimension 1, of size 6", []int64{6}, []attr{{"axis", 1}}},
		{"Gather", "x c", "index -7 is outside", []int64{-7}, []attr{{"axis", 1}}},
		{"Expand", "x c", "too large", []int64{1 << 20, 1 << 20, 1}, nil},
		{"Tile", "x c", "too large", []int64{1 << 16, 1 << 20}, nil},
		{"Tile", "x c", "repeats [1 1 1] for a tensor of 2 dimensions", []int64{1, 1, 1}, nil},
	} {
		m := newModel(13)
		m.input("x", 1, 6)
		m.ints("c", c.values...)
		m.node(c.op, c.in, "y", c.attrs...)
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s by %v: %v, want %q", c.op, c.values, err, c.want)
		}
	}
}

// TestFoldExpand has a gate of each channel that is expanded before a product.
func TestFoldExpand(t *testing.T) {
	gate := func(m *model) {
		m.node("GlobalAveragePool", "x", "g")
		m.node("Sigmoid", "g", "s")
		m.ints("size", 1, 1, 8, 8)
		m.node("Expand", "s size", "e")
	}
	testPass(t, "fold expand", []passCase{
		{"a gate", func(m *model) {
			gate(m)
			m.node("Mul", "x e", "y")
		}, "Reduce Unary Binary", 1},
		{"a gate used elsewhere", func(m *model) {
			gate(m)
			m.node("Mul", "x e", "p")
			m.node("Concat", "p e", "y", attr{"axis", 1})
		}, "Reduce Unary Repeat Binary Concat", 0},
		{"not one that makes the result larger", func(m *model) {
			gate(m)
			m.node("Abs", "s", "a")
			m.node("Add", "e a", "y")
		}, "Reduce Unary Repeat Unary Binary", 0},
		{"constants of equal rows, columns and channels", func(m *model) {
			k := make([]float32, 4*8*8)
			for i := range k {
				k[i] = float32(i / 8 % 8) // the same in all channels and columns
			}
			m.floats("k", []int{1, 4, 8, 8}, k...)
			m.node("Mul", "x k", "y")
		}, "Binary", 0},
		{"a constant that makes the result larger", func(m *model) {
			m.node("ReduceMean", "x", "s", attr{"axes", []int64{2, 3}})
			m.floats("k", []int{2, 2}, 3, 3, 3, 3)
			m.node("Add", "s k", "y")
		}, "Reduce Binary", 0},
		{"zeros of two signs", func(m *model) {
			m.floats("k", []int{1, 1, 1, 8}, 0, 0, 0, float32(math.Copysign(0, -1)), 0, 0, 0, 0)
			m.node("Abs", "x", "a")
			m.node("Div", "a k", "d")
			m.node("Sign", "d", "y")
		}, "Unary Binary Unary", 0},
	})
}

// TestFoldValues computes sizes as exporters do, from constants.
func TestFoldValues(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(m *model)
		want  []int64
	}{
		{"a product of sizes", func(m *model) {
			m.node("Shape", "x", "s")
			m.node("ReduceProd", "s", "p", attr{"keepdims", 1})
			m.ints("c", 3)
			m.node("Concat", "c p", "y", attr{"axis", 0})
		}, []int64{3, 12}},
		{"a choice", func(m *model) {
			m.ints("a", 1, -1, 5)
			m.ints("minus", -1)
			m.ints("b", 7, 8, 9)
			m.node("Equal", "a minus", "c")
			m.node("Where", "c b a", "y")
		}, []int64{1, 8, 5}},
		{"places", func(m *model) {
			m.ints("a", 0, 4, 0, 2)
			m.ints("shape", -1)
			m.node("NonZero", "a", "n")
			m.node("Reshape", "n shape", "y")
		}, []int64{1, 3}},
		{"parts", func(m *model) {
			m.ints("a", 1, 2, 3, 4)
			m.ints("two", 2)
			m.node("Split", "a", "p q")
			m.node("Tile", "q two", "y")
		}, []int64{3, 4, 3, 4}},
		{"a remainder", func(m *model) {
			m.ints("a", -7, 7)
			m.ints("b", 3)
			m.node("Mod", "a b", "y")
		}, []int64{2, 1}},
	} {
		m := newModel(13)
		m.input("x", 2, 6)
		c.build(m)
		m.node("Cast", "y", "f", attr{"to", int(typeFloat)})
		m.node("ReduceMean", "x", "mean", attr{"keepdims", 0})
		m.node("Add", "mean f", "z")
		m.output("z")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := run(t, net, 1, make([]float32, 12))[0]
		want := make([]float32, len(c.want))
		for i, v := range c.want {
			want[i] = float32(v)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestTableOfItems freezes a net that reads text: a batch of any size.
func TestTableOfItems(t *testing.T) {
	m := newModel(13)
	m.input("x", 0, 5)
	m.inputs[0].elem = typeInt64
	m.weight("table", -1, 1, 9, 4)
	m.node("Gather", "table x", "e")
	m.node("Transpose", "e", "t", attr{"perm", []int64{0, 2, 1}})
	m.weight("w", -1, 1, 3, 4, 2)
	m.node("Conv", "t w", "y")
	m.output("y")
	net, report, err := Freeze(m.bytes(), Options{})
	if err != nil || !net.Batched {
		t.Fatalf("%v, %+v", err, report)
	}
	words := []int64{0, 8, -1, 3, 3, 4, 5, 6, 7, 8}
	both := runBytes(t, net, nil, 2, tensor.Bytes(words))[0]
	second := runBytes(t, net, nil, 1, tensor.Bytes(words[5:]))[0]
	if !slices.Equal(both[len(second):], second) || slices.Equal(both[:len(second)], second) {
		t.Error("items depend on one another")
	}
}
