package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// rotaryEmbedding translates RotaryEmbedding: X [N, heads, length, size] or
// [N, length, heads·size], cosines and sines [N, length, pairs], or of places that
// position_ids [N, length] name, [places, pairs]. Each pair of numbers of a head is
// turned by an angle: (a, b) becomes (a·cos − b·sin, a·sin + b·cos).
func (c *call) rotaryEmbedding() []*value {
	x := c.activation(0)
	shape := x.shape
	length := 2 // its dimension, in x by heads
	if c.ready() && len(shape) == 3 {
		heads := c.intAttr("num_heads", 0)
		if heads < 1 || int64(shape[2])%heads != 0 {
			return c.fail("%q of shape %s in %d heads", x.name, tensor.Dims(shape...), heads)
		}
		length = 1
		x = c.reshape(x, []int{shape[0], shape[1], int(heads), shape[2] / int(heads)})
	}
	if c.ready() && len(x.shape) != 4 {
		c.fail("%q of shape %s is neither by heads nor of three dimensions", x.name, tensor.Dims(shape...))
	}
	if !c.ready() {
		return nil
	}
	size := x.shape[3]
	turned := c.intAttr("rotary_embedding_dim", 0)
	if turned == 0 {
		turned = int64(size)
	}
	if turned < 2 || turned%2 != 0 || turned > int64(size) {
		return c.fail("rotary_embedding_dim %d of heads of %d numbers", turned, size)
	}
	pairs := int(turned) / 2
	cos, sin := c.angles(1, "the cosines", x, length, pairs), c.angles(2, "the sines", x, length, pairs)
	if !c.ready() {
		return nil
	}
	parts := []*value{x}
	if rest := size - 2*pairs; rest > 0 {
		parts = c.apply(&kernels.Split{Axis: 3, Sizes: []int{2 * pairs, rest}}, x)
	}
	interleaved := c.intAttr("interleaved", 0) != 0
	var a, b *value
	if !c.ready() {
		return nil
	}
	if interleaved {
		every := slices.Clone(parts[0].shape)
		every[3] = pairs
		from := func(first int) *value {
			return c.apply(&kernels.Slice{Start: []int{0, 0, 0, first}, Step: []int{1, 1, 1, 2}, Size: every}, parts[0])[0]
		}
		a, b = from(0), from(1)
	} else {
		halves := c.splitEqually(parts[0], 3, 2)
		a, b = halves[0], halves[1]
	}
	mul := func(x, y *value) *value { return c.binary(&kernels.Binary{Kind: kernels.Mul}, x, y) }
	out := []*value{
		c.binary(&kernels.Binary{Kind: kernels.Sub}, mul(a, cos), mul(b, sin)),
		c.binary(&kernels.Binary{Kind: kernels.Add}, mul(a, sin), mul(b, cos)),
	}
	if !c.ready() {
		return nil
	}
	y := slices.Clone(parts[0].shape)
	axis := 3
	if interleaved {
		axis = 4
		for i, v := range out {
			out[i] = c.reshape(v, append(slices.Clone(v.shape), 1))
		}
	}
	out = c.apply(&kernels.Concat{Axis: axis}, out...)
	if !c.ready() {
		return nil
	}
	z := c.reshape(out[0], y)
	if len(parts) > 1 && c.ready() {
		z = c.apply(&kernels.Concat{Axis: 3}, z, parts[1])[0]
	}
	if !c.ready() {
		return nil
	}
	return []*value{c.reshape(z, shape)}
}

// angles is operand i, the cosines or the sines of each pair of numbers of x, in the
// shape in which it broadcasts to x by heads.
func (c *call) angles(i int, what string, x *value, length, pairs int) *value {
	v := c.operand(i)
	if c.has(3) && c.ready() {
		if len(v.shape) != 2 || len(c.in[3].shape) != 2 {
			c.fail("%s, %q, of shape %s and places of shape %s, where both have two dimensions", what, v.name, tensor.Dims(v.shape...), tensor.Dims(c.in[3].shape...))
			return v
		}
		node := &nodeProto{op: "Gather", name: c.node.name, in: make([]string, 2), out: c.node.out}
		sub := &call{t: c.t, node: node, in: []*value{v, c.in[3]}}
		out := sub.gather()
		if c.err = sub.err; !c.ready() {
			return v
		}
		v = out[0]
	}
	if !c.ready() {
		return v
	}
	if want := []int{x.shape[0], x.shape[length], pairs}; len(v.shape) != 3 || v.shape[0] != 1 && v.shape[0] != want[0] || !slices.Equal(v.shape[1:], want[1:]) {
		c.fail("%s, %q, of shape %s where there should be %s", what, v.name, tensor.Dims(v.shape...), tensor.Dims(want...))
		return v
	}
	return c.withShape(v, slices.Insert([]int(slices.Clone(v.shape)), 3-length, 1))
}
