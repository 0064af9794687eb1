package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// foldFocus finds blocks of pixels that become channels spelled out as slices,
// as the first layer of YOLOv5 and YOLOX has them:
//
//	Concat(x[…, ::2, ::2], x[…, 1::2, ::2], x[…, ::2, 1::2], x[…, 1::2, 1::2])
//
// They are one transposition, which moves each element once.
func foldFocus(g *graph) int {
	e := g.edges()
	var nodes []*node
	dead := map[*node]bool{}
	for _, n := range g.nodes {
		x, perm, ok := focus(e, n)
		if !ok {
			nodes = append(nodes, n)
			continue
		}
		e.uses[x]++ // first, so that nothing thinks that nobody needs x
		for _, v := range n.in {
			e.release(v, dead)
		}
		y := n.out[0].shape
		block := x.shape[2] / y[2]
		wide := tensor.Shape{y[0], x.shape[1], y[2], block, y[3], block}
		step := func(op kernels.Spec, in *value, shape tensor.Shape) *value {
			out := &value{name: n.out[0].name, shape: shape}
			nodes = append(nodes, &node{name: n.name, origin: n.origin, op: op, in: []*value{in}, out: []*value{out}})
			return out
		}
		blocks := step(&kernels.Reshape{Shape: wide}, x, wide)
		moved := step(&kernels.Transpose{Perm: perm}, blocks, permuted(wide, perm))
		n.op, n.in = &kernels.Reshape{Shape: slices.Clone(y)}, []*value{moved}
		nodes = append(nodes, n)
	}
	gone := len(g.nodes) - len(nodes) + len(dead)
	g.nodes = nodes
	g.remove(dead)
	return gone
}

// release takes one use from v. Nodes whose results nothing uses any longer are
// dead, and release their operands.
func (e edges) release(v *value, dead map[*node]bool) {
	e.uses[v]--
	n := e.maker[v]
	if n == nil || slices.ContainsFunc(n.out, func(v *value) bool { return e.uses[v] > 0 }) {
		return
	}
	dead[n] = true
	for _, v := range n.in {
		e.release(v, dead)
	}
}

// focus says whether n joins the channels of all pixels of square blocks of x,
// and how dimensions [batch, channels, rows, rows of a block, columns, columns
// of a block] of x are to be permuted for that.
func focus(e edges, n *node) (x *value, perm []int, ok bool) {
	op, ok := n.op.(*kernels.Concat)
	if !ok || op.Axis != 1 || len(n.in) < 4 || len(n.out[0].shape) != 4 {
		return nil, nil, false
	}
	block := 2
	for block*block < len(n.in) {
		block++
	}
	byRows, byColumns := block*block == len(n.in), block*block == len(n.in)
	for i, v := range n.in {
		from, s := e.sliced(v)
		if i > 0 && from != x || s == nil {
			return nil, nil, false
		}
		x = from
		want := tensor.Shape{x.shape[0], x.shape[1], x.shape[2] / block, x.shape[3] / block}
		if x.shape[2]%block != 0 || x.shape[3]%block != 0 || !slices.Equal(s.Size, want) ||
			!slices.Equal(s.Step, []int{1, 1, block, block}) || s.Start[0] != 0 || s.Start[1] != 0 {
			return nil, nil, false
		}
		byRows = byRows && s.Start[2] == i/block && s.Start[3] == i%block
		byColumns = byColumns && s.Start[2] == i%block && s.Start[3] == i/block
	}
	switch {
	case byRows:
		return x, []int{0, 3, 5, 1, 2, 4}, true
	case byColumns:
		return x, []int{0, 5, 3, 1, 2, 4}, true
	}
	return nil, nil, false
}

// sliced returns of which value v is a slice, by one node or several, and what
// slice; nil if it is none.
func (e edges) sliced(v *value) (x *value, all *kernels.Slice) {
	for x = v; e.maker[x] != nil; x = e.maker[x].in[0] {
		s, ok := e.maker[x].op.(*kernels.Slice)
		if !ok {
			break
		}
		if all == nil {
			all = &kernels.Slice{Start: slices.Clone(s.Start), Step: slices.Clone(s.Step), Size: s.Size}
			continue
		}
		for i := range all.Start {
			all.Start[i] = s.Start[i] + all.Start[i]*s.Step[i]
			all.Step[i] *= s.Step[i]
		}
	}
	return x, all
}
