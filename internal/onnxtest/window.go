package onnxtest

import "math"

// A window is drawn for a number of spatial dimensions.
type window struct {
	kernel, stride, dilation []int
	begin, end               []int  // padding
	auto                     string // auto_pad, empty if it is not given
}

// spatial is the sizes of a map's spatial dimensions.
func spatial(v *Value) []int { return v.Dims[2:] }

// mapsOf is a demand for maps of some spatial dimensions.
func mapsOf(least, most int) demand { return demand{least: least + 2, most: most + 2} }

// window draws one that fits a map; nil if there is none. Pools take no
// dilation before opset 10, and no more padding than less than a kernel.
func (g *grower) window(v *Value, dilated, pool bool) *window {
	w := &window{}
	n := len(v.Dims) - 2
	same := g.chance(2) // in all dimensions
	if g.chance(6) {
		w.auto = pick(g.r, []string{"SAME_UPPER", "SAME_LOWER", "VALID"})
	}
	for i, size := range spatial(v) {
		k, s, d, b, e := pick(g.r, []int{1, 2, 3, 3, 3, 5, 7}), pick(g.r, []int{1, 1, 1, 2, 3}), 1, 0, 0
		if dilated && g.chance(4) {
			d = g.upTo(3)
		}
		if g.chance(2) {
			b = g.r.IntN(min(k, 3))
			e = b
			if g.chance(4) {
				e = g.r.IntN(min(k, 3))
			}
		}
		if same && i > 0 {
			k, s, d, b, e = w.kernel[0], w.stride[0], w.dilation[0], w.begin[0], w.end[0]
		}
		extent := (k-1)*d + 1
		if w.auto != "" {
			b, e = 0, 0
		}
		if w.auto == "SAME_UPPER" || w.auto == "SAME_LOWER" {
			if d > 1 {
				return nil
			}
			// Padding that comes out negative is none here and in TensorFlow; ONNX
			// Runtime refuses it or begins inside of the map.
			if pool && (extent > size || ((size+s-1)/s-1)*s+extent < size) {
				return nil
			}
		} else if extent > size+b+e || v.Open[2+i] && !g.plane {
			return nil
		}
		w.kernel, w.stride, w.dilation = append(w.kernel, k), append(w.stride, s), append(w.dilation, d)
		w.begin, w.end = append(w.begin, b), append(w.end, e)
	}
	if n == 0 {
		return nil
	}
	return w
}

// misses says whether a window may have all of its taps in the padding: the
// maximum of nothing is −∞ here and in PyTorch, and the lowest finite number in
// ONNX Runtime; the mean is NaN, and 0.
func (w *window) misses(v *Value) bool {
	for i, size := range spatial(v) {
		padded := w.begin[i] > 0 || w.end[i] > 0 || w.auto != ""
		if padded && w.dilation[i] > 1 || padded && size < w.kernel[i] {
			return true
		}
	}
	return false
}

// result is the sizes of what the window makes of a map.
func (w *window) result(v *Value, ceil bool) []int {
	var out []int
	for i, size := range spatial(v) {
		if w.auto == "SAME_UPPER" || w.auto == "SAME_LOWER" {
			out = append(out, (size+w.stride[i]-1)/w.stride[i])
			continue
		}
		free := size + w.begin[i] + w.end[i] - (w.kernel[i]-1)*w.dilation[i] - 1
		n := free/w.stride[i] + 1
		if ceil && free%w.stride[i] != 0 && n*w.stride[i] < size+w.begin[i] {
			n++ // a window that begins in the padding at the end is left out
		}
		out = append(out, n)
	}
	return out
}

// windowAttrs are the window's attributes, without some that say what the default is.
func (g *grower) windowAttrs(w *window, kernel bool) (attrs []Attr) {
	ones := func(list []int) bool { return list[0] == 1 && allSame(list) }
	if kernel {
		attrs = append(attrs, Attr{"kernel_shape", int64s(w.kernel)})
	}
	if !ones(w.stride) || g.chance(2) {
		attrs = append(attrs, Attr{"strides", int64s(w.stride)})
	}
	if !ones(w.dilation) {
		attrs = append(attrs, Attr{"dilations", int64s(w.dilation)})
	}
	if w.auto != "" {
		return append(attrs, Attr{"auto_pad", w.auto})
	}
	pads := int64s(append(append([]int{}, w.begin...), w.end...))
	if allSame(pads) && pads[0] == 0 && g.chance(2) {
		return attrs
	}
	return append(attrs, Attr{"pads", pads})
}

func allSame[T comparable](list []T) bool {
	for _, x := range list {
		if x != list[0] {
			return false
		}
	}
	return true
}

// grouped draws how many groups there are, and how many results of each.
func (g *grower) grouped(channels int) (groups, each int) {
	groups = 1
	if g.chance(3) {
		var divisors []int
		for d := 1; d <= channels; d++ {
			if channels%d == 0 {
				divisors = append(divisors, d)
			}
		}
		groups = pick(g.r, append(divisors, channels, channels))
	}
	return groups, g.upTo(max(1, maxDim/groups))
}

// conv adds a Conv in one, two or three dimensions.
func conv(g *grower, op string) bool { return g.conv() != nil }

func (g *grower) conv() *Value {
	most := 2
	if g.chance(8) {
		most = 3
	}
	x := g.operand(mapsOf(1, most))
	if x == nil || x.Open[1] {
		return nil
	}
	w := g.window(x, true, false)
	if w == nil {
		return nil
	}
	groups, each := g.grouped(x.Dims[1])
	in := x.Dims[1] / groups
	size := w.result(x, false)
	if x.Dims[0]*groups*each*product(size) > 2*maxElements || in*product(w.kernel) > 600 {
		return nil
	}
	// The sum of the weights' magnitudes bounds what a result can be.
	limit := 2 / math.Sqrt(float64(in*product(w.kernel)))
	weights := g.floatTensor(-limit, limit, 0, append([]int{groups * each, in}, w.kernel...)...)
	names := []string{x.Name, weights}
	if g.chance(2) {
		names = append(names, g.floatTensor(-0.5, 0.5, 0, groups*each))
	}
	m := 2*math.Sqrt(float64(in*product(w.kernel)))*x.most() + 0.5
	attrs := g.windowAttrs(w, g.chance(2))
	attrs = append(attrs, g.optional("group", groups, 1)...)
	return g.one("Conv", names, &Value{Type: Float, Dims: append([]int{x.Dims[0], groups * each}, size...), Open: append([]bool{}, x.Open...), Lo: -m, Hi: m}, attrs...)
}

// convTranspose adds a ConvTranspose in one or two dimensions.
func convTranspose(g *grower, op string) bool {
	x := g.operand(mapsOf(1, 2))
	if x == nil || x.Open[1] {
		return false
	}
	n := len(x.Dims) - 2
	groups, each := g.grouped(x.Dims[1])
	var kernel, stride, dilation, begin, end, output, size []int
	auto := ""
	if g.chance(5) {
		auto = pick(g.r, []string{"SAME_UPPER", "SAME_LOWER", "VALID"})
	}
	wanted := auto == "" && g.chance(6) && !(n == 2 && g.plane) // output_shape
	for _, d := range spatial(x) {
		k, s, dil, b, e, o := pick(g.r, []int{1, 2, 3, 4, 5}), pick(g.r, []int{1, 2, 2, 3}), 1, 0, 0, 0
		if g.chance(5) {
			dil = 2
		}
		if g.chance(2) {
			b, e = g.r.IntN(min(k, 3)), g.r.IntN(min(k, 3))
		}
		if g.chance(3) && max(s, dil) > 1 {
			o = g.r.IntN(max(s, dil))
		}
		extent := (k-1)*dil + 1
		if auto != "" || wanted {
			b, e = 0, 0
		}
		out := s*(d-1) + extent + o - b - e
		if auto == "SAME_UPPER" || auto == "SAME_LOWER" {
			if extent+o < s || extent+o-s < 0 {
				return false
			}
			out = d * s
		}
		if wanted {
			o = 0
			out = s*(d-1) + extent - g.r.IntN(extent)
		}
		if out < 1 || out > 3*maxDim {
			return false
		}
		kernel, stride, dilation = append(kernel, k), append(stride, s), append(dilation, dil)
		begin, end, output, size = append(begin, b), append(end, e), append(output, o), append(size, out)
	}
	if x.Dims[0]*groups*each*product(size) > 2*maxElements {
		return false
	}
	taps := float64(x.Dims[1] / groups * product(kernel))
	limit := 2 / math.Sqrt(taps)
	names := []string{x.Name, g.floatTensor(-limit, limit, 0, append([]int{x.Dims[1], each}, kernel...)...)}
	if g.chance(2) {
		names = append(names, g.floatTensor(-0.5, 0.5, 0, groups*each))
	}
	attrs := append([]Attr{{"strides", int64s(stride)}}, g.optional("group", groups, 1)...)
	if g.chance(2) {
		attrs = append(attrs, Attr{"kernel_shape", int64s(kernel)})
	}
	if !allSame(dilation) || dilation[0] != 1 {
		attrs = append(attrs, Attr{"dilations", int64s(dilation)})
	}
	if !allSame(output) || output[0] != 0 {
		attrs = append(attrs, Attr{"output_padding", int64s(output)})
	}
	switch {
	case auto != "":
		attrs = append(attrs, Attr{"auto_pad", auto})
	case wanted:
		attrs = append(attrs, Attr{"output_shape", int64s(size)})
	default:
		attrs = append(attrs, Attr{"pads", int64s(append(begin, end...))})
	}
	m := 2*math.Sqrt(taps)*x.most() + 0.5
	g.one(op, names, &Value{Type: Float, Dims: append([]int{x.Dims[0], groups * each}, size...), Open: append([]bool{}, x.Open...), Lo: -m, Hi: m}, attrs...)
	return true
}

// pool adds a MaxPool, an AveragePool or an LpPool.
func pool(g *grower, op string) bool {
	most := 2
	if g.chance(8) {
		most = 3
	}
	x := g.operand(mapsOf(1, most))
	if x == nil {
		return false
	}
	dilated := map[string]int64{"MaxPool": 10, "AveragePool": 19, "LpPool": 18}[op]
	w := g.window(x, g.Opset >= dilated, true)
	if w == nil || op != "LpPool" && w.misses(x) {
		return false
	}
	attrs := g.windowAttrs(w, true)
	ceil := w.auto == "" && g.chance(4) && g.Opset >= map[string]int64{"MaxPool": 10, "AveragePool": 10, "LpPool": 18}[op]
	if ceil {
		attrs = append(attrs, Attr{"ceil_mode", 1})
	}
	y := resized(x, append([]int{x.Dims[0], x.Dims[1]}, w.result(x, ceil)...))
	switch op {
	case "AveragePool":
		attrs = append(attrs, g.optional("count_include_pad", g.r.IntN(2), 0)...)
		y.Lo, y.Hi, y.Grain = min(y.Lo, 0), max(y.Hi, 0), 0
	case "LpPool":
		p := g.upTo(2)
		attrs = append(attrs, g.optional("p", p, 2)...)
		taps := float64(product(w.kernel))
		y.Lo, y.Hi, y.Grain = 0, math.Pow(taps, 1/float64(p))*x.most(), 0
	}
	g.one(op, []string{x.Name}, y, attrs...)
	return true
}

// globalPool adds a pool whose window is the whole map.
func globalPool(g *grower, op string) bool {
	most := 2
	if g.chance(8) {
		most = 3
	}
	x := g.operand(mapsOf(1, most))
	if x == nil {
		return false
	}
	y := resized(x, append([]int{x.Dims[0], x.Dims[1]}, make1(len(x.Dims)-2)...))
	for i := 2; i < len(y.Open); i++ {
		y.Open[i] = false
	}
	var attrs []Attr
	switch op {
	case "GlobalAveragePool":
		y.Grain = 0
	case "GlobalLpPool":
		p := g.upTo(2)
		attrs = g.optional("p", p, 2)
		y.Lo, y.Hi, y.Grain = 0, math.Pow(float64(product(spatial(x))), 1/float64(p))*x.most(), 0
	}
	g.one(op, []string{x.Name}, y, attrs...)
	return true
}
