package onnx

import (
	"fmt"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A lowering makes a net of a graph: it assigns layouts, inserts the moves
// that they need, and packs the weights.
type lowering struct {
	net  *weights.Net
	elem tensor.Elem // of panels
	node *node       // being lowered

	views map[*value][]view // where each value lies; the first is the one its node made

	// constants are values that a step writes when it is known in which order.
	constants map[*value]*node

	// Reshapes share storage: root is the value whose storage each value of
	// the net has, and reshaped finds the one of another shape.
	root     []int
	reshaped map[string]int

	transposes int

	// zeros, if not nil, are the data of panels and the like: the net is only
	// compared with others. rows are then the orders in which fully connected
	// layers read their weights.
	zeros *zeros
	rows  [][]int

	// plain are the weights that became plain params, stored their constants by
	// where the param's data lie, and sources by the number of the param.
	plain   map[use]bool
	stored  map[*byte]source
	sources map[int]source
}

// lower makes a net of a graph. progress, if not nil, is told how many of the
// graph's nodes are done.
func (g *graph) lower(batched bool, elem tensor.Elem, progress func(done, total int)) (*weights.Net, int, error) {
	l := newLowering(batched, elem)
	err := l.run(g, progress)
	return l.net, l.transposes, err
}

func newLowering(batched bool, elem tensor.Elem) *lowering {
	return &lowering{
		net:       &weights.Net{Batched: batched},
		elem:      elem,
		node:      &node{},
		views:     map[*value][]view{},
		constants: map[*value]*node{},
		reshaped:  map[string]int{},
		plain:     map[use]bool{},
		stored:    map[*byte]source{},
		sources:   map[int]source{},
	}
}

// run lowers a graph.
func (l *lowering) run(g *graph, progress func(done, total int)) error {
	taken := map[int]bool{} // inputs and outputs are values of their own
	for _, v := range g.inputs {
		id := l.addValue(v.name, v.typ())
		l.net.Inputs = append(l.net.Inputs, id)
		taken[id] = true
		l.setView(v, id, v.shape, identity(len(v.shape)))
	}
	if err := l.placeInputs(g); err != nil {
		return err
	}
	for i, n := range g.nodes {
		l.node = n
		if err := l.lowerNode(n); err != nil {
			return fmt.Errorf("%s: node %q: %w", n.origin, n.name, err)
		}
		if progress != nil {
			progress(i+1, len(g.nodes))
		}
	}
	elsewhere := false
	for _, o := range g.outputs {
		l.node = &node{name: o.name}
		elsewhere = elsewhere || o.batch > 0
		id, err := l.place(o.value, o.value.shape, o.order())
		if err == nil && taken[id] {
			id, err = l.move(&kernels.Reshape{Shape: l.net.Values[id].Shape}, id)
		}
		if err != nil {
			return fmt.Errorf("output %q: %w", o.name, err)
		}
		l.net.Values[id].Name = o.name
		l.net.Outputs = append(l.net.Outputs, id)
		l.net.BatchDims = append(l.net.BatchDims, o.batch)
		taken[id] = true
	}
	if !elsewhere {
		l.net.BatchDims = nil
	}
	return nil
}

// placeInputs converts the maps that convolutions and pools read straight from
// the inputs, or after their elements were converted, before anything else, so
// that whatever else reads them does so in the same order.
func (l *lowering) placeInputs(g *graph) error {
	inputs := map[*value]*value{} // by what holds their elements, be they others
	for _, v := range g.inputs {
		inputs[v] = v
	}
	for _, n := range g.nodes {
		if n.conversion() != nil && inputs[n.in[0]] != nil {
			inputs[n.out[0]] = inputs[n.in[0]]
		}
		if n.op.Order() != kernels.Maps {
			continue
		}
		for _, v := range n.in {
			if inputs[v] == nil {
				continue
			}
			if _, err := l.placeMap(inputs[v]); err != nil {
				return fmt.Errorf("input %q: %w", inputs[v].name, err)
			}
		}
	}
	return nil
}

// addValue adds a value to the net.
func (l *lowering) addValue(name string, t tensor.Type) int {
	t.Shape = slices.Clone(t.Shape)
	l.net.Values = append(l.net.Values, weights.Value{Name: name, Type: t})
	id := len(l.net.Values) - 1
	l.root = append(l.root, id)
	return id
}

// step adds a step and the values that it writes.
func (l *lowering) step(spec kernels.Spec, in []int, params ...kernels.Param) ([]int, error) {
	types := make([]tensor.Type, len(in))
	for i, id := range in {
		types[i] = l.net.Values[id].Type
	}
	out, err := spec.Infer(types, params)
	if err != nil {
		return nil, err
	}
	s := weights.Step{Name: l.node.name, Spec: spec, In: in}
	for i, t := range out {
		name := l.node.name
		if i < len(l.node.out) {
			name = l.node.out[i].name
		}
		s.Out = append(s.Out, l.addValue(name, t))
	}
	for _, p := range params {
		if len(p.Data) > 0 {
			if of, ok := l.stored[&p.Data[0]]; ok {
				l.sources[len(l.net.Params)] = of
			}
		}
		s.Params = append(s.Params, len(l.net.Params))
		l.net.Params = append(l.net.Params, p)
	}
	l.net.Steps = append(l.net.Steps, s)
	return s.Out, nil
}

// move adds a step that brings a value of the net into another shape or order.
// The step, and its result, have the value's name.
func (l *lowering) move(spec kernels.Spec, id int) (int, error) {
	out, err := l.step(spec, []int{id})
	if err != nil {
		return 0, err
	}
	name := l.net.Values[id].Name
	l.net.Steps[len(l.net.Steps)-1].Name = name
	l.net.Values[out[0]].Name = name
	return out[0], nil
}

// reshape returns a value of the net with the storage of id and another shape.
func (l *lowering) reshape(id int, shape []int) (int, error) {
	if slices.Equal(l.net.Values[id].Shape, shape) {
		return id, nil
	}
	root := l.root[id]
	if slices.Equal(l.net.Values[root].Shape, shape) {
		return root, nil
	}
	key := fmt.Sprint(root, shape)
	if id, ok := l.reshaped[key]; ok {
		return id, nil
	}
	id, err := l.move(&kernels.Reshape{Shape: slices.Clone(shape)}, root)
	if err != nil {
		return 0, err
	}
	l.root[id] = root
	l.reshaped[key] = id
	return id, nil
}

// setView notes that id holds v, as a tensor of the given shape (which has the
// elements of v's) in the given order.
func (l *lowering) setView(v *value, id int, shape, order []int) {
	l.views[v] = append(l.views[v], newView(id, shape, order))
}

// place returns a value of the net that holds v, seen as a tensor of the given
// shape, with its dimensions in the given order.
func (l *lowering) place(v *value, shape, order []int) (int, error) {
	want := newView(0, shape, order)
	stored := permuted(shape, order)
	for _, have := range l.views[v] {
		if sameOrder(have, want) {
			return l.reshape(have.id, stored)
		}
	}
	if n := l.constants[v]; n != nil {
		return l.placeConstant(n, shape, order)
	}
	have := l.preferred(v).canonical()
	from, to, ok := aligned(have, want)
	if !ok {
		from, to, ok = aligned(have, want.canonical())
	}
	if !ok {
		// The two orders share no factors: go by way of the value's own.
		rows := view{factors: have.factors, order: identity(len(have.factors))}
		id, err := l.transpose(have, rows)
		if err != nil {
			return 0, err
		}
		l.views[v] = append(l.views[v], view{id, rows.factors, rows.order})
		from, to, ok = aligned(l.views[v][len(l.views[v])-1].canonical(), want)
		if !ok {
			return 0, fmt.Errorf("a value of shape %s has no order over %s", tensor.Dims(v.shape...), tensor.Dims(shape...))
		}
		if slices.Equal(from.order, to.order) {
			return l.reshape(id, stored)
		}
	}
	id, err := l.transpose(from, to)
	if err != nil {
		return 0, err
	}
	want.id = id
	l.views[v] = append(l.views[v], want)
	return l.reshape(id, stored)
}

// transpose moves a value from one order of its factors to another.
func (l *lowering) transpose(from, to view) (int, error) {
	source := permuted(from.factors, from.order)
	perm := make([]int, len(to.order))
	for i, f := range to.order {
		perm[i] = slices.Index(from.order, f)
	}
	// A leading 1 stays where it is, as that of the batch.
	if shape := l.net.Values[from.id].Shape; len(shape) > 0 && shape[0] == 1 {
		source = append([]int{1}, source...)
		for i := range perm {
			perm[i]++
		}
		perm = append([]int{0}, perm...)
	}
	id, err := l.reshape(from.id, source)
	if err != nil {
		return 0, err
	}
	l.transposes++
	return l.move(&kernels.Transpose{Perm: perm}, id)
}

// order is an order of shape's dimensions in which v, seen as a tensor of that
// shape, can be had without a move; else the row-major one.
func (l *lowering) order(v *value, shape []int) []int {
	if l.unplaced(v) {
		return identity(len(shape)) // it can be had in any
	}
	if order, ok := l.preferred(v).orderOver(shape); ok {
		return order
	}
	return identity(len(shape))
}

// preferred is the view of v in which operations that take any order read it:
// not the row-major one if there is another, which somebody has asked for.
func (l *lowering) preferred(v *value) view {
	for _, have := range l.views[v] {
		if len(have.canonical().factors) > 1 {
			return have
		}
	}
	return l.views[v][0]
}

// asMap is the shape of a value of two dimensions or more as a map
// [N, C, H, W].
func asMap(shape []int) []int {
	switch len(shape) {
	case 2:
		return []int{shape[0], shape[1], 1, 1}
	case 3:
		return []int{shape[0], shape[1], 1, shape[2]}
	case 4:
		return shape
	}
	rest, _ := tensor.Shape(shape[2:]).Elements()
	return []int{shape[0], shape[1], 1, rest}
}

// channelsLast is the order of a map [N, C, H, W] in which convolutions and
// pools read and write it.
var channelsLast = []int{0, 2, 3, 1}

// placeMap returns a value of the net that holds v as an NHWC map.
func (l *lowering) placeMap(v *value) (int, error) {
	return l.place(v, asMap(v.shape), channelsLast)
}

// mapStep adds a step whose operands and result are NHWC maps.
func (l *lowering) mapStep(n *node, spec kernels.Spec, params ...kernels.Param) error {
	var in []int
	for _, v := range n.in {
		id, err := l.placeMap(v)
		if err != nil {
			return err
		}
		in = append(in, id)
	}
	out, err := l.step(spec, in, params...)
	if err != nil {
		return err
	}
	shape := asMap(n.out[0].shape)
	if got, want := l.net.Values[out[0]].Shape, permuted(shape, channelsLast); !slices.Equal(got, want) {
		return fmt.Errorf("%s of shape %s came out as %s", spec.Op(), tensor.Dims(want...), tensor.Dims(got...))
	}
	l.setView(n.out[0], out[0], shape, channelsLast)
	return nil
}
