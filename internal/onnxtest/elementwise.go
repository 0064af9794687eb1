package onnxtest

import (
	"math"
	"slices"
)

// A function is an operator of one operand that is computed element by element.
type function struct {
	of     func(x float64) float64
	lo, hi float64 // of the operand, where one of both is not 0
	jumps  bool    // its operand must be exact
	keeps  bool    // what is exact stays exact, of the same grain
}

// domain brings v between lo and hi, if it is not there already.
func (g *grower) domain(v *Value, lo, hi float64) *Value {
	if lo == 0 && hi == 0 || lo <= v.Lo && v.Hi <= hi {
		return v
	}
	width := hi - lo
	switch g.r.IntN(3) {
	case 0:
		if g.Opset < 11 {
			return g.one("Clip", []string{v.Name}, like(v, lo, hi, 0), Attr{"min", float32(lo)}, Attr{"max", float32(hi)})
		}
		return g.one("Clip", []string{v.Name, g.float(nil, float32(lo)), g.float(nil, float32(hi))}, like(v, lo, hi, 0))
	case 1:
		v = g.one("Sigmoid", []string{v.Name}, like(v, 0, 1, 0))
	default:
		v = g.one("Softsign", []string{v.Name}, like(v, -1, 1, 0))
		lo, width = lo+width/2, width/2
	}
	v = g.one("Mul", []string{v.Name, g.float(nil, float32(width))}, like(v, min(0, v.Lo*width), width, 0))
	return g.one("Add", []string{v.Name, g.float(nil, float32(lo))}, like(v, v.Lo+lo, v.Hi+lo, 0))
}

// apply adds a node of a function of x.
func (g *grower) apply(op string, f function, x *Value, attrs ...Attr) *Value {
	x = g.domain(x, f.lo, f.hi)
	y := like(x, 0, 0, 0)
	y.Lo, y.Hi = sampled(f.of, x.Lo, x.Hi)
	if f.keeps {
		y.Grain = x.Grain
	}
	return g.one(op, []string{x.Name}, y, attrs...)
}

// unary is an operator of one operand; make reads or draws its attributes.
func unary(make func(g *grower) (function, []Attr)) func(*grower, string) bool {
	return func(g *grower, op string) bool {
		f, attrs := make(g)
		x := g.operand(demand{most: 5, exact: f.jumps})
		if x == nil {
			return false
		}
		g.apply(op, f, x, attrs...)
		return true
	}
}

// plain is a function without attributes.
func plain(f function) func(*grower, string) bool {
	return unary(func(*grower) (function, []Attr) { return f, nil })
}

// alpha is a function of one attribute, drawn from a list that begins with its
// default.
func alpha(name string, list []float64, f func(alpha float64) function) func(*grower, string) bool {
	return unary(func(g *grower) (function, []Attr) {
		a := pick(g.r, list)
		return f(a), g.optional(name, float32(a), float32(list[0]))
	})
}

// wholeUnary is a function that integers have too.
func wholeUnary(f function) func(*grower, string) bool {
	return func(g *grower, op string) bool {
		types := floats
		switch {
		case !g.chance(3):
		case op != "Relu":
			types = integers
		case g.Opset >= 14:
			types = []DataType{Int32}
		}
		x := g.operand(demand{types: types, most: 5, exact: f.jumps})
		if x == nil {
			return false
		}
		g.apply(op, f, x)
		return true
	}
}

func sigmoid(x float64) float64  { return 1 / (1 + math.Exp(-x)) }
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
func elu(alpha float64) func(float64) float64 {
	return func(x float64) float64 {
		if x < 0 {
			return alpha * math.Expm1(x)
		}
		return x
	}
}

func gelu(g *grower) (function, []Attr) {
	form := pick(g.r, []string{"none", "tanh"})
	return function{of: func(x float64) float64 { return x * (1 + math.Erf(x/math.Sqrt2)) / 2 }}, g.optional("approximate", form, "none")
}

// biasGelu is Gelu of a sum with a number for each index of the last dimension.
func biasGelu(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil {
		return false
	}
	last := len(x.Dims) - 1
	if x.Open[last] {
		return false
	}
	y := like(x, 0, 0, 0)
	y.Lo, y.Hi = sampled(func(x float64) float64 { return x * (1 + math.Erf(x/math.Sqrt2)) / 2 }, x.Lo-1, x.Hi+1)
	g.one(op, []string{x.Name, g.floatTensor(-1, 1, 0, x.Dims[last])}, y)
	return true
}

// isSpecial is IsNaN or IsInf.
func isSpecial(g *grower, op string) bool {
	x := g.operand(demand{most: 5})
	if x == nil {
		return false
	}
	y := like(x, 0, 1, 1)
	y.Type = Bool
	g.one(op, []string{x.Name}, y)
	return true
}

func hardSigmoid(g *grower) (function, []Attr) {
	alpha, beta := pick(g.r, []float64{0.2, 1.0 / 6, 0.5}), pick(g.r, []float64{0.5, 0.25})
	attrs := append(g.optional("alpha", float32(alpha), float32(0.2)), g.optional("beta", float32(beta), float32(0.5))...)
	return function{of: func(x float64) float64 { return min(max(alpha*x+beta, 0), 1) }}, attrs
}

func selu(g *grower) (function, []Attr) {
	alpha, gamma := 1.67326319217681884765625, 1.05070102214813232421875
	var attrs []Attr
	if g.chance(2) {
		alpha, gamma = 0.5, 2
		attrs = []Attr{{"alpha", float32(alpha)}, {"gamma", float32(gamma)}}
	}
	return function{of: func(x float64) float64 { return gamma * elu(alpha)(x) }}, attrs
}

func shrink(g *grower) (function, []Attr) {
	lambda, bias := pick(g.r, []float64{0.5, 1.25}), pick(g.r, []float64{0, 0.25, 1})
	return function{jumps: true, of: func(x float64) float64 {
		switch {
		case x < -lambda:
			return x + bias
		case x > lambda:
			return x - bias
		}
		return 0
	}}, append(g.optional("lambd", float32(lambda), float32(0.5)), g.optional("bias", float32(bias), float32(0))...)
}

// broadcasting is a shape that broadcasts to v's: some dimensions are 1, the
// first ones may be missing.
func (g *grower) broadcasting(v *Value) []int {
	rank := len(v.Dims)
	dims := slices.Clone(v.Dims)
	for i := range dims {
		if v.Open[i] || g.chance(3) {
			dims[i] = 1
		}
	}
	switch g.r.IntN(4) {
	case 0:
		return dims[g.r.IntN(rank+1):]
	case 1: // a number for each channel
		for i := range dims {
			if i != 1 {
				dims[i] = 1
			}
		}
	case 2: // a number
		return make1(g.r.IntN(2))
	}
	return dims
}

// An operandOf is an operand beside others: a value, or a constant.
type operandOf struct {
	name   string
	dims   []int
	open   []bool
	lo, hi float64
	grain  float64
}

func of(v *Value) operandOf { return operandOf{v.Name, v.Dims, v.Open, v.Lo, v.Hi, v.Grain} }

// constantOf is a constant of type t that broadcasts with v, with elements
// between lo and hi; if whole, of multiples of 1/4 or of 1.
func (g *grower) constantOf(v *Value, t DataType, lo, hi float64, whole bool) operandOf {
	if t == Uint8 {
		lo = max(lo, 0)
	}
	o := operandOf{dims: g.broadcasting(v), lo: lo, hi: hi}
	if len(v.Dims) < 5 && !v.openAny() && v.elements() < 500 && g.chance(8) { // it makes the result larger
		o.dims = append([]int{g.upTo(3)}, v.Dims...)
	}
	o.open = make([]bool, len(o.dims))
	switch {
	case t != Float:
		o.grain = 1
	case whole || g.chance(3):
		o.grain = 0.25
	}
	if t == Float && o.grain > 0 {
		o.lo, o.hi = math.Ceil(lo*4)/4, math.Floor(hi*4)/4
	}
	c := Value{Type: t, Dims: o.dims, Lo: o.lo, Hi: o.hi, Grain: o.grain}
	o.name = g.tensor(t, o.dims, c.random(g.r, c.elements()))
	return o
}

// together is the shape to which operands broadcast; false if they do not.
func together(in ...operandOf) (dims []int, open []bool, ok bool) {
	for i, o := range in {
		// An open dimension stays where it is: the first operand has them all.
		if i > 0 && (slices.Contains(o.open, true) || slices.Contains(open, true)) && len(o.dims) > len(dims) ||
			slices.Contains(o.open, true) && i > 0 && len(o.dims) != len(dims) {
			return nil, nil, false
		}
		for len(dims) < len(o.dims) {
			dims, open = append([]int{1}, dims...), append([]bool{false}, open...)
		}
		first := len(dims) - len(o.dims)
		for i, d := range o.dims {
			j := first + i
			switch {
			case d == 1 && !o.open[i]:
			case dims[j] == 1 && !open[j]:
				dims[j], open[j] = d, o.open[i]
			case d != dims[j] || o.open[i] != open[j]:
				return nil, nil, false
			}
		}
	}
	return dims, open, true
}

// partner is a value that broadcasts with x; nil if there is none.
func (g *grower) partner(x *Value, exact bool) *Value {
	fits := func(v *Value) bool {
		dims, _, ok := together(of(x), of(v))
		return ok && product(dims) <= maxElements && v.Type == x.Type && (!exact || v.exact())
	}
	for range 6 {
		if v := pick(g.r, g.recent); fits(v) {
			return v
		}
	}
	if len(g.Inputs) >= maxInputs || len(x.Dims) == 0 {
		return nil
	}
	v := like(x, 0, 0, 0)
	for i := range v.Dims {
		if !v.Open[i] && g.chance(4) {
			v.Dims[i] = 1
		}
	}
	// Only what inputs are can be open: the batch, and height and width.
	for i, open := range v.Open {
		if open && !(i == 0 && g.batch || g.plane && len(v.Dims) == 4 && i >= 2 && v.Dims[i] == g.size[i-2]) {
			return nil
		}
	}
	if g.batch && !v.Open[0] {
		return nil
	}
	g.bound(v, exact)
	return g.addInput(v)
}

// second is a second operand of x: another value, or a constant between lo
// and hi.
func (g *grower) second(x *Value, lo, hi float64, exact bool) (operandOf, bool) {
	if g.chance(2) {
		if y := g.partner(x, exact); y != nil {
			return of(y), true
		}
	}
	return g.constantOf(x, x.Type, lo, hi, exact), true
}

// join is a value of what operands of type t broadcast to.
func (g *grower) join(t DataType, lo, hi, grain float64, in ...operandOf) *Value {
	dims, open, ok := together(in...)
	if !ok || product(dims) > 2*maxElements {
		return nil
	}
	return &Value{Type: t, Dims: dims, Open: open, Lo: lo, Hi: hi, Grain: grain}
}

// corners bounds a function of two numbers, monotone in each, on a rectangle.
func corners(f func(a, b float64) float64, a, b operandOf) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, x := range []float64{a.lo, a.hi} {
		for _, y := range []float64{b.lo, b.hi} {
			lo, hi = min(lo, f(x, y)), max(hi, f(x, y))
		}
	}
	return lo, hi
}

// arithmetic is Add, Sub or Mul.
func arithmetic(f func(a, b float64) float64) func(*grower, string) bool {
	return func(g *grower, op string) bool {
		x := g.operand(demand{types: numbers, most: 5})
		if x == nil {
			return false
		}
		b, _ := g.second(x, -2, 2, false)
		in := []operandOf{of(x), b}
		if g.chance(3) {
			slices.Reverse(in)
		}
		lo, hi := corners(f, in[0], in[1])
		grain := 0.0
		if in[0].grain > 0 && in[1].grain > 0 {
			grain = min(in[0].grain, in[1].grain)
			if op == "Mul" {
				grain = in[0].grain * in[1].grain
			}
		}
		y := g.join(x.Type, lo, hi, grain, in...)
		if y == nil || x.Type != Float && y.most() > 1<<20 {
			return false
		}
		g.one(op, []string{in[0].name, in[1].name}, y)
		return true
	}
}

// div divides by what is not near zero.
func div(g *grower, op string) bool {
	x := g.operand(demand{types: numbers, most: 5})
	if x == nil {
		return false
	}
	var b operandOf
	if y := g.partner(x, false); y != nil && y.Lo >= 0.5 {
		b = of(y)
	} else if x.Type == Float {
		b = g.constantOf(x, Float, 0.5, 3, false)
	} else if b = g.constantOf(x, x.Type, 1, 5, true); g.chance(3) {
		b = g.constantOf(x, x.Type, -5, -1, true)
	}
	in := []operandOf{of(x), b}
	if x.Lo >= 0.5 && g.chance(3) {
		slices.Reverse(in)
	}
	lo, hi := corners(func(a, b float64) float64 { return a / b }, in[0], in[1])
	grain := 0.0
	if x.Type != Float {
		lo, hi, grain = math.Floor(lo), math.Ceil(hi), 1
	}
	y := g.join(x.Type, lo, hi, grain, in...)
	if y == nil {
		return false
	}
	g.one(op, []string{in[0].name, in[1].name}, y)
	return true
}

// pow raises what is positive to powers of all kinds, and anything to small
// whole ones.
func pow(g *grower, op string) bool {
	x := g.operand(demand{most: 5, fit: func(v *Value) bool { return v.most() <= 8 }})
	if x == nil {
		return false
	}
	var b operandOf
	if x.Lo >= 0.25 && g.chance(2) {
		b, _ = g.second(x, -2, 2, false)
		if max(math.Abs(b.lo), math.Abs(b.hi)) > 4 {
			return false
		}
	} else {
		p := pick(g.r, []float64{1, 2, 2, 3, 4})
		if x.Lo >= 0.25 {
			p = pick(g.r, []float64{-1, -0.5, 0.5, 2.5, 0})
		}
		b = operandOf{lo: p, hi: p}
		t := Float
		if g.Opset >= 12 && p == math.Floor(p) && g.chance(4) {
			t = pick(g.r, integers)
		}
		b.name = g.scalar(t, p)
	}
	lo, hi := corners(math.Pow, of(x), b)
	if x.Lo < 0 {
		lo, hi = min(lo, 0), max(hi, math.Abs(lo), math.Abs(hi))
	}
	y := g.join(Float, min(lo, hi), hi, 0, of(x), b)
	if y == nil || x.Lo >= 0.25 && min(x.Lo, 1) <= 0 {
		return false
	}
	// Between the corners, 1 is the value at exponent 0.
	if b.lo <= 0 && b.hi >= 0 {
		y.Lo, y.Hi = min(y.Lo, 1), max(y.Hi, 1)
	}
	g.one(op, []string{x.Name, b.name}, y)
	return true
}

// variadic is Max, Min, Sum or Mean.
func variadic(g *grower, op string) bool {
	types := floats
	if (op == "Max" || op == "Min") && g.Opset >= 12 {
		types = ordered
	}
	x := g.operand(demand{types: types, most: 5})
	if x == nil {
		return false
	}
	in := []operandOf{of(x)}
	for range g.r.IntN(4) {
		b, _ := g.second(x, -2, 2, false)
		if _, _, ok := together(append(in, b)...); ok {
			in = append(in, b)
		}
	}
	lo, hi, grain := 0.0, 0.0, in[0].grain
	for i, o := range in {
		grain = min(grain, o.grain)
		switch {
		case i == 0:
			lo, hi = o.lo, o.hi
		case op == "Max":
			lo, hi = max(lo, o.lo), max(hi, o.hi)
		case op == "Min":
			lo, hi = min(lo, o.lo), min(hi, o.hi)
		default:
			lo, hi = lo+o.lo, hi+o.hi
		}
	}
	if op == "Mean" {
		n := float64(len(in))
		lo, hi, grain = lo/n, hi/n, 0
	}
	var names []string
	for _, i := range g.r.Perm(len(in)) {
		names = append(names, in[i].name)
	}
	y := g.join(x.Type, lo, hi, grain, in...)
	if y == nil {
		return false
	}
	g.one(op, names, y)
	return true
}

// mod takes remainders: of integers of either sign, of floats with fmod.
func mod(g *grower, op string) bool {
	x := g.operand(demand{types: ordered, most: 5, exact: true})
	if x == nil {
		return false
	}
	lo, hi := 1.0, 5.0
	if g.chance(3) && x.Type != Uint8 {
		lo, hi = -5, -1
	}
	b := g.constantOf(x, x.Type, lo, hi, true)
	fmod := g.r.IntN(2)
	if x.Type == Float {
		fmod = 1
	}
	grain := min(x.Grain, b.grain)
	y := g.join(x.Type, -5, 5, grain, of(x), b)
	if y == nil {
		return false
	}
	g.one(op, []string{x.Name, b.name}, y, g.optional("fmod", fmod, 0)...)
	return true
}

// comparison compares exact elements.
func comparison(g *grower, op string) bool {
	types := numbers
	switch {
	case g.Opset < 9 && op != "Equal":
		types = floats
	case g.Opset < 11 && op == "Equal":
		types = []DataType{Int32, Int64, Bool}
	case op == "Equal":
		types = []DataType{Float, Int32, Int64, Bool}
	}
	x := g.operand(demand{types: types, most: 5, exact: true})
	if x == nil {
		return false
	}
	lo, hi := -2.0, 2.0
	if x.Type == Bool {
		lo, hi = 0, 1
	}
	b, _ := g.second(x, lo, hi, true)
	in := []operandOf{of(x), b}
	if g.chance(3) {
		slices.Reverse(in)
	}
	y := g.join(Bool, 0, 1, 1, in...)
	if y == nil {
		return false
	}
	g.one(op, []string{in[0].name, in[1].name}, y)
	return true
}

// logic is And, Or or Xor.
func logic(g *grower, op string) bool {
	x := g.operand(demand{types: bools, most: 5})
	if x == nil {
		return false
	}
	b, _ := g.second(x, 0, 1, true)
	y := g.join(Bool, 0, 1, 1, of(x), b)
	if y == nil {
		return false
	}
	g.one(op, []string{x.Name, b.name}, y)
	return true
}

func not(g *grower, op string) bool {
	x := g.operand(demand{types: bools, most: 5})
	if x == nil {
		return false
	}
	g.one(op, []string{x.Name}, like(x, 0, 1, 1))
	return true
}

// where chooses among two operands.
func where(g *grower, op string) bool {
	x := g.operand(demand{types: ordered, most: 5})
	if x == nil {
		return false
	}
	b, _ := g.second(x, -2, 2, false)
	dims, open, ok := together(of(x), b)
	if !ok {
		return false
	}
	whole := &Value{Type: Bool, Dims: dims, Open: open}
	var c operandOf
	if y := g.partner(whole, true); y != nil {
		c = of(y)
	} else {
		c = g.constantOf(whole, Bool, 0, 1, true)
	}
	in := []operandOf{of(x), b}
	if g.chance(2) {
		slices.Reverse(in)
	}
	y := g.join(x.Type, min(x.Lo, b.lo), max(x.Hi, b.hi), min(x.Grain, b.grain), in[0], in[1], c)
	if y == nil {
		return false
	}
	g.one(op, []string{c.name, in[0].name, in[1].name}, y)
	return true
}

// cast casts by Cast or CastLike exact elements to a type that has room for them.
func cast(g *grower, op string) bool {
	x := g.operand(demand{types: anything, most: 5, exact: true})
	if x == nil {
		return false
	}
	to := pick(g.r, []DataType{Float, Int32, Int64, Uint8, Bool})
	if to == Uint8 && (x.Lo < 0 || x.Hi > 255) {
		to = Float
	}
	y := like(x, math.Trunc(x.Lo), math.Trunc(x.Hi), 1)
	switch {
	case to == Float:
		y.Lo, y.Hi, y.Grain = x.Lo, x.Hi, x.Grain
	case to == Bool:
		y.Lo, y.Hi = 0, 1
	}
	y.Type = to
	if op == "CastLike" {
		g.one(op, []string{x.Name, g.scalar(to, 1)}, y)
		return true
	}
	g.one(op, []string{x.Name}, y, Attr{"to", int(to)})
	return true
}

// clip clips to both bounds, to one or to none.
func clip(g *grower, op string) bool {
	types := floats
	if g.Opset >= 12 {
		types = ordered
	}
	x := g.operand(demand{types: types, most: 5})
	if x == nil {
		return false
	}
	bounds := [2]float64{pick(g.r, []float64{-1, 0, -0.5}), pick(g.r, []float64{6, 1, 0.5})}
	switch x.Type {
	case Int32, Int64:
		bounds = [2]float64{-2, 3}
	case Uint8:
		bounds = [2]float64{2, 7}
	}
	y := like(x, x.Lo, x.Hi, min(x.Grain, 0.5))
	if x.Type != Float {
		y.Grain = 1
	}
	in := []string{x.Name}
	var attrs []Attr
	for i, name := range []string{"min", "max"} {
		if g.chance(3) {
			in = append(in, "")
			continue
		}
		if i == 0 {
			y.Lo, y.Hi = max(y.Lo, bounds[0]), max(y.Hi, bounds[0])
		} else {
			y.Lo, y.Hi = min(y.Lo, bounds[1]), min(y.Hi, bounds[1])
		}
		if g.Opset < 11 {
			attrs = append(attrs, Attr{name, float32(bounds[i])})
		} else {
			in = append(in, g.tensor(x.Type, nil, appendElement(nil, x.Type, bounds[i])))
		}
	}
	if g.Opset < 11 {
		in = in[:1]
	}
	for in[len(in)-1] == "" {
		in = in[:len(in)-1]
	}
	g.one(op, in, y, attrs...)
	return true
}

// prelu has a slope for all elements, for each channel or for each element.
func prelu(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil {
		return false
	}
	m := x.most()
	if y := g.partner(x, false); y != nil && g.chance(4) {
		if z := g.join(Float, -m*max(1, y.most()), m*max(1, y.most()), 0, of(x), of(y)); z != nil && slices.Equal(z.Dims, x.Dims) {
			g.one(op, []string{x.Name, y.Name}, z)
			return true
		}
	}
	slope := g.floatTensor(-0.5, 1, 0.25, g.broadcasting(x)...)
	g.one(op, []string{x.Name, slope}, like(x, -m, m, x.Grain*0.25))
	return true
}

func identity(g *grower, op string) bool {
	x := g.operand(demand{types: anything, most: 5})
	if x == nil {
		return false
	}
	g.one(op, []string{x.Name}, like(x, x.Lo, x.Hi, x.Grain))
	return true
}

func dropout(g *grower, op string) bool {
	x := g.operand(demand{most: 5})
	if x == nil {
		return false
	}
	in := []string{x.Name}
	var attrs []Attr
	if g.chance(2) {
		if g.Opset < 12 {
			attrs = []Attr{{"ratio", float32(0.25)}}
		} else {
			in = append(in, g.float(nil, 0.25))
		}
	}
	g.one(op, in, like(x, x.Lo, x.Hi, x.Grain), attrs...)
	return true
}
