package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// computeIntegers makes operations on quantised elements of operations on real
// numbers that stand between them:
//
//	dequantise → operation → clamp → quantise
//
// with weights that know how they were quantised, and the operation alone where
// nothing quantises its result. Functions of one element become a table. What only
// moves elements moves quantised ones, in front of whatever quantises them and
// behind whatever makes real numbers of them. All else stays as it is.
func computeIntegers(g *graph) int {
	if !slices.ContainsFunc(g.nodes, func(n *node) bool { return n.out[0].scale != 0 }) {
		return 0
	}
	before := len(g.nodes)
	mergeConversions(g)
	quantiseEarly(g)
	mergeConversions(g)
	p := &integers{edges: g.edges(), readers: map[*value]*node{}, twin: map[*value]*value{}, is: map[*value]*value{}, done: map[*node]bool{}}
	for _, n := range g.nodes {
		for _, v := range n.in {
			p.readers[v] = n
		}
	}
	for _, n := range g.nodes {
		p.visit(n)
	}
	g.nodes = p.nodes
	for i, o := range g.outputs {
		g.outputs[i].value = p.now(o.value)
	}
	removeDead(g)
	return max(before-len(g.nodes), 0)
}

// conversion is n's Convert, if it is one.
func (n *node) conversion() *kernels.Convert {
	c, _ := n.op.(*kernels.Convert)
	return c
}

// quantises says whether n makes quantised elements of float32, dequantises
// whether it does the opposite.
func (n *node) quantises() bool {
	return n.conversion() != nil && n.in[0].elem == tensor.F32 && n.out[0].scale != 0
}

func (n *node) dequantises() bool {
	return n.conversion() != nil && n.in[0].scale != 0 && n.out[0].elem == tensor.F32
}

// mergeConversions makes one of conversions of the same value to the same
// elements.
func mergeConversions(g *graph) {
	type key struct {
		of *value
		to kernels.Elements
	}
	first, is := map[key]*value{}, map[*value]*value{}
	now := func(v *value) *value {
		if other := is[v]; other != nil {
			return other
		}
		return v
	}
	dead := map[*node]bool{}
	for _, n := range g.nodes {
		for i, v := range n.in {
			n.in[i] = now(v)
		}
		if n.conversion() == nil {
			continue
		}
		k := key{n.in[0], n.out[0].elements()}
		if first[k] == nil {
			first[k] = n.out[0]
			continue
		}
		is[n.out[0]] = first[k]
		dead[n] = true
	}
	for i, o := range g.outputs {
		g.outputs[i].value = now(o.value)
	}
	g.remove(dead)
}

// quantiseEarly brings what quantises to the front of what only moves elements.
func quantiseEarly(g *graph) {
	e := g.edges()
	early := map[*node][]*node{} // what is to stand in front of a node
	var nodes []*node            // the last one first
	var visit func(n *node)
	visit = func(n *node) {
		m := e.maker[n.in[0]]
		if !n.quantises() || e.only(n.in[0]) == nil || !m.movesFloats() {
			nodes = append(nodes, n)
			for _, q := range slices.Backward(early[n]) {
				visit(q)
			}
			return
		}
		elements := n.out[0].elements()
		m.name = joinNames(m.name, n.name)
		m.out = n.out
		for i, v := range m.in {
			q := &value{name: v.name, shape: v.shape}
			setElements(q, elements)
			quantise := &node{name: n.name, origin: n.origin, op: &kernels.Convert{Result: elements}, in: []*value{v}, out: []*value{q}}
			m.in[i] = q
			e.maker[q], e.uses[q] = quantise, 1
			early[m] = append(early[m], quantise)
		}
		setResult(m)
	}
	for _, n := range slices.Backward(g.nodes) {
		if len(n.in) > 0 {
			visit(n)
			continue
		}
		nodes = append(nodes, n)
	}
	slices.Reverse(nodes)
	g.nodes = nodes
}

// movesFloats says whether all that n does is to move elements of float32
// operands into one result.
func (n *node) movesFloats() bool {
	return n.moves() && len(n.out) == 1 && !slices.ContainsFunc(n.in, func(v *value) bool { return v.elem != tensor.F32 })
}

// moves says whether all that n does is to move elements of operands.
func (n *node) moves() bool {
	spec, ok := n.op.(kernels.Spec)
	return ok && kernels.Moves(spec) && len(n.weights) == 0
}

// setElements says what the elements of a value are.
func setElements(v *value, e kernels.Elements) { v.elem, v.scale, v.zero = e.Elem, e.Scale, e.Zero }

// setResult tells the Spec of a node that moves elements what they are.
func setResult(n *node) {
	if q, ok := n.op.(kernels.Quantising); ok {
		if e := q.ResultElements(n.in[0].typ()); e != nil {
			*e = n.in[0].elements()
		}
	}
}

// integers is computeIntegers at work.
type integers struct {
	edges
	readers map[*value]*node  // the last node that reads a value
	nodes   []*node           // those so far
	twin    map[*value]*value // the quantised value that a float32 one is made of
	is      map[*value]*value // values that are other ones now
	done    map[*node]bool    // nodes that another one does
}

// now is what a value has become.
func (p *integers) now(v *value) *value {
	if other := p.is[v]; other != nil {
		return other
	}
	return v
}

// add appends a node.
func (p *integers) add(n *node) {
	p.nodes = append(p.nodes, n)
	for _, v := range n.out {
		p.maker[v] = n
	}
}

// visit does what is to be done of a node, whose operands have been made.
func (p *integers) visit(n *node) {
	if p.done[n] {
		return
	}
	for i, v := range n.in {
		n.in[i] = p.now(v)
	}
	twins := p.twinsOf(n.in)
	switch {
	case n.dequantises():
		p.twin[n.out[0]] = n.in[0]
	case len(n.in) == 0 || twins[0] == nil:
	case n.quantises():
		if n.out[0].elements() == twins[0].elements() {
			p.is[n.out[0]] = twins[0]
			p.uses[twins[0]] += p.uses[n.out[0]]
			return
		}
		n.op, n.in, n.weights = &kernels.Unary{Result: n.out[0].elements()}, twins, []*value{table(twins[0], n.out[0], same)}
	case n.moves():
		if p.move(n, twins) {
			return
		}
	default:
		if form := integerForms[n.op.Op()]; form != nil && form(p, n, twins) {
			return
		}
	}
	p.add(n)
}

// table is the constant of a Unary that makes elements of y of those of x, by a
// function of the numbers that they stand for.
func table(x, y *value, f func(float64) float64) *value {
	bytes := kernels.TableParam(x.elements(), y.elements(), f).Data
	return tableOf(func(q int) int64 { return int64(bytes[q]) })
}

func same(x float64) float64 { return x }

// twinsOf are the quantised values that values are made of, nil where there is
// none.
func (p *integers) twinsOf(in []*value) []*value {
	twins := make([]*value, len(in))
	for i, v := range in {
		twins[i] = p.twin[v]
	}
	return twins
}

// move moves quantised elements, if all are of the same and can stand for what n
// fills with, and makes real numbers of the results for those who read them.
func (p *integers) move(n *node, twins []*value) bool {
	if slices.ContainsFunc(twins, func(v *value) bool { return v == nil || v.elements() != twins[0].elements() }) {
		return false
	}
	if f, ok := n.op.(kernels.Filling); ok {
		if x, fills := f.Fill(); fills && !holds(twins[0].elements(), x) {
			return false
		}
	}
	out := n.out
	n.in, n.out = twins, nil
	for _, v := range out {
		u := &value{name: v.name, shape: v.shape}
		setElements(u, twins[0].elements())
		n.out = append(n.out, u)
	}
	setResult(n)
	p.add(n)
	for i, v := range out {
		p.twin[v] = n.out[i]
		p.add(&node{name: n.name, origin: n.origin, op: &kernels.Convert{}, in: []*value{n.out[i]}, out: []*value{v}})
	}
	return true
}

// holds says whether one of the elements stands for x, but for the rounding of
// their product to float32.
func holds(e kernels.Elements, x float32) bool {
	const rounding = 0x1p-20
	q := math.RoundToEven(float64(x) / float64(e.Scale))
	at := q + float64(e.Zero)
	return at >= 0 && at <= math.MaxUint8 && math.Abs(q*float64(e.Scale)-float64(x)) <= rounding*math.Abs(float64(x))
}

// reader is the only node that reads v, nil if there are several or v is an
// output.
func (p *integers) reader(v *value) *node {
	if p.uses[v] != 1 {
		return nil
	}
	return p.readers[v]
}

// ending is what follows an operation: a clamp, if one does, and the value that
// is made, quantised or float32. The nodes are those that do it.
type ending struct {
	act   kernels.Act
	out   *value
	nodes []*node
}

// endingOf finds what follows an operation of one result, after the activation
// that it applies itself. It is false if that is more than a clamp.
func (p *integers) endingOf(n *node) (ending, bool) {
	e := ending{out: n.out[0]}
	if act := n.fusedAct(); act != nil {
		e.act = *act
	}
	if e.act.Kind != kernels.NoActivation && e.act.Kind != kernels.Clamp {
		return e, false
	}
	next := p.reader(e.out)
	if next != nil && e.act.Kind == kernels.NoActivation {
		if act, ok := next.activation(); ok && act.Kind == kernels.Clamp {
			e = ending{act, next.out[0], []*node{next}}
			next = p.reader(e.out)
		}
	}
	if next != nil && next.quantises() {
		e.out, e.nodes = next.out[0], append(e.nodes, next)
	}
	return e, true
}

// become makes n an operation on quantised operands, and the nodes of its ending
// part of it.
func (p *integers) become(n *node, e ending, op operation, in, weights []*value) {
	for _, m := range e.nodes {
		n.name = joinNames(n.name, m.name)
		p.done[m] = true
	}
	n.op, n.in, n.weights, n.out = op, in, weights, []*value{e.out}
	p.add(n)
}
