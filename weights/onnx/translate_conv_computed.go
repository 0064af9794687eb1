package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// maxComputedTaps bounds a computed kernel: each tap is a step of its own.
const maxComputedTaps = 256

// convComputed translates a Conv whose kernel is a value, as where the features of
// one picture are sought in another, or where a style scales weights: a matrix of
// the elements at all taps of each window is multiplied by the kernel.
func (c *call) convComputed() []*value {
	x, w := c.activation(0), c.activation(1)
	groups := c.groups()
	n := c.spatial(x)
	if !c.ready() {
		return nil
	}
	if len(w.shape) != n+2 || x.shape[1]%groups != 0 || w.shape[1] != x.shape[1]/groups || w.shape[0]%groups != 0 {
		return c.fail("a kernel of shape %s with %d groups does not fit a map of shape %s", tensor.Dims(w.shape...), groups, tensor.Dims(x.shape...))
	}
	c.checkKernel(w, n)
	window := c.window(x, int64s(w.shape[2:]))
	if !c.ready() {
		return nil
	}
	size := c.windows(window, mapSize(x.shape), false)
	taps := window.Kernel[0] * window.Kernel[1]
	if c.ready() && taps > maxComputedTaps {
		c.fail("a computed kernel of %d elements for each channel, where at most %d are supported", taps, maxComputedTaps)
	}
	if !c.ready() {
		return nil
	}
	items, channels, pixels := x.shape[0], x.shape[1], size[0]*size[1]
	shape := mapShape(x.shape, w.shape[0], size)
	var columns []*value
	for _, tap := range c.tapsOf(x, window, size) {
		columns = append(columns, c.reshape(tap, []int{items, channels, 1, pixels}))
	}
	matrix := c.apply(&kernels.Concat{Axis: 2}, columns...)[0]
	depth := channels / groups * taps
	matrix = c.reshape(matrix, []int{items, groups, depth, pixels})
	kernel := c.reshape(w, []int{groups, w.shape[0] / groups, depth})
	y := c.reshape(c.apply(&kernels.MatMul{}, kernel, matrix)[0], shape)
	if !c.ready() || !c.has(2) {
		return []*value{y}
	}
	b := c.operand(2)
	if len(b.shape) != 1 || b.shape[0] != w.shape[0] {
		return c.fail("a bias of shape %s for %d channels", tensor.Dims(b.shape...), w.shape[0])
	}
	b = c.withShape(b, append([]int{b.shape[0]}, slices.Repeat([]int{1}, n)...))
	return []*value{c.binary(&kernels.Binary{Kind: kernels.Add}, y, b)}
}

// tapsOf are, for each tap of a window, the elements of a map that it reads.
func (c *call) tapsOf(x *value, w kernels.Window, size [2]int) (taps []*value) {
	rank := len(x.shape)
	// sides are the spatial dimensions that the map has.
	sides := func(set func(dim, side int)) {
		for side := 4 - rank; side < 2; side++ {
			set(rank-2+side, side)
		}
	}
	if w.Pad != [4]int{} {
		pad := &kernels.Padding{Before: make([]int, rank), After: make([]int, rank)}
		sides(func(dim, side int) { pad.Before[dim], pad.After[dim] = w.Pad[side], w.Pad[2+side] })
		x = c.apply(pad, x)[0]
	}
	for row := range w.Kernel[0] {
		for column := range w.Kernel[1] {
			if !c.ready() {
				return nil
			}
			at := [2]int{row, column}
			op := &kernels.Slice{Start: make([]int, rank), Step: slices.Repeat([]int{1}, rank), Size: slices.Clone(x.shape)}
			sides(func(dim, side int) {
				op.Start[dim], op.Step[dim], op.Size[dim] = at[side]*w.Dilation[side], w.Stride[side], size[side]
			})
			taps = append(taps, c.apply(op, x)[0])
		}
	}
	return taps
}
