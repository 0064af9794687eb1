package onnx

import (
	"math"

	"github.com/infer-go/infer/kernels"
)

// recogniseActivations finds activations spelled out as arithmetic:
//
//	Clip(x+3, 0, 6)/6     = HardSigmoid(x) with slope 1/6
//	x·Clip(x+3, 0, 6)/6   = HardSwish(x)
//	x·HardSigmoid(x)      = HardSwish(x) if the slope is 1/6
//	x·Sigmoid(x)          = SiLU(x)
//	x·Tanh(Softplus(x))   = Mish(x)
//
// and GELU, by recogniseGelu. What stays alone of them is an activation like others, for fuseActivations.
func recogniseActivations(g *graph) int {
	e := g.edges()
	dead := map[*node]bool{}
	for _, n := range g.nodes {
		op, ok := n.op.(*kernels.Binary)
		if !ok {
			continue
		}
		switch {
		case len(n.in) == 1:
			recogniseSixth(e, n, dead)
		case op.Kind == kernels.Mul:
			recogniseGated(e, n, dead)
		}
	}
	g.remove(dead)
	return len(dead) + recogniseGelu(g)
}

// recogniseSixth rewrites n = v/6 where v is Clip(x+3, 0, 6) or x times that.
func recogniseSixth(e edges, n *node, dead map[*node]bool) {
	if !isScalar(n, kernels.Div, 6) && !isScalar(n, kernels.Mul, 1./6) {
		return
	}
	if x, used, ok := clippedPlus3(e, n.in[0]); ok {
		mark(dead, used)
		n.op = &kernels.Unary{Act: kernels.Act{Kind: kernels.ActHardSigmoid, Lo: 1. / 6, Hi: 0.5}}
		n.in, n.weights = []*value{x}, nil
		return
	}
	product := e.only(n.in[0])
	if product == nil || len(product.in) != 2 {
		return
	}
	if op, ok := product.op.(*kernels.Binary); !ok || op.Kind != kernels.Mul || op.Act != (kernels.Act{}) {
		return
	}
	for i, v := range product.in {
		if x, used, ok := clippedPlus3(e, v); ok && x == product.in[1-i] {
			mark(dead, append(used, product))
			e.uses[x]--
			n.op = &kernels.Unary{Act: kernels.Act{Kind: kernels.ActHardSwish}}
			n.in, n.weights = []*value{x}, nil
			return
		}
	}
}

// clippedPlus3 says whether v is Clip(x+3, 0, 6), of which nodes, and returns x.
func clippedPlus3(e edges, v *value) (x *value, used []*node, ok bool) {
	clip := e.only(v)
	if clip == nil {
		return nil, nil, false
	}
	if act, ok := clip.activation(); !ok || act != (kernels.Act{Kind: kernels.Clamp, Lo: 0, Hi: 6}) {
		return nil, nil, false
	}
	sum := e.only(clip.in[0])
	if sum == nil || !isScalar(sum, kernels.Add, 3) {
		return nil, nil, false
	}
	return sum.in[0], []*node{clip, sum}, true
}

// recogniseGated rewrites n = x·gate(x).
func recogniseGated(e edges, n *node, dead map[*node]bool) {
	for i, v := range n.in {
		gate, x := e.only(v), n.in[1-i]
		if gate == nil || dead[gate] || len(gate.in) != 1 {
			continue
		}
		act, ok := gate.activation()
		if !ok {
			continue
		}
		used := []*node{gate}
		if act.Kind == kernels.ActTanh {
			inner := e.only(gate.in[0])
			if inner == nil || dead[inner] || len(inner.in) != 1 {
				continue
			}
			if of, ok := inner.activation(); !ok || of.Kind != kernels.ActSoftplus {
				continue
			}
			used = append(used, inner)
		}
		if used[len(used)-1].in[0] != x {
			continue
		}
		switch {
		case act.Kind == kernels.ActTanh:
			act = kernels.Act{Kind: kernels.ActMish}
		case act.Kind == kernels.ActSigmoid:
			act = kernels.Act{Kind: kernels.ActSiLU}
		case act.Kind == kernels.ActHardSigmoid && near(act.Lo, 1./6) && near(act.Hi, 0.5):
			act = kernels.Act{Kind: kernels.ActHardSwish}
		default:
			continue
		}
		mark(dead, used)
		e.uses[x]--
		n.name = joinNames(gate.name, n.name)
		n.op, n.in = &kernels.Unary{Act: act}, []*value{x}
		return
	}
}

func mark(dead map[*node]bool, nodes []*node) {
	for _, n := range nodes {
		dead[n] = true
	}
}

// isScalar says whether n applies a function to its operand and the number c,
// and leaves the operand's shape as it is: a number of many dimensions adds to
// them.
func isScalar(n *node, kind kernels.BinaryKind, c float64) bool {
	op, ok := n.op.(*kernels.Binary)
	if !ok || op.Kind != kind || op.Swap && kind == kernels.Div || op.Act != (kernels.Act{}) {
		return false
	}
	x, ok := n.scalar()
	return ok && near(float32(x), c)
}

// near says whether x is c to within what exporters round.
func near(x float32, c float64) bool { return math.Abs(float64(x)-c) <= 1e-6*math.Abs(c) }
