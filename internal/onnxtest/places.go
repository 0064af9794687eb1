package onnxtest

import (
	"math"
	"slices"
)

// places is an operand of whole numbers, an input of between lo and hi, or a
// constant where nothing is open; "" if there can be no more inputs.
func (g *grower) places(t DataType, dims []int, open []bool, lo, hi int) string {
	if v := (&Value{Type: t, Dims: dims, Open: open, Lo: float64(lo), Hi: float64(hi), Grain: 1}); v.openAny() || g.chance(2) {
		if len(g.Inputs) >= maxInputs {
			return ""
		}
		return g.addInput(v).Name
	}
	var raw []byte
	for range product(dims) {
		raw = appendElement(raw, t, float64(lo+g.r.IntN(hi-lo+1)))
	}
	return g.tensor(t, dims, raw)
}

// within are dimensions of places in x along an axis: no more than x has in the
// others, and as many in those that are open.
func (g *grower) within(x *Value, axis int) []int {
	dims := slices.Clone(x.Dims)
	for i := range dims {
		switch {
		case x.Open[i]:
		case i == axis:
			dims[i] = g.upTo(6)
		case g.chance(2):
			dims[i] = g.upTo(dims[i])
		}
	}
	return dims
}

// gatherElements reads at places along an axis.
func gatherElements(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 4})
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok {
		return false
	}
	dims := g.within(x, axis)
	at := g.places(pick(g.r, integers), dims, slices.Clone(x.Open), -x.Dims[axis], x.Dims[axis]-1)
	if at == "" {
		return false
	}
	g.one(op, []string{x.Name, at}, resized(x, dims), g.optional("axis", attr, int64(0))...)
	return true
}

// write is how a scatter joins what is there and what is written.
func (g *grower) write(attr string) string {
	switch {
	case g.Opset >= 18 && attr == "":
		return pick(g.r, []string{"add", "mul", "max", "min"})
	case g.Opset >= 16 && attr == "":
		return pick(g.r, []string{"add", "mul"})
	}
	return "none"
}

// updates are numbers to write, and result what x becomes by them, of which up
// to times are written to one place.
func (g *grower) updates(x *Value, how string, dims []int, times int) (string, *Value) {
	u := Value{Type: x.Type, Dims: dims, Lo: -1, Hi: 2}
	switch {
	case x.Type == Bool:
		u.Lo, u.Hi, u.Grain = 0, 1, 1
	case x.Type == Uint8:
		u.Lo, u.Hi, u.Grain = 0, 9, 1
	case x.Type != Float || x.exact():
		u.Grain = 1
	}
	y := like(x, min(x.Lo, u.Lo), max(x.Hi, u.Hi), min(x.Grain, max(u.Grain, 0)))
	switch how {
	case "add":
		y.Lo, y.Hi = x.Lo+float64(times)*u.Lo, x.Hi+float64(times)*u.Hi
	case "mul":
		u.Lo, u.Hi = -1, 1
		y.Lo, y.Hi = -x.most(), x.most()
	}
	return g.tensor(x.Type, dims, u.random(g.r, u.elements())), y
}

// scatterElements writes to places that are computed, and joined with what is
// there; or to constant ones, none twice.
func scatterElements(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 4, fit: func(v *Value) bool { return !v.openAny() }})
	if x == nil {
		return false
	}
	axis, attr, _ := g.axis(x)
	dims := g.within(x, axis)
	how := "none"
	if x.Type == Float || x.Type == Int32 || x.Type == Int64 {
		how = g.write(pick(g.r, []string{"", "none"}))
	}
	t := pick(g.r, integers)
	var at string
	if how == "none" {
		dims[axis] = min(dims[axis], x.Dims[axis])
		at = g.tensor(t, dims, g.distinct(t, dims, axis, x.Dims[axis]))
	} else if at = g.places(t, dims, slices.Clone(x.Open), -x.Dims[axis], x.Dims[axis]-1); at == "" {
		return false
	}
	u, y := g.updates(x, how, dims, dims[axis])
	attrs := g.optional("axis", attr, int64(0))
	if g.Opset >= 16 {
		attrs = append(attrs, g.optional("reduction", how, "none")...)
	}
	g.one(op, []string{x.Name, at, u}, y, attrs...)
	return true
}

// distinct are places below n along an axis, of which none stands twice in a line.
func (g *grower) distinct(t DataType, dims []int, axis, n int) []byte {
	inner := product(dims[axis+1:])
	at := make([]int, product(dims))
	for line := range len(at) / dims[axis] {
		first := line/inner*inner*dims[axis] + line%inner
		for i, p := range g.r.Perm(n)[:dims[axis]] {
			if at[first+i*inner] = p; g.chance(3) {
				at[first+i*inner] -= n
			}
		}
	}
	var raw []byte
	for _, p := range at {
		raw = appendElement(raw, t, float64(p))
	}
	return raw
}

// gatherND reads at tuples of places, perhaps behind a batch.
func gatherND(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 2, most: 4, fit: func(v *Value) bool { return openEnd(v) <= 1 }})
	if x == nil {
		return false
	}
	first := 0
	if x.Open[0] || g.chance(3) {
		if first = 1; g.Opset < 12 {
			return false
		}
	}
	k := g.upTo(len(x.Dims) - first)
	if first+k == len(x.Dims) && k > 1 && g.chance(2) {
		k--
	}
	least := slices.Min(x.Dims[first : first+k])
	dims, open := slices.Clone(x.Dims[:first]), slices.Clone(x.Open[:first])
	dims, open = append(dims, g.upTo(6)), append(open, false)
	y := shaped(x, slices.Concat(dims, x.Dims[first+k:]), slices.Concat(open, x.Open[first+k:]))
	at := g.places(Int64, append(dims, k), append(open, false), -least, least-1)
	if at == "" || y.elements() > maxElements {
		return false
	}
	var attrs []Attr
	if g.Opset >= 12 {
		attrs = g.optional("batch_dims", first, 0)
	}
	g.one(op, []string{x.Name, at}, y, attrs...)
	return true
}

// scatterND is scatterElements for tuples of places.
func scatterND(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 4, fit: func(v *Value) bool { return !v.openAny() }})
	if x == nil {
		return false
	}
	k := g.upTo(len(x.Dims))
	named := x.Dims[:k]
	how := "none"
	if x.Type == Float || x.Type == Int32 || x.Type == Int64 {
		how = g.write(pick(g.r, []string{"", "none"}))
	}
	count := g.upTo(6)
	var at string
	if how == "none" {
		count = min(count, product(named))
		var list []int64
		for _, p := range g.r.Perm(product(named))[:count] {
			tuple := make([]int64, k)
			for d := k - 1; d >= 0; d-- {
				tuple[d] = int64(p % named[d])
				p /= named[d]
			}
			list = append(list, tuple...)
		}
		at = g.tensor(Int64, []int{count, k}, RawInts(list))
	} else {
		least := slices.Min(named)
		if at = g.places(Int64, []int{count, k}, make([]bool, 2), -least, least-1); at == "" {
			return false
		}
	}
	u, y := g.updates(x, how, append([]int{count}, x.Dims[k:]...), count)
	var attrs []Attr
	if g.Opset >= 16 {
		attrs = g.optional("reduction", how, "none")
	}
	g.one(op, []string{x.Name, at, u}, y, attrs...)
	return true
}

// cumSum sums along an axis what stands before, or behind.
func cumSum(g *grower, op string) bool {
	x := g.operand(demand{types: numbers, least: 1, most: 5})
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok {
		return false
	}
	n := float64(x.Dims[axis])
	y := like(x, min(n*x.Lo, 0), max(n*x.Hi, 0), x.Grain)
	if x.Type != Float && y.most() > 1<<20 {
		return false
	}
	attrs := append(g.optional("exclusive", g.r.IntN(2), 0), g.optional("reverse", g.r.IntN(2), 0)...)
	t := pick(g.r, integers)
	g.one(op, []string{x.Name, g.tensor(t, nil, appendElement(nil, t, float64(attr)))}, y, attrs...)
	return true
}

// hardmax finds the first of the largest elements, many of which are equal.
func hardmax(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 4, exact: true})
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok || g.Opset < 13 && axis < openEnd(x) {
		return false
	}
	if g.Opset < 11 && attr < 0 {
		attr += int64(len(x.Dims))
	}
	g.one(op, []string{x.Name}, like(x, 0, 1, 1), Attr{"axis", attr})
	return true
}

// reverseSequence turns sequences of constant lengths round.
func reverseSequence(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 2, most: 4, fit: func(v *Value) bool { return !v.openAny() }})
	if x == nil {
		return false
	}
	batch := g.r.IntN(2)
	var lengths []int64
	for range x.Dims[batch] {
		lengths = append(lengths, int64(g.upTo(x.Dims[1-batch])))
	}
	g.one(op, []string{x.Name, g.ints(lengths...)}, like(x, x.Lo, x.Hi, x.Grain), Attr{"batch_axis", batch}, Attr{"time_axis", 1 - batch})
	return true
}

// compress keeps some places along an axis, or of all elements.
func compress(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 4})
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
	whole := !x.openAny() && g.chance(4)
	n := x.Dims[axis]
	if whole {
		n = x.elements()
	}
	keep := make([]byte, g.upTo(n)) // what stands behind is not kept
	keep[g.r.IntN(len(keep))] = 1
	count := 0
	for i := range keep {
		keep[i] |= byte(g.r.IntN(2))
		count += int(keep[i])
	}
	y := shaped(x, []int{count}, []bool{false})
	attrs := []Attr(nil)
	if !whole {
		y, attrs = like(x, x.Lo, x.Hi, x.Grain), []Attr{{"axis", attr}}
		y.Dims[axis] = count
	}
	g.one(op, []string{x.Name, g.tensor(Bool, []int{len(keep)}, keep)}, y, attrs...)
	return true
}

// eyeLike adds a diagonal of ones.
func eyeLike(g *grower, op string) bool {
	x := g.operand(demand{least: 2, most: 2, fit: func(v *Value) bool { return !v.openAny() }})
	if x == nil {
		return false
	}
	eye := g.computed(op, []string{x.Name}, append(g.optional("k", g.r.IntN(5)-2, 0), g.optional("dtype", int(Float), 1)...)...)
	g.one("Add", []string{x.Name, eye}, like(x, x.Lo, x.Hi+1, min(x.Grain, 1)))
	return true
}

// roiAlign averages regions, or takes the largest samples of them. How many there
// are of one whose sampling is not given jumps with its size, so that its corners
// are exact.
func roiAlign(g *grower, op string) bool {
	x := g.operand(demand{least: 4, most: 4, fit: func(v *Value) bool { return !v.openAny() }})
	if x == nil || len(g.Inputs)+2 > maxInputs || g.batch {
		return false
	}
	n := g.upTo(5)
	most := float64(min(x.Dims[2], x.Dims[3]) + 2)
	regions := g.addInput(&Value{Type: Float, Dims: []int{n, 4}, Open: make([]bool, 2), Lo: -2, Hi: most, Grain: 0.25})
	maps := g.places(Int64, []int{n}, make([]bool, 1), 0, x.Dims[0]-1)
	if maps == "" {
		return false
	}
	h, w := g.upTo(5), g.upTo(5)
	attrs := []Attr{{"output_height", h}, {"output_width", w}, {"spatial_scale", pick(g.r, []float32{1, 0.5, 0.25})}}
	attrs = append(attrs, g.optional("sampling_ratio", g.r.IntN(4), 0)...)
	mode := pick(g.r, []string{"avg", "max"})
	attrs = append(attrs, g.optional("mode", mode, "avg")...)
	if g.Opset >= 16 {
		attrs = append(attrs, g.optional("coordinate_transformation_mode", pick(g.r, []string{"half_pixel", "output_half_pixel"}), "half_pixel")...)
	}
	y := &Value{Type: Float, Dims: []int{n, x.Dims[1], h, w}, Open: make([]bool, 4), Lo: -x.most(), Hi: x.most()}
	g.one(op, []string{x.Name, regions.Name, maps}, y, attrs...)
	return true
}

// maxUnpool puts the largest elements of windows back to where they were.
func maxUnpool(g *grower, op string) bool {
	x := g.operand(demand{least: 3, most: 5, exact: true, fit: func(v *Value) bool {
		return openEnd(v) <= 1 && slices.Min(spatial(v)) > 1
	}})
	if x == nil {
		return false
	}
	var kernel []int64
	small := resized(x, slices.Clone(x.Dims))
	back := slices.Clone(x.Dims)
	for i, d := range spatial(x) {
		k := 1 + g.r.IntN(min(d, 3))
		kernel = append(kernel, int64(k))
		small.Dims[i+2] = d / k
		back[i+2] = d / k * k
	}
	attrs := []Attr{{"kernel_shape", kernel}, {"strides", kernel}}
	item := float64(product(x.Dims))
	at := &Value{Type: Int64, Dims: slices.Clone(small.Dims), Open: slices.Clone(small.Open), Hi: item, Grain: 1}
	g.node("MaxPool", []string{x.Name}, []*Value{small, at}, attrs...)
	y := like(x, math.Min(x.Lo, 0), math.Max(x.Hi, 0), x.Grain)
	y.Dims = back
	in := []string{small.Name, at.Name}
	if !slices.Equal(back, x.Dims) {
		if x.Open[0] {
			return true // its places would be those of another map
		}
		y.Dims = slices.Clone(x.Dims)
		in = append(in, g.ints(int64s(x.Dims)...))
	}
	g.one(op, in, y, attrs...)
	return true
}
