package onnxtest

import (
	"math"
	"slices"
)

// batchNorm adds a BatchNormalization of what has channels.
func batchNorm(g *grower, op string) bool {
	x := g.operand(demand{least: 2, most: 5})
	return x != nil && g.batchNorm(x) != nil
}

func (g *grower) batchNorm(x *Value) *Value {
	if x.Open[1] {
		return nil
	}
	c := x.Dims[1]
	in := []string{x.Name, g.floatTensor(0.5, 1.5, 0, c), g.floatTensor(-0.5, 0.5, 0, c), g.floatTensor(-0.5, 0.5, 0, c), g.floatTensor(0.5, 1.5, 0, c)}
	m := (x.most()+0.5)*1.5/math.Sqrt(0.5) + 0.5
	return g.one("BatchNormalization", in, like(x, -m, m, 0), g.epsilon(x)...)
}

// epsilon is so large that what is normalised is no noise: rounding of large
// elements that are nearly the same.
func (g *grower) epsilon(x *Value) []Attr {
	least := x.most() / 40
	return []Attr{{"epsilon", float32(max(pick(g.r, []float64{1e-3, 1e-2, 0.1}), least*least))}}
}

// normalised is a value of x's shape with mean 0 and variance 1, scaled by up
// to 1.5 and shifted by up to 1.
func normalised(x *Value, n int) *Value {
	m := 1.5*math.Sqrt(float64(n)) + 1
	return like(x, -m, m, 0)
}

func instanceNorm(g *grower, op string) bool {
	x := g.operand(demand{least: 3, most: 5})
	if x == nil || x.Open[1] {
		return false
	}
	c := x.Dims[1]
	g.one(op, []string{x.Name, g.floatTensor(0.5, 1.5, 0, c), g.floatTensor(-1, 1, 0, c)}, normalised(x, product(x.Dims[2:])), g.epsilon(x)...)
	return true
}

// groupNorm has a scale for each group in opset 18, and for each channel since
// opset 21.
func groupNorm(g *grower, op string) bool {
	x := g.operand(demand{least: 3, most: 5})
	if x == nil || x.Open[1] {
		return false
	}
	c := x.Dims[1]
	groups := 1
	for _, i := range g.r.Perm(c) {
		if c%(i+1) == 0 {
			groups = i + 1
			break
		}
	}
	params := groups
	if g.Opset >= 21 {
		params = c
	}
	in := []string{x.Name, g.floatTensor(0.5, 1.5, 0, params), g.floatTensor(-1, 1, 0, params)}
	g.one(op, in, normalised(x, product(x.Dims[1:])/groups), append(g.epsilon(x), Attr{"num_groups", groups})...)
	return true
}

// layerNorm normalises over the dimensions from axis on, perhaps with its
// statistics as further results.
func layerNorm(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil {
		return false
	}
	rank := len(x.Dims)
	axis := rank - 1
	for axis > 0 && !x.Open[axis-1] && g.chance(2) {
		axis--
	}
	if x.Open[rank-1] {
		return false
	}
	dims := x.Dims[axis:]
	in := []string{x.Name, g.floatTensor(0.5, 1.5, 0, dims...)}
	if g.chance(2) {
		in = append(in, g.floatTensor(-1, 1, 0, dims...))
	}
	attrs := append(g.epsilon(x), Attr{"axis", g.signed(axis, rank)})
	if axis == rank-1 && g.chance(2) {
		attrs = attrs[:1]
	}
	out := []*Value{normalised(x, product(dims))}
	if g.chance(6) {
		kept := append(slices.Clone(x.Dims[:axis]), make1(rank-axis)...)
		attrs[0].Value = max(float32(0.1), attrs[0].Value.(float32))
		out = append(out, &Value{Type: Float, Dims: kept, Open: slices.Clone(x.Open), Lo: x.Lo, Hi: x.Hi},
			&Value{Type: Float, Dims: slices.Clone(kept), Open: slices.Clone(x.Open), Lo: 0, Hi: 4})
	}
	g.node(op, in, out, attrs...)
	return true
}

// varied is a new input, since what divides by a deviation without an epsilon
// makes noise of elements that are all nearly the same.
func (g *grower) varied(least, most int) *Value {
	if len(g.Inputs) >= maxInputs {
		return nil
	}
	v := g.newValue(Float, demand{least: least, most: most})
	if v == nil {
		return nil
	}
	v.Lo, v.Hi, v.Grain = -1, 2, 0
	return g.addInput(v)
}

func meanVariance(g *grower, op string) bool {
	x := g.varied(4, 4)
	if x == nil {
		return false
	}
	axes := []int{0, 2, 3}
	var attrs []Attr
	if g.batch || g.chance(2) {
		axes = pick(g.r, [][]int{{2, 3}, {1, 2, 3}, {3}, {1}})
		attrs = []Attr{{"axes", int64s(axes)}}
	}
	n := 1
	for _, axis := range axes {
		n *= x.Dims[axis]
		if x.Open[axis] {
			return false
		}
	}
	if n < 4 {
		return false
	}
	g.one(op, []string{x.Name}, normalised(x, n), attrs...)
	return true
}

func lpNorm(g *grower, op string) bool {
	x := g.varied(1, 5)
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok || x.Dims[axis] < 3 {
		return false
	}
	attrs := g.optional("p", g.upTo(2), 2)
	if attr != int64(len(x.Dims)-1) || g.chance(2) {
		attrs = append(attrs, Attr{"axis", attr})
		if attr == int64(len(x.Dims)-1) {
			attrs = attrs[:len(attrs)-1]
		}
	}
	g.one(op, []string{x.Name}, like(x, -1, 1, 0), attrs...)
	return true
}

func lrn(g *grower, op string) bool {
	x := g.operand(mapsOf(2, 2))
	if x == nil || x.Open[1] {
		return false
	}
	attrs := append([]Attr{{"size", pick(g.r, []int{1, 3, 5, 9})}}, g.optional("alpha", float32(pick(g.r, []float64{1e-4, 0.5})), float32(1e-4))...)
	attrs = append(attrs, g.optional("beta", float32(pick(g.r, []float64{0.75, 0.5, 1})), float32(0.75))...)
	attrs = append(attrs, g.optional("bias", float32(pick(g.r, []float64{1, 2})), float32(1))...)
	m := x.most()
	g.one(op, []string{x.Name}, like(x, -m, m, 0), attrs...)
	return true
}

// softmax is Softmax or LogSoftmax, over all dimensions from axis on before
// opset 13.
func softmax(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5, fit: func(v *Value) bool { return v.most() <= 40 }})
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok {
		return false
	}
	var attrs []Attr
	n := x.Dims[axis]
	if g.Opset < 13 {
		if slices.Contains(x.Open[axis:], true) {
			return false
		}
		n = product(x.Dims[axis:])
		if axis != 1 || g.chance(2) {
			attrs = []Attr{{"axis", attr}}
		}
	} else if axis != len(x.Dims)-1 || g.chance(2) {
		attrs = []Attr{{"axis", attr}}
	}
	y := like(x, 0, 1, 0)
	if op == "LogSoftmax" {
		y.Lo, y.Hi = x.Lo-x.Hi-math.Log(float64(n)), 0
	}
	g.one(op, []string{x.Name}, y, attrs...)
	return true
}

// reduction makes one number of those along some axes: an attribute before an
// opset, an operand since.
func reduction(operandSince int64) func(*grower, string) bool {
	return func(g *grower, op string) bool {
		d := demand{most: 5, fit: func(v *Value) bool { return len(v.Dims) > 0 && len(v.fixed()) > 0 }}
		switch op {
		case "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceMean", "ReduceL1", "ReduceSumSquare":
			d.types = numbers
			if (op == "ReduceMax" || op == "ReduceMin") && g.Opset < 12 {
				d.types = floats
			}
		}
		x := g.operand(d)
		if x == nil {
			return false
		}
		if op == "ReduceLogSum" {
			if x = g.domain(x, 0.25, 3); x.Lo <= 0 {
				return false
			}
		}
		rank := len(x.Dims)
		fixed := x.fixed()
		g.r.Shuffle(len(fixed), func(i, j int) { fixed[i], fixed[j] = fixed[j], fixed[i] })
		axes := fixed[:1+g.r.IntN(len(fixed))]
		var attrs []Attr
		in := []string{x.Name}
		keep := g.r.IntN(2)
		attrs = append(attrs, g.optional("keepdims", keep, 1)...)
		noop := false
		if len(axes) == rank && g.chance(2) { // all, unsaid
			if g.Opset >= operandSince && g.chance(3) {
				noop = true
				attrs = append(attrs, Attr{"noop_with_empty_axes", 1})
			}
		} else {
			var list []int64
			for _, axis := range axes {
				a := int64(axis)
				if g.Opset >= 11 && g.chance(3) {
					a -= int64(rank)
				}
				list = append(list, a)
			}
			if g.Opset < operandSince {
				attrs = append(attrs, Attr{"axes", list})
			} else {
				in = append(in, g.ints(list...))
			}
		}
		y := &Value{Type: x.Type, Dims: []int{}, Open: []bool{}}
		n := 1
		for i, size := range x.Dims {
			switch {
			case noop:
			case slices.Contains(axes, i):
				n *= size
				if keep == 0 {
					continue
				}
				size = 1
			}
			y.Dims, y.Open = append(y.Dims, size), append(y.Open, x.Open[i])
		}
		if noop {
			keep = 1
		}
		if op == "ReduceProd" && (n > 6 || x.most() > 4) {
			return false
		}
		y.Lo, y.Hi, y.Grain = reducedRange(op, x, float64(n))
		if x.Type != Float && y.most() > 1<<20 {
			return false
		}
		g.one(op, in, y, attrs...)
		return true
	}
}

// reducedRange bounds what a reduction makes of n elements of x.
func reducedRange(op string, x *Value, n float64) (lo, hi, grain float64) {
	m := x.most()
	if x.Type != Float {
		grain = 1
	}
	switch op {
	case "ReduceMax", "ReduceMin":
		return x.Lo, x.Hi, x.Grain
	case "ReduceMean":
		return x.Lo, x.Hi, grain
	case "ReduceSum":
		return n * x.Lo, n * x.Hi, x.Grain
	case "ReduceProd":
		p := max(math.Pow(m, n), m)
		return -p, p, grain
	case "ReduceL1":
		return 0, n * m, x.Grain
	case "ReduceL2":
		return 0, math.Sqrt(n) * m, 0
	case "ReduceSumSquare":
		return 0, n * m * m, x.Grain * x.Grain
	case "ReduceLogSum":
		return math.Log(n * x.Lo), math.Log(n * x.Hi), 0
	}
	return x.Lo, x.Hi + math.Log(n), 0 // ReduceLogSumExp
}
