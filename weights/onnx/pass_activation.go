package onnx

import "github.com/infer-go/infer/kernels"

// fuseActivations lets convolutions, fully connected layers and operators of
// two operands apply the activation that follows them.
func fuseActivations(g *graph) int {
	e := g.edges()
	dead := map[*node]bool{}
	for _, n := range g.nodes {
		act, ok := n.activation()
		if !ok {
			continue
		}
		p := e.only(n.in[0])
		if p == nil {
			continue
		}
		slot := p.fusedAct()
		if slot == nil || slot.Kind != kernels.NoActivation {
			continue
		}
		if len(p.in) > 0 && p.in[0].scale != 0 && act.Kind != kernels.Clamp {
			continue // of quantised operands only a clamp can follow the sums
		}
		// The activation of a fused pool is applied before pooling: a maximum
		// lets only those through that keep the order of its operands.
		if conv, ok := p.op.(*kernels.Conv); ok && conv.Pool && act.Kind != kernels.Clamp {
			continue
		}
		*slot = act
		e.absorb(p, n)
		dead[n] = true
	}
	g.remove(dead)
	return len(dead)
}
