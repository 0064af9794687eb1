package onnx

import "testing"

func TestKeepRows(t *testing.T) {
	testPass(t, "keep rows", []passCase{
		{"scales and shifts of channels, a function and a mean", func(m *model) {
			m.batchNorm("x", "b", 4)
			m.node("Relu", "b", "r")
			m.node("GlobalAveragePool", "r", "g")
			m.node("Sub", "r g", "y")
		}, "Binary Binary Reduce Binary", 0},
		{"the largest of each channel, and a convolution of it", func(m *model) {
			m.node("GlobalMaxPool", "x", "g")
			m.conv("g", "c", 4, 4, 1)
			m.node("Mul", "x c", "y")
		}, "Reduce Conv Binary", 0},
		{"in front of a convolution, as maps", func(m *model) {
			m.node("Abs", "x", "a")
			m.batchNorm("a", "b", 4)
			m.node("Abs", "b", "n")
			m.conv("n", "y", 4, 4, 3)
		}, "Unary Transpose Conv Unary Conv Transpose", 0},
		{"behind a convolution and a function, as maps", func(m *model) {
			m.conv("x", "c", 4, 4, 3)
			m.node("Abs", "c", "a")
			m.batchNorm("a", "b", 4)
			m.node("GlobalAveragePool", "b", "y")
		}, "Transpose Conv Unary Conv Pool", 0},
		{"beside a convolution, as maps", func(m *model) {
			m.node("GlobalAveragePool", "x", "g")
			m.conv("x", "c", 4, 4, 3)
			m.node("Mul", "c g", "y")
		}, "Transpose Pool Conv Binary Transpose", 0},
		{"a pool that is not global", func(m *model) {
			m.node("MaxPool", "x", "y", attr{"kernel_shape", []int64{2, 2}})
		}, "Transpose Pool Transpose", 0},
	})
}
