package onnxtest

import "math"

// attention reads queries by head from a value, keys and values from inputs.
func attention(g *grower, op string) bool {
	q := g.operand(demand{least: 4, most: 4, fit: func(v *Value) bool { return openEnd(v) <= 1 && v.most() <= 8 }})
	if q == nil || len(g.Inputs)+2 > maxInputs || g.batch && !q.Open[0] {
		return false
	}
	heads, rows, size := q.Dims[1], q.Dims[2], q.Dims[3]
	keyHeads := heads
	if g.chance(2) {
		for keyHeads = g.upTo(heads); heads%keyHeads != 0; {
			keyHeads--
		}
	}
	columns, width := g.upTo(maxDim), g.upTo(12)
	input := func(width int) *Value {
		return g.addInput(&Value{Type: Float, Dims: []int{q.Dims[0], keyHeads, columns, width}, Open: []bool{q.Open[0], false, false, false}, Lo: -1, Hi: 1})
	}
	k, v := input(size), input(width)
	in := []string{q.Name, k.Name, v.Name}
	attrs := g.optional("is_causal", g.r.IntN(2), 0)
	if g.chance(2) {
		attrs = append(attrs, Attr{"scale", pick(g.r, []float32{0.25, 0.125, 1})})
	}
	if g.chance(3) {
		attrs = append(attrs, Attr{"softcap", float32(2)})
	}
	switch g.r.IntN(6) {
	case 0, 1:
		in = append(in, g.floatTensor(-2, 2, 0, rows, columns))
	case 2: // some queries may see nothing
		seen := Value{Type: Bool, Dims: []int{rows, columns}, Hi: 1, Grain: 1}
		in = append(in, g.tensor(Bool, seen.Dims, seen.random(g.r, seen.elements())))
	}
	y := &Value{Type: Float, Dims: []int{q.Dims[0], heads, rows, width}, Open: []bool{q.Open[0], false, false, false}, Lo: -1, Hi: 1}
	if y.elements() > maxElements {
		return false
	}
	g.one(op, in, y, attrs...)
	return true
}

// rmsNorm divides by the root of the mean square over the last dimensions.
func rmsNorm(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok || axis < openEnd(x) {
		return false
	}
	dims := x.Dims[axis:]
	epsilon := pick(g.r, []float32{1e-5, 1e-3, 0.1})
	m := 2 * math.Sqrt(float64(product(dims)))
	g.one(op, []string{x.Name, g.floatTensor(-2, 2, 0, dims...)}, like(x, -m, m, 0), Attr{"axis", attr}, Attr{"epsilon", epsilon})
	return true
}
