package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
)

// pair is a value quantised, and what is dequantised of that.
type pair struct{ quantised, dequantised *value }

// convert makes a node that gives elements of another type.
func convert(name string, v *value, to kernels.Elements) *node {
	out := &value{name: v.name, shape: v.shape}
	setElements(out, to)
	return &node{name: name, origin: name, op: &kernels.Convert{Result: to}, in: []*value{v}, out: []*value{out}}
}

// pairOf makes the nodes that quantise a value and dequantise it again. They are
// called as the node that makes it, or as the value if it is an input.
func pairOf(v *value, maker *node, e kernels.Elements) (pair, []*node) {
	name := v.name
	if maker != nil {
		name = maker.name
	}
	q := convert(name, v, e)
	d := convert(name, q.out[0], kernels.Elements{})
	return pair{q.out[0], d.out[0]}, []*node{q, d}
}

// apply puts a pair of nodes, which quantise and dequantise, behind each value
// that is quantised, for those who compute in integers and all who read what
// such a node makes, gives the nodes their quantised weights, and makes integers of
// all that. It returns the pairs, by number of the value.
func (p *quantisePlan) apply(g *graph) map[int]pair {
	values := g.numbered()
	number := numbers(values)
	made := map[int]pair{}
	var nodes []*node
	enter := func(v *value, maker *node) {
		i := number[v]
		if e, ok := p.values[i]; ok {
			q, two := pairOf(v, maker, e)
			made[i] = q
			nodes = append(nodes, two...)
		}
	}
	integer := map[*value]bool{} // made by an integer node
	for _, v := range g.inputs {
		enter(v, nil)
	}
	for i, n := range g.nodes {
		for k, v := range n.in {
			if q, ok := made[number[v]]; ok && (p.integer[i] || integer[v]) {
				n.in[k] = q.dequantised
			}
		}
		if w := p.weights[i]; w != nil {
			n.weights = w
		}
		nodes = append(nodes, n)
		for _, v := range n.out {
			integer[v] = p.integer[i]
			enter(v, n)
		}
	}
	for i, o := range g.outputs {
		if q, ok := made[number[o.value]]; ok && integer[o.value] {
			g.outputs[i].value = q.dequantised
		}
	}
	g.nodes = nodes
	computeIntegers(g)
	fuseActivations(g)
	removeDead(g)
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
	enter := func(v *value, maker *node) {
		if e, ok := p.values[number[v]]; ok {
			q, two := pairOf(v, maker, e)
			made[number[v]] = q
			nodes = append(nodes, two...)
		}
	}
	for _, v := range g.inputs {
		enter(v, nil)
	}
	for i, n := range g.nodes {
		nodes = append(nodes, n)
		for _, v := range n.out {
			enter(v, n)
		}
		if !p.integer[i] {
			continue
		}
		other := *n
		other.in, other.out = slices.Clone(n.in), nil
		for k, v := range n.in {
			if q, ok := made[number[v]]; ok {
				other.in[k] = q.dequantised
			}
		}
		if w := p.weights[i]; w != nil {
			other.weights = w
		}
		for _, v := range n.out {
			other.out = append(other.out, &value{name: v.name, elem: v.elem, shape: v.shape})
		}
		nodes = append(nodes, &other)
		results[i] = other.out[0]
		if e, ok := p.values[number[n.out[0]]]; ok {
			q, two := pairOf(other.out[0], n, e)
			nodes = append(nodes, two...)
			results[i] = q.quantised
		}
	}
	g.nodes = nodes
	return results
}
