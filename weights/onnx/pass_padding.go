package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
)

// foldPadding lets convolutions and pools do the padding in front of them:
// zeros go into convolutions and into averages that count padding, minus
// infinity into maxima. An average without padding of its own becomes one that
// counts it.
func foldPadding(g *graph) int {
	e := g.edges()
	dead := map[*node]bool{}
	for _, n := range g.nodes {
		if len(n.in) == 0 {
			continue
		}
		p := e.maker[n.in[0]]
		if p == nil {
			continue
		}
		pad, ok := p.op.(*kernels.Padding)
		if !ok || pad.Mode != kernels.PadConstant || !padsMapOnly(pad) || !takesPadding(n, pad) {
			continue
		}
		n.in[0] = p.in[0]
		e.uses[p.in[0]]++
		n.name = joinNames(p.name, n.name)
		if e.uses[p.out[0]]--; e.uses[p.out[0]] == 0 {
			e.uses[p.in[0]]--
			dead[p] = true
		}
	}
	g.remove(dead)
	return len(dead)
}

// padsMapOnly says whether only the spatial dimensions of a map are padded.
func padsMapOnly(p *kernels.Padding) bool {
	rank := len(p.Before)
	return (rank == 3 || rank == 4) && !slices.ContainsFunc(slices.Concat(p.Before[:2], p.After[:2]), func(n int) bool { return n != 0 })
}

// takesPadding adds a padding to n's own, if that is the same.
func takesPadding(n *node, p *kernels.Padding) bool {
	switch op := n.op.(type) {
	case *kernels.Conv:
		if p.Value != 0 {
			return false
		}
		op.Pad = addPads(op.Pad, p)
		return true
	case *kernels.Pool:
		pad := addPads(op.Pad, p)
		for i := range pad {
			if int64(pad[i]) >= op.Window.Extent(i%2) {
				return false // some window would see nothing else
			}
		}
		switch {
		case op.Ceil:
			return false
		case op.Kind == kernels.MaxPool && p.Value <= -math.MaxFloat32:
		case op.Kind == kernels.AveragePoolPadded && p.Value == 0:
		case op.Kind == kernels.AveragePool && p.Value == 0 && op.Pad == [4]int{}:
			op.Kind = kernels.AveragePoolPadded
		default:
			return false
		}
		op.Pad = pad
		return true
	}
	return false
}

func addPads(pad [4]int, p *kernels.Padding) [4]int {
	last := len(p.Before) - 1
	pad[1] += p.Before[last]
	pad[3] += p.After[last]
	if last == 3 {
		pad[0] += p.Before[2]
		pad[2] += p.After[2]
	}
	return pad
}
