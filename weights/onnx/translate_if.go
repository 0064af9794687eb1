package onnx

// branch translates If, whose condition must be constant: one of its graphs
// stands in its place. Of the other only the names are looked at.
func (c *call) branch() []*value {
	condition := c.constant(0, "the condition")
	if c.ready() && condition.data.len() != 1 {
		c.fail("the condition, %q, is of %d numbers", condition.name, condition.data.len())
	}
	if !c.ready() {
		return nil
	}
	name := "else_branch"
	if condition.data.float64(0) != 0 {
		name = "then_branch"
	}
	a := c.attribute(name, attrGraph)
	switch {
	case !c.ready():
		return nil
	case a == nil || a.graph == nil:
		return c.fail("it has no %s", name)
	case len(a.graph.linked.inputs) > 0:
		return c.fail("its %s has inputs", name)
	case len(a.graph.outputs) != len(c.node.out):
		return c.fail("its %s has %d outputs for %d results", name, len(a.graph.outputs), len(c.node.out))
	}
	t := c.t
	around := t.scope
	defer func() { t.scope = around }()
	t.enter(a.graph.linked)
	if err := t.model.checkOperators(a.graph.linked.nodes); err != nil {
		return c.fail("%s: %w", name, err)
	}
	if err := t.nodes(a.graph.linked); err != nil {
		return c.fail("%s: %w", name, err)
	}
	var out []*value
	for _, o := range a.graph.outputs {
		v := t.value(o.name)
		if v == nil {
			return c.fail("%s: output %q has no value", name, o.name)
		}
		out = append(out, v)
	}
	return out
}
