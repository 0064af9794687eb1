package onnx

import (
	"math"

	"github.com/infer-go/infer/kernels"
)

// recogniseGelu finds the two forms of GELU spelled out as arithmetic, in
// whatever order their factors and terms stand:
//
//	x/2·(1 + erf(x/√2))
//	x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
func recogniseGelu(g *graph) int {
	e := g.edges()
	found := false
	for _, n := range g.nodes {
		if kind, x := e.gelu(n); kind != kernels.NoActivation {
			n.op, n.in, n.weights = &kernels.Unary{Act: kernels.Act{Kind: kind}}, []*value{x}, nil
			found = true
		}
	}
	if !found {
		return 0
	}
	return removeDead(g)
}

// gelu says which form n's result is, and of which x.
func (e edges) gelu(n *node) (kind kernels.Activation, x *value) {
	scale, factors := e.product(n, 3)
	if len(factors) != 2 || !near(float32(scale), 0.5) {
		return kernels.NoActivation, nil
	}
	for i, v := range factors {
		sum, x := e.maker[v], factors[1-i]
		if sum == nil || !isScalar(sum, kernels.Add, 1) {
			continue
		}
		f := e.maker[sum.in[0]]
		if f == nil {
			continue
		}
		u, ok := f.op.(*kernels.Unary)
		if !ok {
			continue
		}
		p, ok := e.polynomial(f.in[0], x, 8)
		switch {
		case !ok || p[0] != 0 || p[2] != 0:
		case u.Kind == kernels.Erf && close(p[1], math.Sqrt2/2) && p[3] == 0:
			return kernels.ActGelu, x
		case u.Act.Kind == kernels.ActTanh && close(p[1], math.Sqrt(2/math.Pi)) && close(p[3], 0.044715*math.Sqrt(2/math.Pi)):
			return kernels.ActGeluTanh, x
		}
	}
	return kernels.NoActivation, nil
}

// close says whether two numbers are the same but for what exporters round.
func close(x, y float64) bool { return math.Abs(x-y) <= 1e-5*math.Abs(y) }

// product is n's result as a number times values, of products up to depth
// deep. It has no factors if n is not a product.
func (e edges) product(n *node, depth int) (scale float64, factors []*value) {
	op, ok := n.op.(*kernels.Binary)
	if !ok || op.Act != (kernels.Act{}) {
		return 1, nil
	}
	scale = 1
	switch c, scalar := n.scalar(); {
	case op.Kind == kernels.Mul && scalar:
		scale = c
	case op.Kind == kernels.Div && scalar && !op.Swap:
		scale = 1 / c
	case op.Kind != kernels.Mul || len(n.in) != 2:
		return 1, nil
	}
	for _, v := range n.in {
		if m := e.maker[v]; m != nil && depth > 0 && e.uses[v] == 1 {
			if s, f := e.product(m, depth-1); f != nil {
				scale *= s
				factors = append(factors, f...)
				continue
			}
		}
		factors = append(factors, v)
	}
	return scale, factors
}

// scalar is the number that n, an operation of one operand and one number of
// float32, has; no number if it has several, or its shape is not the operand's.
func (n *node) scalar() (c float64, ok bool) {
	if len(n.in) != 1 || len(n.weights) != 1 || len(n.weights[0].data.floats) != 1 || !n.out[0].shape.Equal(n.in[0].shape) {
		return 0, false
	}
	return float64(n.weights[0].data.floats[0]), true
}

// polynomial is v as a polynomial of x of degree 3 at most, its coefficients
// beginning with that of x⁰, if sums and products up to depth deep make it one.
func (e edges) polynomial(v, x *value, depth int) (p [4]float64, ok bool) {
	if v == x {
		return [4]float64{1: 1}, true
	}
	n := e.maker[v]
	if n == nil || depth == 0 {
		return p, false
	}
	op, ok := n.op.(*kernels.Binary)
	if !ok || op.Act != (kernels.Act{}) || op.Swap && op.Kind == kernels.Div {
		return p, false
	}
	a, ok := e.polynomial(n.in[0], x, depth-1)
	if !ok {
		return p, false
	}
	var b [4]float64
	if len(n.in) == 2 {
		b, ok = e.polynomial(n.in[1], x, depth-1)
	} else {
		b[0], ok = n.scalar()
	}
	if !ok {
		return p, false
	}
	switch op.Kind {
	case kernels.Add:
		for i := range p {
			p[i] = a[i] + b[i]
		}
	case kernels.Mul:
		for i := range p {
			for j := range p {
				if c := a[i] * b[j]; c != 0 {
					if i+j > 3 {
						return p, false
					}
					p[i+j] += c
				}
			}
		}
	case kernels.Div:
		for i := range p {
			p[i] = a[i] / b[0]
		}
		return p, b[1] == 0 && b[2] == 0 && b[3] == 0
	default:
		return p, false
	}
	return p, true
}
