package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
)

// keepRows lets a net compute in the model's own order, channels first, what it
// would otherwise have to bring into that of maps and back: scales and shifts of
// channels, and global pools, that neither read what a convolution or the like
// wrote, nor are read by one. They are products and sums of each element, and
// reductions, which take any order.
func keepRows(g *graph) int {
	wanted := g.wantedMaps()
	stored := map[*value]bool{} // as maps
	var nodes []*node
	for _, n := range g.nodes {
		lies := slices.ContainsFunc(n.in, func(v *value) bool { return stored[v] })
		if any := n.anyOrder(); any != nil && !lies && !wanted[n.in[0]] {
			nodes = append(nodes, any...)
			continue
		}
		nodes = append(nodes, n)
		lies = lies && n.carriesOrder() || n.op.Order() == kernels.Maps
		for _, v := range n.out {
			stored[v] = lies
		}
	}
	g.nodes = nodes
	return 0
}

// wantedMaps are the values that an operation on maps reads which has no other
// form, and what they are made of by operations that keep the order.
func (g *graph) wantedMaps() map[*value]bool {
	wanted := map[*value]bool{}
	for _, n := range slices.Backward(g.nodes) {
		maps := n.op.Order() == kernels.Maps && n.anyOrder() == nil
		through := n.carriesOrder() && slices.ContainsFunc(n.out, func(v *value) bool { return wanted[v] })
		for _, v := range n.in {
			if maps || through {
				wanted[v] = true
			}
		}
	}
	return wanted
}

// carriesOrder says whether a node's results can lie as its operands do.
func (n *node) carriesOrder() bool {
	switch n.op.(type) {
	case channelAffine, *kernels.Reshape, *kernels.Transpose:
		return true
	}
	return n.op.Order() == kernels.AnyOrder || n.op.Order() == kernels.ByAxis
}

// anyOrder is what a node on maps computes as nodes that take any order; nil if
// that cannot be.
func (n *node) anyOrder() []*node {
	if len(n.in) != 1 || n.in[0].scale != 0 || n.out[0].scale != 0 || len(n.in[0].shape) < 3 {
		return nil
	}
	x, y := n.in[0], n.out[0]
	switch op := n.op.(type) {
	case channelAffine:
		shape := slices.Repeat([]int{1}, len(x.shape)-1)
		shape[0] = x.shape[1]
		each := func(w *value) []*value {
			return []*value{{name: w.name, shape: shape, data: w.data.reshaped(shape)}}
		}
		product := &value{name: y.name, shape: y.shape}
		return []*node{
			{name: n.name, origin: n.origin, op: &kernels.Binary{Kind: kernels.Mul}, in: n.in, weights: each(n.weights[0]), out: []*value{product}},
			{name: n.name, origin: n.origin, op: &kernels.Binary{Kind: kernels.Add}, in: []*value{product}, weights: each(n.weights[1]), out: n.out},
		}
	case *kernels.Pool:
		size := asMap(x.shape)[2:]
		if op.Pad != [4]int{} || !slices.Equal(op.Kernel[:], size) || asMap(y.shape)[2] != 1 || asMap(y.shape)[3] != 1 {
			return nil
		}
		reduce := &kernels.Reduce{Kind: kernels.ReduceMean, Keep: true}
		if op.Kind == kernels.MaxPool {
			reduce.Kind = kernels.ReduceMax
		}
		for d := 2; d < len(x.shape); d++ {
			reduce.Axes = append(reduce.Axes, d)
		}
		other := *n
		other.op = reduce
		return []*node{&other}
	}
	return nil
}
