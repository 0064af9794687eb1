package onnx

import "testing"

func TestFoldAffine(t *testing.T) {
	testPass(t, "fold batch norm and bias", []passCase{
		{"batch norm behind a convolution", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.batchNorm("c", "y", 6)
		}, "Transpose Conv Transpose", 1},
		{"behind a transposed convolution with groups", func(m *model) {
			m.weight("w", -1, 1, 4, 3, 2, 2)
			m.node("ConvTranspose", "x w", "c", attr{"group", 2}, attr{"strides", []int64{2, 2}})
			m.batchNorm("c", "y", 6)
		}, "Transpose ConvTranspose Transpose", 1},
		{"behind a fully connected layer", func(m *model) {
			m.input("x", 0, 12)
			m.weight("w", -1, 1, 5, 12)
			m.weight("b", -1, 1, 5)
			m.node("Gemm", "x w b", "f", attr{"transB", 1}, attr{"alpha", float32(0.5)}, attr{"beta", float32(2)})
			m.batchNorm("f", "y", 5)
		}, "FullyConnected", 2}, // the bias is one, too
		{"a matrix product and its bias", func(m *model) {
			m.input("x", 0, 3, 12)
			m.weight("w", -1, 1, 12, 5)
			m.weight("b", -1, 1, 5)
			m.node("MatMul", "x w", "f")
			m.node("Add", "b f", "y")
		}, "FullyConnected", 1},
		{"arithmetic with a constant for each channel", func(m *model) {
			m.conv("x", "c", 6, 4, 3, attr{"group", 1})
			for _, w := range []string{"mul", "add", "sub", "div"} {
				m.weight(w, 0.5, 2, 6, 1, 1)
			}
			m.node("Mul", "c mul", "c1")
			m.node("Add", "add c1", "c2")
			m.node("Sub", "sub c2", "c3")
			m.node("Div", "c3 div", "c4")
			m.floats("three", nil, 3)
			m.node("Sub", "c4 three", "y")
		}, "Transpose Conv Transpose", 5},
		{"batch norm alone", func(m *model) {
			m.batchNorm("x", "b", 4)
			m.batchNorm("b", "y", 4)
		}, "Binary Binary", 1},
		{"batch norm of vectors", func(m *model) {
			m.input("x", 0, 7)
			m.batchNorm("x", "y", 7)
		}, "Conv", 0},
		{"not behind an activation", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("Relu", "c", "r")
			m.batchNorm("r", "y", 6)
		}, "Transpose Conv Conv Transpose", 0},
		{"not into a result used twice", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.batchNorm("c", "b", 6)
			m.node("Mul", "b c", "y")
		}, "Transpose Conv Conv Binary Transpose", 0},
		{"not a constant for each column", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.weight("w", 0.5, 2, 6)
			m.node("Mul", "c w", "y")
		}, "Transpose Conv Binary Transpose", 0},
		{"not a quotient by the result", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("Abs", "c", "a")
			m.weight("w", 0.5, 2, 6, 1, 1)
			m.node("Add", "a w", "s")
			m.node("Div", "w s", "y")
		}, "Transpose Conv Unary Binary Binary Transpose", 0},
	})
}
