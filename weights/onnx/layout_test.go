package onnx

import "testing"

// TestLayouts checks that whatever stands between feature maps and vectors is
// computed right, with no more moves than it needs.
func TestLayouts(t *testing.T) {
	testPass(t, "fold constants", []passCase{
		{"a flattened map goes into a fully connected layer as it lies", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("Flatten", "c", "f")
			m.node("Sigmoid", "f", "s")
			m.weight("w", -1, 1, 216, 5)
			m.node("MatMul", "s w", "y")
		}, "Transpose Conv Unary FullyConnected", 0},
		{"a vector becomes a map", func(m *model) {
			m.input("x", 0, 12)
			m.weight("w", -1, 1, 12, 4*5*5)
			m.node("MatMul", "x w", "f")
			m.ints("shape", 0, 4, 5, 5)
			m.node("Reshape", "f shape", "r")
			m.conv("r", "y", 6, 4, 3)
		}, "FullyConnected Transpose Conv Transpose", 0},
		{"the model's own channels-last order costs nothing", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("Transpose", "c", "t", attr{"perm", []int64{0, 2, 3, 1}})
			m.ints("shape", 0, -1, 3)
			m.node("Reshape", "t shape", "r")
			m.node("Softmax", "r", "y")
		}, "Transpose Conv Softmax", 0},
		{"channels-last inputs cost nothing", func(m *model) {
			m.input("x", 0, 8, 8, 4)
			m.node("Transpose", "x", "t", attr{"perm", []int64{0, 3, 1, 2}})
			m.conv("t", "c", 6, 4, 3)
			m.node("Transpose", "c", "y", attr{"perm", []int64{0, 2, 3, 1}})
		}, "Conv", 0},
		{"channels are shuffled by one move", func(m *model) {
			m.conv("x", "c", 8, 4, 3)
			m.ints("split", 0, 2, 4, 6, 6)
			m.ints("join", 0, 8, 6, 6)
			m.node("Reshape", "c split", "a")
			m.node("Transpose", "a", "b", attr{"perm", []int64{0, 2, 1, 3, 4}})
			m.node("Reshape", "b join", "d")
			m.conv("d", "y", 3, 8, 1)
		}, "Transpose Conv Transpose Conv Transpose", 0},
		{"depth to space and back", func(m *model) {
			m.conv("x", "c", 8, 4, 3)
			m.node("DepthToSpace", "c", "d", attr{"blocksize", 2})
			m.conv("d", "e", 3, 2, 3)
			m.node("SpaceToDepth", "e", "s", attr{"blocksize", 2})
			m.conv("s", "y", 2, 12, 1)
		}, "Transpose Conv Transpose Conv Transpose Conv Transpose", 0},
		{"axes follow the layout", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("Split", "c", "a b", attr{"axis", 1})
			m.node("Concat", "b a", "d", attr{"axis", 2})
			m.node("Softmax", "d", "e", attr{"axis", 1})
			m.ints("pads", 0, 0, 1, 0, 0, 2, 0, 3)
			m.node("Pad", "e pads", "f")
			m.ints("starts", -1, 1)
			m.ints("ends", -100, 9)
			m.ints("axes", 3, 2)
			m.ints("steps", -2, 3)
			m.node("Slice", "f starts ends axes steps", "g")
			m.node("ReduceMean", "g", "y", attr{"axes", []int64{2}}, attr{"keepdims", 0})
		}, "Transpose Conv Split Concat Softmax Pad Slice Reduce Transpose", 0},
		{"broadcasting across layouts", func(m *model) {
			m.conv("x", "c", 4, 4, 3, attr{"pads", []int64{1, 1, 1, 1}})
			m.node("GlobalMaxPool", "c", "g")
			m.node("Sub", "c g", "a")
			m.weight("row", -1, 1, 8)
			m.node("Max", "a row x", "b")
			m.weight("column", -1, 1, 4, 8, 1)
			m.node("Mul", "column b", "d")
			m.weight("slope", -1, 1, 4, 1, 1)
			m.node("PRelu", "d slope", "y")
		}, "Transpose Conv Pool Binary Binary Binary Binary Binary Transpose", 0},
		{"squeeze and excitation", func(m *model) {
			m.conv("x", "c", 4, 4, 3)
			m.node("ReduceMean", "c", "g", attr{"axes", []int64{-1, -2}}, attr{"keepdims", 0})
			m.weight("w", -1, 1, 4, 4)
			m.node("Gemm", "g w", "f")
			m.node("Sigmoid", "f", "s")
			m.ints("axes", 2, 3)
			m.node("Unsqueeze", "s axes", "u")
			m.node("Mul", "c u", "y")
		}, "Transpose Conv Pool FullyConnected Binary Transpose", 0},
		{"attention over pixels", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.ints("shape", 0, 6, -1)
			m.node("Reshape", "c shape", "a")
			m.node("Transpose", "a", "b", attr{"perm", []int64{0, 2, 1}})
			m.node("MatMul", "b a", "p")
			m.node("Softmax", "p", "s")
			m.node("MatMul", "s b", "y")
		}, "Transpose Conv MatMul Softmax MatMul", 0},
		{"a constant on the left of a product", func(m *model) {
			m.weight("w", -1, 1, 5, 8)
			m.node("MatMul", "w x", "y")
		}, "Transpose FullyConnected Transpose", 0},
		{"one-dimensional maps", func(m *model) {
			m.input("x", 0, 4, 20)
			m.weight("w", -1, 1, 6, 4, 3)
			m.node("Conv", "x w", "c", attr{"pads", []int64{1, 0}})
			m.batchNorm("c", "b", 6)
			m.node("Relu", "b", "r")
			m.node("MaxPool", "r", "p", attr{"kernel_shape", []int64{2}}, attr{"strides", []int64{2}})
			m.weight("v", -1, 1, 6, 3, 2)
			m.node("ConvTranspose", "p v", "d", attr{"group", 2})
			m.node("GlobalAveragePool", "d", "y")
		}, "Transpose Conv Pool ConvTranspose Pool", 0},
		{"maps of one column or one channel", func(m *model) {
			m.input("x", 0, 1, 8, 8)
			m.weight("w", -1, 1, 4, 1, 3, 8)
			m.node("Conv", "x w", "c")
			m.node("Add", "c c", "d")
			m.weight("v", -1, 1, 1, 4, 1, 1)
			m.node("Conv", "d v", "y")
		}, "Conv Binary Conv", 0},
		{"an order that shares no factors with the next", func(m *model) {
			m.conv("x", "c", 6, 4, 3) // 6×6×6
			m.ints("shape", 0, 8, 27)
			m.node("Reshape", "c shape", "a")
			m.node("Transpose", "a", "b", attr{"perm", []int64{0, 2, 1}})
			m.ints("map", 0, 4, 6, 9)
			m.node("Reshape", "b map", "d")
			m.conv("d", "y", 2, 4, 1)
		}, "Transpose Conv Transpose Transpose Transpose Conv Transpose", 0},
		{"instance norm, LRN and resizing", func(m *model) {
			m.weight("scale", 0.5, 2, 4)
			m.weight("shift", -1, 1, 4)
			m.node("InstanceNormalization", "x scale shift", "a")
			m.node("LRN", "a", "b", attr{"size", 3}, attr{"alpha", float32(0.5)})
			m.floats("scales", []int{4}, 1, 1, 2, 1.5)
			m.node("Resize", "b _ scales", "y", attr{"mode", "linear"})
		}, "Normalise Transpose LRN Resize Transpose", 0},
		{"an input that is an output", func(m *model) {
			m.node("Identity", "x", "z")
			m.node("Neg", "z", "y")
			m.output("z")
		}, "Unary", 0},
		{"shapes computed by the model", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.ints("zero", 0)
			m.ints("rest", -1)
			m.constant("Shape", "c", "s")
			m.constant("Gather", "s zero", "n", attr{"axis", 0})
			m.constant("Concat", "n rest", "shape", attr{"axis", 0})
			m.node("Reshape", "c shape", "y")
		}, "Transpose Conv Transpose", 3},
	})
}
