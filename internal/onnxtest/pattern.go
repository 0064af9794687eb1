package onnxtest

import "math"

// patterns are nodes that stand together in nets, and that are fused.
var patterns = []func(*grower) bool{convBlock, convBlock, convBlock, products, residual, spelledNorm, spelledGelu, gate, focus, scaleAndShift, fullyConnected}

// convBlock is a convolution and what follows it: normalisation, activation, a
// residual, a pool.
func convBlock(g *grower) bool {
	x := g.operand(demand{least: 3, most: 4})
	if x == nil {
		return false
	}
	y := g.conv()
	if y == nil {
		return false
	}
	if g.chance(2) {
		if y = g.batchNorm(y); y == nil {
			return false
		}
	}
	if g.chance(3) {
		g.activation(y)
		y = g.latest()
	}
	if g.chance(2) {
		y = g.addTo(y)
	}
	if g.chance(2) {
		g.activation(y)
	}
	if g.chance(3) && g.latest().Type == Float && len(g.latest().Dims) >= 3 {
		pool(g, pick(g.r, []string{"MaxPool", "AveragePool"}))
	}
	return true
}

func (g *grower) latest() *Value { return g.recent[len(g.recent)-1] }

// addTo adds another value of the same shape, if there is one.
func (g *grower) addTo(x *Value) *Value {
	y := g.partner(x, false)
	if y == nil {
		return x
	}
	z := g.join(Float, x.Lo+y.Lo, x.Hi+y.Hi, 0, of(x), of(y))
	if z == nil {
		return x
	}
	op := "Add"
	if g.Opset >= 8 && g.chance(3) {
		op = "Sum"
	}
	return g.one(op, []string{x.Name, y.Name}, z)
}

// activation applies a function that is fused into what comes before.
func (g *grower) activation(x *Value) {
	names := []string{"Relu", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Elu", "Softplus", "HardSigmoid", "Selu"}
	if g.Opset >= 14 {
		names = append(names, "HardSwish")
	}
	if g.Opset >= 18 {
		names = append(names, "Mish")
	}
	of := map[string]func(float64) float64{
		"Sigmoid": sigmoid, "Tanh": math.Tanh, "Softplus": softplus, "HardSigmoid": sigmoid,
		"Selu": func(x float64) float64 { return 1.06 * elu(1.7)(x) }, "Elu": elu(1),
	}
	name := pick(g.r, names)
	f := of[name]
	if f == nil {
		f = func(x float64) float64 { return max(x, -0.4) }
	}
	if g.chance(5) { // x·sigmoid(x)
		s := g.one("Sigmoid", []string{x.Name}, like(x, 0, 1, 0))
		m := x.most()
		g.one("Mul", []string{x.Name, s.Name}, like(x, -m, m, 0))
		return
	}
	y := like(x, 0, 0, 0)
	y.Lo, y.Hi = sampled(f, x.Lo, x.Hi)
	if name == "HardSigmoid" {
		y.Lo, y.Hi = 0, 1
	}
	g.one(name, []string{x.Name}, y)
}

// residual adds what a function makes of a value to it.
func residual(g *grower) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil {
		return false
	}
	g.activation(x)
	y := g.latest()
	if z := g.join(Float, x.Lo+y.Lo, x.Hi+y.Hi, 0, of(x), of(y)); z != nil {
		g.one("Add", []string{y.Name, x.Name}, z)
	}
	return true
}

// spelledNorm is a LayerNormalization in single operators, as exporters before
// opset 17 wrote it.
func spelledNorm(g *grower) bool {
	x := g.operand(demand{least: 2, most: 4, fit: func(v *Value) bool { return !v.Open[len(v.Dims)-1] && v.most() <= 16 }})
	if x == nil || g.Opset >= 18 {
		return false
	}
	rank := len(x.Dims)
	n := x.Dims[rank-1]
	kept := func(lo, hi float64) *Value {
		v := like(x, lo, hi, 0)
		v.Dims[rank-1] = 1
		return v
	}
	last := []Attr{{"axes", []int64{int64(rank - 1)}}}
	mean := g.one("ReduceMean", []string{x.Name}, kept(x.Lo, x.Hi), last...)
	m := x.Hi - x.Lo
	d := g.one("Sub", []string{x.Name, mean.Name}, like(x, -m, m, 0))
	var square *Value
	if g.chance(2) {
		square = g.one("Pow", []string{d.Name, g.float(nil, 2)}, like(x, 0, min(m*m, largest), 0))
	} else {
		square = g.one("Mul", []string{d.Name, d.Name}, like(x, 0, min(m*m, largest), 0))
	}
	variance := g.one("ReduceMean", []string{square.Name}, kept(0, square.Hi), last...)
	sum := g.one("Add", []string{variance.Name, g.float(nil, 1e-2)}, kept(1e-2, square.Hi+1e-2))
	root := g.one("Sqrt", []string{sum.Name}, kept(0.1, math.Sqrt(sum.Hi)))
	y := g.one("Div", []string{d.Name, root.Name}, like(x, -math.Sqrt(float64(n)), math.Sqrt(float64(n)), 0))
	if g.chance(2) {
		y = g.one("Mul", []string{y.Name, g.floatTensor(0.5, 1.5, 0, n)}, like(y, 1.5*y.Lo, 1.5*y.Hi, 0))
		g.one("Add", []string{y.Name, g.floatTensor(-1, 1, 0, n)}, like(y, y.Lo-1, y.Hi+1, 0))
	}
	return true
}

// spelledGelu is x·(1 + erf(x/√2))/2 in single operators.
func spelledGelu(g *grower) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil || g.Opset < 9 {
		return false
	}
	m := x.most()
	a := g.one("Div", []string{x.Name, g.float(nil, math.Sqrt2)}, like(x, -m, m, 0))
	e := g.one("Erf", []string{a.Name}, like(x, -1, 1, 0))
	s := g.one("Add", []string{e.Name, g.float(nil, 1)}, like(x, 0, 2, 0))
	p := g.one("Mul", []string{x.Name, s.Name}, like(x, -0.4, min(2*m, largest), 0))
	g.one("Mul", []string{p.Name, g.float(nil, 0.5)}, like(x, -0.2, m, 0))
	return true
}

// gate scales each channel by what is made of its mean.
func gate(g *grower) bool {
	x := g.operand(demand{least: 4, most: 4})
	if x == nil {
		return false
	}
	mean := resized(x, []int{x.Dims[0], x.Dims[1], 1, 1})
	mean.Open[2], mean.Open[3], mean.Grain = false, false, 0
	y := g.one("GlobalAveragePool", []string{x.Name}, mean)
	s := g.one("Sigmoid", []string{y.Name}, like(y, 0, 1, 0))
	m := x.most()
	g.one("Mul", []string{x.Name, s.Name}, like(x, -m, m, 0))
	return true
}

// focus takes every second pixel, four times, and joins them.
func focus(g *grower) bool {
	x := g.operand(demand{least: 4, most: 4, fit: func(v *Value) bool {
		return v.Dims[2]%2 == 0 && v.Dims[3]%2 == 0 && (g.plane || !v.Open[2] && !v.Open[3])
	}})
	if x == nil || g.Opset < 10 {
		return false
	}
	var parts []string
	dims := []int{x.Dims[0], x.Dims[1], x.Dims[2] / 2, x.Dims[3] / 2}
	for i := range 4 {
		starts := g.ints(int64(i%2), int64(i/2))
		end := int64(math.MaxInt32)
		v := g.one("Slice", []string{x.Name, starts, g.ints(end, end), g.ints(2, 3), g.ints(2, 2)}, resized(x, dims))
		parts = append(parts, v.Name)
	}
	y := resized(x, []int{dims[0], 4 * dims[1], dims[2], dims[3]})
	g.one("Concat", parts, y, Attr{"axis", 1})
	return true
}

// scaleAndShift multiplies by a constant and adds another, for each channel or
// each element.
func scaleAndShift(g *grower) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil {
		return false
	}
	m := 1.5 * x.most()
	y := g.one("Mul", []string{x.Name, g.floatTensor(0.5, 1.5, 0, g.broadcasting(x)...)}, like(x, -m, m, 0))
	if y.most() > largest {
		return true
	}
	z := g.one(pick(g.r, []string{"Add", "Sub"}), []string{y.Name, g.floatTensor(-1, 1, 0, g.broadcasting(x)...)}, like(x, -m-1, m+1, 0))
	if g.chance(2) {
		g.activation(z)
	}
	return true
}

// fullyConnected is a product with a bias and an activation.
func fullyConnected(g *grower) bool {
	x := g.operand(demand{least: 2, most: 4, fit: func(v *Value) bool { return !v.Open[len(v.Dims)-1] }})
	if x == nil {
		return false
	}
	rank := len(x.Dims)
	k, n := x.Dims[rank-1], g.upTo(maxDim)
	limit, m := 2/math.Sqrt(float64(k)), 2*math.Sqrt(float64(k))*x.most()
	y := resized(x, append(append([]int{}, x.Dims[:rank-1]...), n))
	y.Lo, y.Hi, y.Grain = -m, m, 0
	y = g.one("MatMul", []string{x.Name, g.floatTensor(-limit, limit, 0, k, n)}, y)
	if y.most() > largest {
		return true
	}
	y = g.one("Add", []string{y.Name, g.floatTensor(-1, 1, 0, n)}, like(y, y.Lo-1, y.Hi+1, 0))
	g.activation(y)
	return true
}
