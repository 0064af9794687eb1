package onnx

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

func TestBatch(t *testing.T) {
	for _, c := range []struct {
		name    string
		dims    []int // of x
		ask     bool
		build   func(m *model)
		batched bool
		why     string // not batched, in the report or, if it was asked for, the error
	}{
		{"open", []int{0, 4, 6, 6}, false, func(m *model) { m.conv("x", "y", 3, 4, 3) }, true, ""},
		{"fixed", []int{1, 4, 6, 6}, false, func(m *model) { m.conv("x", "y", 3, 4, 3) }, false, ""},
		{"fixed at 2", []int{2, 4, 6, 6}, false, func(m *model) { m.conv("x", "y", 3, 4, 3) }, false, ""},
		{"asked for", []int{1, 4, 6, 6}, true, func(m *model) { m.conv("x", "y", 3, 4, 3) }, true, ""},
		{"asked for in vain", []int{2, 4, 6, 6}, true, func(m *model) { m.conv("x", "y", 3, 4, 3) }, false, `dimension 0 of input "x" is 2: export`},
		{"asked for, with a 1 in a shape", []int{1, 4, 6, 6}, true, func(m *model) {
			m.ints("shape", 1, 144)
			m.node("Reshape", "x shape", "y")
		}, true, ""},
		{"a shape that keeps the batch", []int{0, 4, 6, 6}, false, func(m *model) {
			m.ints("shape", 0, -1)
			m.node("Reshape", "x shape", "y")
		}, true, ""},
		{"a shape that does not", []int{0, 4, 6, 6}, false, func(m *model) {
			m.ints("shape", 12, -1)
			m.node("Reshape", "x shape", "y")
		}, false, "mixes the items"},
		{"softmax over the batch", []int{0, 4, 6, 6}, false, func(m *model) {
			m.node("Softmax", "x", "y", attr{"axis", 0})
		}, false, "mixes the items"},
		{"asked for, and mixed", []int{1, 4}, true, func(m *model) {
			m.node("Softmax", "x", "y", attr{"axis", 0})
		}, false, "freeze the model without a batch"},
		{"a second input, of one item", []int{0, 4}, false, func(m *model) {
			m.input("z", 1, 4)
			m.node("Add", "x z", "y")
		}, false, `dimension 0 of input "x" is open, but that of "z" is 1: ask for a batch`},
		{"a second input, of one item, asked for", []int{0, 4}, true, func(m *model) {
			m.input("z", 1, 4)
			m.node("Add", "x z", "y")
		}, true, ""},
		{"a second input, of three items", []int{0, 4}, false, func(m *model) {
			m.input("z", 3, 4)
			m.node("Add", "x z", "y")
		}, false, `but that of "z" is 3: export the model with both open`},
		{"a vector of open length", []int{0}, false, func(m *model) {
			m.node("Softmax", "x", "y")
		}, false, `the only dimension of input "x" is open and was taken for the batch: give its size if it is something else, --shape x=SIZE`},
		{"the batch reversed", []int{0, 4}, false, func(m *model) {
			m.ints("starts", -1)
			m.ints("ends", -1<<40)
			m.ints("axes", 0)
			m.ints("steps", -1)
			m.node("Slice", "x starts ends axes steps", "y")
		}, false, "depends on the batch"},
		{"a mean over the batch", []int{0, 4}, false, func(m *model) {
			m.node("ReduceMean", "x", "y", attr{"axes", []int64{0}})
		}, false, "does not grow"},
		{"the batch moved", []int{0, 4}, false, func(m *model) {
			m.node("Transpose", "x", "y")
		}, true, ""},
		{"the batch moved, and merged with another dimension", []int{0, 4, 3}, false, func(m *model) {
			m.ints("shape", 4, -1)
			m.node("Transpose", "x", "t", attr{"perm", []int64{1, 0, 2}})
			m.node("Reshape", "t shape", "y")
		}, false, "does not grow with the batch"},
		{"items joined", []int{0, 4}, false, func(m *model) {
			m.node("Concat", "x x", "y", attr{"axis", 0})
		}, false, "mixes the items"},
		{"the size of the batch as a number", []int{0, 4}, false, func(m *model) {
			m.ints("zero", 0)
			m.node("Shape", "x", "s")
			m.node("Gather", "s zero", "g")
			m.node("Cast", "g", "n", attr{"to", 1})
			m.node("Div", "x n", "y")
		}, false, "depend on the batch"},
		{"the size of the batch as a bound", []int{0, 20}, false, func(m *model) {
			m.ints("zero", 0)
			m.ints("ends", 5)
			m.ints("axes", 1)
			m.node("Shape", "x", "s")
			m.node("Gather", "s zero", "g")
			m.node("Slice", "x g ends axes", "y")
		}, false, "no elements"},
		{"a constant expanded to the batch", []int{0, 4}, false, func(m *model) {
			m.weight("w", -1, 1, 1, 4)
			m.node("Shape", "x", "s")
			m.node("Expand", "w s", "e")
			m.node("Mul", "x e", "y")
		}, true, ""},
		{"a constant with NaN", []int{0, 4}, false, func(m *model) {
			m.floats("w", []int{1, 4}, 1, float32(math.NaN()), 2, 0)
			m.node("Max", "x w", "z")
			m.node("Greater", "z x", "g")
			m.node("Cast", "g", "y", attr{"to", 1})
		}, true, ""},
		{"ranks that differ", []int{0, 2, 3}, false, func(m *model) {
			m.node("ReduceMean", "x", "r", attr{"axes", []int64{1}}, attr{"keepdims", 0})
			m.node("Mul", "x r", "y")
		}, false, "do not broadcast"},
		{"ranks that differ, and fit the batch that is tried", []int{0, probe, 3}, false, func(m *model) {
			m.node("ReduceMean", "x", "r", attr{"axes", []int64{1}}, attr{"keepdims", 0})
			m.node("Mul", "x r", "y")
		}, false, "mixes the items"},
		{"sequences behind their times", []int{0, 5, 8}, false, func(m *model) {
			m.weight("w", -1, 1, 2, 24, 8)
			m.weight("r", -1, 1, 2, 24, 6)
			m.weight("k", -1, 1, 12, 3)
			m.weight("s", -1, 1, 5, 1, 3)
			m.ints("shape", 0, 0, -1)
			m.node("Transpose", "x", "t", attr{"perm", []int64{1, 0, 2}})
			m.node("LSTM", "t w r", "h", attr{"hidden_size", 6}, attr{"direction", "bidirectional"})
			m.node("Transpose", "h", "b", attr{"perm", []int64{0, 2, 1, 3}})
			m.node("Reshape", "b shape", "f")
			m.node("MatMul", "f k", "l")
			m.node("Add", "l s", "a")
			m.node("Softmax", "a", "p", attr{"axis", 2})
			m.node("Concat", "p a", "c", attr{"axis", 0})
			m.node("Transpose", "c", "y", attr{"perm", []int64{1, 0, 2}})
		}, true, ""},
		{"the last state of a sequence behind its times", []int{0, 5, 8}, false, func(m *model) {
			m.weight("w", -1, 1, 1, 18, 8)
			m.weight("r", -1, 1, 1, 18, 6)
			m.ints("last", -1)
			m.node("Transpose", "x", "t", attr{"perm", []int64{1, 0, 2}})
			m.node("GRU", "t w r", "h s", attr{"hidden_size", 6})
			m.ints("axes", 0)
			m.node("Squeeze", "s axes", "z")
			m.node("Gather", "h last", "g", attr{"axis", 0})
			m.ints("both", 0, 1)
			m.node("Squeeze", "g both", "e")
			m.node("Sub", "z e", "d")
			m.node("Concat", "z d", "y", attr{"axis", 1})
		}, true, ""},
		{"rows at places that are computed for each item", []int{0, 5, 8}, false, func(m *model) {
			m.node("ArgMax", "x", "i", attr{"axis", 1}, attr{"keepdims", 1})
			m.node("Transpose", "i", "t", attr{"perm", []int64{0, 2, 1}})
			m.node("GatherND", "x t", "y", attr{"batch_dims", 1})
		}, true, ""},
		{"softmax over a batch behind times", []int{0, 5, 8}, false, func(m *model) {
			m.node("Transpose", "x", "t", attr{"perm", []int64{1, 0, 2}})
			m.node("Softmax", "t", "s", attr{"axis", 1})
			m.node("Transpose", "s", "y", attr{"perm", []int64{1, 0, 2}})
		}, false, "mixes the items"},
		{"times and batch taken for one another", []int{0, 5, 8}, false, func(m *model) {
			m.ints("shape", 5, -1, 8)
			m.node("Reshape", "x shape", "t")
			m.node("Transpose", "t", "y", attr{"perm", []int64{1, 0, 2}})
		}, false, "mixes the items"},
		{"items joined, and taken apart as they do not lie", []int{0, 5, 8}, false, func(m *model) {
			m.ints("shape", -1, 8)
			m.ints("back", 5, -1, 8)
			m.node("Reshape", "x shape", "f")
			m.node("Reshape", "f back", "t")
			m.node("Transpose", "t", "y", attr{"perm", []int64{1, 0, 2}})
		}, false, "mixes the items"},
		{"the first part of joined items", []int{0, 4, 8}, false, func(m *model) {
			m.ints("shape", -1, 8)
			m.node("Reshape", "x shape", "f")
			m.ints("zero", 0)
			m.ints("two", 2)
			m.node("Shape", "x", "s")
			m.node("Gather", "s zero", "n")
			m.node("Mul", "n two", "end")
			m.node("Slice", "f zero end zero", "h")
			m.ints("back", -1, 2, 8)
			m.node("Reshape", "h back", "y")
		}, false, "mixes the items"},
		{"volumes", []int{0, 3, 4, 6, 6}, false, func(m *model) {
			m.weight("w", -1, 1, 6, 3, 3, 3, 3)
			m.node("Conv", "x w", "c", attr{"pads", []int64{1, 1, 1, 1, 1, 1}}, attr{"strides", []int64{2, 1, 1}})
			m.node("Relu", "c", "r")
			m.node("AveragePool", "r", "a", attr{"kernel_shape", []int64{2, 2, 2}})
			m.node("MaxPool", "a", "p", attr{"kernel_shape", []int64{1, 2, 2}}, attr{"pads", []int64{0, 1, 1, 0, 1, 1}})
			m.node("BatchNormalization", "p bn.s bn.b bn.m bn.v", "n")
			for _, name := range []string{"bn.s", "bn.b", "bn.m", "bn.v"} {
				m.weight(name, 0.5, 1, 6)
			}
			m.node("GlobalAveragePool", "n", "g")
			m.node("Mul", "n g", "y")
		}, true, ""},
		{"ranks that differ, but fit", []int{0, 1, 3}, false, func(m *model) {
			m.ints("axes", 1)
			m.node("Squeeze", "x axes", "r")
			m.node("Mul", "x r", "y")
		}, false, "does not grow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(13)
			m.input("x", c.dims...)
			c.build(m)
			m.output("y")
			net, report, err := Freeze(m.bytes(), Options{Batch: c.ask})
			switch {
			case c.ask && c.why != "":
				if err == nil || !strings.Contains(err.Error(), c.why) {
					t.Errorf("error %v, want one that contains %q", err, c.why)
				}
			case err != nil:
				t.Error(err)
			case net.Batched != c.batched || !strings.Contains(report.Unbatched, c.why) || c.why == "" && report.Unbatched != "":
				t.Errorf("batched is %v because %q, want %v because %q", net.Batched, report.Unbatched, c.batched, c.why)
			case net.Batched && len(net.Inputs) == 1:
				checkItemsAlone(t, m, net, c.dims)
			}
		})
	}
}

// checkItemsAlone compares what a net makes of three items with what a net makes
// of each that was frozen for one.
func checkItemsAlone(t *testing.T, m *model, net *weights.Net, dims []int) {
	t.Helper()
	fixed, _, err := Freeze(m.bytes(), Options{Shapes: []InputShape{{Dims: slices.Concat([]int{1}, dims[1:])}}})
	if err != nil {
		t.Fatal(err)
	}
	size := tensor.Shape(dims[1:]).Volume()
	x := make([]float32, 3*size)
	for i := range x {
		x[i] = float32(i*37%101)/50 - 1
	}
	all := run(t, net, 3, x)[0]
	for i := range 3 {
		one := run(t, fixed, 1, x[i*size:][:size])[0]
		if got := all[i*len(one):][:len(one)]; !slices.Equal(got, one) {
			t.Errorf("item %d is %v, and %v alone", i, got, one)
		}
	}
}
