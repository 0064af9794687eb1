package onnx

import "testing"

// byHand spells out a normalisation over the axes, of x to y.
func byHand(m *model, x, y string, axes ...int64) {
	m.floats("epsilon", nil, 1e-3)
	m.node("ReduceMean", x, "mean", attr{"axes", axes})
	m.node("Sub", x+" mean", "d")
	m.node("Mul", "d d", "square")
	m.node("ReduceMean", "square", "variance", attr{"axes", axes})
	m.node("Add", "variance epsilon", "sum")
	m.node("Sqrt", "sum", "root")
	m.node("Div", "d root", y)
}

func TestRecogniseNormalisations(t *testing.T) {
	testPass(t, "recognise normalisations", []passCase{
		{"over the last axis", func(m *model) { byHand(m, "x", "y", -1) }, "Normalise", 6},
		{"over the channels of a map", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			byHand(m, "c", "y", 1)
		}, "Transpose Conv Normalise Transpose", 6},
		{"over the pixels of a map", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			byHand(m, "c", "y", 2, 3)
		}, "Transpose Conv Normalise Transpose", 6},
		{"the difference computed twice", func(m *model) {
			m.floats("epsilon", nil, 1e-3)
			m.node("ReduceMean", "x", "mean", attr{"axes", []int64{3}})
			m.node("Sub", "x mean", "d")
			m.node("Sub", "x mean", "e")
			m.node("Mul", "e e", "square")
			m.node("ReduceMean", "square", "variance", attr{"axes", []int64{3}})
			m.node("Add", "variance epsilon", "sum")
			m.node("Sqrt", "sum", "root")
			m.node("Reciprocal", "root", "factor")
			m.node("Mul", "d factor", "y")
		}, "Normalise", 8},
		{"by the root mean square", func(m *model) {
			m.node("Mul", "x x", "square")
			m.floats("epsilon", nil, 1e-3)
			m.node("ReduceMean", "square", "mean", attr{"axes", []int64{3}})
			m.node("Add", "mean epsilon", "sum")
			m.node("Sqrt", "sum", "root")
			m.node("Div", "x root", "y")
		}, "Normalise", 4},
		{"not with another axis in the variance", func(m *model) {
			m.node("ReduceMean", "x", "mean", attr{"axes", []int64{3}})
			m.node("Sub", "x mean", "d")
			m.node("Mul", "d d", "square")
			m.node("ReduceMean", "square", "variance", attr{"axes", []int64{1}})
			m.floats("epsilon", nil, 1e-3)
			m.node("Add", "variance epsilon", "sum")
			m.node("Sqrt", "sum", "root")
			m.node("Div", "d root", "y")
		}, "Reduce Binary Normalise", 4}, // by the root mean square of the difference
	})
}

func TestFoldNormalise(t *testing.T) {
	groups := func(m *model) {
		m.conv("x", "c", 6, 4, 3)
		m.ints("grouped", 0, 3, -1)
		m.node("Reshape", "c grouped", "r")
		m.floats("one", []int{3}, 1, 1, 1)
		m.floats("zero", []int{3}, 0, 0, 0)
		m.node("InstanceNormalization", "r one zero", "i")
		m.ints("back", 0, 6, 6, 6)
		m.node("Reshape", "i back", "n")
	}
	testPass(t, "fold scale and shift", []passCase{
		{"of the last axis", func(m *model) {
			byHand(m, "x", "n", 3)
			m.weight("scale", 0.5, 2, 8)
			m.weight("shift", -1, 1, 8)
			m.node("Mul", "n scale", "s")
			m.node("Add", "shift s", "y")
		}, "Normalise", 2},
		{"of the channels, with divisors and differences", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			byHand(m, "c", "n", 1, 2, 3)
			m.weight("scale", 0.5, 2, 6, 1, 1)
			m.weight("shift", -1, 1, 6, 1, 1)
			m.node("Sub", "n shift", "s")
			m.node("Div", "s scale", "y")
		}, "Transpose Conv Normalise Transpose", 2},
		{"of groups of channels", func(m *model) {
			groups(m)
			m.weight("scale", 0.5, 2, 6, 1, 1)
			m.weight("shift", -1, 1, 6, 1, 1)
			m.node("Mul", "n scale", "s")
			m.node("Add", "s shift", "y")
		}, "Transpose Conv Normalise Transpose", 2},
		{"not of groups that stay apart", func(m *model) {
			m.conv("x", "c", 6, 4, 3)
			m.ints("grouped", 0, 3, -1)
			m.node("Reshape", "c grouped", "r")
			m.weight("scale", 0.5, 2, 3)
			m.weight("shift", -1, 1, 3)
			m.node("InstanceNormalization", "r scale shift", "y")
		}, "Transpose Conv Transpose Normalise", 0},
		{"not one for each pixel behind groups", func(m *model) {
			groups(m)
			m.weight("scale", 0.5, 2, 6, 6)
			m.node("Mul", "n scale", "y")
		}, "Transpose Conv Normalise Binary Transpose", 0},
		{"not what x is taken from", func(m *model) {
			byHand(m, "x", "n", 3)
			m.floats("three", nil, 3)
			m.node("Sub", "three n", "y")
		}, "Normalise Binary", 0},
	})
}

func TestFoldScales(t *testing.T) {
	testPass(t, "fold scale of products", []passCase{
		{"behind a product", func(m *model) {
			m.node("MatMul", "x x", "p")
			m.floats("eight", nil, 8)
			m.node("Div", "p eight", "y")
		}, "MatMul", 1},
		{"on both operands, before transpositions", func(m *model) {
			m.floats("a", nil, 0.5)
			m.floats("b", nil, 3)
			m.node("Mul", "x a", "left")
			m.node("Mul", "x b", "scaled")
			m.node("Transpose", "scaled", "right", attr{"perm", []int64{0, 1, 3, 2}})
			m.node("MatMul", "left right", "y")
		}, "MatMul", 2},
		{"not by nothing, nor of a value used twice", func(m *model) {
			m.floats("a", nil, 0)
			m.floats("b", nil, 2)
			m.node("Mul", "x a", "left")
			m.node("Mul", "x b", "right")
			m.node("MatMul", "left right", "p")
			m.node("Add", "p right", "y")
		}, "Binary Binary MatMul Binary", 0},
	})
}
