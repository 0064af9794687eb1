package onnx

import (
	"slices"
	"strings"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// A graph is the model between translation and lowering. Its nodes are in an
// order in which they can run.
type graph struct {
	inputs  []*value
	outputs []output
	nodes   []*node
}

// An output is a value that the model returns, under a name of its own:
// several outputs may be one value.
type output struct {
	name  string
	value *value
	batch int // the dimension of the value that is the batch, if there is one
}

// order is that in which the output is stored: item by item.
func (o output) order() []int {
	order := identity(len(o.value.shape))
	if o.batch == 0 {
		return order
	}
	return slices.Insert(slices.Delete(order, o.batch, o.batch+1), 0, o.batch)
}

// A value is a tensor that flows along the graph's edges. Its shape is the
// model's own (a feature map is [batch, channels, height, width]).
type value struct {
	name  string
	elem  tensor.Elem // of an activation
	scale float32     // of quantised elements
	zero  int32       // their zero point
	shape tensor.Shape
	data  *constant // what a constant holds; nil for an activation

	// counted: it has more rows than count at a run, and only an output may be
	// so.
	counted bool
}

// typ is the Type of a value; of a constant that no activation can be, and of
// any of floating-point numbers, it is float32.
func (v *value) typ() tensor.Type {
	elem := v.elem
	if v.data != nil {
		elem, _ = v.data.kind.elem()
	}
	return tensor.Type{Elem: elem, Shape: v.shape, Scale: v.scale, Zero: v.zero}
}

// elements are those of an activation.
func (v *value) elements() kernels.Elements { return kernels.ElementsOf(v.typ()) }

// An operation is what a node computes: a kernels.Spec whose axes are the
// model's own, or channelAffine.
type operation interface {
	Op() string
	Order() kernels.Order
}

// channelAffine scales and shifts each channel, dimension 1 of In[0]: what
// batch normalisation is in a frozen net. Its weights are scale and shift of
// shape [C].
type channelAffine struct{}

func (channelAffine) Op() string { return "BatchNormalization" }

func (channelAffine) Order() kernels.Order { return kernels.Maps }

// A node computes values from values. Its weights are the operation's
// constants in ONNX's own layout: convolutions have [Cout, Cin/groups, …] and
// an optional bias [Cout], fully connected layers [K, N] and an optional bias
// [N], Binary its constant operand. Nil stands for a bias left out.
type node struct {
	name    string // the ONNX nodes it was made from
	origin  string // the first of them, with its operator and opset, for messages
	op      operation
	in      []*value
	weights []*value
	out     []*value
}

// edges says who makes and who uses the values of a graph.
type edges struct {
	maker map[*value]*node
	uses  map[*value]int // by nodes and as outputs
}

// edges walks a graph once. Passes keep what it returns up to date, or call it
// again.
func (g *graph) edges() edges {
	e := edges{map[*value]*node{}, map[*value]int{}}
	for _, n := range g.nodes {
		for _, v := range n.out {
			e.maker[v] = n
		}
		for _, v := range n.in {
			e.uses[v]++
		}
	}
	for _, o := range g.outputs {
		e.uses[o.value]++
	}
	return e
}

// only returns the node that makes v, if v is used just once.
func (e edges) only(v *value) *node {
	if e.uses[v] != 1 {
		return nil
	}
	return e.maker[v]
}

// absorb makes n, which feeds the node next alone, do next's work too: n
// takes over its outputs, and next is to be removed.
func (e edges) absorb(n, next *node) {
	n.name = joinNames(n.name, next.name)
	n.out = next.out
	for _, v := range n.out {
		e.maker[v] = n
	}
}

// joinNames is the name of a node made from two. It stays readable, however
// many there are.
func joinNames(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "" || a == b || strings.HasSuffix(a, "+"+b) || strings.HasSuffix(a, "+…"):
		return a
	case len(a)+len(b) > 400:
		return a + "+…"
	}
	return a + "+" + b
}

// remove deletes nodes.
func (g *graph) remove(dead map[*node]bool) {
	g.nodes = slices.DeleteFunc(g.nodes, func(n *node) bool { return dead[n] })
}

// parameters counts the weights and biases of a graph that no pass has changed
// yet, each once: what a batch normalisation folds to counts as scale and
// shift, and single numbers do not count.
func (g *graph) parameters() int {
	total, seen := 0, map[*constant]bool{}
	for _, n := range g.nodes {
		for _, w := range n.weights {
			if w != nil && w.data.len() > 1 && !seen[w.data] {
				seen[w.data] = true
				total += w.data.len()
			}
		}
	}
	return total
}

// activation is the activation that n applies on its own, if that is all it
// does.
func (n *node) activation() (kernels.Act, bool) {
	if u, ok := n.op.(*kernels.Unary); ok && u.Kind == kernels.Activate && len(n.weights) == 0 {
		return u.Act, true
	}
	return kernels.Act{}, false
}

// fusedAct is where n's operation keeps the activation that it applies to its
// result; nil if it cannot apply one.
func (n *node) fusedAct() *kernels.Act {
	if op, ok := n.op.(kernels.Activating); ok {
		return op.Activation()
	}
	return nil
}
