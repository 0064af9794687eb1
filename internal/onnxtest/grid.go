package onnxtest

import "slices"

// affineGrid warps a map, or a volume, by a matrix for each item, which is an input.
func affineGrid(g *grower, op string) bool {
	k := 2
	if g.chance(3) {
		k = 3
	}
	x := g.operand(demand{least: k + 2, most: k + 2, fit: func(v *Value) bool { return v.Open[0] == g.batch && !v.Open[1] }})
	if x == nil || len(g.Inputs) >= maxInputs {
		return false
	}
	theta := &Value{Type: Float, Dims: []int{x.Dims[0], k, k + 1}, Open: []bool{g.batch, false, false}, Lo: -0.75, Hi: 0.75}
	sizes, open := slices.Clone(x.Dims[2:]), slices.Clone(x.Open[2:])
	var size string
	switch {
	case slices.Contains(open, true), g.batch, g.chance(2):
		size = g.computed("Shape", []string{x.Name})
	default:
		for i := range sizes {
			sizes[i] = g.upTo(8)
		}
		size = g.ints(append([]int64{int64(x.Dims[0]), 1}, int64s(sizes)...)...)
	}
	if x.Dims[0]*x.Dims[1]*product(sizes) > maxElements {
		return false
	}
	align := g.r.IntN(2)
	if slices.Contains(sizes, 1) {
		align = 0 // of one place ONNX does not say where it is
	}
	grid := &Value{Type: Float, Dims: slices.Concat(x.Dims[:1], sizes, []int{k}), Open: slices.Concat(x.Open[:1], open, []bool{false}), Lo: -3, Hi: 3}
	theta = g.addInput(theta)
	g.one(op, []string{theta.Name, size}, grid, g.optional("align_corners", align, 0)...)
	m := x.most()
	y := &Value{Type: Float, Dims: slices.Concat(x.Dims[:2], sizes), Open: slices.Concat(x.Open[:2], open), Lo: -m, Hi: m}
	attrs := append([]Attr{{"align_corners", align}}, g.optional("padding_mode", pick(g.r, []string{"zeros", "border", "reflection"}), "zeros")...)
	g.one("GridSample", []string{x.Name, grid.Name}, y, attrs...)
	return true
}

// centerCropPad cuts or pads some dimensions to others.
func centerCropPad(g *grower, op string) bool {
	x := g.operand(demand{types: anything, least: 1, most: 5})
	if x == nil {
		return false
	}
	y := like(x, min(x.Lo, 0), max(x.Hi, 0), x.Grain)
	var axes, shape []int64
	fixed := x.fixed()
	g.r.Shuffle(len(fixed), func(i, j int) { fixed[i], fixed[j] = fixed[j], fixed[i] })
	for _, i := range fixed {
		if len(axes) > 0 && g.chance(2) {
			break
		}
		y.Dims[i] = g.upTo(10)
		axes, shape = append(axes, g.signed(i, len(x.Dims))), append(shape, int64(y.Dims[i]))
	}
	if len(axes) == 0 || y.elements() > maxElements {
		return false
	}
	var attrs []Attr
	if !slices.Equal(axes, int64s(axesOf(len(x.Dims)))) || g.chance(2) {
		attrs = []Attr{{"axes", axes}}
	}
	g.one(op, []string{x.Name, g.ints(shape...)}, y, attrs...)
	return true
}

// deformConv is a convolution of taps that are moved by an input, and weighted by
// another.
func deformConv(g *grower, op string) bool {
	x := g.operand(demand{least: 4, most: 4, fit: func(v *Value) bool { return openEnd(v) <= 1 && v.Open[0] == g.batch }})
	if x == nil || len(g.Inputs)+2 > maxInputs {
		return false
	}
	channels := x.Dims[1]
	divisor := func() int {
		for {
			if d := g.upTo(channels); channels%d == 0 {
				return d
			}
		}
	}
	groups, parts := 1, 1
	if g.chance(3) {
		groups = divisor()
	}
	if g.chance(3) {
		parts = divisor()
	}
	kernel := []int{g.upTo(3), g.upTo(3)}
	var out, strides, dilations, before, after []int
	for i, k := range kernel {
		stride, dilation, first, last := g.upTo(2), g.upTo(2), g.r.IntN(2), g.r.IntN(2)
		over := x.Dims[2+i] + first + last - dilation*(k-1) - 1
		if over < 0 {
			return false
		}
		strides, dilations = append(strides, stride), append(dilations, dilation)
		before, after, out = append(before, first), append(after, last), append(out, over/stride+1)
	}
	taps, most := product(kernel), groups*g.upTo(4)
	if x.Dims[0]*max(parts*2, channels)*taps*product(out) > 2*maxElements || x.Dims[0]*most*product(out) > maxElements {
		return false
	}
	moved := func(rows int, lo, hi float64) string {
		return g.addInput(&Value{Type: Float, Dims: slices.Concat(x.Dims[:1], []int{rows}, out), Open: []bool{g.batch, false, false, false}, Lo: lo, Hi: hi}).Name
	}
	in := []string{x.Name, g.floatTensor(-0.5, 0.5, 0, most, channels/groups, kernel[0], kernel[1]), moved(parts*taps*2, -1.5, 1.5), "", ""}
	if g.chance(2) {
		in[3] = g.floatTensor(-1, 1, 0, most)
	}
	if g.chance(2) {
		in[4] = moved(parts*taps, 0, 1)
	}
	for in[len(in)-1] == "" {
		in = in[:len(in)-1]
	}
	attrs := append(g.optional("group", groups, 1), g.optional("offset_group", parts, 1)...)
	attrs = append(attrs, Attr{"strides", int64s(strides)}, Attr{"dilations", int64s(dilations)}, Attr{"pads", int64s(slices.Concat(before, after))})
	m := 0.5*float64(channels/groups*taps)*x.most() + 1
	y := &Value{Type: Float, Dims: slices.Concat(x.Dims[:1], []int{most}, out), Open: []bool{g.batch, false, false, false}, Lo: -m, Hi: m}
	g.one(op, in, y, attrs...)
	return true
}

// col2im puts the rows of a map that are elements of blocks together to an image.
func col2im(g *grower, op string) bool {
	x := g.operand(demand{least: 4, most: 4, fit: func(v *Value) bool { return openEnd(v) <= 1 }})
	if x == nil {
		return false
	}
	block := []int{g.upTo(3), g.upTo(3)}
	for x.Dims[1]%product(block) != 0 {
		block[g.r.IntN(2)] = g.upTo(3)
	}
	n := product(block)
	var image, strides, dilations, before, after []int
	for i, k := range block {
		stride, dilation := g.upTo(3), g.upTo(2)
		whole := stride*(x.Dims[2+i]-1) + dilation*(k-1) + 1 + g.r.IntN(stride)
		first, last := g.r.IntN(k), g.r.IntN(k)
		if first+last >= whole {
			first, last = 0, 0
		}
		strides, dilations = append(strides, stride), append(dilations, dilation)
		before, after, image = append(before, first), append(after, last), append(image, whole-first-last)
	}
	y := shaped(x, slices.Concat(x.Dims[:1], []int{x.Dims[1] / n}, image), slices.Clone(x.Open))
	if y.elements() > maxElements {
		return false
	}
	y.Lo, y.Hi = -float64(n)*x.most(), float64(n)*x.most()
	blocks := g.reshaped(x, []int64{0, int64(x.Dims[1]), -1}, []int{x.Dims[0], x.Dims[1], x.Dims[2] * x.Dims[3]}, []bool{x.Open[0], false, false})
	attrs := []Attr{{"strides", int64s(strides)}, {"dilations", int64s(dilations)}, {"pads", int64s(slices.Concat(before, after))}}
	g.one(op, []string{blocks.Name, g.ints(int64s(image)...), g.ints(int64s(block)...)}, y, attrs...)
	return true
}

// det cuts matrices of up to three rows out of a tensor.
func det(g *grower, op string) bool {
	x := g.operand(demand{least: 3, most: 4, fit: func(v *Value) bool {
		return !slices.Contains(v.Open[len(v.Open)-2:], true) && v.most() <= 4
	}})
	if x == nil {
		return false
	}
	rank := len(x.Dims)
	n := min(g.upTo(3), x.Dims[rank-1], x.Dims[rank-2])
	if x.Dims[rank-1] != n || x.Dims[rank-2] != n {
		y := like(x, x.Lo, x.Hi, x.Grain)
		y.Dims[rank-1], y.Dims[rank-2] = n, n
		zeros, ends, last := g.ints(0, 0), g.ints(int64(n), int64(n)), g.ints(int64(rank-2), int64(rank-1))
		x = g.one("Slice", []string{x.Name, zeros, ends, last}, y)
	}
	m := []float64{0, 1, 2, 6}[n]
	for range n {
		m *= x.most()
	}
	g.one(op, []string{x.Name}, &Value{Type: Float, Dims: slices.Clone(x.Dims[:rank-2]), Open: slices.Clone(x.Open[:rank-2]), Lo: -m, Hi: m})
	return true
}

// signalWindow multiplies the last dimension by a window of its size.
func signalWindow(g *grower, op string) bool {
	x := g.operand(demand{least: 1, most: 5, fit: func(v *Value) bool { return !v.Open[len(v.Dims)-1] && v.Dims[len(v.Dims)-1] > 1 }})
	if x == nil {
		return false
	}
	size := g.tensor(Int64, nil, RawInts([]int64{int64(x.Dims[len(x.Dims)-1])}))
	w := g.computed(op, []string{size}, append(g.optional("periodic", g.r.IntN(2), 1), g.optional("output_datatype", int(Float), 1)...)...)
	g.one("Mul", []string{x.Name, w}, like(x, min(x.Lo, -1e-6), max(x.Hi, 1e-6), 0))
	return true
}

// melWeights sums spectra, of bins in the last dimension, by the mel scale.
func melWeights(g *grower, op string) bool {
	x := g.operand(demand{least: 2, most: 4, fit: func(v *Value) bool { return !v.Open[len(v.Dims)-1] && v.Dims[len(v.Dims)-1] > 2 }})
	if x == nil {
		return false
	}
	last := len(x.Dims) - 1
	k, mels := x.Dims[last], g.upTo(6)
	int64Of := func(n int) string { return g.tensor(Int64, nil, RawInts([]int64{int64(n)})) }
	in := []string{int64Of(mels), int64Of(2 * (k - 1)), int64Of(8000), g.float(nil, pick(g.r, []float32{0, 20, 300})), g.float(nil, pick(g.r, []float32{2000, 3500}))}
	w := g.computed(op, in)
	m := float64(k) * x.most()
	y := resized(x, slices.Clone(x.Dims))
	y.Dims[last], y.Lo, y.Hi, y.Grain = mels, -m, m, 0
	g.one("MatMul", []string{x.Name, w}, y)
	return true
}
