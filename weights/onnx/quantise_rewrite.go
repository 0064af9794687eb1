package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// pair is a value quantised, and what is dequantised of that.
type pair struct{ quantised, dequantised *value }

// quantisingNode makes a node that gives elements of another type.
func quantisingNode(v *value, to kernels.Elements) *node {
	return &node{
		name: v.name, origin: v.name, op: &kernels.Convert{Result: to}, in: []*value{v},
		out: []*value{{name: v.name, elem: to.Elem, shape: v.shape}},
	}
}

// pairs are the nodes that quantise a value and dequantise it again.
func pairs(v *value, e kernels.Elements) (pair, []*node) {
	q := quantisingNode(v, e)
	d := quantisingNode(q.out[0], kernels.Elements{})
	d.name, d.origin = v.name, v.name
	return pair{q.out[0], d.out[0]}, []*node{q, d}
}

// apply puts a pair of nodes, which quantise and dequantise, behind each value
// that is quantised, for those who compute in integers and all who read what
// such a node makes, and gives the nodes their quantised weights. It returns the
// pairs, by number of the value.
func (p *quantisePlan) apply(g *graph) map[int]pair {
	values := g.numbered()
	number := numbers(values)
	made := map[int]pair{}
	var nodes []*node
	enter := func(v *value) {
		i := number[v]
		if e, ok := p.values[i]; ok {
			q, two := pairs(v, e)
			made[i] = q
			nodes = append(nodes, two...)
		}
	}
	integer := map[*value]bool{} // made by an integer node
	for _, v := range g.inputs {
		enter(v)
	}
	for i, n := range g.nodes {
		var x kernels.Elements // of the operand that is multiplied
		if len(n.in) > 0 {
			x = p.values[number[n.in[0]]]
		}
		for k, v := range n.in {
			if q, ok := made[number[v]]; ok && (p.integer[i] || integer[v]) {
				n.in[k] = q.dequantised
			}
		}
		if w := p.weights[i]; w != nil {
			n.weights = w.values(n, x)
		}
		nodes = append(nodes, n)
		for _, v := range n.out {
			integer[v] = p.integer[i]
			enter(v)
		}
	}
	for i, o := range g.outputs {
		if q, ok := made[number[o.value]]; ok && integer[o.value] {
			g.outputs[i].value = q.dequantised
		}
	}
	g.nodes = nodes
	return made
}

// beside puts beside each node that is to compute in integers another one that
// does, of the float node's operands quantised. It returns what they make, by
// the node's number.
func (p *quantisePlan) beside(g *graph) map[int]*value {
	number := numbers(g.numbered())
	made := map[int]pair{}
	results := map[int]*value{}
	var nodes []*node
	enter := func(v *value) {
		if e, ok := p.values[number[v]]; ok {
			q, two := pairs(v, e)
			made[number[v]] = q
			nodes = append(nodes, two...)
		}
	}
	for _, v := range g.inputs {
		enter(v)
	}
	for i, n := range g.nodes {
		nodes = append(nodes, n)
		for _, v := range n.out {
			enter(v)
		}
		if !p.integer[i] {
			continue
		}
		other := *n
		other.in, other.out = slices.Clone(n.in), nil
		var x kernels.Elements
		for k, v := range n.in {
			if q, ok := made[number[v]]; ok {
				other.in[k] = q.dequantised
			}
			if k == 0 {
				x = p.values[number[v]]
			}
		}
		if w := p.weights[i]; w != nil {
			other.weights = w.values(n, x)
		}
		for _, v := range n.out {
			other.out = append(other.out, &value{name: v.name, elem: v.elem, shape: v.shape})
		}
		nodes = append(nodes, &other)
		results[i] = other.out[0]
		if e, ok := p.values[number[n.out[0]]]; ok {
			q, two := pairs(other.out[0], e)
			nodes = append(nodes, two...)
			results[i] = q.quantised
		}
	}
	g.nodes = nodes
	return results
}

// values are the weights as constants of the graph.
func (w *quantisedWeights) values(n *node, x kernels.Elements) []*value {
	channels := len(w.scale)
	rows := len(w.q) / channels
	floats, bias := make([]float32, len(w.q)), make([]float32, channels)
	for c := range channels {
		for k := range rows {
			floats[c*rows+k] = float32(w.q[c*rows+k]) * w.scale[c]
		}
		bias[c] = float32(float64(w.bias[c]) * float64(w.scale[c]) * float64(x.Scale))
	}
	shape := slices.Clone(n.weights[0].shape)
	return []*value{
		{shape: shape, data: floatTensor(shape, floats)},
		{shape: tensor.Shape{channels}, data: floatTensor([]int{channels}, bias)},
	}
}
