package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// col2im translates Col2Im: blocks [N, C·elements of a block, blocks] become an image
// [N, C, …], in which those that overlap are summed. It is a transposed convolution of
// each channel on its own, whose kernels put each element of a block to its place.
func (c *call) col2im() []*value {
	x := c.activation(0)
	image, block := c.constantInts(1, "the shape of the image"), c.constantInts(2, "the shape of a block")
	n := len(block)
	if c.ready() && n != 1 && n != 2 {
		return c.unsupported("blocks of %d dimensions are not supported, only those of one or two", n)
	}
	if c.ready() && len(x.shape) != 3 {
		c.fail("%q of shape %s is no list of blocks", x.name, tensor.Dims(x.shape...))
	}
	if !c.ready() {
		return nil
	}
	ones := slices.Repeat([]int64{1}, n)
	list := func(name string) []int64 {
		if l := c.intsAttr(name); l != nil {
			return l
		}
		return ones
	}
	op := &kernels.ConvTranspose{}
	op.Kernel = c.pair("the shape of a block", block, n, 1, 1)
	op.Stride = c.pair("strides", list("strides"), n, 1, 1)
	op.Dilation = c.pair("dilations", list("dilations"), n, 1, 1)
	op.Pad = c.pads(n)
	size := c.pair("the shape of the image", image, n, 1, 1)
	taps := int64(op.Kernel[0]) * int64(op.Kernel[1])
	if !c.ready() {
		return nil
	}
	if int64(x.shape[1])%taps != 0 {
		return c.fail("%d rows for blocks of %d elements", x.shape[1], taps)
	}
	var blocks [2]int
	for i := range 2 {
		over := int64(size[i]) + int64(op.Pad[i]) + int64(op.Pad[i+2]) - op.Window.Extent(i)
		if over < 0 {
			return c.fail("blocks of shape %v do not fit into an image of shape %v", block, image)
		}
		blocks[i] = bounded(over/int64(op.Stride[i]) + 1)
		op.OutputPad[i] = int(over % int64(op.Stride[i]))
	}
	if int64(blocks[0])*int64(blocks[1]) != int64(x.shape[2]) {
		return c.fail("%d blocks where an image of shape %v has %s", x.shape[2], image, tensor.Dims(blocks[:]...))
	}
	op.Groups = x.shape[1] / int(taps)
	op.Channels = op.Groups
	w := c.newTensor(typeFloat, append([]int{x.shape[1], 1}, op.Kernel[2-n:]...))
	if w == nil {
		return nil
	}
	for row := range x.shape[1] {
		w.floats[row*int(taps)+row%int(taps)] = 1
	}
	if n == 2 {
		x = c.reshape(x, []int{x.shape[0], x.shape[1], blocks[0], blocks[1]})
	}
	if !c.ready() {
		return nil
	}
	return c.emit(op, []*value{x}, []*value{{name: "the places of a block", shape: w.dims, data: w}, nil}, mapShape(x.shape, op.Channels, size))
}
