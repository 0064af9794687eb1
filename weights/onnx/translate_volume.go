package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// maxDepthTaps bounds the depth of a window in three dimensions: each tap is a
// step of its own.
const maxDepthTaps = 64

// along is the call with a window along some of three spatial dimensions only.
func (c *call) along(axes ...int) *call {
	n := *c.node
	n.attributes = slices.Clone(n.attributes)
	for i, a := range n.attributes {
		if !slices.Contains([]string{"kernel_shape", "strides", "dilations", "pads"}, a.name) || len(a.ints)%3 != 0 {
			continue
		}
		var ints []int64
		for first := 0; first < len(a.ints); first += 3 {
			for _, axis := range axes {
				ints = append(ints, a.ints[first+axis])
			}
		}
		n.attributes[i].ints = ints
	}
	return &call{t: c.t, node: &n, in: c.in, err: c.err}
}

// A volumeWindow is a window on a volume [N, C, D, H, W]: depth is that of a
// map [N, C, D], plane that of the maps [N, C, H, W] of each depth.
type volumeWindow struct {
	depth, plane kernels.Window
	depths       int // of the result
	beyond       int // how far the last window reaches beyond the padding of the depth
	size         [2]int
}

func (c *call) volumeWindow(x *value, kernel []int64, ceil bool) (w volumeWindow) {
	if len(kernel) != 3 {
		c.fail("kernel_shape %v for 3 spatial dimensions", kernel)
		return w
	}
	depth, plane := c.along(0), c.along(1, 2)
	line := []int{x.shape[0], x.shape[1], x.shape[2]}
	maps := []int{x.shape[0], x.shape[1], x.shape[3], x.shape[4]}
	w.depth = depth.window(&value{name: x.name, shape: line}, kernel[:1])
	w.depths = depth.windows(w.depth, mapSize(line), ceil)[1]
	if c.err = depth.err; c.err != nil {
		return w
	}
	if end := int64(w.depths-1)*int64(w.depth.Stride[1]) + w.depth.Extent(1); ceil {
		w.beyond = bounded(max(end-int64(line[2])-int64(w.depth.Pad[1])-int64(w.depth.Pad[3]), 0))
	}
	w.plane = plane.window(&value{name: x.name, shape: maps}, kernel[1:])
	w.size = plane.windows(w.plane, mapSize(maps), ceil)
	c.err = plane.err
	if c.ready() && w.depth.Kernel[1] > maxDepthTaps {
		c.fail("a window of depth %d, where at most %d are supported", w.depth.Kernel[1], maxDepthTaps)
	}
	return w
}

// depthTaps is the elements at each tap of a window along dimension 1, padded
// in a mode.
func (c *call) depthTaps(x *value, w volumeWindow, mode kernels.PadMode) (taps []*value) {
	d := w.depth
	if end := d.Pad[3] + w.beyond; d.Pad[1] > 0 || end > 0 {
		before, after := make([]int, len(x.shape)), make([]int, len(x.shape))
		before[1], after[1] = d.Pad[1], end
		x = c.apply(&kernels.Padding{Mode: mode, Before: before, After: after}, x)[0]
	}
	for tap := range d.Kernel[1] {
		if !c.ready() {
			return nil
		}
		op := &kernels.Slice{Start: make([]int, len(x.shape)), Step: slices.Repeat([]int{1}, len(x.shape)), Size: slices.Clone(x.shape)}
		op.Start[1], op.Step[1], op.Size[1] = tap*d.Dilation[1], d.Stride[1], w.depths
		taps = append(taps, c.apply(op, x)[0])
	}
	return taps
}

// depthFirst is a volume as [N, D, C, H, W], or back.
func (c *call) depthFirst(x *value) *value { return c.transpose(x, 0, 2, 1, 3, 4) }

// conv3 translates a Conv in three dimensions: the depth taps become channels
// of a convolution of the maps of each depth.
func (c *call) conv3() []*value {
	x, w, b := c.activation(0), c.weight(1, "the kernel"), c.optionalWeight(2, "the bias")
	if !c.ready() {
		return nil
	}
	groups := c.groups()
	if len(w.shape) != 5 || x.shape[1]%groups != 0 || w.shape[1] != x.shape[1]/groups || w.shape[0]%groups != 0 {
		return c.fail("a kernel of shape %s with %d groups does not fit a map of shape %s", tensor.Dims(w.shape...), groups, tensor.Dims(x.shape...))
	}
	c.checkKernel(w, 3)
	c.checkBias(b, w.shape[0])
	if !c.ready() {
		return nil
	}
	x, groups = c.oneForOne(x, w, groups)
	if !c.ready() {
		return nil
	}
	window := c.volumeWindow(x, int64s(w.shape[2:]), false)
	if !c.ready() {
		return nil
	}
	taps := c.depthTaps(c.depthFirst(x), window, kernels.PadConstant)
	if !c.ready() {
		return nil
	}
	out, in, depth, plane := w.shape[0], w.shape[1], w.shape[2], w.shape[3]*w.shape[4]
	if in == 1 && groups == out && groups > 1 {
		return c.depthwise3(x, w, b, window, taps)
	}
	y := c.joinedTaps(taps, groups)
	if !c.ready() {
		return nil
	}
	kernel := make([]float32, len(w.data.floats))
	for i := range kernel {
		o, t, ci, p := i/plane/in/depth, i/plane/in%depth, i/plane%in, i%plane
		kernel[i] = w.data.floats[((o*in+ci)*depth+t)*plane+p]
	}
	shape := []int{out, depth * in, w.shape[3], w.shape[4]}
	n := x.shape[0] * window.depths
	y = c.reshape(y, []int{n, groups * depth * in, x.shape[3], x.shape[4]})
	if !c.ready() {
		return nil
	}
	weights := []*value{{name: w.name, shape: shape, data: floatTensor(shape, kernel)}, b}
	y = c.emit(&kernels.Conv{Window: window.plane, Groups: groups, Channels: out}, []*value{y}, weights, tensor.Shape{n, out, window.size[0], window.size[1]})[0]
	return c.volume(x, y, window)
}

// depthwise3 adds up depthwise convolutions, one for each tap of the depth.
func (c *call) depthwise3(x, w, b *value, window volumeWindow, taps []*value) []*value {
	channels, depth, plane := w.shape[0], w.shape[2], w.shape[3]*w.shape[4]
	n := x.shape[0] * window.depths
	shape := []int{channels, 1, w.shape[3], w.shape[4]}
	var sum *value
	for t, tap := range taps {
		kernel := make([]float32, 0, channels*plane)
		for o := range channels {
			kernel = append(kernel, w.data.floats[(o*depth+t)*plane:][:plane]...)
		}
		tap = c.reshape(tap, []int{n, channels, x.shape[3], x.shape[4]})
		if !c.ready() {
			return nil
		}
		weights := []*value{{name: w.name, shape: shape, data: floatTensor(shape, kernel)}, nil}
		if t == 0 {
			weights[1] = b
		}
		y := c.emit(&kernels.Conv{Window: window.plane, Groups: channels, Channels: channels}, []*value{tap}, weights, tensor.Shape{n, channels, window.size[0], window.size[1]})[0]
		if sum != nil && c.ready() {
			y = c.binary(&kernels.Binary{Kind: kernels.Add}, sum, y)
		}
		if sum = y; !c.ready() {
			return nil
		}
	}
	return c.volume(x, sum, window)
}

// joinedTaps is taps [N, D, C, H, W] as channels side by side: for each group of
// them its channels at the first tap, at the second, and so on.
func (c *call) joinedTaps(taps []*value, groups int) *value {
	if len(taps) == 1 {
		return taps[0]
	}
	if groups == 1 {
		return c.apply(&kernels.Concat{Axis: 2}, taps...)[0]
	}
	s := taps[0].shape
	for i, tap := range taps {
		taps[i] = c.reshape(tap, []int{s[0], s[1], groups, s[2] / groups, s[3], s[4]})
	}
	return c.apply(&kernels.Concat{Axis: 3}, taps...)[0]
}

// volume is the maps of each depth as a volume again.
func (c *call) volume(x, y *value, w volumeWindow) []*value {
	if !c.ready() {
		return nil
	}
	y = c.reshape(y, []int{x.shape[0], y.shape[0] / x.shape[0], y.shape[1], w.size[0], w.size[1]})
	return []*value{c.depthFirst(y)}
}

// shares are, for each depth of a result [N, D, C, H, W], one over the taps that
// lie in a volume of a depth and not in its padding.
func (c *call) shares(w volumeWindow, depth int) *value {
	shares := make([]float32, w.depths)
	for i := range shares {
		first := i*w.depth.Stride[1] - w.depth.Pad[1]
		shares[i] = 1 / float32(min(first+w.depth.Kernel[1], depth)-max(first, 0))
	}
	shape := []int{1, w.depths, 1, 1, 1}
	return &value{name: "one over the taps inside", shape: shape, data: floatTensor(shape, shares)}
}

// pool3 translates a pool in three dimensions: one of the maps of each depth,
// then one along the depth.
func (c *call) pool3(kind kernels.PoolKind, x *value) []*value {
	ceil := c.intAttr("ceil_mode", 0) != 0
	w := c.volumeWindow(x, c.intsAttr("kernel_shape"), ceil)
	if !c.ready() {
		return nil
	}
	d := w.depth
	padded := d.Pad[1] > 0 || d.Pad[3] > 0 || w.beyond > 0
	switch {
	case w.beyond > 0 && kind != kernels.MaxPool:
		return c.unsupported("means of windows that extend beyond the depth, as ceil_mode allows, are not supported")
	case padded && (d.Dilation[1] != 1 || max(d.Pad[1], d.Pad[3]) >= d.Kernel[1]):
		return c.unsupported("padding %d and %d of the depth is not supported", d.Pad[1], d.Pad[3])
	}
	y := c.depthFirst(x)
	if !c.ready() {
		return nil
	}
	y = c.reshape(y, []int{x.shape[0] * x.shape[2], x.shape[1], x.shape[3], x.shape[4]})
	if !c.ready() {
		return nil
	}
	y = c.emit(&kernels.Pool{Window: w.plane, Kind: kind, Ceil: ceil}, []*value{y}, nil, tensor.Shape{y.shape[0], x.shape[1], w.size[0], w.size[1]})[0]
	if !c.ready() {
		return nil
	}
	y = c.reshape(y, []int{x.shape[0], x.shape[2], x.shape[1], w.size[0], w.size[1]})
	// The largest element of a window does not change where the outermost
	// ones, which it holds, are repeated.
	mode, combine := kernels.PadConstant, kernels.Add
	if kind == kernels.MaxPool {
		mode, combine = kernels.PadEdge, kernels.Max
	}
	taps := c.depthTaps(y, w, mode)
	if !c.ready() {
		return nil
	}
	y = taps[0]
	for _, tap := range taps[1:] {
		y = c.binary(&kernels.Binary{Kind: combine}, y, tap)
	}
	switch {
	case kind == kernels.AveragePool && padded && c.ready():
		y = c.binary(&kernels.Binary{Kind: kernels.Mul}, y, c.shares(w, x.shape[2]))
	case kind != kernels.MaxPool:
		y = c.times(y, 1/float32(len(taps)))
	}
	if !c.ready() {
		return nil
	}
	return []*value{c.depthFirst(y)}
}
