package onnxtest

import "slices"

func axesOf(rank int) []int {
	axes := make([]int, rank)
	for i := range axes {
		axes[i] = i
	}
	return axes
}

// concat joins values that differ along one axis at most.
func concat(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 5})
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok {
		return false
	}
	y := like(x, x.Lo, x.Hi, x.Grain)
	in := []string{x.Name}
	for range g.upTo(3) {
		var v *Value
		for range 5 {
			w := pick(g.r, g.recent)
			if w.Type == x.Type && len(w.Dims) == len(x.Dims) && slices.Equal(w.Open, x.Open) &&
				slices.Equal(slices.Delete(slices.Clone(w.Dims), axis, axis+1), slices.Delete(slices.Clone(x.Dims), axis, axis+1)) {
				v = w
				break
			}
		}
		if v == nil || y.Dims[axis]+v.Dims[axis] > 2*maxDim {
			continue
		}
		in = append(in, v.Name)
		y.Dims[axis] += v.Dims[axis]
		y.Lo, y.Hi, y.Grain = min(y.Lo, v.Lo), max(y.Hi, v.Hi), min(y.Grain, v.Grain)
	}
	if g.Opset < 11 && attr < 0 {
		attr += int64(len(x.Dims))
	}
	g.one(op, in, y, Attr{"axis", attr})
	return true
}

// split cuts into equal or any parts.
func split(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 5})
	if x == nil {
		return false
	}
	axis, attr, ok := g.axis(x)
	if !ok || x.Dims[axis] < 2 {
		return false
	}
	size, parts := x.Dims[axis], 2+g.r.IntN(2)
	if parts > size {
		parts = 2
	}
	attrs := []Attr{{"axis", attr}}
	in := []string{x.Name}
	var sizes []int
	switch {
	case g.chance(2) && size%parts == 0:
		for range parts {
			sizes = append(sizes, size/parts)
		}
		if g.Opset >= 18 {
			attrs = append(attrs, Attr{"num_outputs", parts})
		}
	case g.Opset >= 18 && g.chance(2) && size-(size+parts-1)/parts*(parts-1) > 0:
		each := (size + parts - 1) / parts
		for range parts - 1 {
			sizes = append(sizes, each)
		}
		sizes = append(sizes, size-each*(parts-1))
		attrs = append(attrs, Attr{"num_outputs", parts})
	default:
		left := size
		for i := range parts - 1 {
			n := g.upTo(left - (parts - 1 - i))
			sizes, left = append(sizes, n), left-n
		}
		sizes = append(sizes, left)
		if g.Opset < 13 {
			attrs = append(attrs, Attr{"split", int64s(sizes)})
		} else {
			in = append(in, g.ints(int64s(sizes)...))
		}
	}
	var out []*Value
	for _, n := range sizes {
		y := like(x, x.Lo, x.Hi, x.Grain)
		y.Dims[axis] = n
		out = append(out, y)
	}
	g.node(op, in, out, attrs...)
	return true
}

// slice takes spans of some axes, forwards or backwards, with bounds in and
// out of range.
func slice(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 5})
	if x == nil {
		return false
	}
	fixed := x.fixed()
	if len(fixed) == 0 {
		return false
	}
	g.r.Shuffle(len(fixed), func(i, j int) { fixed[i], fixed[j] = fixed[j], fixed[i] })
	axes := fixed[:1+g.r.IntN(min(2, len(fixed)))]
	var starts, ends, steps, list []int64
	y := like(x, x.Lo, x.Hi, x.Grain)
	plain := true
	for _, axis := range axes {
		size := x.Dims[axis]
		from, n, step := g.r.IntN(size), 0, 1
		if g.Opset >= 10 && g.chance(3) {
			step = pick(g.r, []int{2, 3, -1, -2})
			plain = false
		}
		n = g.upTo((size - from + abs(step) - 1) / abs(step))
		if step < 0 {
			n = g.upTo(from/-step + 1)
		}
		start, end := int64(from), int64(from+(n-1)*step)
		if step > 0 {
			end++
		} else {
			end--
		}
		if g.chance(3) { // counted from the end
			start -= int64(size)
		}
		switch {
		case step > 0 && end == int64(size) && g.chance(2):
			end = 1<<31 - 1
		case step > 0 && end < int64(size) && g.chance(3):
			end -= int64(size)
		case step < 0 && end < 0:
			end = -int64(size) - 1 - g.r.Int64N(3)
		}
		starts, ends, steps = append(starts, start), append(ends, end), append(steps, int64(step))
		list = append(list, g.signedSince(10, axis, len(x.Dims)))
		y.Dims[axis] = n
	}
	if g.Opset < 10 {
		g.one(op, []string{x.Name}, y, Attr{"starts", starts}, Attr{"ends", ends}, Attr{"axes", list})
		return true
	}
	ints := g.ints
	if g.chance(4) {
		ints = g.ints32
	}
	in := []string{x.Name, ints(starts...), ints(ends...)}
	if !plain || !slices.Equal(axes, axesOf(len(axes))) || g.chance(2) {
		in = append(in, ints(list...))
		if !plain || g.chance(2) {
			in = append(in, ints(steps...))
		}
	}
	g.one(op, in, y)
	return true
}

func abs(x int) int { return max(x, -x) }

// signedSince is signed for operators that count from the end since an opset.
func (g *grower) signedSince(opset int64, axis, rank int) int64 {
	if g.Opset >= opset && g.chance(3) {
		return int64(axis - rank)
	}
	return int64(axis)
}

// pad pads in all modes, and cuts off.
func pad(g *grower, op string) bool {
	types := floats
	if g.Opset >= 13 {
		types = numbers
	}
	x := g.operand(demand{types: types, least: 1, most: 5})
	if x == nil {
		return false
	}
	modes := []string{"constant", "constant", "reflect", "edge"}
	if g.Opset >= 19 {
		modes = append(modes, "wrap")
	}
	mode := pick(g.r, modes)
	rank := len(x.Dims)
	before, after := make([]int, rank), make([]int, rank)
	y := like(x, x.Lo, x.Hi, x.Grain)
	for _, axis := range x.fixed() {
		if g.chance(2) {
			continue
		}
		size := x.Dims[axis]
		for _, p := range []*int{&before[axis], &after[axis]} {
			most := 3
			switch mode {
			case "reflect":
				most = min(3, size-1)
			case "wrap":
				most = min(3, size)
			}
			*p = g.r.IntN(most + 1)
			if mode == "constant" && g.chance(5) && size > 4 {
				*p = -1
			}
		}
		y.Dims[axis] += before[axis] + after[axis]
	}
	if y.elements() > 2*maxElements {
		return false
	}
	value := 0.0
	if mode == "constant" && g.chance(2) {
		value = pick(g.r, []float64{1, -2})
	}
	if mode == "constant" {
		y.Lo, y.Hi = min(y.Lo, value), max(y.Hi, value)
		if y.exact() {
			y.Grain = min(y.Grain, 1)
		}
	}
	attrs := g.optional("mode", mode, "constant")
	in := []string{x.Name}
	if g.Opset < 11 {
		attrs = append(attrs, Attr{"pads", int64s(append(before, after...))})
		attrs = append(attrs, g.optional("value", float32(value), float32(0))...)
		g.one(op, in, y, attrs...)
		return true
	}
	var axes []int64
	if g.Opset >= 18 && g.chance(2) {
		var b, a []int
		for _, i := range g.r.Perm(rank) {
			if before[i] != 0 || after[i] != 0 {
				b, a, axes = append(b, before[i]), append(a, after[i]), append(axes, g.signed(i, rank))
			}
		}
		if axes != nil {
			before, after = b, a
		}
	}
	in = append(in, g.ints(int64s(append(before, after...))...))
	if value != 0 || g.chance(3) {
		in = append(in, g.tensor(x.Type, nil, appendElement(nil, x.Type, value)))
	}
	if axes != nil {
		if len(in) == 2 {
			in = append(in, "")
		}
		in = append(in, g.ints(axes...))
	}
	g.one(op, in, y, attrs...)
	return true
}

// openEnd is how many dimensions there are up to the last one that is open.
func openEnd(v *Value) int {
	for i := len(v.Open) - 1; i >= 0; i-- {
		if v.Open[i] {
			return i + 1
		}
	}
	return 0
}

// divisors draws sizes of which the product is n.
func (g *grower) factors(n, rank int) []int {
	dims := make1(rank)
	for f := 2; n > 1; f++ {
		for ; n%f == 0; n /= f {
			dims[g.r.IntN(rank)] *= f
		}
	}
	return dims
}

// reshape keeps the dimensions up to the last open one, and divides the others
// anew.
func reshape(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 5})
	if x == nil {
		return false
	}
	keep := openEnd(x)
	if keep == 0 && g.chance(3) {
		keep = g.r.IntN(len(x.Dims))
	}
	if keep == 5 {
		return false
	}
	rest := g.factors(product(x.Dims[keep:]), g.upTo(5-keep))
	dims := append(slices.Clone(x.Dims[:keep]), rest...)
	open := append(slices.Clone(x.Open[:keep]), make([]bool, len(rest))...)
	shape := int64s(dims)
	for i := range keep {
		if x.Open[i] || g.chance(2) {
			shape[i] = 0
		}
	}
	if g.chance(2) {
		free := keep + g.r.IntN(len(rest))
		if keep == 1 && x.Open[0] && g.chance(3) {
			free = 0 // the batch
		}
		shape[free] = -1
	}
	var attrs []Attr
	if g.Opset >= 14 && !slices.Contains(shape, 0) && g.chance(3) {
		attrs = []Attr{{"allowzero", 1}}
	}
	g.one(op, []string{x.Name, g.ints(shape...)}, shaped(x, dims, open), attrs...)
	return true
}

func flatten(g *grower, op string) bool {
	types := floats
	if g.Opset >= 9 {
		types = anything
	}
	x := g.operand(demand{types: types, least: 1, most: 5})
	if x == nil {
		return false
	}
	rank := len(x.Dims)
	end := openEnd(x)
	if end > 1 {
		return false
	}
	axis := g.r.IntN(rank + 1)
	if end == 1 {
		axis = 1
	}
	dims := []int{product(x.Dims[:axis]), product(x.Dims[axis:])}
	attrs := g.optional("axis", axis, 1)
	if len(attrs) > 0 && g.Opset >= 11 && axis < rank && g.chance(3) {
		attrs[0].Value = axis - rank
	}
	g.one(op, []string{x.Name}, shaped(x, dims, []bool{end == 1, false}), attrs...)
	return true
}

// squeeze takes out some dimensions of 1, or all.
func squeeze(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 5, fit: func(v *Value) bool {
		return slices.ContainsFunc(v.fixed(), func(i int) bool { return v.Dims[i] == 1 })
	}})
	if x == nil {
		return false
	}
	var list []int64
	y := &Value{Type: x.Type, Lo: x.Lo, Hi: x.Hi, Grain: x.Grain, Dims: []int{}, Open: []bool{}}
	all := !x.openAny() && g.chance(2)
	for i, d := range x.Dims {
		if d == 1 && !x.Open[i] && (all || g.chance(2)) {
			list = append(list, g.signedSince(11, i, len(x.Dims)))
			continue
		}
		y.Dims, y.Open = append(y.Dims, d), append(y.Open, x.Open[i])
	}
	if len(list) == 0 {
		return false
	}
	in, attrs := g.axesIn(x, list, 13)
	if all {
		in, attrs = in[:1], nil
	}
	g.one(op, in, y, attrs...)
	return true
}

// axesIn gives axes as an operand since an opset, and as an attribute before.
func (g *grower) axesIn(x *Value, axes []int64, since int64) (in []string, attrs []Attr) {
	if g.Opset < since {
		return []string{x.Name}, []Attr{{"axes", axes}}
	}
	return []string{x.Name, g.ints(axes...)}, nil
}

// unsqueeze adds dimensions of 1.
func unsqueeze(g *grower, op string) bool {
	x := g.operand(demand{types: anything, most: 4})
	if x == nil {
		return false
	}
	y := shaped(x, slices.Clone(x.Dims), slices.Clone(x.Open))
	n := g.upTo(min(2, 5-len(x.Dims)))
	at := g.r.Perm(len(x.Dims) + n)[:n]
	slices.Sort(at)
	for _, i := range at {
		if i == 0 && openEnd(x) > 0 {
			return false
		}
		y.Dims, y.Open = slices.Insert(y.Dims, i, 1), slices.Insert(y.Open, i, false)
	}
	var list []int64
	for _, i := range at {
		list = append(list, g.signedSince(11, i, len(y.Dims)))
	}
	in, attrs := g.axesIn(x, list, 13)
	g.one(op, in, y, attrs...)
	return true
}

// transpose permutes dimensions; the batch mostly stays where it is.
func transpose(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 2, most: 5})
	if x == nil {
		return false
	}
	perm := g.r.Perm(len(x.Dims))
	if x.Open[0] && !g.chance(20) {
		i := slices.Index(perm, 0)
		perm[0], perm[i] = perm[i], perm[0]
	}
	g.transposed(x, perm)
	return true
}

func (g *grower) transposed(x *Value, perm []int) *Value {
	y := shaped(x, nil, nil)
	reversed := true
	for i, p := range perm {
		y.Dims, y.Open = append(y.Dims, x.Dims[p]), append(y.Open, x.Open[p])
		reversed = reversed && p == len(perm)-1-i
	}
	attrs := []Attr{{"perm", int64s(perm)}}
	if reversed && g.chance(2) {
		attrs = nil
	}
	return g.one("Transpose", []string{x.Name}, y, attrs...)
}

func depthToSpace(g *grower, op string) bool {
	b := pick(g.r, []int{2, 2, 3})
	x := g.operand(demand{least: 4, most: 4, fit: func(v *Value) bool { return !v.Open[1] && v.Dims[1]%(b*b) == 0 }})
	if x == nil {
		return false
	}
	y := resized(x, []int{x.Dims[0], x.Dims[1] / (b * b), x.Dims[2] * b, x.Dims[3] * b})
	attrs := []Attr{{"blocksize", b}}
	if g.Opset >= 11 {
		attrs = append(attrs, g.optional("mode", pick(g.r, []string{"DCR", "CRD"}), "DCR")...)
	}
	g.one(op, []string{x.Name}, y, attrs...)
	return true
}

func spaceToDepth(g *grower, op string) bool {
	b := pick(g.r, []int{2, 2, 3})
	x := g.operand(demand{least: 4, most: 4, fit: func(v *Value) bool { return !v.Open[1] && v.Dims[2]%b == 0 && v.Dims[3]%b == 0 }})
	if x == nil {
		return false
	}
	y := resized(x, []int{x.Dims[0], x.Dims[1] * b * b, x.Dims[2] / b, x.Dims[3] / b})
	g.one(op, []string{x.Name}, y, Attr{"blocksize", b})
	return true
}

// resize adds a Resize in all modes, by scales or to sizes, or an Upsample.
func resize(g *grower, op string) bool {
	d := mapsOf(1, 2)
	if g.Opset >= 11 && g.chance(5) {
		d.types = []DataType{Int32, Uint8}
	}
	x := g.operand(d)
	if x == nil {
		return false
	}
	n, rank := len(x.Dims)-2, len(x.Dims)
	modes := []string{"nearest", "linear"}
	if g.Opset >= 11 && n == 2 {
		modes = append(modes, "cubic")
	}
	mode := pick(g.r, modes)
	if x.Type != Float {
		mode = "nearest"
	}
	m := x.most()
	y := like(x, x.Lo, x.Hi, 0)
	attrs := g.optional("mode", mode, "nearest")
	if mode == "nearest" {
		y.Grain = x.Grain
	}
	if mode == "cubic" {
		y.Lo, y.Hi = -2*m, 2*m
		attrs = append(attrs, g.optional("cubic_coeff_a", float32(pick(g.r, []float64{-0.75, -0.5})), float32(-0.75))...)
		attrs = append(attrs, g.optional("exclude_outside", g.r.IntN(2), 0)...)
	}
	scales := []float32{1, 1}
	up := []float32{1, 1.5, 2, 2, 2.5, 3, 1.25}
	all := append([]float32{0.5, 0.75, 0.4}, up...)
	for i := range n {
		s := pick(g.r, up)
		if g.Opset >= 11 {
			s = pick(g.r, all)
		}
		if g.chance(2) && i > 0 {
			s = scales[2]
		}
		scales = append(scales, s)
		y.Dims[2+i] = int(float32(x.Dims[2+i]) * s)
		if y.Dims[2+i] < 1 {
			return false
		}
	}
	bySize := g.Opset >= 11 && g.chance(2) && !x.Open[2] && !x.Open[rank-1]
	if bySize {
		for i := range n {
			y.Dims[2+i] = g.upTo(2 * maxDim)
			// A coordinate that is whole by its formula is so here, and may be
			// rounded in ONNX Runtime: nearest ones come of quotients that are exact.
			if size := x.Dims[2+i]; mode == "nearest" && y.Dims[2+i]*4%size != 0 {
				y.Dims[2+i] = pick(g.r, []int{size, 2 * size, 3 * size, (size + 1) / 2 * 3})
				if y.Dims[2+i]*2%size != 0 {
					y.Dims[2+i] = size
				}
			}
		}
	}
	if y.elements() > 2*maxElements {
		return false
	}
	// ONNX Runtime does not smooth along a dimension whose size stays, whatever its
	// scale.
	stays := y.Dims[2] == x.Dims[2] || y.Dims[rank-1] == x.Dims[rank-1]
	if mode != "nearest" && g.Opset >= 18 && n == 2 && !stays && g.chance(3) {
		attrs = append(attrs, Attr{"antialias", 1})
	}
	if g.Opset < 11 {
		if g.Opset < 9 {
			g.one(op, []string{x.Name}, y, append(attrs, Attr{"scales", scales})...)
		} else {
			g.one(op, []string{x.Name, g.float([]int{rank}, scales...)}, y, attrs...)
		}
		return true
	}
	places := []string{"half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"}
	if g.Opset >= 19 {
		places = append(places, "half_pixel_symmetric")
	}
	attrs = append(attrs, g.optional("coordinate_transformation_mode", pick(g.r, places), "half_pixel")...)
	if mode == "nearest" {
		attrs = append(attrs, g.optional("nearest_mode", pick(g.r, []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}), "round_prefer_floor")...)
	}
	first := 0 // dimension that is named
	if g.Opset >= 18 && g.chance(3) || bySize && x.Open[0] {
		if g.Opset < 18 {
			return false
		}
		first = 2
		axes := make([]int64, n)
		for i := range axes {
			axes[i] = int64(2 + i)
		}
		attrs = append(attrs, Attr{"axes", axes})
	}
	roi := ""
	if g.Opset < 13 {
		roi = g.float([]int{0})
	}
	in := []string{x.Name, roi}
	if bySize {
		blank := ""
		if g.Opset < 13 {
			blank = g.float([]int{0})
		}
		in = append(in, blank, g.ints(int64s(y.Dims[first:])...))
	} else {
		in = append(in, g.float([]int{rank - first}, scales[first:]...))
	}
	g.one(op, in, y, attrs...)
	return true
}
