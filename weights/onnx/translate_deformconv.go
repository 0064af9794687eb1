package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// deformConv translates DeformConv: X [N, Cin, H, W], W [Cout, Cin/group, kh, kw],
// offset [N, offset_group·kh·kw·2, Ho, Wo], the rows and the columns by which each tap
// is moved, B [Cout], mask [N, offset_group·kh·kw, Ho, Wo]. GridSample reads the taps,
// and a convolution of one tap multiplies them by the weights.
func (c *call) deformConv() []*value {
	x, w, offset, b := c.activation(0), c.weight(1, "the kernel"), c.activation(2), c.optionalWeight(3, "the bias")
	if c.ready() && len(x.shape) != 4 {
		c.fail("%q of shape %s is not a map of two spatial dimensions, and only those are supported", x.name, tensor.Dims(x.shape...))
	}
	groups := c.groups()
	if !c.ready() {
		return nil
	}
	channels := x.shape[1]
	if len(w.shape) != 4 || channels%groups != 0 || w.shape[1] != channels/groups || w.shape[0]%groups != 0 {
		return c.fail("a kernel of shape %s with %d groups does not fit a map of shape %s", tensor.Dims(w.shape...), groups, tensor.Dims(x.shape...))
	}
	c.checkKernel(w, 2)
	c.checkBias(b, w.shape[0])
	window := c.window(x, int64s(w.shape[2:]))
	size := c.windows(window, mapSize(x.shape), false)
	apart := c.intAttr("offset_group", 1)
	if c.ready() && (apart < 1 || int64(channels)%apart != 0) {
		c.fail("offsets for %d groups of %d channels", apart, channels)
	}
	if !c.ready() {
		return nil
	}
	n, parts, taps := x.shape[0], int(apart), window.Kernel[0]*window.Kernel[1]
	if want := []int{n, parts * taps * 2, size[0], size[1]}; !slices.Equal(offset.shape, want) {
		return c.fail("offsets, %q, of shape %s where there should be %s", offset.name, tensor.Dims(offset.shape...), tensor.Dims(want...))
	}
	var mask *value
	if want := []int{n, parts * taps, size[0], size[1]}; c.has(4) {
		if mask = c.activation(4); c.ready() && !slices.Equal(mask.shape, want) {
			c.fail("a mask, %q, of shape %s where there should be %s", mask.name, tensor.Dims(mask.shape...), tensor.Dims(want...))
		}
	}
	grid := c.tapPlaces(offset, window, mapSize(x.shape), size)
	if !c.ready() {
		return nil
	}
	// Of each group of offsets: its channels, places and mask.
	maps, grids, masks := c.splitEqually(x, 1, parts), c.splitEqually(grid, 1, parts), []*value(nil)
	if mask != nil {
		masks = c.splitEqually(c.reshape(mask, []int{n, parts * taps, size[0], size[1], 1}), 1, parts)
	}
	var read []*value
	for i := range parts {
		if !c.ready() {
			return nil
		}
		places := c.reshape(grids[i], []int{n, taps * size[0], size[1], 2})
		y := c.apply(&kernels.GridSample{Mode: kernels.Linear}, c.transpose(maps[i], 0, 2, 3, 1), places)[0]
		if !c.ready() {
			return nil
		}
		y = c.reshape(y, []int{n, taps, size[0], size[1], channels / parts})
		if mask != nil {
			y = c.binary(&kernels.Binary{Kind: kernels.Mul}, y, masks[i])
		}
		read = append(read, y)
	}
	y := read[0]
	if parts > 1 {
		y = c.apply(&kernels.Concat{Axis: 4}, read...)[0]
	}
	if !c.ready() {
		return nil
	}
	// Channels, and of each its taps, as a kernel has them.
	y = c.transpose(y, 0, 4, 1, 2, 3)
	if !c.ready() {
		return nil
	}
	y = c.reshape(y, []int{n, channels * taps, size[0], size[1]})
	if !c.ready() {
		return nil
	}
	ones := [2]int{1, 1}
	op := &kernels.Conv{Window: kernels.Window{Kernel: ones, Stride: ones, Dilation: ones}, Groups: groups, Channels: w.shape[0]}
	flat := []int{w.shape[0], w.shape[1] * taps, 1, 1}
	w = &value{name: w.name, shape: flat, data: w.data.reshaped(flat)}
	return c.emit(op, []*value{y}, []*value{w, b}, mapShape(x.shape, op.Channels, size))
}

// splitEqually cuts a value into so many equal parts along an axis.
func (c *call) splitEqually(x *value, axis, parts int) []*value {
	if parts == 1 || !c.ready() {
		return slices.Repeat([]*value{x}, parts)
	}
	return c.apply(&kernels.Split{Axis: axis, Sizes: slices.Repeat([]int{x.shape[axis] / parts}, parts)}, x)
}

// tapPlaces makes of offsets [N, taps·2, Ho, Wo] of windows on a map the places
// [N, taps, Ho, Wo, 2] that GridSample reads.
func (c *call) tapPlaces(offset *value, w kernels.Window, in, out [2]int) *value {
	taps := w.Kernel[0] * w.Kernel[1]
	n, all := offset.shape[0], offset.shape[1]/2
	// A pixel is 2/size wide, and the centre of the first at 1/size − 1.
	scale := floatTensor([]int{2, 1, 1}, []float32{2 / float32(in[0]), 2 / float32(in[1])})
	from := c.newTensor(typeFloat, []int{taps, 2, out[0], out[1]})
	if from == nil {
		return offset
	}
	at := make([]int, 4)
	for i := range from.floats {
		d := at[1]
		tap := [2]int{at[0] / w.Kernel[1], at[0] % w.Kernel[1]}[d]
		pixel := float64(at[2+d])*float64(w.Stride[d]) - float64(w.Pad[d]) + float64(tap)*float64(w.Dilation[d])
		from.floats[i] = float32((2*pixel+1)/float64(in[d]) - 1)
		next(at, from.dims)
	}
	// The same of each group of offsets.
	y := c.reshape(offset, []int{n, all / taps, taps, 2, out[0], out[1]})
	y = c.binary(&kernels.Binary{Kind: kernels.Mul}, y, &value{shape: scale.dims, data: scale})
	y = c.binary(&kernels.Binary{Kind: kernels.Add}, y, &value{shape: from.dims, data: from})
	if !c.ready() {
		return offset
	}
	y = c.reshape(y, []int{n, all, 2, out[0], out[1]})
	// Columns come first in a grid.
	y = c.take(y, 2, []int{1, 0})
	if !c.ready() {
		return offset
	}
	return c.transpose(y, 0, 1, 3, 4, 2)
}
