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

// rotaryEmbedding turns pairs of numbers by angles, of which there is a table for
// places that are an input, or one for each place.
func rotaryEmbedding(g *grower, op string) bool {
	x := g.operand(demand{least: 4, most: 4, fit: func(v *Value) bool { return openEnd(v) <= 1 && v.Dims[3] > 1 && v.Dims[3]%2 == 0 }})
	if x == nil || len(g.Inputs) >= maxInputs {
		return false
	}
	length, size := x.Dims[2], x.Dims[3]
	var attrs []Attr
	if g.chance(2) { // heads are no dimension
		dims := []int{x.Dims[0], x.Dims[1], length * size}
		heads := length
		length = x.Dims[1]
		x = g.reshaped(x, []int64{0, int64(x.Dims[1]), -1}, dims, []bool{x.Open[0], false, false})
		attrs = []Attr{{"num_heads", heads}}
	}
	turned := size
	if size > 2 && g.chance(3) {
		turned = 2 * g.upTo(size/2-1)
		attrs = append(attrs, Attr{"rotary_embedding_dim", turned})
	}
	attrs = append(attrs, g.optional("interleaved", g.r.IntN(2), 0)...)
	table := []int{x.Dims[0], length, turned / 2}
	in := []string{x.Name, "", ""}
	if x.Open[0] || g.chance(2) {
		table = []int{length + g.upTo(4), turned / 2}
		in = append(in, g.addInput(&Value{Type: Int64, Dims: []int{x.Dims[0], length}, Open: []bool{x.Open[0], false}, Hi: float64(table[0] - 1), Grain: 1}).Name)
	}
	in[1], in[2] = g.floatTensor(-1, 1, 0, table...), g.floatTensor(-1, 1, 0, table...)
	g.one(op, in, like(x, -2*x.most(), 2*x.most(), 0), attrs...)
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
