package onnx

import "github.com/infer-go/infer/kernels"

// fusePools lets a convolution pool its result: the map before pooling is then
// never stored.
func fusePools(g *graph) int {
	e := g.edges()
	dead := map[*node]bool{}
	for _, n := range g.nodes {
		pool, ok := n.op.(*kernels.Pool)
		if !ok || !isHalving(pool, n.in[0].shape) {
			continue
		}
		p := e.only(n.in[0])
		if p == nil || len(p.in) != 1 {
			continue
		}
		conv, ok := p.op.(*kernels.Conv)
		if !ok || conv.Groups != 1 || conv.Pool {
			continue
		}
		// Pooling must commute with the activation.
		if kind := conv.Act.Kind; kind != kernels.NoActivation && kind != kernels.Clamp {
			continue
		}
		conv.Pool = true
		e.absorb(p, n)
		dead[n] = true
	}
	g.remove(dead)
	return len(dead)
}

// isHalving says whether a pool of a map is what a convolution can do itself:
// the maximum of 2×2 windows with stride 2, an odd last row or column dropped.
func isHalving(p *kernels.Pool, shape []int) bool {
	w := kernels.Window{Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}}
	if p.Kind != kernels.MaxPool || p.Window != w || len(shape) != 4 {
		return false
	}
	return !p.Ceil || shape[2]%2 == 0 && shape[3]%2 == 0
}
