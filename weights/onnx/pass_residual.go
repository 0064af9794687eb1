package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
)

// fuseResiduals lets a convolution add another map to its result. Where both
// operands of an addition are convolutions, the later one does it.
func fuseResiduals(g *graph) int {
	e := g.edges()
	place := map[*node]int{}
	for i, n := range g.nodes {
		place[n] = i
	}
	dead := map[*node]bool{}
	for i, n := range g.nodes {
		op, ok := n.op.(*kernels.Binary)
		if !ok || op.Kind != kernels.Add || op.Act != (kernels.Act{}) || len(n.in) != 2 ||
			!slices.Equal(n.in[0].shape, n.in[1].shape) {
			continue
		}
		var conv *node
		var residual *value
		for j, v := range n.in {
			if p := e.only(v); addsResidual(p) && (conv == nil || place[p] > place[conv]) {
				conv, residual = p, n.in[1-j]
			}
		}
		if conv == nil {
			continue
		}
		// The convolution moves to where the addition stood, behind whatever
		// makes the residual.
		n.name = joinNames(conv.name, n.name)
		n.op, n.weights = conv.op, conv.weights
		n.in = []*value{conv.in[0], residual}
		place[n] = i
		dead[conv] = true
	}
	g.remove(dead)
	return len(dead)
}

// addsResidual says whether n is a convolution to which a residual can still
// be given.
func addsResidual(n *node) bool {
	if n == nil {
		return false
	}
	conv, ok := n.op.(*kernels.Conv)
	return ok && len(n.in) == 1 && conv.Act.Kind == kernels.NoActivation && !conv.Pool
}
