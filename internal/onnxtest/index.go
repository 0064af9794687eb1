package onnxtest

import (
	"math"
	"slices"
)

// gather takes places along an axis: constant ones, or of a table those that
// another value says.
func gather(g *grower, op string) bool {
	if g.chance(3) {
		return table(g)
	}
	x := g.operand(demand{types: anything, least: 1, most: 5})
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok {
		return false
	}
	var dims []int
	for range g.r.IntN(3) {
		dims = append(dims, g.upTo(5))
	}
	if len(x.Dims)-1+len(dims) > 5 {
		return false
	}
	t := pick(g.r, integers)
	least := 0
	if g.Opset >= 11 {
		least = -x.Dims[axis]
	}
	var raw []byte
	for range product(dims) {
		raw = appendElement(raw, t, float64(least+g.r.IntN(x.Dims[axis]-least)))
	}
	y := shaped(x, slices.Concat(x.Dims[:axis], dims, x.Dims[axis+1:]), slices.Concat(x.Open[:axis], make([]bool, len(dims)), x.Open[axis+1:]))
	if y.elements() > 2*maxElements {
		return false
	}
	if g.Opset < 11 && attr < 0 {
		attr += int64(len(x.Dims))
	}
	attrs := []Attr{{"axis", attr}}
	if axis == 0 && g.chance(2) {
		attrs = nil
	}
	g.one(op, []string{x.Name, g.tensor(t, dims, raw)}, y, attrs...)
	return true
}

// table looks whole numbers up in a constant.
func table(g *grower) bool {
	x := g.operand(demand{types: integers, most: 3, fit: func(v *Value) bool { return v.most() <= 12 && (v.Lo >= 0 || g.Opset >= 11) }})
	if x == nil {
		return false
	}
	rows, columns := int(x.most())+1, g.upTo(8)
	if x.elements()*columns > maxElements {
		return false
	}
	g.one("Gather", []string{g.floatTensor(-1, 1, 0, rows, columns), x.Name}, &Value{
		Type: Float, Dims: append(slices.Clone(x.Dims), columns), Open: append(slices.Clone(x.Open), false), Lo: -1, Hi: 1,
	})
	return true
}

// expand repeats dimensions of 1, and adds others.
func expand(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 5})
	if x == nil {
		return false
	}
	shape, y := int64s(x.Dims), like(x, x.Lo, x.Hi, x.Grain)
	for i, d := range x.Dims {
		switch {
		case x.Open[i]:
			shape[i] = 1
		case d == 1:
			y.Dims[i] = g.upTo(6)
			shape[i] = int64(y.Dims[i])
		case g.chance(2):
			shape[i] = 1
		}
	}
	switch {
	case len(x.Dims) < 5 && !x.openAny() && g.chance(3):
		n := g.upTo(4)
		shape = append([]int64{int64(n)}, shape...)
		y.Dims, y.Open = append([]int{n}, y.Dims...), append([]bool{false}, y.Open...)
	case g.chance(3):
		for len(shape) > 1 && shape[0] == 1 && y.Dims[len(y.Dims)-len(shape)] == x.Dims[len(x.Dims)-len(shape)] {
			shape = shape[1:]
		}
	}
	if y.elements() > 2*maxElements {
		return false
	}
	g.one(op, []string{x.Name, g.ints(shape...)}, y)
	return true
}

func tile(g *grower, op string) bool {
	x := g.operand(demand{types: []DataType{Float, Int32, Int64, Uint8, Bool}, least: 1, most: 5})
	if x == nil {
		return false
	}
	times, y := make([]int64, len(x.Dims)), like(x, x.Lo, x.Hi, x.Grain)
	for i := range times {
		times[i] = 1
		if !x.Open[i] && g.chance(2) {
			times[i] = int64(g.upTo(3))
		}
		y.Dims[i] *= int(times[i])
	}
	if y.elements() > 2*maxElements {
		return false
	}
	g.one(op, []string{x.Name, g.ints(times...)}, y)
	return true
}

// arg is ArgMax or ArgMin of exact elements, among which many are equal.
func arg(g *grower, op string) bool {
	types := []DataType{Float, Float, Int32}
	if g.Opset >= 12 {
		types = append(types, Uint8)
	}
	x := g.operand(demand{types: types, least: 1, most: 5, exact: true})
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok {
		return false
	}
	if g.Opset < 11 && attr < 0 {
		attr += int64(len(x.Dims))
	}
	keep := g.r.IntN(2)
	attrs := append([]Attr{{"axis", attr}}, g.optional("keepdims", keep, 1)...)
	if g.Opset >= 12 {
		attrs = append(attrs, g.optional("select_last_index", g.r.IntN(2), 0)...)
	}
	y := &Value{Type: Int64, Dims: slices.Clone(x.Dims), Open: slices.Clone(x.Open), Hi: float64(x.Dims[axis] - 1), Grain: 1}
	y.Dims[axis] = 1
	if keep == 0 {
		y.Dims, y.Open = slices.Delete(y.Dims, axis, axis+1), slices.Delete(y.Open, axis, axis+1)
	}
	g.one(op, []string{x.Name}, y, attrs...)
	return true
}

// topK asks for sorted results: the order of others is nobody's promise.
func topK(g *grower, op string) bool {
	types := floats
	if g.Opset >= 11 {
		types = numbers
	}
	x := g.operand(demand{types: types, least: 1, most: 5, exact: true})
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok {
		return false
	}
	k := g.upTo(x.Dims[axis])
	attrs := []Attr{{"axis", attr}}
	in := []string{x.Name}
	if g.Opset < 10 {
		attrs = append(attrs, Attr{"k", k})
	} else {
		in = append(in, g.ints(int64(k)))
	}
	if g.Opset >= 11 {
		attrs = append(attrs, g.optional("largest", g.r.IntN(2), 1)...)
		attrs = append(attrs, g.optional("sorted", 1, 1)...)
	}
	values, places := like(x, x.Lo, x.Hi, x.Grain), like(x, 0, float64(x.Dims[axis]-1), 1)
	places.Type = Int64
	values.Dims[axis], places.Dims[axis] = k, k
	g.node(op, in, []*Value{values, places}, attrs...)
	return true
}

func oneHot(g *grower, op string) bool {
	x := g.operand(demand{types: []DataType{Int64}, least: 1, most: 4, fit: func(v *Value) bool { return v.elements() < 500 }})
	if x == nil {
		return false
	}
	rank := len(x.Dims) + 1
	axis := g.r.IntN(rank)
	if axis == 0 && openEnd(x) > 0 {
		axis = rank - 1
	}
	depth := g.upTo(8)
	y := &Value{Type: Float, Dims: slices.Insert(slices.Clone(x.Dims), axis, depth), Open: slices.Insert(slices.Clone(x.Open), axis, false), Lo: -1, Hi: 2, Grain: 0.5}
	attr := int64(axis)
	if g.chance(3) {
		attr -= int64(rank)
	}
	g.one(op, []string{x.Name, g.ints(int64(depth)), g.float([]int{2}, -1, 2)}, y, g.optional("axis", attr, int64(-1))...)
	return true
}

func trilu(g *grower, op string) bool {
	x := g.operand(demand{types: numbers, least: 2, most: 5, fit: func(v *Value) bool { return !v.Open[len(v.Dims)-1] && !v.Open[len(v.Dims)-2] }})
	if x == nil {
		return false
	}
	in := []string{x.Name}
	if g.chance(2) {
		in = append(in, g.tensor(Int64, nil, RawInts([]int64{int64(g.r.IntN(7) - 3)})))
	}
	g.one(op, in, like(x, min(x.Lo, 0), max(x.Hi, 0), x.Grain), g.optional("upper", g.r.IntN(2), 1)...)
	return true
}

// gridSample samples at places from beyond the map's edge; nearest ones at
// places that neither program rounds.
func gridSample(g *grower, op string) bool {
	mode := pick(g.r, []string{"linear", "nearest", "cubic"})
	align := g.r.IntN(2)
	k := 2 // spatial dimensions
	if g.Opset >= 20 && mode != "cubic" && g.chance(3) {
		k = 3
	}
	x := g.operand(demand{least: k + 2, most: k + 2, fit: func(v *Value) bool {
		for _, d := range v.Dims[2:] {
			if n := d - align; mode == "nearest" && (n < 1 || n&(n-1) != 0) {
				return false
			}
		}
		return true
	}})
	if x == nil || len(g.Inputs) >= maxInputs || x.Open[0] && !g.batch || !x.Open[0] && g.batch {
		return false
	}
	sizes := []int{g.upTo(12), g.upTo(12), g.upTo(4)}[:k]
	if x.Dims[0]*x.Dims[1]*product(sizes) > maxElements {
		return false
	}
	grid := g.addInput(&Value{Type: Float, Dims: slices.Concat([]int{x.Dims[0]}, sizes, []int{k}), Open: slices.Concat([]bool{x.Open[0]}, make([]bool, k+1)), Lo: -1.25, Hi: 1.25})
	if mode == "nearest" {
		grid.Grain = 1.0 / 64
	}
	name := mode
	if g.Opset < 20 {
		name = map[string]string{"linear": "bilinear", "nearest": "nearest", "cubic": "bicubic"}[mode]
	}
	attrs := []Attr{{"mode", name}, {"align_corners", align}}
	attrs = append(attrs, g.optional("padding_mode", pick(g.r, []string{"zeros", "border", "reflection"}), "zeros")...)
	m := x.most()
	if mode == "cubic" {
		m *= 2
	}
	grain := 0.0
	if mode == "nearest" {
		grain = x.Grain
	}
	y := &Value{Type: Float, Dims: slices.Concat(x.Dims[:2], sizes), Open: slices.Concat(x.Open[:2], make([]bool, k)), Lo: -m, Hi: m, Grain: grain}
	g.one(op, []string{x.Name, grid.Name}, y, attrs...)
	return true
}

// imageScaler and the others are experiments of ONNX's first years.
func imageScaler(g *grower, op string) bool {
	x := g.operand(mapsOf(2, 2))
	if x == nil || x.Open[1] {
		return false
	}
	bias := make([]float32, x.Dims[1])
	for i := range bias {
		bias[i] = g.r.Float32() - 0.5
	}
	m := 2*x.most() + 0.5
	g.one(op, []string{x.Name}, like(x, -m, m, 0), Attr{"bias", bias}, Attr{"scale", float32(2)})
	return true
}

func affine(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil {
		return false
	}
	m := 2*x.most() + 1
	g.one(op, []string{x.Name}, like(x, -m, m, 0), Attr{"alpha", float32(-1.5)}, Attr{"beta", float32(0.75)})
	return true
}

func crop(g *grower, op string) bool {
	x := g.operand(demand{least: 4, most: 4, fit: func(v *Value) bool { return v.Dims[2] > 4 && v.Dims[3] > 4 && !v.Open[2] && !v.Open[3] }})
	if x == nil {
		return false
	}
	border := []int64{g.r.Int64N(3), g.r.Int64N(3), g.r.Int64N(3), g.r.Int64N(3)} // left, top, right, bottom
	y := like(x, x.Lo, x.Hi, x.Grain)
	attrs := []Attr{{"border", border}}
	if g.chance(2) {
		size := []int64{int64(g.upTo(x.Dims[2] - int(border[1]))), int64(g.upTo(x.Dims[3] - int(border[0])))}
		attrs = append(attrs, Attr{"scale", size})
		y.Dims[2], y.Dims[3] = int(size[0]), int(size[1])
	} else {
		y.Dims[2] -= int(border[1] + border[3])
		y.Dims[3] -= int(border[0] + border[2])
	}
	g.one(op, []string{x.Name}, y, attrs...)
	return true
}

// scaledFunction is alpha·f(beta·x).
func scaledFunction(f func(float64) float64) func(*grower, string) bool {
	return func(g *grower, op string) bool {
		x := g.operand(demand{most: 5})
		if x == nil {
			return false
		}
		of := function{of: func(x float64) float64 { return 2 * f(x/2) }}
		g.apply(op, of, x, Attr{"alpha", float32(2)}, Attr{"beta", float32(0.5)})
		return true
	}
}

// shapeOf, sizeOf and so on compute constants, which a node of the graph reads.

// shapeOf reshapes a value to the shape of another of as many elements, or to
// its own, of which the parts are computed.
func shapeOf(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil {
		return false
	}
	rank := len(x.Dims)
	if g.chance(2) { // [N, −1], as exporters flatten
		if openEnd(x) > 1 {
			return false
		}
		shape := g.computed("Shape", []string{x.Name})
		first := g.computed("Gather", []string{shape, g.ints(0)}, Attr{"axis", 0})
		whole := g.computed("Concat", []string{first, g.ints(-1)}, Attr{"axis", 0})
		g.one("Reshape", []string{x.Name, whole}, shaped(x, []int{x.Dims[0], product(x.Dims[1:])}, []bool{x.Open[0], false}))
		return true
	}
	var attrs []Attr
	start, end := 0, rank
	if g.Opset >= 15 && g.chance(2) {
		start = g.r.IntN(rank)
		end = start + 1 + g.r.IntN(rank-start)
		attrs = []Attr{{"start", start}, {"end", end}}
		if g.chance(2) {
			attrs = []Attr{{"start", start - rank}, {"end", end}}
		}
	}
	// A tensor of the shape's numbers, added to the last dimension.
	n := end - start
	if slices.Contains(x.Open[start:end], true) || !slices.Contains([]int{1, n}, x.Dims[rank-1]) || x.Open[rank-1] {
		return false
	}
	shape := g.computed("Shape", []string{x.Name}, attrs...)
	cast := g.computed("Cast", []string{shape}, Attr{"to", int(Float)})
	y := like(x, x.Lo+1, x.Hi+2*maxElements, x.Grain)
	y.Dims[rank-1] = n
	g.one("Add", []string{x.Name, cast}, y)
	return true
}

// sizeOf divides by the number of elements.
func sizeOf(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5, fit: func(v *Value) bool { return !v.openAny() }})
	if x == nil {
		return false
	}
	size := g.computed("Size", []string{x.Name})
	cast := g.computed("Cast", []string{size}, Attr{"to", int(Float)})
	n := float64(x.elements())
	g.one("Div", []string{x.Name, cast}, like(x, x.Lo/n, x.Hi/n, 0))
	return true
}

// constant adds a Constant in one of its forms.
func constant(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil {
		return false
	}
	a := Attr{"value", Tensor{Name: "value", Type: Float, Dims: []int{1}, Raw: RawFloats([]float32{1.5})}}
	if g.Opset >= 12 {
		switch g.r.IntN(3) {
		case 0:
			a = Attr{"value_float", float32(1.5)}
		case 1:
			a = Attr{"value_floats", []float32{1.5}}
		}
	}
	c := g.computed("Constant", nil, a)
	g.one("Add", []string{x.Name, c}, like(x, x.Lo+1.5, x.Hi+1.5, min(x.Grain, 0.5)))
	return true
}

// constantOfShape multiplies by a constant of the last dimension's size.
func constantOfShape(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5, fit: func(v *Value) bool { return !v.Open[len(v.Dims)-1] }})
	if x == nil {
		return false
	}
	last := x.Dims[len(x.Dims)-1]
	var attrs []Attr
	by := 0.0
	if g.chance(2) {
		by = 0.5
		attrs = []Attr{{"value", Tensor{Name: "value", Type: Float, Dims: []int{1}, Raw: RawFloats([]float32{0.5})}}}
	}
	c := g.computed(op, []string{g.ints(int64(last))}, attrs...)
	g.one("Add", []string{x.Name, c}, like(x, x.Lo+by, x.Hi+by, min(x.Grain, 0.5)))
	return true
}

// nonZero takes the places along an axis at which a constant is not zero.
func nonZero(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5})
	if x == nil {
		return false
	}
	axis, _, ok := g.axis(x)
	if !ok {
		return false
	}
	n := x.Dims[axis]
	mask := make([]int64, n)
	mask[g.r.IntN(n)] = 1
	for i := range mask {
		mask[i] |= g.r.Int64N(2)
	}
	count := 0
	for _, m := range mask {
		count += int(m)
	}
	places := g.computed(op, []string{g.ints(mask...)})
	list := g.computed("Reshape", []string{places, g.ints(-1)})
	y := like(x, x.Lo, x.Hi, x.Grain)
	y.Dims[axis] = count
	g.one("Gather", []string{x.Name, list}, y, Attr{"axis", axis})
	return true
}

// rangeOf adds the numbers of a range.
func rangeOf(g *grower, op string) bool {
	x := g.operand(demand{types: numbers, least: 1, most: 5, fit: func(v *Value) bool { return !v.Open[len(v.Dims)-1] }})
	if x == nil {
		return false
	}
	last := float64(x.Dims[len(x.Dims)-1])
	step := pick(g.r, []float64{1, 2, -1})
	number := func(v float64) string { return g.tensor(x.Type, nil, appendElement(nil, x.Type, v)) }
	c := g.computed(op, []string{number(-2), number(-2 + step*last), number(step)})
	lo, hi := min(-2, -2+step*last), max(-2, -2+step*last)
	y := like(x, x.Lo+lo, x.Hi+hi, min(x.Grain, 1))
	if x.Grain == 0 {
		y.Grain = 0
	}
	if x.Type != Float && math.Abs(y.Hi) > 1<<20 {
		return false
	}
	g.one("Add", []string{x.Name, c}, y)
	return true
}
