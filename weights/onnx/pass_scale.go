package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// foldScales lets products of matrices multiply by the numbers by which an
// operand or the result is multiplied or divided: the 1/√d of an attention,
// which exporters put in front of a product or behind it.
func foldScales(g *graph) int {
	e := g.edges()
	dead := map[*node]bool{}
	for _, n := range g.nodes {
		if dead[n] {
			continue
		}
		if op, ok := n.op.(*kernels.MatMul); ok {
			for _, v := range n.in {
				foldOperandScale(e, n, op, v, dead)
			}
			continue
		}
		by, ok := scalarFactor(n)
		if !ok {
			continue
		}
		p := e.only(n.in[0])
		if p == nil || dead[p] {
			continue
		}
		if op, ok := p.op.(*kernels.MatMul); ok && multiplyScale(op, by) {
			e.absorb(p, n)
			dead[n] = true
		}
	}
	g.remove(dead)
	return len(dead)
}

// foldOperandScale folds the factor of an operand of a product. It may have
// been transposed and reshaped since.
func foldOperandScale(e edges, product *node, op *kernels.MatMul, v *value, dead map[*node]bool) {
	reader := product // of v
	for p := e.only(v); p != nil && !dead[p]; p = e.only(v) {
		switch p.op.(type) {
		case *kernels.Transpose, *kernels.Reshape:
			reader, v = p, p.in[0]
			continue
		}
		by, ok := scalarFactor(p)
		if !ok || !multiplyScale(op, by) {
			return
		}
		reader.in[slices.Index(reader.in, v)] = p.in[0]
		dead[p] = true
		return
	}
}

// scalarFactor is the number by which n multiplies its operand, if that is all
// it does.
func scalarFactor(n *node) (by float32, ok bool) {
	op, isBinary := n.op.(*kernels.Binary)
	if !isBinary || op.Act != (kernels.Act{}) {
		return 0, false
	}
	c, ok := n.scalar()
	switch {
	case !ok:
	case op.Kind == kernels.Mul:
		by = float32(c)
	case op.Kind == kernels.Div && !op.Swap:
		by = 1 / float32(c)
	}
	return by, by != 0 && tensor.IsFinite(by)
}

// multiplyScale multiplies a product's scale, if what comes of it is a number
// other than 0.
func multiplyScale(op *kernels.MatMul, by float32) bool {
	scale := op.Scale
	if scale == 0 {
		scale = 1
	}
	if scale *= by; scale == 0 || !tensor.IsFinite(scale) {
		return false
	}
	op.Scale = scale
	return true
}
