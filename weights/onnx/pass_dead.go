package onnx

import "slices"

// removeDead removes nodes whose results nothing uses.
func removeDead(g *graph) int {
	used := map[*value]bool{}
	for _, o := range g.outputs {
		used[o.value] = true
	}
	dead := map[*node]bool{}
	for _, n := range slices.Backward(g.nodes) {
		if !slices.ContainsFunc(n.out, func(v *value) bool { return used[v] }) {
			dead[n] = true
			continue
		}
		for _, v := range n.in {
			used[v] = true
		}
	}
	g.remove(dead)
	return len(dead)
}
