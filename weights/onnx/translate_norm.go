package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// batchNorm translates BatchNormalization with frozen statistics:
// y = scale·(x − mean)/√(variance + epsilon) + shift, for each channel, or with
// spatial 0, which opset 9 took away, for each element of an item.
func (c *call) batchNorm() []*value {
	x := c.activation(0)
	if c.intAttr("training_mode", 0) != 0 {
		c.fail("training_mode is true")
	}
	if c.t.opset < 14 && slices.ContainsFunc(c.node.out[1:], func(name string) bool { return name != "" }) {
		c.fail("a result other than the first is used, which is only for training")
	}
	spatial := c.intAttr("spatial", 1) != 0
	if len(x.shape) < 2 {
		return c.fail("a tensor of shape %s has no channels", tensor.Dims(x.shape...))
	}
	of := x.shape[1:2]
	if !spatial {
		of = x.shape[1:]
	}
	for i := 1; i < 5; i++ {
		if c.has(i) && c.in[i].data == nil {
			return c.batchNormComputed(x, of)
		}
	}
	channels, _ := of.Elements()
	var w [4][]float32 // scale, shift, mean, variance
	for i, what := range []string{"the scale", "the shift", "the mean", "the variance"} {
		v := c.weight(i+1, what)
		if c.ready() && v.data.len() != channels {
			c.fail("%s, %q, of shape %s for %d channels", what, v.name, tensor.Dims(v.shape...), channels)
		}
		w[i] = v.data.floats
	}
	epsilon := float64(c.floatAttr("epsilon", 1e-5))
	if !c.ready() {
		return nil
	}
	scale, shift := make([]float32, channels), make([]float32, channels)
	for i := range scale {
		s := float64(w[0][i]) / math.Sqrt(float64(w[3][i])+epsilon)
		scale[i], shift[i] = float32(s), float32(float64(w[1][i])-float64(w[2][i])*s)
		if !tensor.IsFinite(scale[i]) || !tensor.IsFinite(shift[i]) {
			return c.fail("channel %d is scaled by %v and shifted by %v: the variance is %v", i, scale[i], shift[i], w[3][i])
		}
	}
	if !spatial {
		each := func(x []float32) *value { return &value{shape: of, data: floatTensor(of, x)} }
		y := c.binary(&kernels.Binary{Kind: kernels.Mul}, x, each(scale))
		return []*value{c.binary(&kernels.Binary{Kind: kernels.Add}, y, each(shift))}
	}
	return c.emit(channelAffine{}, []*value{x}, []*value{vector(scale), vector(shift)}, x.shape)
}

// batchNormComputed is batchNorm of which an operand is a value, as where a style
// scales the channels: as arithmetic. of is the shape of the operands.
func (c *call) batchNormComputed(x *value, of tensor.Shape) []*value {
	var w [4]*value // scale, shift, mean, variance
	shape := slices.Clone(of)
	if len(of) == 1 {
		shape = append(shape, slices.Repeat([]int{1}, len(x.shape)-2)...)
	}
	for i, what := range []string{"the scale", "the shift", "the mean", "the variance"} {
		v := c.operand(i + 1)
		if c.ready() && !slices.Equal(v.shape, of) {
			c.fail("%s, %q, of shape %s for channels of %s", what, v.name, tensor.Dims(v.shape...), tensor.Dims(of...))
		}
		if c.ready() && v.data != nil {
			c.checkFloats(v, what)
		}
		if !c.ready() {
			return nil
		}
		w[i] = c.withShape(v, shape)
	}
	epsilon := &value{shape: []int{}, data: floatTensor([]int{}, []float32{c.floatAttr("epsilon", 1e-5)})}
	sum := c.binary(&kernels.Binary{Kind: kernels.Add}, c.computed(w[3]), epsilon)
	if !c.ready() {
		return nil
	}
	deviation := c.apply(&kernels.Unary{Kind: kernels.Sqrt}, sum)[0]
	y := c.binary(&kernels.Binary{Kind: kernels.Sub}, x, w[2])
	y = c.binary(&kernels.Binary{Kind: kernels.Mul}, y, c.binary(&kernels.Binary{Kind: kernels.Div}, w[0], deviation))
	return []*value{c.binary(&kernels.Binary{Kind: kernels.Add}, y, w[1])}
}

// vector is a constant of one dimension.
func vector(x []float32) *value {
	shape := []int{len(x)}
	return &value{shape: shape, data: floatTensor(shape, x)}
}

// lrn translates LRN.
func (c *call) lrn() []*value {
	x := c.activation(0)
	c.spatial(x)
	size := c.intAttr("size", 0)
	if size < 1 || size > tensor.MaxElements {
		c.fail("size %d is not positive, or too large", size)
	}
	op := &kernels.LRN{
		Size:  int(size),
		Alpha: c.floatAttr("alpha", 1e-4),
		Beta:  c.floatAttr("beta", 0.75),
		Bias:  c.floatAttr("bias", 1),
	}
	return c.emit(op, []*value{x}, nil, x.shape)
}

// softmaxAxis is the axis of Softmax and its like, whose default is the last one,
// and was dimension 1 before opset 13.
func (c *call) softmaxAxis(x *value) int {
	otherwise := int64(-1)
	if c.t.opset < 13 {
		otherwise = 1
	}
	return c.axis(c.intAttr("axis", otherwise), len(x.shape))
}

// softmax translates Softmax and LogSoftmax. Before opset 13 they normalise
// over all dimensions from axis on.
func softmax(log bool) func(c *call) []*value {
	return func(c *call) []*value {
		x := c.activation(0)
		axis := c.softmaxAxis(x)
		if !c.ready() {
			return nil
		}
		if c.t.opset >= 13 {
			return c.apply(&kernels.Softmax{Axis: axis, Log: log}, x)
		}
		over, _ := tensor.Shape(x.shape[axis:]).Elements()
		if over == x.shape[axis] {
			return c.apply(&kernels.Softmax{Axis: axis, Log: log}, x)
		}
		flat := c.reshape(x, append(slices.Clone(x.shape[:axis]), over))
		y := c.apply(&kernels.Softmax{Axis: axis, Log: log}, flat)[0]
		return []*value{c.reshape(y, x.shape)}
	}
}
