package onnx

import (
	"fmt"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// A translator turns a linked model into a graph, for one size of the batch.
type translator struct {
	model  *modelProto
	opset  int64
	batch  int
	scope  *scope
	graph  *graph
	budget int // elements that folding may still produce

	folded, passed int // nodes computed away, nodes whose result is an operand

	made   map[*value]*value       // of constants, the values that hold them
	inItem map[*value]placesInItem // of places in a tensor, those in an item of it
	// stands is the type that a tensor's elements have in the model, where those of
	// its value are others: see quantised.go.
	stands map[string]elemType

	labels map[label]*value // values that are read by other labels than their own
}

// translate makes the graph of a linked model. A batch of 0 takes the inputs'
// shapes as they are declared, 1 for what is not declared; any other replaces
// dimension 0 of every input.
func (m *modelProto) translate(l *linked, batch, budget int) (*translator, error) {
	t := &translator{
		model:  m,
		opset:  m.opsets[""],
		batch:  batch,
		stands: map[string]elemType{},
		labels: map[label]*value{},
		graph:  &graph{},
		budget: budget,
		made:   map[*value]*value{},
		inItem: map[*value]placesInItem{},
	}
	t.enter(l)
	for _, in := range l.inputs {
		shape, err := in.shape(batch)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", in.name, err)
		}
		elem, ok := in.elem.elem()
		if !ok {
			return nil, fmt.Errorf("input %q: inputs of %v are not supported: export the model with one of another type%s", in.name, in.elem, in.elem.instead())
		}
		v := &value{name: in.name, elem: elem, shape: shape}
		t.scope.values[in.name] = v
		t.graph.inputs = append(t.graph.inputs, v)
	}
	if err := t.nodes(l); err != nil {
		return nil, err
	}
	for _, o := range m.graph.outputs {
		v := t.value(o.name)
		switch {
		case v == nil:
			return nil, fmt.Errorf("output %q: it has no value", o.name)
		case v.data != nil:
			// A net has outputs that steps write.
			c := &call{t: t, node: &nodeProto{op: "Constant", out: []string{o.name}}}
			if v = c.computed(v); c.err != nil {
				return nil, fmt.Errorf("output %q: it is constant: %w", o.name, c.err)
			}
		}
		c := &call{t: t, node: &nodeProto{name: o.name, in: []string{o.name}, out: []string{o.name}}, in: []*value{v}}
		if v = c.returned(); c.err != nil {
			return nil, fmt.Errorf("output %q: %w", o.name, c.err)
		}
		t.graph.outputs = append(t.graph.outputs, output{name: o.name, value: v})
	}
	removeDead(t.graph)
	return t, nil
}

// shape is an input's declared shape, with the batch in it.
func (v *valueInfo) shape(batch int) (tensor.Shape, error) {
	if v.dims == nil {
		return nil, fmt.Errorf("its shape is not declared: export the model with the shapes of its inputs")
	}
	shape := make(tensor.Shape, len(v.dims))
	for i, d := range v.dims {
		switch {
		case i == 0 && batch > 0:
			shape[i] = batch
		case i == 0 && d.size <= 0:
			shape[i] = 1
		case d.size <= 0:
			return nil, fmt.Errorf("%s is open: %s", v.dimension(i), v.wayOut())
		case d.size > tensor.MaxElements:
			return nil, fmt.Errorf("dimension %d is %d", i, d.size)
		default:
			shape[i] = int(d.size)
		}
	}
	if err := shape.Check(); err != nil {
		return nil, fmt.Errorf("a tensor %w", err)
	}
	return shape, nil
}

// A scope is the names of a graph, and those around it.
type scope struct {
	values map[string]*value
	outer  *scope
}

// enter begins the scope of a linked graph, with its constants.
func (t *translator) enter(l *linked) {
	t.scope = &scope{values: map[string]*value{}, outer: t.scope}
	for name, c := range l.constants {
		t.scope.values[name] = &value{name: name, shape: c.dims, data: c}
	}
}

// value is what a name stands for; nil if it has no value.
func (t *translator) value(name string) *value {
	for s := t.scope; s != nil; s = s.outer {
		if v := s.values[name]; v != nil {
			return v
		}
	}
	return nil
}

// nodes translates the nodes of a linked graph.
func (t *translator) nodes(l *linked) error {
	for _, n := range l.nodes {
		if err := t.node(n); err != nil {
			return fmt.Errorf("%s: %w", &call{t: t, node: n}, err)
		}
	}
	return nil
}

// node translates one node. What depends on constants alone is computed; so is
// a shape, whatever it is the shape of.
func (t *translator) node(n *nodeProto) (err error) {
	defer recovered(&err)
	op := operators[n.op]
	c := &call{t: t, node: n}
	constant := true
	for _, name := range n.in {
		var v *value
		if name != "" {
			if v = t.value(name); v == nil {
				return fmt.Errorf("operand %q is an output that this operator does not have", name)
			}
			constant = constant && v.data != nil
			if v.counted && n.op != "Identity" {
				return fmt.Errorf("operand %q has a number of rows that only a run determines, which is supported only for outputs: export the model with it as an output, and continue from there", name)
			}
		}
		c.in = append(c.in, v)
	}
	nodes := len(t.graph.nodes)
	var out []*value
	switch {
	case op.ofShape:
		out = op.fold(c)
	case !constant && op.translate == nil:
		c.fail("it is supported only on constants, and %q is not constant: export the model with its result as an input or as a constant, or only up to this node", c.firstActivation().name)
	case !constant:
		if op.quantised == notQuantised {
			c.makePlain()
		}
		if out = op.translate(c); op.quantised == moved {
			c.stand(c.stands(0), n.out...)
		}
	case op.fold != nil:
		out = op.fold(c)
	default:
		out = op.translate(c)
	}
	if c.err != nil {
		return c.err
	}
	for i, name := range n.out {
		if name == "" || i >= len(out) || out[i] == nil {
			continue
		}
		t.scope.values[name] = out[i]
	}
	switch {
	case len(out) > 0 && out[0].data != nil:
		t.folded++
	case len(t.graph.nodes) == nodes:
		t.passed++
	}
	return nil
}

// A call is one node under translation. What is not as it must be is remembered
// in err by fail, and counts for more than what the translation returns.
type call struct {
	t    *translator
	node *nodeProto
	in   []*value
	err  error
}

// String names the node, its operator and its opset in messages.
func (c *call) String() string { return fmt.Sprintf("%s (opset %d)", c.node, c.t.opset) }

// fail remembers the first error. It returns the results of a call that fails.
func (c *call) fail(format string, args ...any) []*value {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
	return nil
}

// unsupported is fail for what a node asks of an operator that is known, and
// says what can be done.
func (c *call) unsupported(format string, args ...any) []*value {
	return c.fail(format+": export the model without it, or only up to this node", args...)
}

func (c *call) firstActivation() *value {
	for _, v := range c.in {
		if v != nil && v.data == nil {
			return v
		}
	}
	return &value{}
}

// has says whether operand i is given.
func (c *call) has(i int) bool { return i < len(c.in) && c.in[i] != nil }

// operand returns operand i, which must be given.
func (c *call) operand(i int) *value {
	if !c.has(i) {
		c.fail("operand %d is missing", i)
		return &value{shape: []int{1}}
	}
	return c.in[i]
}

// activation returns operand i as a value that is computed at a run, which a
// constant is made too.
func (c *call) activation(i int) *value { return c.computed(c.operand(i)) }

// computed returns v, or if it is constant the result of a Constant.
func (c *call) computed(v *value) *value {
	if v.data == nil {
		return v
	}
	if made := c.t.made[v]; made != nil {
		return made
	}
	if !c.ready() {
		return &value{shape: v.shape}
	}
	if v.data.len() == 0 {
		c.fail("%q, of shape %s, has no elements", v.name, tensor.Dims(v.shape...))
		return &value{shape: v.shape}
	}
	c.checkOperand(v)
	made := c.emitTypes(&kernels.Constant{}, nil, []*value{v}, []tensor.Type{v.typ()})[0]
	if c.ready() {
		made.name = v.name
		c.t.made[v] = made
	}
	return made
}

// constant returns operand i, which must be constant; what names its role.
func (c *call) constant(i int, what string) *value {
	v := c.operand(i)
	if v.data == nil {
		c.fail("%s, operand %d, %q, is not constant: export the model with it fixed", what, i, v.name)
		return &value{shape: v.shape, data: &constant{kind: typeFloat}}
	}
	return v
}

// weight returns operand i, a constant of finite floats.
func (c *call) weight(i int, what string) *value {
	v := c.constant(i, what)
	c.checkFloats(v, what)
	return v
}

// optionalWeight is weight for an operand that may be left out.
func (c *call) optionalWeight(i int, what string) *value {
	if !c.has(i) {
		return nil
	}
	return c.weight(i, what)
}

func (c *call) checkFloats(v *value, what string) {
	if !v.data.kind.float() {
		c.fail("%s, %q, is of %v", what, v.name, v.data.kind)
		return
	}
	if v.data.finite {
		return
	}
	if i := slices.IndexFunc(v.data.floats, func(x float32) bool { return !tensor.IsFinite(x) }); i >= 0 {
		c.fail("%s, %q: element %d is %v", what, v.name, i, v.data.floats[i])
		return
	}
	v.data.finite = true
}

// constantInts returns operand i, a constant list of whole numbers; nil if it
// is left out.
func (c *call) constantInts(i int, what string) []int64 {
	if !c.has(i) {
		return nil
	}
	v := c.constant(i, what)
	if c.err == nil && (v.data.kind.float() || len(v.shape) > 1) {
		c.fail("%s, %q, is %s %v where a list of integers is expected", what, v.name, tensor.Dims(v.shape...), v.data.kind)
	}
	return v.data.ints
}

// constantFloats is constantInts for floats.
func (c *call) constantFloats(i int, what string) []float32 {
	if !c.has(i) {
		return nil
	}
	v := c.constant(i, what)
	if c.err == nil && !v.data.kind.float() {
		c.fail("%s, %q, is of %v", what, v.name, v.data.kind)
	}
	return v.data.floats
}

// attribute returns the attribute of that name and type, if it is given.
func (c *call) attribute(name string, typ attributeType) *attribute {
	for i := range c.node.attributes {
		a := &c.node.attributes[i]
		if a.name != name {
			continue
		}
		if a.typ != typ {
			c.fail("attribute %q is of type %d where %d is expected", name, a.typ, typ)
			return nil
		}
		return a
	}
	return nil
}

func (c *call) intAttr(name string, otherwise int64) int64 {
	if a := c.attribute(name, attrInt); a != nil {
		return a.i
	}
	return otherwise
}

func (c *call) floatAttr(name string, otherwise float32) float32 {
	a := c.attribute(name, attrFloat)
	if a == nil {
		return otherwise
	}
	if !tensor.IsFinite(a.f) {
		c.fail("attribute %q is %v", name, a.f)
	}
	return a.f
}

func (c *call) stringAttr(name, otherwise string) string {
	if a := c.attribute(name, attrString); a != nil {
		return a.s
	}
	return otherwise
}

// floatsAttr returns a list of finite numbers; nil if it is not given.
func (c *call) floatsAttr(name string) []float32 {
	a := c.attribute(name, attrFloats)
	if a == nil {
		return nil
	}
	for i, x := range a.floats {
		if !tensor.IsFinite(x) {
			c.fail("attribute %q: number %d is %v", name, i, x)
		}
	}
	return a.floats
}

// intsAttr returns a list; nil if it is not given.
func (c *call) intsAttr(name string) []int64 {
	if a := c.attribute(name, attrInts); a != nil {
		return a.ints
	}
	return nil
}

// axis makes axis, which may count from the end, an index of shape.
func (c *call) axis(axis int64, rank int) int {
	a := axis
	if a < 0 {
		a += int64(rank)
	}
	if a < 0 || a >= int64(rank) {
		c.fail("axis %d of a tensor of %d dimensions", axis, rank)
		return 0
	}
	return int(a)
}

// axes is axis for a list without repetitions.
func (c *call) axes(list []int64, rank int) []int {
	var out []int
	for _, a := range list {
		i := c.axis(a, rank)
		if slices.Contains(out, i) {
			c.fail("axis %d occurs twice in %v", a, list)
			return nil
		}
		out = append(out, i)
	}
	return out
}

// ready says that nothing has failed so far, and that the node can be built.
func (c *call) ready() bool { return c.err == nil }

// emit adds a node to the graph and returns its results, which are float32 of
// the given shapes.
func (c *call) emit(op operation, in, weights []*value, shapes ...tensor.Shape) []*value {
	types := make([]tensor.Type, len(shapes))
	for i, shape := range shapes {
		types[i].Shape = shape
	}
	return c.emitTypes(op, in, weights, types)
}

// emitTypes is emit for results of any types.
func (c *call) emitTypes(op operation, in, weights []*value, types []tensor.Type) []*value {
	if len(types) == 1 && slices.Contains(types[0].Shape, 0) {
		return []*value{c.empty(types[0].Elem, types[0].Shape)}
	}
	n := &node{name: c.node.label(), origin: c.String(), op: op, weights: weights}
	for _, v := range in {
		n.in = append(n.in, c.computed(v))
	}
	if !c.ready() {
		return slices.Repeat([]*value{{}}, len(types))
	}
	for i, t := range types {
		if err := t.Shape.Check(); err != nil {
			c.fail("a tensor %w", err)
			return slices.Repeat([]*value{{}}, len(types))
		}
		v := &value{elem: t.Elem, scale: t.Scale, zero: t.Zero, shape: t.Shape}
		if i < len(c.node.out) {
			v.name = c.node.out[i]
		}
		n.out = append(n.out, v)
	}
	c.t.graph.nodes = append(c.t.graph.nodes, n)
	return n.out
}

// empty is a value without elements. It is a constant, whatever it was made of.
func (c *call) empty(e tensor.Elem, shape []int) *value {
	v := &value{shape: shape, data: &constant{kind: kindOf(e), dims: shape}}
	if len(c.node.out) > 0 {
		v.name = c.node.out[0]
	}
	return v
}

// apply is emit for an operation whose Infer does not depend on the layout: it infers the results' shapes.
func (c *call) apply(op kernels.Spec, in ...*value) []*value {
	if c.err != nil {
		return []*value{{}}
	}
	types := make([]tensor.Type, len(in))
	for i, v := range in {
		types[i] = v.typ()
	}
	out, err := op.Infer(types, nil)
	if err != nil {
		c.fail("%w", err)
		return []*value{{}}
	}
	return c.emitTypes(op, in, nil, out)
}

// reshape gives v another shape of as many elements.
func (c *call) reshape(v *value, shape []int) *value {
	if slices.Equal(v.shape, shape) {
		return v
	}
	return c.apply(&kernels.Reshape{Shape: shape}, v)[0]
}

// transpose permutes v's dimensions.
func (c *call) transpose(v *value, perm ...int) *value {
	return c.apply(&kernels.Transpose{Perm: perm}, v)[0]
}
