package onnxtest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// TestRandom checks that graphs are as they are said to be: the same of the same
// seed, of 1 to some more than 12 nodes, with every operator among them, and
// every value known.
func TestRandom(t *testing.T) {
	seen := map[string]int{}
	open := 0
	for seed := range uint64(10000) {
		g := Random(seed, maxOpset)
		if seed%100 == 0 && !bytes.Equal(g.Bytes(), Random(seed, maxOpset).Bytes()) {
			t.Fatalf("seed %d makes two graphs", seed)
		}
		if len(g.Nodes) == 0 || len(g.Nodes) > 40 || len(g.Outputs) == 0 {
			t.Fatalf("%d nodes, outputs %v:\n%s", len(g.Nodes), g.Outputs, g)
		}
		known := map[string]bool{"": true}
		for _, in := range g.Inputs {
			known[in.Name] = true
			if got, want := len(g.Data(in.Name, g.Items)), product(g.Values[in.Name].Dims)*in.Type.Size(); got != want {
				t.Fatalf("input %s has %d bytes, want %d:\n%s", in.Name, got, want, g)
			}
			if in.Dims[0] == 0 {
				open++
			}
		}
		for _, c := range g.Tensors {
			known[c.Name] = true
			if len(c.Raw) != product(c.Dims)*c.Type.Size() {
				t.Fatalf("constant %s %v has %d bytes:\n%s", c.Name, c.Dims, len(c.Raw), g)
			}
		}
		for _, n := range g.Nodes {
			seen[n.Op]++
			for _, name := range n.In {
				if !known[name] {
					t.Fatalf("%s reads %s, which does not exist yet:\n%s", n.Name, name, g)
				}
			}
			for _, name := range n.Out {
				known[name] = true
				if v := g.Values[name]; v != nil && (len(v.Dims) != len(v.Open) || !(v.Lo <= v.Hi)) {
					t.Fatalf("%s is %+v:\n%s", name, v, g)
				}
			}
		}
	}
	for _, name := range Operators() {
		if seen[name] < 5 {
			t.Errorf("%s occurs %d times", name, seen[name])
		}
	}
	if open < 2000 {
		t.Errorf("only %d inputs have an open batch", open)
	}
}

// TestShrink looks for the node that is to blame for a failure.
func TestShrink(t *testing.T) {
	blamed := func(g *Graph) bool {
		return slices.ContainsFunc(g.Nodes, func(n Node) bool { return n.Op == "Softmax" })
	}
	tried := 0
	for seed := range uint64(400) {
		g := Random(seed, maxOpset)
		if !blamed(g) {
			continue
		}
		tried++
		small := g.Shrink(blamed)
		if len(small.Nodes) != 1 || small.Nodes[0].Op != "Softmax" || len(small.Inputs) != 1 || len(small.Tensors) != 0 {
			t.Errorf("left of seed %d:\n%s", seed, small)
		}
		if !strings.Contains(small.String(), "Softmax") {
			t.Errorf("%s does not list it", small)
		}
	}
	if tried < 15 {
		t.Errorf("only %d graphs have one", tried)
	}
}

// TestDiffer checks what is a difference and what is rounding.
func TestDiffer(t *testing.T) {
	g := &Graph{Model: Model{Outputs: []string{"y"}}}
	floats := func(x ...float32) []Tensor { return []Tensor{{Type: Float, Dims: []int{len(x)}, Raw: RawFloats(x)}} }
	ints := func(x ...int64) []Tensor { return []Tensor{{Type: Int64, Dims: []int{len(x)}, Raw: RawInts(x)}} }
	nan := float32(0)
	nan /= nan
	for _, c := range []struct {
		got, want []Tensor
		differs   string
	}{
		{floats(100, 1), floats(100, 1.009), ""},
		{floats(100, 1), floats(100, 1.02), "element 1 of 2 is 1, want"},
		{floats(nan, 1), floats(nan, 1), ""},
		{floats(nan, 1), floats(2, 1), "element 0 of 2 is NaN, want 2"},
		{floats(1e-6), floats(0), ""},
		{floats(1), floats(1, 1), "float [1], want float [2]"},
		{ints(3, -7), ints(3, -7), ""},
		{ints(3, -7), ints(3, -8), "element 1 of 2 is -7, want -8"},
		{ints(3), floats(3), "int64 [1], want float [1]"},
	} {
		if d := g.Differ(c.got, c.want); d != c.differs && (c.differs == "" || !strings.Contains(d, c.differs)) {
			t.Errorf("%v and %v: %q, want %q", c.got, c.want, d, c.differs)
		}
	}
}
