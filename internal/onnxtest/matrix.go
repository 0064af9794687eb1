package onnxtest

import (
	"math"
	"slices"
	"strings"
)

// matMul multiplies by a constant, or two values, of all ranks.
func matMul(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5, fit: func(v *Value) bool { return !v.Open[len(v.Dims)-1] }})
	if x == nil {
		return false
	}
	rank := len(x.Dims)
	k := x.Dims[rank-1]
	exact := x.exact() && g.chance(2)
	limit, grain := 2/math.Sqrt(float64(k)), 0.0
	if exact {
		limit, grain = 1, 0.25
	}
	m := float64(k) * limit * x.most()
	if !exact {
		m = 2 * math.Sqrt(float64(k)) * x.most()
	}
	lead, last := slices.Clone(x.Dims[:rank-1]), g.upTo(maxDim)
	open := slices.Clone(x.Open[:rank-1])
	var dims []int // of the constant
	switch kind := g.r.IntN(8); {
	case kind == 0: // a vector
		dims = []int{k}
		if rank == 1 { // a number is no output
			return false
		}
	case kind == 1 && rank >= 3: // a stack of matrices
		dims = append(g.broadcasting(&Value{Dims: x.Dims[:rank-2], Open: x.Open[:rank-2]}), k, last)
	case kind == 2 && rank >= 2 && !x.Open[rank-2]: // from the left
		k = x.Dims[rank-2]
		if exact {
			m = float64(k) * x.most()
		} else {
			limit = 2 / math.Sqrt(float64(k))
			m = 2 * math.Sqrt(float64(k)) * x.most()
		}
		rows := g.upTo(maxDim)
		w := g.floatTensor(-limit, limit, grain, rows, k)
		y := resized(x, slices.Clone(x.Dims))
		y.Dims[rank-2] = rows
		y.Lo, y.Hi, y.Grain = -m, m, x.Grain*grain
		g.one(op, []string{w, x.Name}, y)
		return true
	default:
		dims = []int{k, last}
	}
	w := g.floatTensor(-limit, limit, grain, dims...)
	y := &Value{Type: Float, Dims: lead, Open: open, Lo: -m, Hi: m, Grain: x.Grain * grain}
	if len(dims) > 1 {
		y.Dims, y.Open = append(y.Dims, last), append(y.Open, false)
	}
	g.one(op, []string{x.Name, w}, y)
	return true
}

// products multiplies two values, x and what x's transpose or another value is.
func products(g *grower) bool {
	x := g.operand(demand{least: 2, most: 5, fit: func(v *Value) bool {
		rank := len(v.Dims)
		return !v.Open[rank-1] && !v.Open[rank-2]
	}})
	if x == nil {
		return false
	}
	rank := len(x.Dims)
	perm := axesOf(rank)
	perm[rank-1], perm[rank-2] = perm[rank-2], perm[rank-1]
	y := g.transposed(x, perm)
	if g.chance(2) {
		x, y = y, x
	}
	rows, k := x.Dims[rank-2], x.Dims[rank-1]
	m := float64(k) * x.most() * x.most()
	out := resized(x, slices.Clone(x.Dims))
	out.Dims[rank-1] = rows
	out.Lo, out.Hi, out.Grain = -m, m, x.Grain*x.Grain
	z := g.one("MatMul", []string{x.Name, y.Name}, out)
	if g.chance(2) { // attention
		by := 1 / math.Sqrt(float64(k))
		z = g.one("Mul", []string{z.Name, g.scalar(Float, by)}, like(z, z.Lo*by, z.Hi*by, 0))
		axis := int64(rank - 1)
		if z.most() > 100 {
			return true
		}
		z = g.one("Softmax", []string{z.Name}, like(z, 0, 1, 0), Attr{"axis", axis})
		v := resized(x, slices.Clone(x.Dims))
		v.Lo, v.Hi, v.Grain = -x.most(), x.most(), 0
		g.one("MatMul", []string{z.Name, x.Name}, v)
	}
	return true
}

// gemm has constants and values, transposed and not, in all places.
func gemm(g *grower, op string) bool {
	x := g.operand(demand{least: 2, most: 2})
	if x == nil {
		return false
	}
	alpha, beta := pick(g.r, []float64{1, 1, 0.5, -2}), pick(g.r, []float64{1, 1, 0.5, 0})
	transA, transB := 0, g.r.IntN(2)
	if x.Open[1] || !x.Open[0] && g.chance(3) {
		transA = 1
	}
	m, k := x.Dims[transA], x.Dims[1-transA]
	open := []bool{x.Open[transA], false}
	if x.Open[1-transA] {
		return false
	}
	if !x.openAny() && transA == 0 && g.chance(5) { // of a value by its own transpose
		b := float64(k) * x.most() * x.most()
		y := &Value{Type: Float, Dims: []int{m, m}, Open: make([]bool, 2), Lo: -b, Hi: b}
		in := []string{x.Name, x.Name}
		if c := g.partner(y, false); c != nil {
			in = append(in, c.Name)
			y.Lo, y.Hi = y.Lo-c.most(), y.Hi+c.most()
			if dims, _, ok := together(of(y), of(c)); !ok || !slices.Equal(dims, y.Dims) {
				return false
			}
		} else if g.Opset < 11 {
			return false
		}
		g.one(op, in, y, Attr{"transB", 1})
		return true
	}
	n := g.upTo(maxDim)
	limit := 2 / math.Sqrt(float64(k))
	bound := math.Abs(alpha) * 2 * math.Sqrt(float64(k)) * x.most()
	dims := []int{k, n}
	if transB == 1 {
		slices.Reverse(dims)
	}
	in := []string{x.Name, ""}
	swapped := false
	switch {
	case g.chance(5) && !open[0]: // the constant first
		swapped = true
		in = []string{g.floatTensor(-limit, limit, 0, n, k), x.Name}
		m, n = n, m
		// y = w·x', where x' is k × n
		transA, transB = 0, 1-transA
	default:
		in[1] = g.floatTensor(-limit, limit, 0, dims...)
	}
	y := &Value{Type: Float, Dims: []int{m, n}, Open: open, Lo: -bound, Hi: bound}
	if swapped {
		y.Open = []bool{false, open[0]}
	}
	if g.Opset < 11 || g.chance(2) {
		c := pick(g.r, [][]int{{}, {1}, {n}, {1, n}, {m, 1}, {m, n}})
		if y.Open[0] && len(c) == 2 && c[0] == m {
			c = []int{n}
		}
		in = append(in, g.floatTensor(-1, 1, 0, c...))
		y.Lo, y.Hi = y.Lo-math.Abs(beta), y.Hi+math.Abs(beta)
	}
	attrs := append(g.optional("alpha", float32(alpha), float32(1)), g.optional("beta", float32(beta), float32(1))...)
	attrs = append(attrs, g.optional("transA", transA, 0)...)
	attrs = append(attrs, g.optional("transB", transB, 0)...)
	g.one(op, in, y, attrs...)
	return true
}

// einsum has an equation in which the first term stands for a value, whose
// dimensions but those that are open are named at random, and the second, if
// there is one, for a constant.
func einsum(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 4})
	if x == nil {
		return false
	}
	const names = "abcdefgh"
	rank := len(x.Dims)
	term := names[:rank]
	size := map[byte]int{}
	for i := range rank {
		size[term[i]] = x.Dims[i]
	}
	equation, in := term, []string{x.Name}
	m := x.most()
	taps := 1
	switch g.r.IntN(3) {
	case 0: // of one operand
	case 1: // of a value and itself, with some letters of its own
		var second string
		for i := range rank {
			c := term[i : i+1]
			if !x.Open[i] && g.chance(2) {
				c = names[len(size) : len(size)+1]
				size[c[0]] = x.Dims[i]
			}
			second += c
		}
		in = append(in, x.Name)
		equation += "," + second
		m *= x.most()
		for _, c := range second {
			if !strings.ContainsRune(term, c) {
				term += string(c)
			}
		}
	default:
		var second string
		var dims []int
		for _, i := range g.r.Perm(rank)[:g.r.IntN(rank+1)] {
			if !x.Open[i] {
				second, dims = second+term[i:i+1], append(dims, x.Dims[i])
			}
		}
		for range g.r.IntN(3) {
			c := names[len(size) : len(size)+1]
			size[c[0]] = g.upTo(8)
			second, dims = second+c, append(dims, size[c[0]])
		}
		if len(dims) == 0 || len(dims) > 4 || product(dims) > 2000 {
			return false
		}
		in = append(in, g.floatTensor(-1, 1, 0, dims...))
		equation += "," + second
		term += strings.Map(func(c rune) rune {
			if strings.ContainsRune(term, c) {
				return -1
			}
			return c
		}, second)
	}
	// What is left of the letters is the result; those that are open stay, and
	// come first.
	var result string
	y := &Value{Type: Float}
	add := func(c byte, open bool) {
		result += string(c)
		y.Dims, y.Open = append(y.Dims, size[c]), append(y.Open, open)
	}
	for i := range rank {
		if x.Open[i] {
			add(term[i], true)
		}
	}
	for _, i := range g.r.Perm(len(term)) {
		switch {
		case i < rank && x.Open[i]:
		case g.chance(3):
			taps *= size[term[i]]
		default:
			add(term[i], false)
		}
	}
	if len(result) == 0 || len(result) > 5 || product(y.Dims) > maxElements {
		return false
	}
	y.Lo, y.Hi = -m*float64(taps), m*float64(taps)
	g.one(op, in, y, Attr{"equation", equation + "->" + result})
	return true
}

// recurrent adds an LSTM, a GRU or an RNN, between transpositions where its batch is
// not where it wants it.
func recurrent(g *grower, op string) bool {
	x := g.operand(demand{least: 3, most: 3, fit: func(v *Value) bool { return !v.Open[1] && !v.Open[2] && v.elements() < 800 }})
	if x == nil {
		return false
	}
	itemsFirst := x.Open[0]
	if itemsFirst {
		x = g.transposed(x, []int{1, 0, 2})
	}
	times, n, width := x.Dims[0], x.Dims[1], x.Dims[2]
	gates, states := 4, 2
	switch op {
	case "GRU":
		gates, states = 3, 1
	case "RNN":
		gates, states = 1, 1
	}
	direction := pick(g.r, []string{"forward", "reverse", "bidirectional"})
	d := 1
	if direction == "bidirectional" {
		d = 2
	}
	hidden := g.upTo(9)
	// States of an RNN with Relu stay bounded if its weights shrink them.
	relu, most := op == "RNN" && g.chance(2), 0.7
	if relu {
		most /= float64(hidden)
	}
	in := []string{x.Name, g.floatTensor(-0.7, 0.7, 0, d, gates*hidden, width), g.floatTensor(-most, most, 0, d, gates*hidden, hidden), "", "", "", ""}
	if g.chance(2) {
		in[3] = g.floatTensor(-0.5, 0.5, 0, d, 2*gates*hidden)
	}
	if !itemsFirst && g.chance(4) {
		lengths := make([]byte, 0, 4*n)
		for range n {
			lengths = appendElement(lengths, Int32, float64(times))
		}
		in[4] = g.tensor(Int32, []int{n}, lengths)
	}
	if !itemsFirst && g.chance(3) { // first states, the same of each sequence
		for i := range states {
			var raw []byte
			for range d {
				row := (&Value{Type: Float, Lo: -1, Hi: 1}).random(g.r, hidden)
				raw = append(raw, slices.Repeat(row, n)...)
			}
			in[5+i] = g.tensor(Float, []int{d, n, hidden}, raw)
		}
	}
	in = in[:5+states]
	for in[len(in)-1] == "" {
		in = in[:len(in)-1]
	}
	attrs := append([]Attr{{"hidden_size", hidden}}, g.optional("direction", direction, "forward")...)
	if op == "GRU" {
		attrs = append(attrs, g.optional("linear_before_reset", g.r.IntN(2), 0)...)
	}
	bound := 1.0
	switch {
	case op == "LSTM":
		bound = float64(times) + 1
	case relu:
		bound = (0.7*float64(width)*x.most() + 1) / 0.3
		attrs = append(attrs, Attr{"activations", slices.Repeat([]string{"Relu"}, d)})
	}
	state := func(m float64) *Value {
		return &Value{Type: Float, Dims: []int{d, n, hidden}, Open: []bool{false, itemsFirst, false}, Lo: -m, Hi: m}
	}
	out := []*Value{{Type: Float, Dims: []int{times, d, n, hidden}, Open: []bool{false, false, itemsFirst, false}, Lo: -1, Hi: 1}}
	if relu {
		out[0].Lo, out[0].Hi = 0, bound
	}
	for i := range g.r.IntN(states + 1) {
		out = append(out, state([]float64{max(1, out[0].Hi), bound}[i]))
	}
	if len(out) > 1 && g.chance(4) {
		out[0] = nil
	}
	for _, v := range out {
		if v != nil && itemsFirst {
			defer func() {
				if g.Values[v.Name] != v {
					return
				}
				perm := []int{2, 0, 1, 3}
				if len(v.Dims) == 3 {
					perm = []int{1, 0, 2}
				}
				g.transposed(v, perm)
			}()
		}
	}
	g.node(op, in, out, attrs...)
	return true
}
