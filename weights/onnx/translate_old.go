package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// The experimental operators of ONNX's first years, which converters to Windows
// ML put in front of nets. Opset 10 took them out.

// imageScaler translates ImageScaler: scale·x + bias of the channel.
func (c *call) imageScaler() []*value {
	x := c.activation(0)
	if c.ready() && len(x.shape) != 4 {
		c.fail("a tensor of shape %s is not an image", tensor.Dims(x.shape...))
	}
	bias := c.floatsAttr("bias")
	if c.ready() && len(bias) != x.shape[1] {
		c.fail("%d biases for %d channels", len(bias), x.shape[1])
	}
	scale := slices.Repeat([]float32{c.floatAttr("scale", 1)}, len(bias))
	if !c.ready() {
		return nil
	}
	return c.emit(channelAffine{}, []*value{x}, []*value{vector(scale), vector(bias)}, x.shape)
}

// affine translates Affine: alpha·x + beta.
func (c *call) affine() []*value {
	alpha, beta := c.floatAttr("alpha", 1), c.floatAttr("beta", 0)
	shift := &value{shape: []int{}, data: floatTensor([]int{}, []float32{beta})}
	return []*value{c.binary(&kernels.Binary{Kind: kernels.Add}, c.scaled(c.activation(0), alpha), shift)}
}

// scaledTanh translates ScaledTanh: alpha·tanh(beta·x).
func (c *call) scaledTanh() []*value {
	return c.scaledActivation(kernels.ActTanh)
}

// parametricSoftplus translates ParametricSoftplus: alpha·softplus(beta·x).
func (c *call) parametricSoftplus() []*value {
	return c.scaledActivation(kernels.ActSoftplus)
}

func (c *call) scaledActivation(kind kernels.Activation) []*value {
	alpha, beta := c.floatAttr("alpha", 1), c.floatAttr("beta", 1)
	y := c.apply(&kernels.Unary{Act: kernels.Act{Kind: kind}}, c.scaled(c.activation(0), beta))[0]
	return []*value{c.scaled(y, alpha)}
}

// crop translates Crop: it takes border off the left, the top, the right and
// the bottom of an image; or, if there is a scale, what begins behind the left
// and the top and is of that height and width.
func (c *call) crop() []*value {
	x := c.activation(0)
	border, size := c.intsAttr("border"), c.intsAttr("scale")
	switch {
	case len(x.shape) != 4:
		return c.fail("a tensor of shape %s is not an image", tensor.Dims(x.shape...))
	case len(border) != 4:
		return c.fail("a border of %d numbers, where 4 are expected", len(border))
	case len(size) != 0 && len(size) != 2:
		return c.fail("a scale of %d numbers, where 2 are expected", len(size))
	}
	height, width := int64(x.shape[2]), int64(x.shape[3])
	left, top := border[0], border[1]
	right, bottom := width-border[2], height-border[3]
	if size != nil {
		right, bottom = left+size[1], top+size[0]
	}
	if !(0 <= left && left < right && right <= width && 0 <= top && top < bottom && bottom <= height) {
		return c.fail("border %v and scale %v leave nothing of a map of %d×%d, or reach beyond it", border, size, height, width)
	}
	return c.apply(&kernels.Slice{
		Start: []int{0, 0, int(top), int(left)},
		Step:  []int{1, 1, 1, 1},
		Size:  []int{x.shape[0], x.shape[1], int(bottom - top), int(right - left)},
	}, x)
}
