package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// conv translates Conv: X [N, Cin, …], W [Cout, Cin/group, …], B [Cout].
func (c *call) conv() []*value {
	switch {
	case len(c.operand(0).shape) == 5:
		return c.conv3()
	case c.has(1) && c.operand(1).data == nil:
		return c.convComputed()
	}
	x, w, b := c.activation(0), c.weight(1, "the kernel"), c.optionalWeight(2, "the bias")
	n := c.spatial(x)
	groups := c.groups()
	if !c.ready() {
		return nil
	}
	if len(w.shape) != n+2 || x.shape[1]%groups != 0 || w.shape[1] != x.shape[1]/groups || w.shape[0]%groups != 0 {
		return c.fail("a kernel of shape %s with %d groups does not fit a map of shape %s", tensor.Dims(w.shape...), groups, tensor.Dims(x.shape...))
	}
	c.checkKernel(w, n)
	c.checkBias(b, w.shape[0])
	x, groups = c.oneForOne(x, w, groups)
	if !c.ready() {
		return nil
	}
	op := &kernels.Conv{Window: c.window(x, int64s(w.shape[2:])), Groups: groups, Channels: w.shape[0]}
	size := c.windows(op.Window, mapSize(x.shape), false)
	return c.emit(op, []*value{x}, []*value{w, b}, mapShape(x.shape, op.Channels, size))
}

// mostCopies is how many results of a depthwise convolution's channel there are
// at most for which copies of that are made. With more of them, a product of
// each group fills a panel well enough.
const mostCopies = 8

// oneForOne makes a depthwise convolution that has several results for each
// channel one with a single result: of a map in which the channel stands as
// often. It returns the map and the number of groups.
func (c *call) oneForOne(x, w *value, groups int) (*value, int) {
	copies := w.shape[0] / groups
	if groups == 1 || w.shape[1] != 1 || copies < 2 || copies > mostCopies {
		return x, groups
	}
	times := slices.Repeat([]int{1}, len(x.shape)+1)
	times[2] = copies
	y := c.reshape(x, slices.Insert([]int(slices.Clone(x.shape)), 2, 1))
	if !c.ready() {
		return x, groups
	}
	y = c.apply(&kernels.Repeat{Times: times}, y)[0]
	if !c.ready() {
		return x, groups
	}
	shape := slices.Clone(x.shape)
	shape[1] *= copies
	return c.reshape(y, shape), w.shape[0]
}

// groups reads the group attribute.
func (c *call) groups() int {
	g := c.intAttr("group", 1)
	if g < 1 || g > tensor.MaxElements {
		c.fail("group %d is not positive, or too large", g)
		return 1
	}
	return int(g)
}

// checkKernel checks a kernel's shape against the attribute that repeats it.
func (c *call) checkKernel(w *value, n int) {
	if k := c.intsAttr("kernel_shape"); k != nil && !slices.Equal(k, int64s(w.shape[len(w.shape)-n:])) {
		c.fail("kernel_shape %v does not fit a kernel of shape %s", k, tensor.Dims(w.shape...))
	}
	if n, ok := tensor.Shape(w.shape).Elements(); !ok || n == 0 {
		c.fail("a kernel of shape %s is empty, or too large", tensor.Dims(w.shape...))
	}
}

func (c *call) checkBias(b *value, channels int) {
	if b != nil && b.data.len() != channels {
		c.fail("a bias of shape %s for %d channels", tensor.Dims(b.shape...), channels)
	}
}

// convTranspose translates ConvTranspose: X [N, Cin, …],
// W [Cin, Cout/group, …], B [Cout].
func (c *call) convTranspose() []*value {
	x, w, b := c.activation(0), c.weight(1, "the kernel"), c.optionalWeight(2, "the bias")
	n := c.spatial(x)
	groups := c.groups()
	if !c.ready() {
		return nil
	}
	if len(w.shape) != n+2 || w.shape[0] != x.shape[1] || x.shape[1]%groups != 0 {
		return c.fail("a kernel of shape %s with %d groups does not fit a map of shape %s", tensor.Dims(w.shape...), groups, tensor.Dims(x.shape...))
	}
	c.checkKernel(w, n)
	if w.shape[1] > tensor.MaxElements/groups {
		return c.fail("%d groups of %d channels are too many", groups, w.shape[1])
	}
	op := &kernels.ConvTranspose{Groups: groups, Channels: w.shape[1] * groups}
	c.checkBias(b, op.Channels)

	// The padding of a transposed convolution does not follow from its input:
	// read the rest of the window as if auto_pad were not there.
	zeros := slices.Repeat([]int64{0}, n)
	ones := slices.Repeat([]int64{1}, n)
	list := func(name string, otherwise []int64) []int64 {
		if l := c.intsAttr(name); l != nil {
			return l
		}
		return otherwise
	}
	op.Kernel = c.pair("kernel_shape", int64s(w.shape[2:]), n, 1, 1)
	op.Stride = c.pair("strides", list("strides", ones), n, 1, 1)
	op.Dilation = c.pair("dilations", list("dilations", ones), n, 1, 1)
	op.OutputPad = c.pair("output_padding", list("output_padding", zeros), n, 0, 0)
	if !c.ready() {
		return nil
	}

	in := mapSize(x.shape)
	var full [2]int // the result's size without padding
	for i := range 2 {
		full[i] = bounded(int64(op.Stride[i])*int64(in[i]-1) + op.Window.Extent(i) + int64(op.OutputPad[i]))
	}
	auto := c.stringAttr("auto_pad", "NOTSET")
	out := full
	switch want := c.intsAttr("output_shape"); {
	case want != nil:
		if len(want) == n+2 { // some exporters list batch and channels too
			want = want[2:]
		}
		out = c.pair("output_shape", want, n, 1, 1)
		splitPadding(op, full, out, auto)
	case auto == "SAME_UPPER" || auto == "SAME_LOWER":
		for i := range 2 {
			out[i] = in[i] * op.Stride[i]
		}
		splitPadding(op, full, out, auto)
	case auto == "NOTSET" || auto == "VALID" || auto == "":
		if auto != "VALID" {
			op.Pad = c.pads(n)
		}
		for i := range 2 {
			out[i] = full[i] - op.Pad[i] - op.Pad[i+2]
		}
	default:
		c.unsupported("auto_pad %q is not supported", auto)
	}
	if out[0] < 1 || out[1] < 1 {
		return c.fail("padding %v leaves nothing of a map of %s", op.Pad, tensor.Dims(full[:]...))
	}
	return c.emit(op, []*value{x}, []*value{w, b}, mapShape(x.shape, op.Channels, out))
}

// splitPadding chooses the padding that makes a result of size full one of
// size out. Where it does not split evenly the start gets more, unless
// auto_pad is SAME_UPPER.
func splitPadding(op *kernels.ConvTranspose, full, out [2]int, auto string) {
	for i := range 2 {
		total := full[i] - out[i]
		if total < 0 {
			// Nothing to take away: the result grows at its end.
			op.OutputPad[i] -= total
			total = 0
		}
		less, more := total/2, total-total/2
		if auto == "SAME_UPPER" {
			op.Pad[i], op.Pad[i+2] = less, more
		} else {
			op.Pad[i], op.Pad[i+2] = more, less
		}
	}
}

func int64s(x []int) []int64 {
	out := make([]int64, len(x))
	for i, v := range x {
		out[i] = int64(v)
	}
	return out
}
