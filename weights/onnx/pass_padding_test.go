package onnx

import (
	"math"
	"testing"
)

func TestFoldPadding(t *testing.T) {
	pad := func(m *model, value float32, pads ...int64) {
		m.ints("pads", pads...)
		m.floats("value", nil, value)
		m.node("Pad", "x pads value", "p")
	}
	three := attr{"kernel_shape", []int64{3, 3}}
	testPass(t, "fold padding", []passCase{
		{"into a convolution with padding", func(m *model) {
			pad(m, 0, 0, 0, 1, 2, 0, 0, 3, 0)
			m.conv("p", "y", 6, 4, 3, attr{"pads", []int64{1, 0, 0, 2}})
		}, "Transpose Conv Transpose", 1},
		{"into two convolutions", func(m *model) {
			pad(m, 0, 0, 0, 1, 1, 0, 0, 1, 1)
			m.conv("p", "a", 6, 4, 3)
			m.conv("p", "b", 6, 4, 3)
			m.node("Mul", "a b", "y")
		}, "Transpose Conv Conv Binary Transpose", 1},
		{"into an average of its own", func(m *model) {
			pad(m, 0, 0, 0, 1, 2, 0, 0, 0, 1)
			m.node("AveragePool", "p", "y", three)
		}, "Transpose Pool Transpose", 1},
		{"into a maximum", func(m *model) {
			pad(m, float32(math.Inf(-1)), 0, 0, 1, 2, 0, 0, 0, 1)
			m.node("MaxPool", "p", "y", three)
		}, "Transpose Pool Transpose", 1},
		{"one-dimensional", func(m *model) {
			m.input("x", 0, 4, 9)
			pad(m, 0, 0, 0, 2, 0, 0, 1)
			m.weight("w", -1, 1, 3, 4, 5)
			m.node("Conv", "p w", "y")
		}, "Transpose Conv Transpose", 1},
		{"not zeros into a maximum", func(m *model) {
			pad(m, 0, 0, 0, 1, 1, 0, 0, 1, 1)
			m.node("MaxPool", "p", "y", three)
		}, "Pad Transpose Pool Transpose", 0},
		{"not ones into a convolution", func(m *model) {
			pad(m, 1, 0, 0, 1, 1, 0, 0, 1, 1)
			m.conv("p", "y", 6, 4, 3)
		}, "Pad Transpose Conv Transpose", 0},
		{"not into a pool that rounds up", func(m *model) {
			pad(m, 0, 0, 0, 1, 1, 0, 0, 1, 1)
			m.node("AveragePool", "p", "y", three, attr{"strides", []int64{2, 2}}, attr{"ceil_mode", 1})
		}, "Pad Transpose Pool Transpose", 0},
		{"not channels", func(m *model) {
			pad(m, 0, 0, 1, 1, 1, 0, 0, 1, 1)
			m.conv("p", "y", 6, 5, 3)
		}, "Pad Transpose Conv Transpose", 0},
		{"not into an average that leaves out padding", func(m *model) {
			pad(m, 0, 0, 0, 1, 1, 0, 0, 1, 1)
			m.node("AveragePool", "p", "y", three, attr{"pads", []int64{1, 1, 1, 1}})
		}, "Pad Transpose Pool Transpose", 0},
	})
}
