package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// spatial checks that v is a map of one or two spatial dimensions and returns
// how many it has.
func (c *call) spatial(v *value) int {
	n := len(v.shape) - 2
	if n != 1 && n != 2 {
		c.fail("%q of shape %s is not a map of one or two spatial dimensions", v.name, tensor.Dims(v.shape...))
		return 1
	}
	return n
}

// pair makes a list of n = 1 or 2 numbers two: a one-dimensional map has
// height 1, where first stands.
func (c *call) pair(what string, list []int64, n int, first, least int) [2]int {
	if len(list) != n {
		c.fail("%s %v for %d spatial dimensions", what, list, n)
		return [2]int{1, 1}
	}
	pair := [2]int{first, first}
	for i, x := range list {
		if x < int64(least) || x > tensor.MaxElements {
			c.fail("%s %v: %d is less than %d, or too large", what, list, x, least)
			return [2]int{1, 1}
		}
		pair[2-n+i] = int(x)
	}
	return pair
}

// window reads the geometry of a convolution or a pool of x from the node's
// attributes.
func (c *call) window(x *value, kernel []int64) kernels.Window {
	n := c.spatial(x)
	ones := slices.Repeat([]int64{1}, n)
	list := func(name string) []int64 {
		if l := c.intsAttr(name); l != nil {
			return l
		}
		return ones
	}
	w := kernels.Window{
		Kernel:   c.pair("kernel_shape", kernel, n, 1, 1),
		Stride:   c.pair("strides", list("strides"), n, 1, 1),
		Dilation: c.pair("dilations", list("dilations"), n, 1, 1),
	}
	size := mapSize(x.shape)
	switch auto := c.stringAttr("auto_pad", "NOTSET"); auto {
	case "NOTSET", "":
		w.Pad = c.pads(n)
	case "VALID":
	case "SAME_UPPER", "SAME_LOWER":
		for i := range 2 {
			in, stride := int64(size[i]), int64(w.Stride[i])
			out := (in + stride - 1) / stride
			total := bounded(max((out-1)*stride+w.Extent(i)-in, 0))
			less, more := total/2, total-total/2
			if auto == "SAME_LOWER" {
				less, more = more, less
			}
			w.Pad[i], w.Pad[i+2] = less, more
		}
	default:
		c.unsupported("auto_pad %q is not supported", auto)
	}
	return w
}

// pads reads the pads attribute: begin, then end of each dimension.
func (c *call) pads(n int) (pad [4]int) {
	list := c.intsAttr("pads")
	if list == nil {
		return pad
	}
	if len(list) != 2*n {
		c.fail("pads %v for %d spatial dimensions", list, n)
		return pad
	}
	before := c.pair("pads", list[:n], n, 0, 0)
	after := c.pair("pads", list[n:], n, 0, 0)
	return [4]int{before[0], before[1], after[0], after[1]}
}

// mapSize is the height and width of a map [N, C, H, W] or [N, C, L].
func mapSize(shape []int) [2]int {
	if len(shape) == 3 {
		return [2]int{1, shape[2]}
	}
	return [2]int{shape[2], shape[3]}
}

// mapShape is the shape of a map of the rank of like.
func mapShape(like []int, channels int, size [2]int) []int {
	if len(like) == 3 {
		return []int{like[0], channels, size[1]}
	}
	return []int{like[0], channels, size[0], size[1]}
}

// bounded is x if it is a possible dimension, or else one that is too large for
// any tensor, on 32-bit processors too.
func bounded(x int64) int { return int(min(x, tensor.MaxElements)) }

// windows is how many windows fit on a map, in each direction.
func (c *call) windows(w kernels.Window, size [2]int, ceil bool) (n [2]int) {
	for i := range 2 {
		if n[i] = bounded(w.Count(i, size[i], ceil)); n[i] == 0 {
			c.fail("a kernel of %d with dilation %d does not fit a map of %d with padding %d and %d",
				w.Kernel[i], w.Dilation[i], size[i], w.Pad[i], w.Pad[i+2])
			return [2]int{1, 1}
		}
	}
	return n
}
