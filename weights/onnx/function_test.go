package onnx

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/internal/onnxtest"
	"github.com/infer-go/infer/weights"
)

// functions are those of the tests: one with an attribute that has a default, one
// that uses it, and leaves out an operand, one with a graph in it, and one whose
// results are an operand and another result.
var functions = []onnxtest.Function{
	{Name: "Leak", Domain: "my", Opset: 13, In: []string{"v"}, Out: []string{"w"},
		Attrs: []onnxtest.Attr{{Name: "slope", Value: float32(0.25)}},
		Nodes: []onnxtest.Node{{Op: "LeakyRelu", In: []string{"v"}, Out: []string{"w"}, Attrs: []onnxtest.Attr{{Name: "alpha", Value: onnxtest.Ref("slope")}}}}},
	{Name: "Block", Domain: "my", Opset: 13, In: []string{"v", "k", "b"}, Out: []string{"w", "c"}, Attributes: []string{"slope", "pads"},
		Nodes: []onnxtest.Node{
			{Op: "Conv", Name: "conv", In: []string{"v", "k", "b"}, Out: []string{"c"}, Attrs: []onnxtest.Attr{{Name: "pads", Value: onnxtest.Ref("pads")}}},
			{Op: "Leak", Domain: "my", In: []string{"c"}, Out: []string{"l"}},
			{Op: "Leak", Domain: "my", In: []string{"l"}, Out: []string{"w"}, Attrs: []onnxtest.Attr{{Name: "slope", Value: onnxtest.Ref("slope")}}},
		}},
	{Name: "Choose", Domain: "my", Opset: 13, In: []string{"v"}, Out: []string{"w"},
		Nodes: []onnxtest.Node{
			{Op: "Constant", Out: []string{"yes"}, Attrs: []onnxtest.Attr{{Name: "value_int", Value: int64(1)}}},
			{Op: "Cast", In: []string{"yes"}, Out: []string{"which"}, Attrs: []onnxtest.Attr{{Name: "to", Value: int64(typeBool)}}},
			{Op: "Abs", In: []string{"v"}, Out: []string{"a"}},
			{Op: "If", In: []string{"which"}, Out: []string{"w"}, Attrs: []onnxtest.Attr{
				{Name: "then_branch", Value: &onnxtest.Model{Nodes: []onnxtest.Node{{Op: "Leak", Domain: "my", In: []string{"a"}, Out: []string{"r"}}}, Outputs: []string{"r"}}},
				{Name: "else_branch", Value: &onnxtest.Model{Nodes: []onnxtest.Node{{Op: "Neg", In: []string{"v"}, Out: []string{"r"}}}, Outputs: []string{"r"}}},
			}},
		}},
	{Name: "Both", Domain: "my", Opset: 13, In: []string{"v"}, Out: []string{"n", "v", "n2"},
		Nodes: []onnxtest.Node{
			{Op: "Neg", In: []string{"v"}, Out: []string{"n"}},
			{Op: "Choose", Domain: "my", In: []string{"n"}, Out: []string{"n2"}},
		}},
}

// functionModel is a model that uses functions.
func functionModel() []byte {
	m := newModel(13)
	m.input("x", 0, 3, 6, 6)
	m.weight("k", -1, 1, 3, 3, 3, 3)
	m.node("Block", "x k", "a", attr{"slope", float32(0.5)}, attr{"pads", []int64{1, 1, 1, 1}})
	m.node("Block", "a k", "b c")
	m.node("Both", "b", "n v m")
	m.node("Sub", "n m", "d")
	m.node("Add", "d v", "y")
	m.output("y", "c")
	made := m.made()
	made.Functions = functions
	for i := range made.Nodes {
		if slices.ContainsFunc(functions, func(f onnxtest.Function) bool { return f.Name == made.Nodes[i].Op }) {
			made.Nodes[i].Domain = "my"
		}
	}
	return made.Bytes()
}

// TestFunctions compares models that use functions with those in which their nodes
// stand.
func TestFunctions(t *testing.T) {
	without := newModel(13)
	without.input("x", 0, 3, 6, 6)
	without.weight("k", -1, 1, 3, 3, 3, 3)
	without.node("Conv", "x k", "a0", attr{"pads", []int64{1, 1, 1, 1}})
	without.node("LeakyRelu", "a0", "a1", attr{"alpha", float32(0.25)})
	without.node("LeakyRelu", "a1", "a", attr{"alpha", float32(0.5)})
	without.node("Conv", "a k", "c")
	without.node("LeakyRelu", "c", "b1", attr{"alpha", float32(0.25)})
	without.node("LeakyRelu", "b1", "b", attr{"alpha", float32(0.25)})
	without.node("Neg", "b", "n")
	without.node("Abs", "n", "m0")
	without.node("LeakyRelu", "m0", "m", attr{"alpha", float32(0.25)})
	without.node("Sub", "n m", "d")
	without.node("Add", "d b", "y")
	without.output("y", "c")

	got, report, err := Freeze(functionModel(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := Freeze(without.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if steps(got) != steps(want) {
		t.Errorf("steps %s, want %s", steps(got), steps(want))
	}
	if report.Operators < 11 {
		t.Errorf("%d operators", report.Operators)
	}
	x := make([]float32, 2*3*6*6)
	for i := range x {
		x[i] = 2*without.rand.Float32() - 1
	}
	a, b := run(t, got, 2, x), run(t, want, 2, x)
	for i := range a {
		if !slices.Equal(a[i], b[i]) {
			t.Errorf("output %d differs", i)
		}
	}
	if !slices.ContainsFunc(got.Steps, func(s weights.Step) bool { return strings.HasPrefix(s.Name, "Blocka/conv") }) {
		t.Errorf("no step of %v is named after its function", steps(got))
	}
}

// TestFunctionErrors has functions that cannot be put where they are used.
func TestFunctionErrors(t *testing.T) {
	node := func(domain, op string, in ...string) onnxtest.Node {
		return onnxtest.Node{Op: op, Domain: domain, In: in, Out: []string{"w"}}
	}
	function := func(name string, nodes ...onnxtest.Node) onnxtest.Function {
		return onnxtest.Function{Name: name, Domain: "my", Opset: 13, In: []string{"v"}, Out: []string{"w"}, Nodes: nodes}
	}
	doubling := []onnxtest.Function{function("F0", node("", "Neg", "v"))}
	for i := 1; i < 40; i++ {
		inner, name := fmt.Sprintf("F%d", i-1), fmt.Sprintf("F%d", i)
		doubling = append(doubling, function(name,
			onnxtest.Node{Op: inner, Domain: "my", In: []string{"v"}, Out: []string{"m"}}, node("my", inner, "m")))
	}
	old := function("F", node("", "Neg", "v"))
	old.Opset = 12
	for _, c := range []struct {
		name      string
		functions []onnxtest.Function
		use       onnxtest.Node
		want      string
	}{
		{"one that uses itself", []onnxtest.Function{function("F", node("my", "F", "v"))}, node("my", "F", "x"), `my.F "n": functions use one another more than 64 deep, or are defined by themselves`},
		{"two of one name", []onnxtest.Function{function("F"), function("F")}, node("my", "F", "x"), `two functions are named "F"`},
		{"too many operands", []onnxtest.Function{function("F", node("", "Neg", "v"))}, node("my", "F", "x", "x"), `my.F "n": 2 operands and 1 results of a function that has 1 and 1`},
		{"another opset", []onnxtest.Function{old}, node("my", "F", "x"), `my.F "n": the function is written for opset 12, and others of the model for 13`},
		{"a result that nothing computes", []onnxtest.Function{function("F")}, node("my", "F", "x"), `output "w": nothing gives it a value`},
		{"an operator that there is not", []onnxtest.Function{function("F", node("", "Nothing", "v"))}, node("my", "F", "x"), `not supported: Nothing "n/w"`},
		{"too many nodes", doubling, node("my", "F39", "x"), `my.F39 "n": functions stand for more than 67108864 bytes of nodes`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(13)
			m.input("x", 0, 3)
			m.output("w")
			made := m.made()
			c.use.Name = "n"
			made.Nodes = []onnxtest.Node{c.use}
			made.Functions = c.functions
			if _, _, err := Freeze(made.Bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
