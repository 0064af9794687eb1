package onnx

import (
	"fmt"
	"slices"
	"strings"
)

// A linked model has its names resolved: nodes are in an order in which they
// can run, and only those that an output depends on.
type linked struct {
	inputs    []valueInfo // those that are no constants
	constants map[string]*constant
	nodes     []*nodeProto
	dropped   int // nodes that no output depends on
	total     int // nodes, those of graphs in them included

	captured []string // names that are those of the graph around it
}

// link resolves the names of a graph, and of those in its nodes' attributes.
// outer knows the names of the graphs around it.
func (g *graphProto) link(outer func(name string) bool) (*linked, error) {
	l := &linked{constants: map[string]*constant{}}
	// What gives each name its value: −1 for inputs and initializers, else
	// the index of a node.
	source := map[string]int{}
	for _, t := range g.initializers {
		if _, ok := source[t.name]; ok {
			return nil, fmt.Errorf("two initializers are named %q", t.name)
		}
		source[t.name] = -1
		l.constants[t.name] = t.tensor
	}
	for _, v := range g.inputs {
		if l.constants[v.name] != nil {
			continue // an initializer listed as an input, as IR version 3 wants it
		}
		if _, ok := source[v.name]; ok {
			return nil, fmt.Errorf("two inputs are named %q", v.name)
		}
		source[v.name] = -1
		l.inputs = append(l.inputs, v)
	}
	for i, n := range g.nodes {
		for _, name := range n.out {
			if name == "" {
				continue
			}
			if _, ok := source[name]; ok {
				return nil, fmt.Errorf("%s: %q has a value already", n, name)
			}
			source[name] = i
		}
	}
	inner := func(name string) bool {
		_, ok := source[name]
		return ok || outer(name)
	}
	captured := map[string]bool{}
	read := func(name string) bool {
		if _, ok := source[name]; ok || name == "" {
			return true
		}
		if !captured[name] {
			captured[name] = true
			l.captured = append(l.captured, name)
		}
		return outer(name)
	}
	for _, n := range g.nodes {
		if err := l.linkAttributes(n, inner); err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
		for _, name := range slices.Concat(n.in, n.captured) {
			if !read(name) {
				return nil, fmt.Errorf("%s: nothing gives %q a value", n, name)
			}
		}
	}
	if len(g.outputs) == 0 {
		return nil, fmt.Errorf("the graph has no outputs")
	}
	for _, o := range g.outputs {
		if o.name == "" || !read(o.name) {
			return nil, fmt.Errorf("output %q: nothing gives it a value", o.name)
		}
	}
	needed := g.needed(source)
	order, err := g.order(source)
	if err != nil {
		return nil, err
	}
	for _, i := range order {
		if needed[i] {
			l.nodes = append(l.nodes, g.nodes[i])
		} else {
			l.dropped++
		}
	}
	return l, nil
}

// linkAttributes links the graphs of a node.
func (l *linked) linkAttributes(n *nodeProto, outer func(name string) bool) error {
	l.total++
	n.captured = nil
	for i := range n.attributes {
		a := &n.attributes[i]
		if a.graph == nil {
			continue
		}
		inner, err := a.graph.link(outer)
		if err != nil {
			return fmt.Errorf("attribute %q: %w", a.name, err)
		}
		a.graph.linked = inner
		l.total += inner.total
		n.captured = append(n.captured, inner.captured...)
	}
	return nil
}

// needed says of each node whether an output depends on it.
func (g *graphProto) needed(source map[string]int) []bool {
	needed := make([]bool, len(g.nodes))
	var todo []int
	visit := func(name string) {
		if i, ok := source[name]; ok && i >= 0 && !needed[i] {
			needed[i] = true
			todo = append(todo, i)
		}
	}
	for _, o := range g.outputs {
		visit(o.name)
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, name := range slices.Concat(g.nodes[i].in, g.nodes[i].captured) {
			visit(name)
		}
	}
	return needed
}

// order sorts the nodes so that each comes after those that it depends on:
// the file's order where that is one, as ONNX demands.
func (g *graphProto) order(source map[string]int) ([]int, error) {
	waits := make([]int, len(g.nodes)) // operands without a value yet
	users := make([][]int, len(g.nodes))
	sorted := true
	for i, n := range g.nodes {
		for _, name := range slices.Concat(n.in, n.captured) {
			if s, ok := source[name]; ok && s >= 0 {
				waits[i]++
				users[s] = append(users[s], i)
				sorted = sorted && s < i
			}
		}
	}
	order := make([]int, 0, len(g.nodes))
	if sorted {
		for i := range g.nodes {
			order = append(order, i)
		}
		return order, nil
	}
	for i := range g.nodes {
		if waits[i] == 0 {
			order = append(order, i)
		}
	}
	for at := 0; at < len(order); at++ {
		for _, u := range users[order[at]] {
			if waits[u]--; waits[u] == 0 {
				order = append(order, u)
			}
		}
	}
	for i, n := range g.nodes {
		if waits[i] > 0 {
			return nil, fmt.Errorf("%s: it is part of a cycle, or depends on one", n)
		}
	}
	return order, nil
}

// String names a node in messages: its operator, and its name or that of its
// first output.
func (n *nodeProto) String() string {
	op := n.op
	if n.domain != "" {
		op = n.domain + "." + op
	}
	if n.name != "" {
		return fmt.Sprintf("%s %q", op, n.name)
	}
	return fmt.Sprintf("%s with result %q", op, strings.Join(n.out, ", "))
}

// label names a node in the frozen net.
func (n *nodeProto) label() string {
	if n.name != "" || len(n.out) == 0 {
		return n.name
	}
	return n.out[0]
}
