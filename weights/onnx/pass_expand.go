package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// foldExpand lets operations that broadcast do so by themselves: an operand that
// was only repeated to the size of the others is taken as it was before, and so is
// a constant, such as the zeros that exporters make in the shape of a value. What
// nothing reads any more is dead.
func foldExpand(g *graph) int {
	e := g.edges()
	dead := map[*node]bool{}
	for _, n := range g.nodes {
		switch n.op.(type) {
		case *kernels.Binary, *kernels.Select:
		default:
			continue
		}
		n.narrowConstants()
		for i, v := range n.in {
			m := e.maker[v]
			if m == nil {
				continue
			}
			r, ok := m.op.(*kernels.Repeat)
			if !ok || !r.Broadcasts(m.in[0].shape) {
				continue
			}
			n.in[i] = m.in[0]
			if !n.broadcastsTo(n.out[0].shape) {
				n.in[i] = v
				continue
			}
			if e.uses[v]--; e.uses[v] == 0 {
				dead[m] = true
			}
		}
	}
	g.remove(dead)
	return len(dead)
}

// narrowConstants makes the constants of a node that broadcasts as small as its
// result allows.
func (n *node) narrowConstants() {
	for i, w := range n.weights {
		for d := range w.shape {
			small := w.data.narrowed(d)
			if small == nil {
				continue
			}
			n.weights[i] = &value{name: w.name, shape: small.dims, data: small}
			if n.broadcastsTo(n.out[0].shape) {
				w = n.weights[i]
			} else {
				n.weights[i] = w
			}
		}
	}
}

// narrowed is a tensor of size 1 in a dimension, of which this one is a repetition;
// nil if there is none.
func (t *constant) narrowed(d int) *constant {
	n := t.dims[d]
	if n < 2 || t.encoding != nil || t.len() == 0 {
		return nil
	}
	inner := 1
	for _, size := range t.dims[d+1:] {
		inner *= size
	}
	small := &constant{kind: t.kind, dims: slices.Clone(t.dims)}
	if t.origin != nil {
		small.origin = &origin{in: []*value{{shape: t.dims, data: t}}, narrowed: d}
	}
	small.dims[d] = 1
	for at := 0; at < t.len(); at += n * inner {
		for i := at + inner; i < at+n*inner; i++ {
			if !t.sameElem(i, i-inner) {
				return nil
			}
		}
	}
	for at := 0; at < t.len(); at += n * inner {
		if t.kind.float() {
			small.floats = append(small.floats, t.floats[at:at+inner]...)
		} else {
			small.ints = append(small.ints, t.ints[at:at+inner]...)
		}
	}
	return small
}

// sameElem compares two elements, and distinguishes zeros by their signs.
func (t *constant) sameElem(i, j int) bool {
	if t.kind.float() {
		return math.Float32bits(t.floats[i]) == math.Float32bits(t.floats[j])
	}
	return t.ints[i] == t.ints[j]
}

// broadcastsTo says whether the operands of a node broadcast to a shape.
func (n *node) broadcastsTo(shape tensor.Shape) bool {
	all, ok := tensor.Shape{}, true
	for _, v := range slices.Concat(n.in, n.weights) {
		if all, ok = tensor.Broadcast(all, v.shape); !ok {
			return false
		}
	}
	return slices.Equal(all, shape)
}
