package onnxtest

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// A Graph is a random model, and what is known of its values.
type Graph struct {
	Model
	Seed   uint64
	Items  int               // the batch, where it is open
	Values map[string]*Value // by name: inputs, and results of nodes

	// constant names the nodes, by their first result, that compute constants
	// of constants.
	constant map[string]bool
}

// A Value is a tensor of a Graph that depends on its inputs.
type Value struct {
	Name string
	Type DataType
	Dims []int  // with Items where the batch is open
	Open []bool // of each dimension, whether it is left open

	// Lo and Hi bound the elements.
	Lo, Hi float64

	// Grain is a number of which all elements are whole multiples, and such that
	// no computation had to round them; 0 if they may have been rounded. What
	// jumps, as a comparison does, is given such elements alone: of others two
	// programs may rightly make different results.
	Grain float64
}

// exact says whether no element has been rounded.
func (v *Value) exact() bool { return v.Grain > 0 }

// most bounds the elements' magnitude.
func (v *Value) most() float64 { return max(math.Abs(v.Lo), math.Abs(v.Hi)) }

func (v *Value) elements() int { return product(v.Dims) }

// openAny says whether a dimension is left open.
func (v *Value) openAny() bool { return slices.Contains(v.Open, true) }

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// OpenPlane reports whether an input's height and width are left open.
func (g *Graph) OpenPlane() bool {
	return slices.ContainsFunc(g.Inputs, func(in Input) bool { return len(in.Dims) > 0 && slices.Contains(in.Dims[1:], 0) })
}

// Shape is the shape of an input at so many items, where the batch is open.
func (g *Graph) Shape(input string, items int) []int {
	v := g.Values[input]
	dims := slices.Clone(v.Dims)
	if len(dims) > 0 && v.Open[0] {
		dims[0] = items
	}
	return dims
}

// Data is what an input is given, little-endian, at so many items: the same
// every time.
func (g *Graph) Data(input string, items int) []byte {
	h := fnv.New64a()
	h.Write([]byte(input))
	v := g.Values[input]
	return v.random(rand.New(rand.NewPCG(g.Seed, h.Sum64())), product(g.Shape(input, items)))
}

// random is n random elements of v.
func (v *Value) random(r *rand.Rand, n int) []byte {
	var raw []byte
	for range n {
		x := v.Lo + (v.Hi-v.Lo)*r.Float64()
		if v.exact() {
			x = min(max(math.Round(x/v.Grain)*v.Grain, v.Lo), v.Hi)
		}
		raw = appendElement(raw, v.Type, x)
	}
	return raw
}

func appendElement(raw []byte, t DataType, x float64) []byte {
	switch t {
	case Float:
		return binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(x)))
	case Int32:
		return binary.LittleEndian.AppendUint32(raw, uint32(int32(x)))
	case Int64:
		return binary.LittleEndian.AppendUint64(raw, uint64(int64(x)))
	}
	return append(raw, byte(int(x)))
}

// String lists the nodes, one a line.
func (g *Graph) String() string {
	s := fmt.Sprintf("seed %d, opset %d, %d items\n", g.Seed, g.Opset, g.Items)
	describe := func(names []string) (text string) {
		for _, name := range names {
			text += " " + name
			if v := g.Values[name]; v != nil {
				text += fmt.Sprintf("%v", v.Dims)
			}
		}
		return text
	}
	for _, in := range g.Inputs {
		v := g.Values[in.Name]
		s += fmt.Sprintf("  input %s %v %v from %v to %v by %v\n", in.Name, in.Type, in.Dims, v.Lo, v.Hi, v.Grain)
	}
	for _, t := range g.Tensors {
		s += fmt.Sprintf("  constant %s %v %v", t.Name, t.Type, t.Dims)
		if t.Type == Int64 && len(t.Raw) <= 80 {
			for raw := t.Raw; len(raw) > 0; raw = raw[8:] {
				s += fmt.Sprintf(" %d", int64(binary.LittleEndian.Uint64(raw)))
			}
		}
		if t.Type == Float && len(t.Raw) <= 32 {
			for raw := t.Raw; len(raw) > 0; raw = raw[4:] {
				s += fmt.Sprintf(" %v", math.Float32frombits(binary.LittleEndian.Uint32(raw)))
			}
		}
		s += "\n"
	}
	for _, n := range g.Nodes {
		s += fmt.Sprintf("  %s%s →%s", n.Op, describe(n.In), describe(n.Out))
		for _, a := range n.Attrs {
			s += fmt.Sprintf(" %s=%v", a.Name, a.Value)
		}
		s += "\n"
	}
	return s + fmt.Sprintf("  outputs%s\n", describe(g.Outputs))
}

// Shrink looks for a smaller graph that fails too: with one output, and with
// inputs in the place of nodes' results.
func (g *Graph) Shrink(fails func(*Graph) bool) *Graph {
	for _, n := range g.Nodes {
		if small := g.endingIn(n.Out); small != nil && fails(small) {
			g = small
			break
		}
	}
	for i := 0; i < len(g.Nodes); i++ {
		if small := g.without(i); small != nil && fails(small) {
			g, i = small, -1
		}
	}
	return g
}

// endingIn is the graph that computes results of a node alone; nil if they are
// constants or cannot be outputs.
func (g *Graph) endingIn(results []string) *Graph {
	var outputs []string
	for _, name := range results {
		if v := g.Values[name]; v != nil && len(v.Dims) > 0 {
			outputs = append(outputs, name)
		}
	}
	if len(outputs) == 0 {
		return nil
	}
	small := *g
	small.Outputs = outputs
	small.prune()
	return &small
}

// without is the graph with inputs in the place of the results of a node; nil
// if that cannot be.
func (g *Graph) without(node int) *Graph {
	small := *g
	n := g.Nodes[node]
	for _, name := range n.Out {
		v := g.Values[name]
		if name == "" {
			continue
		}
		if v == nil || slices.Contains(g.Outputs, name) || len(v.Dims) == 0 {
			return nil
		}
		small.Inputs = append(slices.Clone(small.Inputs), v.input())
	}
	small.Nodes = slices.Delete(slices.Clone(g.Nodes), node, node+1)
	small.prune()
	return &small
}

func (v *Value) input() Input {
	in := Input{Name: v.Name, Type: v.Type, Dims: slices.Clone(v.Dims)}
	for i, open := range v.Open {
		if open {
			in.Dims[i] = 0
		}
	}
	return in
}

// prune takes out what no output needs.
func (g *Graph) prune() {
	needed := map[string]bool{}
	for _, name := range g.Outputs {
		needed[name] = true
	}
	nodes := slices.Clone(g.Nodes)
	for i := len(nodes) - 1; i >= 0; i-- {
		if !slices.ContainsFunc(nodes[i].Out, func(name string) bool { return needed[name] }) {
			nodes = slices.Delete(nodes, i, i+1)
			continue
		}
		for _, name := range nodes[i].In {
			needed[name] = true
		}
	}
	g.Nodes = nodes
	g.Inputs = slices.DeleteFunc(slices.Clone(g.Inputs), func(in Input) bool { return !needed[in.Name] })
	g.Tensors = slices.DeleteFunc(slices.Clone(g.Tensors), func(t Tensor) bool { return !needed[t.Name] })
	g.Values = maps.Clone(g.Values)
	for name := range g.Values {
		if !needed[name] {
			delete(g.Values, name)
		}
	}
}

// Alone is a model of node i alone, with those that compute constants for it:
// its inputs are the values that it reads.
func (g *Graph) Alone(i int, values map[string]Tensor) *Model {
	small := *g
	n := g.Nodes[i]
	small.Outputs = slices.DeleteFunc(slices.Clone(n.Out), func(name string) bool { return name == "" })
	small.Nodes = nil
	for _, before := range g.Nodes[:i] {
		if g.constant[before.Out[0]] {
			small.Nodes = append(small.Nodes, before)
		}
	}
	small.Nodes = append(small.Nodes, n)
	small.Inputs = nil
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		small.Inputs = append(small.Inputs, Input{Name: name, Type: v.Type, Dims: v.Dims})
	}
	small.prune()
	return &small.Model
}

// Constant reports whether node i computes a constant.
func (g *Graph) Constant(i int) bool { return g.constant[g.Nodes[i].Out[0]] }
