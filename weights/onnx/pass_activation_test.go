package onnx

import "testing"

func TestFuseActivations(t *testing.T) {
	activations := []struct {
		op    string
		attrs []attr
	}{
		{"Relu", nil},
		{"LeakyRelu", []attr{{"alpha", float32(0.2)}}},
		{"HardSigmoid", []attr{{"alpha", float32(0.3)}, {"beta", float32(0.4)}}},
		{"Sigmoid", nil},
		{"Tanh", nil},
	}
	var cases []passCase
	for _, a := range activations {
		cases = append(cases, passCase{a.op, func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node(a.op, "c", "y", a.attrs...)
		}, "Transpose Conv Transpose", 1})
	}
	testPass(t, "fuse activation", append(cases, []passCase{
		{"Clip", func(m *model) {
			m.conv("x", "c", 4, 1, 3, attr{"group", 4})
			m.floats("lo", nil, -0.25)
			m.floats("hi", nil, 0.25)
			m.node("Clip", "c lo hi", "y")
		}, "Transpose Conv Transpose", 1},
		{"Clip without an upper bound, of a fully connected layer", func(m *model) {
			m.weight("w", -1, 1, 8, 5)
			m.node("MatMul", "x w", "f")
			m.floats("lo", nil, 0.1)
			m.node("Clip", "f lo", "y")
		}, "FullyConnected", 1},
		{"not one of a remainder", func(m *model) {
			m.floats("c", nil, 0.3)
			m.node("Mod", "x c", "r", attr{"fmod", 1})
			m.node("Relu", "r", "y")
		}, "Binary Unary", 0},
		{"a sum", func(m *model) {
			m.node("Abs", "x", "a")
			m.node("Add", "a x", "s")
			m.node("Sigmoid", "s", "y")
		}, "Unary Binary", 1},
		{"a transposed convolution", func(m *model) {
			m.weight("w", -1, 1, 4, 3, 2, 2)
			m.node("ConvTranspose", "x w", "c")
			m.node("Relu", "c", "y")
		}, "Transpose ConvTranspose Transpose", 1},
		{"only the first of two", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("Relu", "c", "r")
			m.node("Tanh", "r", "y")
		}, "Transpose Conv Unary Transpose", 1},
		{"not if the result itself is used", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("Relu", "c", "r")
			m.node("Sub", "r c", "y")
		}, "Transpose Conv Unary Binary Transpose", 0},
		{"not functions that convolutions lack", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("Exp", "c", "y")
		}, "Transpose Conv Unary Transpose", 0},
	}...))
}
