package onnx

import "testing"

func TestFuseResiduals(t *testing.T) {
	same := attr{"pads", []int64{1, 1, 1, 1}}
	testPass(t, "fuse residual add", []passCase{
		{"the input, then an activation", func(m *model) {
			m.conv("x", "c", 4, 4, 3, same)
			m.node("Add", "x c", "s")
			m.node("Relu", "s", "y")
		}, "Transpose Conv Transpose", 1},
		{"of two convolutions the later one", func(m *model) {
			m.conv("x", "a", 6, 4, 3, same)
			m.conv("x", "b", 6, 4, 1)
			m.node("Add", "b a", "y")
		}, "Transpose Conv Conv Transpose", 1},
		{"a residual made after the convolution", func(m *model) {
			m.conv("x", "c", 4, 1, 3, same, attr{"group", 4})
			m.node("Abs", "x", "a")
			m.node("Add", "c a", "y")
		}, "Transpose Unary Conv Transpose", 1},
		{"twice", func(m *model) {
			m.conv("x", "a", 4, 4, 3, same)
			m.node("Add", "a x", "s")
			m.conv("s", "b", 4, 4, 3, same)
			m.node("Add", "s b", "y")
		}, "Transpose Conv Conv Transpose", 2},
		{"only one", func(m *model) {
			m.conv("x", "c", 4, 4, 3, same)
			m.node("Add", "c x", "s")
			m.node("Abs", "x", "a")
			m.node("Add", "s a", "y")
		}, "Transpose Conv Unary Binary Transpose", 1},
		{"not behind an activation", func(m *model) {
			m.conv("x", "c", 4, 4, 3, same)
			m.node("Relu", "c", "r")
			m.node("Add", "r x", "y")
		}, "Transpose Conv Binary Transpose", 0},
		{"not with broadcasting", func(m *model) {
			m.conv("x", "c", 4, 4, 3, same)
			m.node("GlobalAveragePool", "x", "g")
			m.node("Add", "c g", "y")
		}, "Transpose Conv Pool Binary Transpose", 0},
		{"not to itself", func(m *model) {
			m.conv("x", "c", 4, 4, 3, same)
			m.node("Add", "c c", "y")
		}, "Transpose Conv Binary Transpose", 0},
	})
}
