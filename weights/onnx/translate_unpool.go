package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// placesInItem are places in items that have size elements.
type placesInItem struct {
	places *value
	size   int
}

// maxPlaces is the second result of a MaxPool whose first has the shape pooled:
// places in the whole tensor, of which the kernel gives those in an item.
func (c *call) maxPlaces(pooled tensor.Shape) *value {
	x := c.activation(0)
	op := &kernels.MaxPlaces{ColumnMajor: c.intAttr("storage_order", 0) == 1}
	if len(x.shape) == 5 {
		w := c.volumeWindow(x, c.intsAttr("kernel_shape"), c.intAttr("ceil_mode", 0) != 0)
		op.Kernel = append([]int{w.depth.Kernel[1]}, w.plane.Kernel[:]...)
		op.Stride = append([]int{w.depth.Stride[1]}, w.plane.Stride[:]...)
		op.Dilation = append([]int{w.depth.Dilation[1]}, w.plane.Dilation[:]...)
		op.Before = append([]int{w.depth.Pad[1]}, w.plane.Pad[:2]...)
	} else {
		w := c.window(x, c.intsAttr("kernel_shape"))
		from := 4 - len(x.shape)
		op.Kernel, op.Stride, op.Dilation, op.Before = w.Kernel[from:], w.Stride[from:], w.Dilation[from:], w.Pad[from:2]
	}
	op.Size = pooled[2:]
	places := c.apply(op, x)[0]
	if !c.ready() {
		return places
	}
	places.name = c.node.out[1]
	// Items follow one another. A MaxUnpool wants the places in an item, and what
	// nobody reads is dead.
	first := &constant{kind: typeInt64, dims: append([]int{x.shape[0]}, slices.Repeat([]int{1}, len(pooled)-1)...)}
	item := x.shape[1:].Volume()
	for i := range x.shape[0] {
		first.ints = append(first.ints, int64(i)*int64(item))
	}
	if x.shape[0] == 1 && c.t.batch == 0 {
		return places
	}
	all := c.binary(&kernels.Binary{Kind: kernels.Add}, places, &value{name: "the first place of each item", shape: first.dims, data: first})
	c.t.inItem[all] = placesInItem{places, item}
	return all
}

// maxUnpool translates MaxUnpool: elements go where a MaxPool found them, and
// zeros stand everywhere else. The shape of the result is output_shape or else
// follows from the window, and the places are those in the result, as in PyTorch
// and ONNX Runtime.
func (c *call) maxUnpool() []*value {
	x, places := c.activation(0), c.activation(1)
	n := len(x.shape) - 2
	kernel, stride, pads := c.intsAttr("kernel_shape"), c.intsAttr("strides"), c.intsAttr("pads")
	if c.ready() && (n < 1 || n > 3 || !x.shape.Equal(places.shape)) {
		c.fail("places of shape %s for a map of shape %s", tensor.Dims(places.shape...), tensor.Dims(x.shape...))
	}
	if stride == nil {
		stride = slices.Repeat([]int64{1}, max(n, 0))
	}
	if pads == nil {
		pads = make([]int64, 2*max(n, 0))
	}
	if c.ready() && (len(kernel) != n || len(stride) != n || len(pads) != 2*n) {
		c.fail("kernel_shape %v, strides %v and pads %v for %d spatial dimensions", kernel, stride, pads, n)
	}
	if !c.ready() {
		return nil
	}
	shape := slices.Clone(x.shape)
	for i := range n {
		for _, p := range []int64{kernel[i], stride[i], pads[i] + 1, pads[n+i] + 1} {
			if p < 1 || p > tensor.MaxElements {
				return c.fail("kernel_shape %v, strides %v and pads %v: %d is too small, or too large", kernel, stride, pads, p)
			}
		}
		size := int64(x.shape[i+2]-1)*stride[i] + kernel[i] - pads[i] - pads[n+i]
		if size < 1 || size > tensor.MaxDim {
			return c.fail("kernel_shape %v, strides %v and pads %v give a map of %s", kernel, stride, pads, tensor.Dims(int(size)))
		}
		shape[i+2] = int(size)
	}
	if c.has(2) {
		want := c.sizes(c.constantInts(2, "output_shape"), "output_shape")
		if c.ready() && (len(want) != len(shape) || !slices.Equal(want[:2], shape[:2])) {
			c.fail("output_shape %v for a map of shape %s", want, tensor.Dims(x.shape...))
		}
		shape = want
	}
	if !c.ready() {
		return nil
	}
	if err := shape.Check(); err != nil {
		return c.fail("a tensor %w", err)
	}
	// Places are those in the whole result, or in an item of it.
	items := 1
	if in, ok := c.t.inItem[places]; ok && in.size == shape[1:].Volume() {
		places, items = in.places, x.shape[0]
	}
	rows := []int{items, x.shape.Volume() / items}
	op := &kernels.Scatter{Axis: 1, Size: shape.Volume() / items}
	y := c.apply(op, c.reshape(places, rows), c.reshape(x, rows))[0]
	if !c.ready() {
		return nil
	}
	return []*value{c.reshape(y, shape)}
}
