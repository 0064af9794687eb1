package onnx

import "testing"

func TestRecogniseActivations(t *testing.T) {
	sixth := func(m *model) {
		m.floats("zero", nil, 0)
		m.floats("three", []int{1}, 3)
		m.floats("six", nil, 6)
		m.floats("sixth", nil, 1./6)
		m.conv("x", "c", 6, 4, 3)
		m.node("Add", "c three", "a")
		m.node("Clip", "a zero six", "k")
	}
	testPass(t, "recognise activations", []passCase{
		{"SiLU", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("Sigmoid", "c", "s")
			m.node("Mul", "s c", "y")
		}, "Transpose Conv Transpose", 1},
		{"HardSwish from HardSigmoid", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("HardSigmoid", "c", "s", attr{"alpha", float32(1. / 6)})
			m.node("Mul", "c s", "y")
		}, "Transpose Conv Transpose", 1},
		{"HardSwish, divided last", func(m *model) {
			sixth(m)
			m.node("Mul", "c k", "p")
			m.node("Div", "p six", "y")
		}, "Transpose Conv Transpose", 3},
		{"HardSwish, divided first", func(m *model) {
			sixth(m)
			m.node("Mul", "sixth k", "h")
			m.node("Mul", "h c", "y")
		}, "Transpose Conv Transpose", 3},
		{"HardSigmoid", func(m *model) {
			sixth(m)
			m.node("Div", "k six", "y")
		}, "Transpose Conv Transpose", 2},
		{"not six divided by it", func(m *model) {
			m.floats("zero", nil, 0)
			m.floats("three", nil, 3)
			m.floats("six", nil, 6)
			m.node("Add", "x three", "a") // 2 to 4
			m.node("Clip", "a zero six", "k")
			m.node("Div", "six k", "y")
		}, "Binary Binary", 0},
		{"not with a three that adds a dimension", func(m *model) {
			m.floats("zero", nil, 0)
			m.floats("three", []int{1, 1, 1, 1, 1}, 3)
			m.floats("six", nil, 6)
			m.conv("x", "c", 6, 4, 3)
			m.node("Add", "c three", "a")
			m.node("Clip", "a zero six", "k")
			m.node("Div", "k six", "y")
		}, "Transpose Conv Binary Binary Transpose", 0},
		{"not another slope", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.node("HardSigmoid", "c", "s")
			m.node("Mul", "c s", "y")
		}, "Transpose Conv Unary Binary Transpose", 0},
		{"not the gate of something else", func(m *model) {
			m.node("Sigmoid", "x", "s")
			m.node("Abs", "x", "a")
			m.node("Mul", "s a", "y")
		}, "Unary Unary Binary", 0},
		{"not a gate used elsewhere", func(m *model) {
			m.node("Sigmoid", "x", "s")
			m.node("Mul", "s x", "p")
			m.node("Add", "p s", "y")
		}, "Unary Binary Binary", 0},
	})
}
