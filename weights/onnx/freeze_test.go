package onnx

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// digitNet is the kind of net that this package is used for most.
func digitNet() *model {
	m := newModel(13)
	two := []attr{{"kernel_shape", []int64{2, 2}}, {"strides", []int64{2, 2}}}
	m.input("input", 0, 1, 12, 12)
	m.conv("input", "c1", 16, 1, 3, attr{"pads", []int64{1, 1, 1, 1}})
	m.node("Relu", "c1", "r1")
	m.node("MaxPool", "r1", "p1", two...)
	m.conv("p1", "c2", 8, 16, 3)
	m.node("Relu", "c2", "r2")
	m.node("MaxPool", "r2", "p2", two...)
	m.node("Flatten", "p2", "f")
	m.weight("fc.w", -0.1, 0.1, 10, 32)
	m.weight("fc.b", -0.1, 0.1, 10)
	m.node("Gemm", "f fc.w fc.b", "logits", attr{"transB", 1})
	m.node("Identity", "logits", "output")
	m.output("output")
	return m
}

func TestFreeze(t *testing.T) {
	m := digitNet()
	net, report := m.check(t)
	if got, want := steps(net), "Conv Conv FullyConnected"; got != want {
		t.Errorf("steps %q, want %q", got, want)
	}
	if err := net.Check(); err != nil {
		t.Error(err)
	}
	parameters := 16*9 + 16 + 8*16*9 + 8 + 320 + 10
	macs := int64(144*16*9 + 16*8*16*9 + 320)
	want := Report{
		Producer: "a test", Opset: 13, Operators: 9, Parameters: parameters, MACs: macs,
		Passes: []Pass{
			{"remove dead", 0}, {"fold constants", 0}, {"remove identity", 1}, {"recognise activations", 0}, {"fold expand", 0},
			{"recognise normalisations", 0}, {"fold scale and shift", 0}, {"fold scale of products", 0}, {"fold blocks of pixels", 0},
			{"fold padding", 0}, {"fold batch norm and bias", 1}, {"fuse residual add", 0}, {"compute integers", 0}, {"keep rows", 0},
			{"fuse activation", 2}, {"fuse max-pool", 2},
		},
	}
	if got := fmt.Sprintf("%+v", *report); got != fmt.Sprintf("%+v", want) {
		t.Errorf("report\n%s, want\n%+v", got, want)
	}
	if net.Meta.Nodes != 9 || net.Meta.Parameters != parameters {
		t.Errorf("meta %+v", net.Meta)
	}
	if in, out := net.Values[net.Inputs[0]], net.Values[net.Outputs[0]]; in.Name != "input" || out.Name != "output" ||
		!slices.Equal(in.Shape, []int{1, 1, 12, 12}) || !slices.Equal(out.Shape, []int{1, 10}) {
		t.Errorf("input %v, output %v", in, out)
	}
}

func TestOptions(t *testing.T) {
	m := digitNet()
	calls, last := 0, 0
	net, _, err := Freeze(m.bytes(), Options{
		Weights: tensor.F16,
		Meta:    weights.Meta{Name: "digits", Labels: []string{"a"}},
		Progress: func(done, total int) {
			calls++
			if done != last+1 || done > total {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls != 4 { // three operations and a reshape
		t.Errorf("progress was reported %d times", calls)
	}
	if net.Meta.Name != "digits" || len(net.Meta.Labels) != 1 || net.Meta.Nodes != 9 {
		t.Errorf("meta %+v", net.Meta)
	}
	for i, p := range net.Params {
		if p.Form != kernels.FormPanels || p.Elem != tensor.F16 {
			t.Errorf("param %d is %v %v", i, p.Form, p.Elem)
		}
	}
	if _, _, err := Freeze(m.bytes(), Options{Weights: 9}); err == nil {
		t.Error("no error for weights of an unknown type")
	}
}

// TestProbabilities checks that a net whose model ends in a softmax or a sigmoid
// says so, and that Classify then gives its numbers, not a softmax of them.
func TestProbabilities(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(m *model) // from the map c, [n, 3, 1, 1], to y
		want  bool
	}{
		{"a softmax", func(m *model) {
			m.node("Flatten", "c", "f")
			m.node("Softmax", "f", "y")
		}, true},
		{"a softmax in another shape", func(m *model) {
			m.node("Softmax", "c", "s", attr{"axis", 1})
			m.node("Transpose", "s", "t", attr{"perm", []int64{0, 2, 3, 1}})
			m.node("Flatten", "t", "y")
		}, true},
		{"sigmoids", func(m *model) {
			m.node("Flatten", "c", "f")
			m.node("Sigmoid", "f", "y")
		}, true},
		{"sigmoids in another shape", func(m *model) {
			m.node("Sigmoid", "c", "s")
			m.node("Flatten", "s", "y")
		}, true},
		{"sigmoids of a fully connected layer", func(m *model) {
			m.node("Flatten", "c", "f")
			m.weight("w", -1, 1, 3, 4)
			m.node("MatMul", "f w", "p")
			m.node("Sigmoid", "p", "y")
		}, true},
		{"hard sigmoids", func(m *model) {
			m.node("Flatten", "c", "f")
			m.node("HardSigmoid", "f", "y")
		}, true},
		{"quantised sigmoids", func(m *model) {
			m.node("Flatten", "c", "f")
			m.qdq("f", "q", typeUint8, 0.05, 128)
			m.node("Sigmoid", "q", "s")
			m.qdq("s", "y", typeUint8, 1./256, 0)
		}, true},
		{"sigmoids before something else", func(m *model) {
			m.node("Flatten", "c", "f")
			m.node("Sigmoid", "f", "s")
			m.node("Neg", "s", "y")
		}, false},
		{"a gate", func(m *model) {
			m.node("Flatten", "c", "f")
			m.node("Sigmoid", "f", "s")
			m.node("Mul", "f s", "y")
		}, false},
		{"logits", func(m *model) { m.node("Flatten", "c", "y") }, false},
		{"logarithms", func(m *model) {
			m.node("Flatten", "c", "f")
			m.node("LogSoftmax", "f", "y")
		}, false},
		{"a softmax before something else", func(m *model) {
			m.node("Flatten", "c", "f")
			m.node("Softmax", "f", "s")
			m.node("Neg", "s", "y")
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(13)
			m.input("x", 0, 1, 4, 4)
			m.conv("x", "conv", 3, 1, 3)
			m.node("GlobalAveragePool", "conv", "c")
			c.build(m)
			m.output("y")
			net, _, err := Freeze(m.bytes(), Options{Meta: weights.Meta{Preparation: weights.Preparation{
				Kind: weights.Photo, Width: 4, Height: 4, Scale: 1. / 255, Std: [3]float32{1},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			if got := net.Meta.Answer.Kind == weights.Probabilities; got != c.want {
				t.Errorf("Probabilities is %v", got)
			}
			if !c.want {
				return
			}
			picture := image.NewGray(image.Rect(0, 0, 4, 4))
			x := make([]float32, 16)
			for i := range x {
				picture.Pix[i] = uint8(16 * i)
				x[i] = float32(16*i) / 255
			}
			y := run(t, net, 1, x)[0]
			data, err := weights.Marshal(net)
			if err != nil {
				t.Fatal(err)
			}
			model, err := engine.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			defer model.Close()
			classes, err := model.Classify(picture, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, class := range classes {
				if got, want := class.Probability, y[class.Index]; math.Abs(float64(got-want)) > 1e-6 {
					t.Errorf("class %d has the probability %v, want %v", class.Index, got, want)
				}
			}
		})
	}
	// Whoever freezes a model may know it of another end.
	m := digitNet()
	if net, _, err := Freeze(m.bytes(), Options{Meta: weights.Meta{Answer: weights.Answer{Kind: weights.Probabilities}}}); err != nil || net.Meta.Answer.Kind != weights.Probabilities {
		t.Errorf("Probabilities was asked for, and is not set: %v", err)
	}
}

// TestWinogradIsAllowed checks that it is for the convolutions that it is for.
func TestWinogradIsAllowed(t *testing.T) {
	for _, c := range []struct {
		cin, cout, size, k int
		attrs              []attr
		winograd           bool
	}{
		{64, 64, 34, 3, nil, true},
		{64, 64, 36, 5, nil, false},
		{64, 64, 34, 3, []attr{{"strides", []int64{2, 2}}}, false},
		{64, 64, 34, 3, []attr{{"dilations", []int64{2, 2}}}, false},
	} {
		m := newModel(13)
		m.input("x", 0, c.cin, c.size, c.size)
		m.conv("x", "y", c.cout, c.cin, c.k, c.attrs...)
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range net.Steps {
			if conv, ok := s.Spec.(*kernels.Conv); ok && (conv.Winograd != kernels.NoWinograd) != c.winograd {
				t.Errorf("%+v: algorithm %d", c, conv.Winograd)
			}
		}
	}
}

// TestRemoveDead checks that what no output depends on is not even looked at.
func TestRemoveDead(t *testing.T) {
	m := newModel(13)
	m.input("x", 0, 4)
	m.node("Abs", "x", "y")
	m.node("NonMaxSuppression", "x", "a")
	m.node("NonZero", "a", "b")
	m.output("y")
	net, report, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if steps(net) != "Unary" || report.Passes[0] != (Pass{"remove dead", 2}) {
		t.Errorf("steps %q, passes %v", steps(net), report.Passes)
	}
	// A node may die in a pass, too.
	g := &graph{}
	x, a, b := &value{shape: []int{1}}, &value{shape: []int{1}}, &value{shape: []int{1}}
	g.nodes = []*node{{op: &kernels.Unary{}, in: []*value{x}, out: []*value{a}}, {op: &kernels.Unary{}, in: []*value{a}, out: []*value{b}}}
	g.outputs = []output{{name: "x", value: x}}
	if n := removeDead(g); n != 2 || len(g.nodes) != 0 {
		t.Errorf("%d nodes removed, %d left", n, len(g.nodes))
	}
}

// TestBadInput checks that what cannot be frozen is an error that names the
// place.
func TestBadInput(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name  string
		build func(m *model)
		want  []string // parts of the error
	}{
		{"a cycle", func(m *model) {
			m.node("Add", "x b", "a")
			m.node("Relu", "a", "b")
			m.node("Abs", "b", "y")
		}, []string{`Add "Adda"`, "cycle"}},
		{"a missing name", func(m *model) { m.node("Relu", "z", "y") }, []string{`Relu "Reluy"`, `nothing gives "z"`}},
		{"a missing output", func(m *model) { m.node("Relu", "x", "z") }, []string{`output "y"`}},
		{"a name given twice", func(m *model) {
			m.node("Relu", "x", "y")
			m.node("Abs", "x", "y")
		}, []string{`Abs "Absy"`, `"y" has a value already`}},
		{"an input's name given again", func(m *model) { m.node("Relu", "x", "x") }, []string{`"x" has a value already`}},
		{"two initializers of one name", func(m *model) {
			m.weight("w", 0, 1, 2)
			m.weight("w", 0, 1, 2)
		}, []string{`two initializers are named "w"`}},
		{"two inputs of one name", func(m *model) { m.input("x", 0, 2) }, []string{`two inputs are named "x"`}},
		{"unknown operators", func(m *model) {
			m.node("Frobnicate", "x", "a")
			m.node("Bernoulli", "a", "y")
		}, []string{"not supported", `Frobnicate "Frobnicatea" (opset 13)`, `Bernoulli "Bernoulliy" (opset 13)`}},
		{"an operator as it was before opset 7", func(m *model) {
			m.opset = 6
			m.node("Relu", "x", "a")
			m.node("Add", "a a", "y")
		}, []string{"not supported", `Add "Addy" (opset 6)`}},
		{"an operator from another opset", func(m *model) { m.node("HardSwish", "x", "y") }, []string{`HardSwish "HardSwishy" (opset 13)`}},
		{"a kernel that is an activation", func(m *model) { m.node("ConvTranspose", "x x", "y") }, []string{`ConvTranspose "ConvTransposey" (opset 13)`, "the kernel", "not constant"}},
		{"a shape that is an activation", func(m *model) { m.node("Reshape", "x x", "y") }, []string{`Reshape "Reshapey"`, "the shape", "not constant"}},
		{"a kernel of the wrong depth", func(m *model) { m.conv("x", "y", 2, 3, 3) }, []string{`Conv "Convy"`, "2×3×3×3", "1×4×6×6"}},
		{"a kernel larger than the map", func(m *model) { m.conv("x", "y", 2, 4, 7) }, []string{`Conv "Convy"`, "does not fit"}},
		{"groups that do not divide", func(m *model) { m.conv("x", "y", 2, 4, 3, attr{"group", 3}) }, []string{"3 groups"}},
		{"a bias of the wrong size", func(m *model) {
			m.weight("w", 0, 1, 2, 4, 3, 3)
			m.weight("b", 0, 1, 3)
			m.node("Conv", "x w b", "y")
		}, []string{"a bias of shape 3 for 2 channels"}},
		{"NaN in a kernel", func(m *model) {
			m.floats("w", []int{1, 4, 1, 1}, 1, 2, nan, 4)
			m.node("Conv", "x w", "y")
		}, []string{`Conv "Convy"`, `"w"`, "element 2 is NaN"}},
		{"a negative variance", func(m *model) {
			m.floats("one", []int{4}, 1, 1, 1, 1)
			m.floats("var", []int{4}, 1, 1, 1, -2)
			m.node("BatchNormalization", "x one one one var", "y")
		}, []string{`BatchNormalization`, "channel 3", "variance is -2"}},
		{"batch normalisation in training", func(m *model) {
			m.opset = 9
			m.floats("one", []int{4}, 1, 1, 1, 1)
			m.node("BatchNormalization", "x one one one one", "y mean var")
		}, []string{`BatchNormalization`, "only for training"}},
		{"an epsilon that lowering finds", func(m *model) {
			m.floats("one", []int{4}, 1, 1, 1, 1)
			m.node("InstanceNormalization", "x one one", "y", attr{"epsilon", float32(-1)})
		}, []string{`InstanceNormalization "InstanceNormalizationy" (opset 13)`, "epsilon -1"}},
		{"a matrix of integers", func(m *model) {
			m.tensors = append(m.tensors, testTensor{"w", typeUint8, []int{6, 6}, make([]byte, 36)})
			m.node("MatMul", "w x", "y")
		}, []string{`MatMul "MatMuly"`, "the matrix", "uint8"}},
		{"a bias of integers", func(m *model) {
			m.node("Flatten", "x", "f")
			m.weight("w", 0, 1, 144, 3)
			m.ints("c", 1)
			m.node("Gemm", "f w c", "y", attr{"beta", float32(2)})
		}, []string{`Gemm "Gemmy"`, "C,", "int64"}},
		{"a convolution of vectors", func(m *model) {
			m.node("Flatten", "x", "f")
			m.weight("w", 0, 1, 2, 144, 1)
			m.node("Conv", "f w", "y")
		}, []string{`Conv "Convy"`, "not a map"}},
		{"a transposed convolution of one dimension", func(m *model) {
			m.ints("s", -1)
			m.node("Reshape", "x s", "f")
			m.weight("w", 0, 1, 2, 144, 1)
			m.node("ConvTranspose", "f w", "y")
		}, []string{`ConvTranspose "ConvTransposey"`, "not a map"}},
		{"a number that does not fit its type", func(m *model) {
			m.floats("w", []int{1}, 300)
			m.node("Cast", "w", "c", attr{"to", int(typeUint8)})
			m.node("Mul", "x c", "y")
		}, []string{`Cast "Castc"`, "300 does not fit uint8"}},
		{"nearest as in opset 10, smaller and larger", func(m *model) {
			m.opset = 10
			m.floats("s", []int{4}, 1, 1, 0.5, 2)
			m.node("Resize", "x s", "y")
		}, []string{"Resize", "not supported before opset 11"}},
		{"weights that overflow when folded", func(m *model) {
			m.floats("w", []int{1, 4, 1, 1}, 1e30, 1, 1, 1)
			m.floats("s", nil, 1e30)
			m.node("Conv", "x w", "c")
			m.node("Mul", "c s", "y")
		}, []string{`Conv "Convc" (opset 13)`, "Convc+Muly", "+Inf"}},
		{"shapes that do not broadcast", func(m *model) {
			m.weight("w", 0, 1, 5)
			m.node("Add", "x w", "y")
		}, []string{`Add "Addy"`, "1×4×6×6", "do not broadcast"}},
		{"shapes that do not multiply", func(m *model) {
			m.weight("w", 0, 1, 5, 2)
			m.node("MatMul", "x w", "y")
		}, []string{`MatMul "MatMuly"`, "cannot be multiplied"}},
		{"a shape of other size", func(m *model) {
			m.ints("s", 0, 5, -1)
			m.node("Reshape", "x s", "y")
		}, []string{`Reshape "Reshapey"`, "1×4×6×6", "[0 5 -1]"}},
		{"a shape with two dimensions open", func(m *model) {
			m.ints("s", -1, -1)
			m.node("Reshape", "x s", "y")
		}, []string{`Reshape "Reshapey"`, "[-1 -1] leaves two dimensions open"}},
		{"a stride of 0", func(m *model) {
			m.node("MaxPool", "x", "y", attr{"kernel_shape", []int64{2, 2}}, attr{"strides", []int64{2, 0}})
		}, []string{`MaxPool "MaxPooly"`, "strides [2 0]: 0 is less than 1"}},
		{"padding of an unknown kind", func(m *model) { m.conv("x", "y", 2, 4, 3, attr{"auto_pad", "SAME"}) }, []string{`auto_pad "SAME" is not supported`}},
		{"a negative scale", func(m *model) {
			m.floats("s", []int{4}, 1, 1, -2, 2)
			m.node("Resize", "x _ s", "y")
		}, []string{"Resize", "-2 is not a positive number"}},
		{"an absurd shape", func(m *model) {
			m.ints("s", 1<<30, 1<<30, 1<<30, 1<<30)
			m.node("Reshape", "x s", "y")
		}, []string{`Reshape`, "too large"}},
		{"padding that leaves nothing", func(m *model) {
			m.ints("p", 0, 0, -3, 0, 0, 0, -3, 2)
			m.node("Pad", "x p", "y")
		}, []string{`Pad "Pady"`, "cut off all of dimension 2 of shape 1×4×6×6"}},
		{"absurd padding", func(m *model) {
			m.ints("p", 0, 0, 0, 0, 1<<30, 1<<30, 1<<30, 1<<30)
			m.node("Pad", "x p", "y")
		}, []string{`Pad "Pady"`, "too large"}},
		{"an absurd constant", func(m *model) {
			m.ints("s", 1<<14, 1<<14)
			m.node("ConstantOfShape", "s", "c")
			m.node("Add", "x c", "y")
		}, []string{`ConstantOfShape`, "too large"}},
		{"an attribute of another type", func(m *model) { m.node("Softmax", "x", "y", attr{"axis", "last"}) }, []string{`attribute "axis"`}},
		{"an axis out of range", func(m *model) { m.node("Softmax", "x", "y", attr{"axis", 4}) }, []string{"axis 4 of a tensor of 4 dimensions"}},
		{"an open height in front of fixed weights", func(m *model) {
			m.inputs[0].dims = []int{0, 4, 0, 6}
			m.node("Flatten", "x", "f")
			m.weight("w", -1, 1, 4*6*6, 5)
			m.node("Gemm", "f w", "y")
		}, []string{`input "x"`, `dimension 2 ("dim2") open`, `Gemm "Gemmy"`, "--shape x=dim0x4xdim2x6"}},
		{"an input too large", func(m *model) {
			m.inputs[0].dims = []int{0, 1 << 20, 1 << 20, 6}
			m.node("Relu", "x", "y")
		}, []string{`input "x"`, "too large"}},
		{"a vector of open length", func(m *model) {
			m.inputs[0].dims = []int{0}
			m.weight("w", 0, 1, 5, 2)
			m.node("MatMul", "x w", "y")
		}, []string{`MatMul "MatMuly"`, "cannot be multiplied", `the only dimension of input "x" is open and was taken for the batch: give its size if it is something else, --shape x=SIZE`}},
		{"an output without elements", func(m *model) {
			m.ints("zero", 0)
			m.node("ConstantOfShape", "zero", "y")
		}, []string{`output "y"`, "constant", "has no elements"}},
		{"a number of rows that is found at a run", func(m *model) {
			m.weight("boxes", 0, 1, 1, 5, 4)
			m.weight("scores", 0, 1, 1, 2, 5)
			m.ints("most", 3)
			m.node("NonMaxSuppression", "boxes scores most", "rows")
			m.node("Cast", "rows", "y", attr{"to", 1})
		}, []string{`Cast "Casty"`, `"rows" has a number of rows that only a run determines, which is supported only for outputs`}},
		{"boxes of which none is picked", func(m *model) {
			m.weight("boxes", 0, 1, 1, 5, 4)
			m.weight("scores", 0, 1, 1, 2, 5)
			m.node("NonMaxSuppression", "boxes scores", "y")
		}, []string{`NonMaxSuppression`, "max_output_boxes_per_class is 0"}},
		{"the mask of a dropout", func(m *model) {
			m.node("Dropout", "x", "d mask")
			m.node("Add", "d mask", "y")
		}, []string{`Add "Addy"`, `"mask"`}},
		{"resized channels", func(m *model) {
			m.floats("s", []int{4}, 1, 2, 2, 2)
			m.node("Resize", "x _ s", "y")
		}, []string{"Resize", "channels"}},
		{"unknown interpolation", func(m *model) {
			m.floats("s", []int{4}, 1, 1, 2, 2)
			m.node("Resize", "x _ s", "y", attr{"mode", "lanczos"})
		}, []string{`mode "lanczos" is not supported`}},
		{"a pool without a kernel", func(m *model) { m.node("MaxPool", "x", "y") }, []string{`MaxPool "MaxPooly"`, "kernel_shape"}},
		{"a pool of vectors", func(m *model) {
			m.node("Flatten", "x", "f")
			m.node("GlobalMaxPool", "f", "y")
		}, []string{"GlobalMaxPool", "not a map"}},
		{"a step of 0", func(m *model) {
			m.ints("a", 0)
			m.ints("b", 1)
			m.node("Slice", "x a b a a", "y")
		}, []string{"a step of 0"}},
		{"too many dimensions", func(m *model) {
			m.ints("axes", 0, 1, 2, 3, 4)
			m.node("Unsqueeze", "x axes", "y")
		}, []string{"Unsqueeze", "9 dimensions"}},
		{"a cast of nothing", func(m *model) { m.node("Cast", "", "y", attr{"to", 1}) }, []string{`Cast "Casty"`, "operand 0 is missing"}},
		{"a missing operand", func(m *model) { m.node("Add", "x", "y") }, []string{`Add "Addy"`, "1 operands"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(13)
			m.input("x", 0, 4, 6, 6)
			m.output("y")
			c.build(m)
			_, _, err := Freeze(m.bytes(), Options{})
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not contain %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has several lines", err)
			}
		})
	}
}

// TestNotONNX checks files that are no models.
func TestNotONNX(t *testing.T) {
	sound := digitNet().bytes()
	noOpset := func() []byte {
		m := digitNet()
		m.opset = 0
		return m.bytes()
	}()
	future := func() []byte {
		m := digitNet()
		m.opset = MaxOpset + 1
		return m.bytes()
	}()
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "it is not an ONNX model: it contains no graph"},
		{"text", []byte("Once upon a time there was a net."), "onnx: it is not an ONNX model"},
		{"a picture", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "it is not an ONNX model, but a PNG picture"},
		{"a photo", []byte("\xff\xd8\xff\xe0\x00\x10JFIF"), "it is not an ONNX model, but a JPEG picture"},
		{"a frozen net", []byte("\x89FRZ\r\n\x1a\n\x01\x00\x00\x00"), "it is not an ONNX model, but a frozen net already"},
		{"PyTorch's own", []byte("PK\x03\x04\x00\x00"), "it is not an ONNX model, but a ZIP archive"},
		{"half a model", sound[:len(sound)/2], fmt.Sprintf("onnx: it is cut off after %d bytes", len(sound)/2)},
		{"a damaged tensor", appendMessage(appendInt(nil, 1, 8), 7, appendMessage(nil, 5, appendString(appendInt(nil, 2, 99), 8, "w"))),
			`onnx: graph: initializer 0 "w": element type 99 is not supported`},
		{"an empty graph", appendMessage(appendMessage(nil, 8, appendInt(nil, 2, 13)), 7, nil), "no outputs"},
		{"no opset", noOpset, "opset 0"},
		{"an opset to come", future, "opset 27: not supported, only 7 to 26: export the model"},
	} {
		if _, _, err := Freeze(c.data, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", c.name, err, c.want)
		}
	}
	if _, _, err := Freeze(future, Options{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v is not ErrUnsupported", err)
	}
	// The opset is the model's last field, of four bytes: without it, or cut
	// anywhere else, the model is not a model.
	for n := range sound {
		if _, _, err := Freeze(sound[:n], Options{}); err == nil {
			t.Fatalf("no error for %d of %d bytes", n, len(sound))
		}
	}
}

// TestOperators checks the list of operators against those that a ConvNet
// needs.
func TestOperators(t *testing.T) {
	list := Operators()
	if !slices.IsSorted(list) {
		t.Error("the list is not sorted")
	}
	for _, name := range strings.Fields(`Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool
		BatchNormalization InstanceNormalization LRN Relu LeakyRelu PRelu Clip Sigmoid HardSigmoid HardSwish Tanh Elu
		Selu Softplus Softsign ThresholdedRelu Abs Neg Exp Sqrt Add Sub Mul Div Max Min Sum Concat Split Slice Pad
		Reshape Flatten Squeeze Unsqueeze Transpose Gemm MatMul Softmax LogSoftmax ReduceMean Resize Upsample
		DepthToSpace SpaceToDepth Dropout Identity Constant Cast Shape Gather Pow Log Sin Cos Tan Erf Sign Floor Ceil Round
		Gelu Celu Mish Swish Shrink Mean ImageScaler Affine QuantizeLinear DequantizeLinear DynamicQuantizeLinear QLinearConv
		QLinearMatMul ConvInteger MatMulInteger QGemm QLinearAdd QLinearMul QLinearConcat QLinearAveragePool
		QLinearGlobalAveragePool QLinearLeakyRelu QLinearSigmoid QLinearSoftmax`) {
		if !slices.ContainsFunc(list, func(line string) bool { return strings.HasPrefix(line, name+" ") }) {
			t.Errorf("%s is not listed", name)
		}
	}
	for _, want := range []string{"Conv 1–26", "Gemm 7–26", "HardSwish 14–26", "Upsample 7–9", "Crop 1–9", "Gather 1–26", "QuantizeLinear 10–26, also of com.microsoft", "QGemm (of com.microsoft)", "Range 11–26 (of constants)"} {
		if !slices.Contains(list, want) {
			t.Errorf("%q is not listed", want)
		}
	}
}
