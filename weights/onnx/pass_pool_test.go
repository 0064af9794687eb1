package onnx

import "testing"

func TestFusePools(t *testing.T) {
	two := []attr{{"kernel_shape", []int64{2, 2}}, {"strides", []int64{2, 2}}}
	testPass(t, "fuse max-pool", []passCase{
		{"behind an activation", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("Relu", "c", "r")
			m.node("MaxPool", "r", "y", two...)
		}, "Transpose Conv Transpose", 1},
		{"before an activation", func(m *model) {
			m.conv("x", "c", 6, 4, 2) // 7×7: the last row and column are dropped
			m.node("MaxPool", "c", "p", two...)
			m.node("Relu", "p", "y")
		}, "Transpose Conv Transpose", 1},
		{"ceil_mode of an even map", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("MaxPool", "c", "y", append(two, attr{"ceil_mode", 1})...)
		}, "Transpose Conv Transpose", 1},
		{"not ceil_mode of an odd map", func(m *model) {
			m.conv("x", "c", 6, 4, 2)
			m.node("MaxPool", "c", "y", append(two, attr{"ceil_mode", 1})...)
		}, "Transpose Conv Pool Transpose", 0},
		{"not behind other activations", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("LeakyRelu", "c", "r", attr{"alpha", float32(-1)})
			m.node("MaxPool", "r", "y", two...)
		}, "Transpose Conv Pool Transpose", 0},
		{"no other activation behind it", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("MaxPool", "c", "p", two...)
			m.node("LeakyRelu", "p", "y", attr{"alpha", float32(-1)})
		}, "Transpose Conv Unary Transpose", 1},
		{"not with groups", func(m *model) {
			m.conv("x", "c", 4, 1, 3, attr{"group", 4})
			m.node("MaxPool", "c", "y", two...)
		}, "Transpose Conv Pool Transpose", 0},
		{"not other windows", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("MaxPool", "c", "y", attr{"kernel_shape", []int64{3, 3}}, attr{"strides", []int64{2, 2}})
		}, "Transpose Conv Pool Transpose", 0},
		{"not with a residual", func(m *model) {
			m.conv("x", "c", 4, 4, 3, attr{"pads", []int64{1, 1, 1, 1}})
			m.node("Add", "c x", "s")
			m.node("MaxPool", "s", "y", two...)
		}, "Transpose Conv Pool Transpose", 0},
	})
}
