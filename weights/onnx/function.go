package onnx

import (
	"fmt"
	"slices"
	"unsafe"
)

// A functionProto is an operator that the model defines by nodes: exporters write
// one for each module of a net. A node that uses it is replaced by these nodes, in
// which attributes may refer to those of the node.
type functionProto struct {
	name, domain, overload string
	in, out                []string
	nodes                  []*nodeProto
	defaults               []attribute
	opsets                 map[string]int64
}

// maxInlined is how many bytes all that functions are replaced by may take, about:
// a small file could stand for any number. maxCalls is how deep functions may use
// one another.
const (
	maxInlined = 1 << 26
	maxCalls   = 64
)

// function reads a FunctionProto.
func (d *decoder) function(f field) (*functionProto, error) {
	fn := &functionProto{opsets: map[string]int64{}}
	err := f.each(func(f field) (err error) {
		var s string
		switch f.num {
		case 1: // name
			fn.name, err = f.string()
		case 4: // input
			s, err = f.string()
			fn.in = append(fn.in, s)
		case 5: // output
			s, err = f.string()
			fn.out = append(fn.out, s)
		case 7: // node
			var n *nodeProto
			if n, err = d.node(f); err != nil {
				err = fmt.Errorf("node %d: %w", len(fn.nodes), err)
			}
			fn.nodes = append(fn.nodes, n)
		case 9: // opset_import
			err = decodeOpset(f, fn.opsets)
		case 10: // domain
			fn.domain, err = f.string()
		case 11: // attribute_proto
			var a attribute
			if a, err = d.attribute(f); err != nil {
				err = fmt.Errorf("attribute %q: %w", a.name, err)
			}
			fn.defaults = append(fn.defaults, a)
		case 13: // overload
			fn.overload, err = f.string()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("function %q: %w", fn.name, err)
	}
	fn.domain = canonicalDomain(fn.domain)
	return fn, nil
}

// An inliner replaces the nodes that use a model's functions.
type inliner struct {
	model     *modelProto
	functions map[functionKey]*functionProto
	inlined   int // bytes, about
	depth     int // of functions in functions
	calls     int // that have been replaced
}

type functionKey struct{ domain, name, overload string }

// inline replaces all nodes of a model that use its functions.
func (m *modelProto) inline(functions []*functionProto) error {
	if len(functions) == 0 {
		return nil
	}
	in := inliner{model: m, functions: map[functionKey]*functionProto{}}
	for _, fn := range functions {
		key := functionKey{fn.domain, fn.name, fn.overload}
		if in.functions[key] != nil {
			return fmt.Errorf("two functions are named %q", fn.name)
		}
		in.functions[key] = fn
	}
	return in.graph(&m.graph)
}

// graph replaces such nodes in a graph and in those of its nodes' attributes.
func (in *inliner) graph(g *graphProto) (err error) {
	g.nodes, err = in.nodes(g.nodes)
	return err
}

func (in *inliner) nodes(nodes []*nodeProto) ([]*nodeProto, error) {
	var all []*nodeProto
	for _, n := range nodes {
		for _, a := range n.attributes {
			if a.graph != nil {
				if err := in.graph(a.graph); err != nil {
					return nil, err
				}
			}
		}
		fn := in.functions[functionKey{n.domain, n.op, n.overload}]
		if fn == nil {
			all = append(all, n)
			continue
		}
		body, err := in.call(fn, n)
		if err != nil && in.depth == 0 {
			err = fmt.Errorf("%s: %w", n, err)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, body...)
	}
	return all, nil
}

// take counts what functions are replaced by.
func (in *inliner) take(bytes int) error {
	if in.inlined += bytes; in.inlined > maxInlined {
		return fmt.Errorf("functions stand for more than %d bytes of nodes", maxInlined)
	}
	return nil
}

// call is what a node that uses a function is replaced by.
func (in *inliner) call(fn *functionProto, n *nodeProto) ([]*nodeProto, error) {
	if in.depth == maxCalls {
		return nil, fmt.Errorf("functions use one another more than %d deep, or are defined by themselves", maxCalls)
	}
	in.depth++
	defer func() { in.depth-- }()
	for domain, version := range fn.opsets {
		switch was, ok := in.model.opsets[domain]; {
		case !ok:
			in.model.opsets[domain] = version
		case was != version && domain == "":
			return nil, fmt.Errorf("the function is written for opset %d, and others of the model for %d: export the model with one opset", version, was)
		}
	}
	if len(n.in) > len(fn.in) || len(n.out) > len(fn.out) {
		return nil, fmt.Errorf("%d operands and %d results of a function that has %d and %d", len(n.in), len(n.out), len(fn.in), len(fn.out))
	}
	const entry = 128 // bytes of an attribute or a name in a table
	if err := in.take(entry * (len(fn.in) + len(fn.out) + len(fn.defaults) + len(n.attributes))); err != nil {
		return nil, err
	}
	in.calls++
	c := &inlining{in: in, label: n.label(), prefix: fmt.Sprintf("%s#%d/", fn.name, in.calls), names: map[string]string{"": ""}, attributes: map[string]attribute{}}
	for _, a := range slices.Concat(fn.defaults, n.attributes) {
		c.attributes[a.name] = a
	}
	for i, name := range fn.in {
		c.names[name] = ""
		if i < len(n.in) {
			c.names[name] = n.in[i]
		}
	}
	var copies []*nodeProto // of a result that is an operand, or another result
	for i, out := range n.out {
		if out == "" {
			continue
		}
		if was, ok := c.names[fn.out[i]]; ok {
			copies = append(copies, &nodeProto{op: "Identity", in: []string{was}, out: []string{out}})
			continue
		}
		c.names[fn.out[i]] = out
	}
	body, err := c.nodes(fn.nodes)
	if err != nil {
		return nil, err
	}
	return in.nodes(append(body, copies...))
}

// An inlining copies a function's nodes to where one node uses it.
type inlining struct {
	in         *inliner
	label      string // of that node
	prefix     string // of names in the function, except those of operands and results
	names      map[string]string
	attributes map[string]attribute
}

func (c *inlining) named(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = c.name(name)
	}
	return out
}

func (c *inlining) name(name string) string {
	if outer, ok := c.names[name]; ok {
		return outer
	}
	return c.prefix + name
}

func (c *inlining) nodes(nodes []*nodeProto) ([]*nodeProto, error) {
	var all []*nodeProto
	for _, n := range nodes {
		m := &nodeProto{op: n.op, domain: n.domain, overload: n.overload, in: c.named(n.in), out: c.named(n.out)}
		if inner := n.label(); inner != "" {
			m.name = c.label + "/" + inner
		}
		size := int(unsafe.Sizeof(*m)) + len(m.name) + len(n.attributes)*int(unsafe.Sizeof(attribute{}))
		for _, name := range slices.Concat(m.in, m.out) {
			size += len(name) + int(unsafe.Sizeof(name))
		}
		if err := c.in.take(size); err != nil {
			return nil, err
		}
		for _, a := range n.attributes {
			if a.ref != "" {
				given, ok := c.attributes[a.ref]
				if !ok {
					continue // the operator's own default
				}
				given.name = a.name
				a = given
			} else if a.graph != nil {
				g, err := c.graph(a.graph)
				if err != nil {
					return nil, err
				}
				a.graph = g
			}
			m.attributes = append(m.attributes, a)
		}
		all = append(all, m)
	}
	return all, nil
}

// graph copies a graph that is an attribute.
func (c *inlining) graph(g *graphProto) (*graphProto, error) {
	nodes, err := c.nodes(g.nodes)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, t := range g.initializers {
		size += len(c.prefix) + len(t.name) + int(unsafe.Sizeof(t))
	}
	for _, v := range slices.Concat(g.inputs, g.outputs) {
		size += len(c.prefix) + len(v.name) + int(unsafe.Sizeof(v))
	}
	if err := c.in.take(size); err != nil {
		return nil, err
	}
	out := &graphProto{nodes: nodes, initializers: slices.Clone(g.initializers), inputs: slices.Clone(g.inputs), outputs: slices.Clone(g.outputs)}
	for i := range out.initializers {
		out.initializers[i].name = c.name(out.initializers[i].name)
	}
	for _, list := range [][]valueInfo{out.inputs, out.outputs} {
		for i := range list {
			list[i].name = c.name(list[i].name)
		}
	}
	return out, nil
}
