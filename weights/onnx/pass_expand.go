package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// foldExpand lets operations that broadcast do so by themselves: an operand that
// was only repeated to the size of the others is taken as it was before. What
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
