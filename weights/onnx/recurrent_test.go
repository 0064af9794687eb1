package onnx

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// A recurrentCase is a layer of random weights, computed by ONNX's formulas.
type recurrentCase struct {
	op                   string
	n, times, in, hidden int
	direction            string
	layout               int
	reset                bool // linear_before_reset
	relu                 bool // the activation of an RNN
	bias                 bool
	states               string // "", "constant" or "operands"
	output               int
	w, r, b              []float32
	h, c                 []float32
}

func (rc *recurrentCase) directions() int {
	if rc.direction == "bidirectional" {
		return 2
	}
	return 1
}

func (rc *recurrentCase) gates() int {
	switch rc.op {
	case "LSTM":
		return 4
	case "RNN":
		return 1
	}
	return 3
}

// build adds the layer, whose weights fill makes.
func (rc *recurrentCase) build(m *model) (shapes [][]int) {
	d, rows := rc.directions(), rc.gates()*rc.hidden
	fill := func(n, step int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32((i*step)%97)/97 - 0.5
		}
		return x
	}
	rc.w, rc.r, rc.b = fill(d*rows*rc.in, 29), fill(d*rows*rc.hidden, 41), make([]float32, d*2*rows)
	if rc.bias {
		rc.b = fill(d*2*rows, 53)
	}
	m.floats("w", []int{d, rows, rc.in}, rc.w...)
	m.floats("r", []int{d, rows, rc.hidden}, rc.r...)
	operands := []string{"x0", "w", "r", "_"}
	if rc.bias {
		m.floats("b", []int{d, 2 * rows}, rc.b...)
		operands[3] = "b"
	}
	state := []int{d, rc.n, rc.hidden}
	shapes = [][]int{{rc.times, rc.n, rc.in}}
	if rc.layout == 1 {
		state = []int{rc.n, d, rc.hidden}
		shapes = [][]int{{rc.n, rc.times, rc.in}}
	}
	switch rc.states {
	case "constant":
		rc.h, rc.c = make([]float32, d*rc.n*rc.hidden), make([]float32, d*rc.n*rc.hidden)
		for i := range rc.h {
			rc.h[i], rc.c[i] = 0.25, -0.75
		}
		m.floats("h", state, rc.h...)
		m.floats("c", state, rc.c...)
		operands = append(operands, "_", "h", "c")
	case "operands":
		operands = append(operands, "_", "x1", "x2")
		shapes = append(shapes, state, state)
	}
	attrs := []attr{{"hidden_size", rc.hidden}, {"direction", rc.direction}, {"layout", rc.layout}}
	if rc.relu {
		attrs = append(attrs, attr{"activations", slices.Repeat([]string{"Relu"}, d)})
	}
	if rc.op != "LSTM" {
		if rc.states != "" {
			operands = operands[:len(operands)-1]
			shapes = shapes[:min(len(shapes), 2)]
		}
		if rc.reset {
			attrs = append(attrs, attr{"linear_before_reset", 1})
		}
	}
	m.node(rc.op, strings.Join(operands, " "), "y", attrs...)
	m.nodes[len(m.nodes)-1].out = [][]string{{"y"}, {"_1", "y"}, {"_1", "_2", "y"}}[rc.output]
	return shapes
}

// shape is that of the output.
func (rc *recurrentCase) shape() []int {
	d := rc.directions()
	switch {
	case rc.output == 0 && rc.layout == 0:
		return []int{rc.times, d, rc.n, rc.hidden}
	case rc.output == 0:
		return []int{rc.n, rc.times, d, rc.hidden}
	case rc.layout == 0:
		return []int{d, rc.n, rc.hidden}
	}
	return []int{rc.n, d, rc.hidden}
}

// want is the formulas of ONNX's documentation.
func (rc *recurrentCase) want(in [][]float64) []float64 {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	ds, hs, gates := rc.directions(), rc.hidden, rc.gates()
	rows := gates * hs
	size := 1
	for _, d := range rc.shape() {
		size *= d
	}
	y := make([]float64, size)
	stateAt := func(d, n, j int) int {
		if rc.layout == 1 {
			return (n*ds+d)*hs + j
		}
		return (d*rc.n+n)*hs + j
	}
	for d := range ds {
		for n := range rc.n {
			h, c := make([]float64, hs), make([]float64, hs)
			for j := range hs {
				switch rc.states {
				case "constant":
					h[j], c[j] = float64(rc.h[stateAt(d, n, j)]), float64(rc.c[stateAt(d, n, j)])
				case "operands":
					h[j] = in[1][stateAt(d, n, j)]
					if gates == 4 {
						c[j] = in[2][stateAt(d, n, j)]
					}
				}
			}
			for i := range rc.times {
				t := i
				if rc.direction == "reverse" || d == 1 {
					t = rc.times - 1 - i
				}
				inputs := func(row int) float64 {
					sum := float64(rc.b[d*2*rows+row])
					for k := range rc.in {
						at := (t*rc.n+n)*rc.in + k
						if rc.layout == 1 {
							at = (n*rc.times+t)*rc.in + k
						}
						sum += in[0][at] * float64(rc.w[(d*rows+row)*rc.in+k])
					}
					return sum
				}
				states := func(row int, h []float64) float64 {
					sum := float64(rc.b[d*2*rows+rows+row])
					for k, v := range h {
						sum += v * float64(rc.r[(d*rows+row)*hs+k])
					}
					return sum
				}
				gate := func(g, j int) float64 { return inputs(g*hs+j) + states(g*hs+j, h) }
				next := make([]float64, hs)
				reset := make([]float64, hs)
				for j := range hs {
					if gates > 1 {
						reset[j] = sigmoid(gate(1, j))
					}
				}
				for j := range hs {
					if gates == 1 {
						if next[j] = math.Tanh(gate(0, j)); rc.relu {
							next[j] = max(gate(0, j), 0)
						}
						continue
					}
					if gates == 4 { // i, o, f, c
						c[j] = sigmoid(gate(2, j))*c[j] + sigmoid(gate(0, j))*math.Tanh(gate(3, j))
						next[j] = sigmoid(gate(1, j)) * math.Tanh(c[j])
						continue
					}
					row := 2*hs + j // z, r, h
					hidden := inputs(row) + reset[j]*states(row, h)
					if !rc.reset {
						held := make([]float64, hs)
						for k := range held {
							held[k] = reset[k] * h[k]
						}
						hidden = inputs(row) + states(row, held)
					}
					z := sigmoid(gate(0, j))
					next[j] = (1-z)*math.Tanh(hidden) + z*h[j]
				}
				h = next
				if rc.output == 0 {
					for j := range hs {
						at := ((t*ds+d)*rc.n+n)*hs + j
						if rc.layout == 1 {
							at = ((n*rc.times+t)*ds+d)*hs + j
						}
						y[at] = h[j]
					}
				}
			}
			for j := range hs {
				switch rc.output {
				case 1:
					y[stateAt(d, n, j)] = h[j]
				case 2:
					y[stateAt(d, n, j)] = c[j]
				}
			}
		}
	}
	return y
}

// TestRecurrentLayers runs LSTM, GRU and RNN with every attribute and each output.
func TestRecurrentLayers(t *testing.T) {
	for _, rc := range []recurrentCase{
		{op: "LSTM", n: 1, times: 5, in: 3, hidden: 4, direction: "forward"},
		{op: "LSTM", n: 2, times: 4, in: 3, hidden: 18, direction: "bidirectional", bias: true},
		{op: "LSTM", n: 2, times: 4, in: 3, hidden: 5, direction: "reverse", bias: true, layout: 1},
		{op: "LSTM", n: 2, times: 3, in: 2, hidden: 5, direction: "bidirectional", layout: 1, states: "operands", output: 1},
		{op: "LSTM", n: 2, times: 3, in: 2, hidden: 5, direction: "bidirectional", bias: true, states: "operands", output: 2},
		{op: "LSTM", n: 2, times: 3, in: 2, hidden: 5, direction: "bidirectional", states: "constant", output: 2},
		{op: "LSTM", n: 2, times: 3, in: 2, hidden: 5, direction: "forward", layout: 1, states: "constant"},
		{op: "GRU", n: 1, times: 5, in: 3, hidden: 4, direction: "forward", bias: true},
		{op: "GRU", n: 2, times: 5, in: 3, hidden: 20, direction: "bidirectional", bias: true, reset: true},
		{op: "GRU", n: 2, times: 3, in: 3, hidden: 4, direction: "reverse", layout: 1, bias: true, reset: true, states: "operands", output: 1},
		{op: "GRU", n: 2, times: 3, in: 3, hidden: 4, direction: "bidirectional", bias: true, states: "constant"},
		{op: "RNN", n: 1, times: 5, in: 3, hidden: 4, direction: "forward"},
		{op: "RNN", n: 2, times: 4, in: 3, hidden: 18, direction: "bidirectional", bias: true},
		{op: "RNN", n: 2, times: 3, in: 3, hidden: 4, direction: "reverse", layout: 1, bias: true, relu: true, states: "operands", output: 1},
		{op: "RNN", n: 2, times: 3, in: 3, hidden: 4, direction: "bidirectional", relu: true, states: "constant"},
	} {
		m := newModel(14)
		shapes := rc.build(m)
		runsTo(t, m, shapes, rc.shape(), rc.want)
	}
}

// TestRecurrentBatch leaves the batch open, items first.
func TestRecurrentBatch(t *testing.T) {
	m := newModel(14)
	rc := recurrentCase{op: "LSTM", n: 1, times: 4, in: 3, hidden: 5, direction: "bidirectional", layout: 1}
	rc.build(m)
	m.input("x0", 0, 4, 3)
	m.output("y")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !net.Batched {
		t.Error("the batch is not open")
	}
}

// TestBatchBehindTimes freezes nets like those that read text: times come before
// the batch in an output, and another output has the batch in front.
func TestBatchBehindTimes(t *testing.T) {
	for _, length := range []int{12, 0} {
		m := newModel(15)
		m.input("x", 0, 2, 4, length)
		m.conv("x", "c", 6, 2, 3)
		m.weight("w", -1, 1, 2, 20, 6)
		m.weight("r", -1, 1, 2, 20, 5)
		m.weight("k", -1, 1, 10, 7)
		m.ints("shape", 0, 0, -1)
		m.node("Relu", "c", "a")
		m.node("ReduceMean", "a", "s", attr{"axes", []int64{2}}, attr{"keepdims", 0})
		m.node("Transpose", "s", "t", attr{"perm", []int64{2, 0, 1}})
		m.node("LSTM", "t w r", "h last", attr{"hidden_size", 5}, attr{"direction", "bidirectional"})
		m.node("Transpose", "h", "b", attr{"perm", []int64{0, 2, 1, 3}})
		m.node("Reshape", "b shape", "f")
		m.node("MatMul", "f k", "l")
		m.node("Softmax", "l", "y", attr{"axis", 2})
		m.node("ReduceMax", "a", "top", attr{"axes", []int64{2, 3}}, attr{"keepdims", 0})
		m.output("y")
		m.output("top")
		m.output("last")
		if length != 0 {
			net, report := m.check(t)
			if !net.Batched || !slices.Equal(net.BatchDims, []int{1, 0, 1}) {
				t.Errorf("batched is %v (%s), of dimensions %v", net.Batched, report.Unbatched, net.BatchDims)
			}
			continue
		}
		// The length is open too: items of two lengths, alone and together.
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !net.Batched || len(net.Open) != 1 || !slices.Equal(net.BatchDims, []int{1, 0, 1}) {
			t.Fatalf("batched is %v, of dimensions %v, and %d dimensions are open", net.Batched, net.BatchDims, len(net.Open))
		}
		for _, size := range []int{9, 16} {
			fixed, _, err := Freeze(m.bytes(), Options{Shapes: []InputShape{{Dims: []int{1, 2, 4, size}}}})
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, 3*2*4*size)
			for i := range x {
				x[i] = 2*m.rand.Float32() - 1
			}
			all := runSized(t, net, []int{size}, 3, x)
			for item := range 3 {
				for i, one := range run(t, fixed, 1, x[item*8*size:][:8*size]) {
					if got := all[i][item*len(one):][:len(one)]; !slices.Equal(got, one) {
						t.Errorf("length %d, output %d, item %d is %v, and %v alone", size, i, item, got, one)
					}
				}
			}
		}
	}
}

func TestRecurrentErrors(t *testing.T) {
	for _, c := range []struct {
		op   string
		edit func(m *model, n *testNode)
		want string
	}{
		{"LSTM", func(_ *model, n *testNode) { n.attrs = append(n.attrs, attr{"clip", float32(3)}) }, "clip, here 3, is not supported"},
		{"LSTM", func(_ *model, n *testNode) { n.attrs = append(n.attrs, attr{"input_forget", 1}) }, "input_forget is not supported"},
		{"GRU", func(_ *model, n *testNode) {
			n.attrs = append(n.attrs, attr{"activations", []string{"Sigmoid", "Relu"}})
		}, `activations ["Sigmoid" "Relu"] are not supported: export the model with the default ones, ["Sigmoid" "Tanh"]`},
		{"GRU", func(_ *model, n *testNode) { n.attrs = append(n.attrs, attr{"activations", []string{"Tanh"}}) }, "1 activations where there should be 2"},
		{"GRU", func(_ *model, n *testNode) { n.attrs[0] = attr{"hidden_size", 7} }, "hidden_size is 7, and the weights are for 4"},
		{"GRU", func(_ *model, n *testNode) { n.attrs[1] = attr{"direction", "sideways"} }, `direction "sideways" is unknown`},
		{"GRU", func(_ *model, n *testNode) { n.attrs[1] = attr{"direction", "bidirectional"} }, "for 2 directions and inputs of 3"},
		{"GRU", func(m *model, n *testNode) { m.ints("lengths", 5, 4); n.in = append(n.in, "lengths") }, "a sequence of length 4 among sequences of 5"},
		{"RNN", func(_ *model, n *testNode) { n.attrs = append(n.attrs, attr{"clip", float32(1)}) }, "clip, here 1, is not supported"},
		{"RNN", func(_ *model, n *testNode) { n.attrs = append(n.attrs, attr{"activations", []string{"Elu"}}) }, `activations ["Elu"] are not supported: export the model with the default ones, ["Tanh"]`},
		{"RNN", func(_ *model, n *testNode) {
			n.attrs = append(n.attrs, attr{"activations", []string{"Relu", "Tanh"}})
		}, `activations ["Relu" "Tanh"] that are not the same in both directions`},
		{"RNN", func(m *model, n *testNode) { m.ints("lengths", 5, 4); n.in = append(n.in, "lengths") }, "a sequence of length 4 among sequences of 5"},
		{"LSTM", func(m *model, n *testNode) {
			m.floats("h", []int{1, 2, 4}, 1, 1, 1, 1, 1, 1, 1, 2)
			n.in = append(n.in, "", "h")
		}, "constant first states that differ among sequences"},
		{"LSTM", func(m *model, n *testNode) {
			m.floats("p", []int{1, 12}, make([]float32, 12)...)
			n.in = append(n.in, "", "", "", "p")
		}, ""},
		{"LSTM", func(m *model, n *testNode) {
			m.floats("p", []int{1, 12}, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
			n.in = append(n.in, "", "", "", "p")
		}, "peepholes, P, are not supported"},
	} {
		rc := recurrentCase{op: c.op, n: 2, times: 5, in: 3, hidden: 4, direction: "forward"}
		m := newModel(14)
		rc.build(m)
		c.edit(m, &m.nodes[0])
		m.input("x0", 5, 2, 3)
		m.output("y")
		_, _, err := Freeze(m.bytes(), Options{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.op, err, c.want)
		}
	}
}
