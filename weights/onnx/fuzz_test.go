package onnx

import "testing"

// FuzzFreeze checks that no input makes Freeze panic, and that what it accepts
// is a net that the file's own checks accept.
func FuzzFreeze(f *testing.F) {
	f.Add(digitNet().bytes())
	f.Add(externalModel("location", "w.bin"))
	for _, build := range []func(m *model){
		func(m *model) {
			m.conv("x", "c", 4, 4, 3, attr{"pads", []int64{1, 1, 1, 1}})
			m.batchNorm("c", "b", 4)
			m.node("Sigmoid", "b", "s")
			m.node("Mul", "s b", "g")
			m.node("Add", "g x", "y")
		},
		func(m *model) {
			m.node("Shape", "x", "s")
			m.ints("zero", 0)
			m.node("Gather", "s zero", "n")
			m.ints("rest", -1)
			m.node("Concat", "n rest", "shape", attr{"axis", 0})
			m.node("Reshape", "x shape", "r")
			m.weight("w", -1, 1, 144, 3)
			m.node("MatMul", "r w", "y")
		},
		func(m *model) {
			m.node("DepthToSpace", "x", "d", attr{"blocksize", 2})
			m.node("Transpose", "d", "t", attr{"perm", []int64{0, 2, 3, 1}})
			m.node("Split", "t", "a b", attr{"axis", 2})
			m.node("Concat", "b a", "k", attr{"axis", 1})
			m.ints("pads", 0, 1, -1, 0, 0, 0, 2, 0)
			m.node("Pad", "k pads", "p")
			m.node("Softmax", "p", "y", attr{"axis", 1})
		},
		func(m *model) {
			m.ints("starts", -1, 1)
			m.ints("ends", -9, 5)
			m.ints("axes", 2, 3)
			m.ints("steps", -2, 1)
			m.node("Slice", "x starts ends axes steps", "s")
			m.floats("scales", []int{4}, 1, 1, 2, 1.5)
			m.node("Resize", "s _ scales", "r")
			m.weight("w", -1, 1, 4, 2, 3, 3)
			m.node("ConvTranspose", "r w", "c", attr{"group", 2}, attr{"auto_pad", "SAME_UPPER"}, attr{"strides", []int64{2, 2}})
			m.node("ReduceMean", "c", "y", attr{"axes", []int64{2, 3}})
		},
	} {
		m := newModel(13)
		m.input("x", 0, 4, 6, 6)
		build(m)
		m.output("y")
		f.Add(m.bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		net, _, err := Freeze(data, Options{})
		if err != nil {
			return
		}
		if err := net.Check(); err != nil {
			t.Errorf("the net is not sound: %v", err)
		}
	})
}
