package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// normalise adds a Normalise of x. Scale and shift broadcast to it; nil is 1,
// and 0.
func (c *call) normalise(op *kernels.Normalise, x, scale, shift *value) *value {
	for _, v := range []*value{scale, shift} {
		if v == nil || v.data == nil {
			continue
		}
		if c.checkFloats(v, "the scale or the shift"); !c.ready() {
			return &value{}
		}
	}
	constant := func(v *value) bool { return v == nil || v.data != nil }
	var weights []*value
	apart := !constant(scale) || !constant(shift)
	if !apart && (scale != nil || shift != nil) {
		weights = []*value{scale, shift}
	}
	if !c.ready() {
		return &value{}
	}
	y := c.emit(op, []*value{x}, weights, x.shape)[0]
	if apart && scale != nil {
		y = c.binary(&kernels.Binary{Kind: kernels.Mul}, y, scale)
	}
	if apart && shift != nil {
		y = c.binary(&kernels.Binary{Kind: kernels.Add}, y, shift)
	}
	return y
}

// channelParam is operand i, of one number for each of a tensor's channels (or
// of the groups of them), in the shape in which it broadcasts to a tensor of
// which they are dimension axis of rank.
func (c *call) channelParam(i int, what string, channels, axis, rank int) *value {
	v := c.operand(i)
	if c.ready() && (len(v.shape) != 1 || v.shape[0] != channels) {
		c.fail("%s, %q, of shape %s for %d channels", what, v.name, tensor.Dims(v.shape...), channels)
	}
	if !c.ready() {
		return v
	}
	shape := slices.Repeat([]int{1}, rank)
	shape[axis] = channels
	return c.withShape(v, shape)
}

// axesFrom are the axes from first on.
func axesFrom(first, rank int) (axes []int) {
	for i := first; i < rank; i++ {
		axes = append(axes, i)
	}
	return axes
}

// instanceNorm translates InstanceNormalization.
func (c *call) instanceNorm() []*value {
	x := c.activation(0)
	rank := len(x.shape)
	if rank < 3 {
		return c.fail("a tensor of shape %s has no spatial dimensions", tensor.Dims(x.shape...))
	}
	scale := c.channelParam(1, "the scale", x.shape[1], 1, rank)
	shift := c.channelParam(2, "the shift", x.shape[1], 1, rank)
	op := &kernels.Normalise{Axes: axesFrom(2, rank), Epsilon: c.floatAttr("epsilon", 1e-5)}
	return []*value{c.normalise(op, x, scale, shift)}
}

// groupNorm translates GroupNormalization, whose scale and shift are those of
// groups in opset 18 and those of channels from opset 21 on.
func (c *call) groupNorm() []*value {
	x := c.activation(0)
	rank := len(x.shape)
	if rank < 3 {
		return c.fail("a tensor of shape %s has no spatial dimensions", tensor.Dims(x.shape...))
	}
	groups := c.intAttr("num_groups", 0)
	channels := x.shape[1]
	if groups < 1 || int64(channels)%groups != 0 {
		c.fail("%d channels in %d groups", channels, groups)
	}
	if !c.ready() {
		return nil
	}
	g := int(groups)
	// [N, C, …] as [N, groups, channels of a group, …]
	shape := slices.Concat([]int{x.shape[0], g, channels / g}, x.shape[2:])
	var params [2]*value
	for i, what := range []string{"the scale", "the shift"} {
		if c.t.opset < 21 {
			params[i] = c.channelParam(i+1, what, g, 1, rank+1)
			continue
		}
		v := c.channelParam(i+1, what, channels, 1, rank)
		if !c.ready() {
			return nil
		}
		of := slices.Repeat([]int{1}, rank+1)
		of[1], of[2] = g, channels/g
		params[i] = c.withShape(v, of)
	}
	op := &kernels.Normalise{Axes: axesFrom(2, rank+1), Epsilon: c.floatAttr("epsilon", 1e-5)}
	if !c.ready() {
		return nil
	}
	y := c.normalise(op, c.reshape(x, shape), params[0], params[1])
	if !c.ready() {
		return nil
	}
	return []*value{c.reshape(y, x.shape)}
}

// layerNorm translates LayerNormalization: over all dimensions from axis on.
func (c *call) layerNorm() []*value {
	x, scale := c.activation(0), c.operand(1)
	var shift *value
	if c.has(2) {
		shift = c.in[2]
	}
	rank := len(x.shape)
	axis := c.axis(c.intAttr("axis", -1), rank)
	if !c.ready() {
		return nil
	}
	for _, v := range []*value{scale, shift} {
		if v == nil {
			continue
		}
		if of, ok := tensor.Broadcast(x.shape, v.shape); !ok || !slices.Equal(of, x.shape) {
			return c.fail("a scale or shift of shape %s for a tensor of shape %s", tensor.Dims(v.shape...), tensor.Dims(x.shape...))
		}
	}
	op := &kernels.Normalise{Axes: axesFrom(axis, rank), Epsilon: c.floatAttr("epsilon", 1e-5)}
	out := []*value{c.normalise(op, x, scale, shift)}
	for i := 1; i < len(c.node.out) && c.ready(); i++ {
		if c.node.out[i] != "" {
			return append(out, c.layerStatistics(x, op)...)
		}
	}
	return out
}

// layerStatistics are the second and the third result of LayerNormalization: the
// mean, and one by the divisor.
func (c *call) layerStatistics(x *value, op *kernels.Normalise) []*value {
	mean := c.apply(&kernels.Reduce{Axes: op.Axes, Keep: true}, x)[0]
	d := c.binary(&kernels.Binary{Kind: kernels.Sub}, x, mean)
	variance := c.apply(&kernels.Reduce{Axes: op.Axes, Keep: true}, c.binary(&kernels.Binary{Kind: kernels.Mul}, d, d))[0]
	epsilon := &value{shape: []int{}, data: floatTensor([]int{}, []float32{op.Epsilon})}
	sum := c.binary(&kernels.Binary{Kind: kernels.Add}, variance, epsilon)
	one := &value{shape: []int{}, data: floatTensor([]int{}, []float32{1})}
	deviation := c.apply(&kernels.Unary{Kind: kernels.Sqrt}, sum)[0]
	return []*value{mean, c.binary(&kernels.Binary{Kind: kernels.Div}, one, deviation)}
}

// meanVariance translates MeanVarianceNormalization, which adds 1e-9 to the
// standard deviation: its square is added to the variance here, which is the
// same where the variance is 0, and too little to be seen elsewhere.
func (c *call) meanVariance() []*value {
	x := c.activation(0)
	list := c.intsAttr("axes")
	if list == nil {
		list = []int64{0, 2, 3}
	}
	axes := c.axes(list, len(x.shape))
	slices.Sort(axes)
	return []*value{c.normalise(&kernels.Normalise{Axes: axes, Epsilon: 1e-18}, x, nil, nil)}
}

// lpNorm translates LpNormalization.
func (c *call) lpNorm() []*value {
	x := c.activation(0)
	axis := c.axis(c.intAttr("axis", -1), len(x.shape))
	op := &kernels.Normalise{Kind: kernels.ByL2, Axes: []int{axis}}
	switch p := c.intAttr("p", 2); p {
	case 1:
		op.Kind = kernels.ByL1
	case 2:
	default:
		c.fail("p is %d, and can be 1 or 2", p)
	}
	return []*value{c.normalise(op, x, nil, nil)}
}

// rmsNorm translates RMSNormalization: over all dimensions from axis on.
func (c *call) rmsNorm() []*value {
	x, scale := c.activation(0), c.operand(1)
	axis := c.axis(c.intAttr("axis", -1), len(x.shape))
	if of, ok := tensor.Broadcast(x.shape, scale.shape); c.ready() && (!ok || !slices.Equal(of, x.shape)) {
		c.fail("a scale of shape %s for a tensor of shape %s", tensor.Dims(scale.shape...), tensor.Dims(x.shape...))
	}
	if !c.ready() {
		return nil
	}
	op := &kernels.Normalise{Kind: kernels.ByRootMeanSquare, Axes: axesFrom(axis, len(x.shape)), Epsilon: c.floatAttr("epsilon", 1e-5)}
	return []*value{c.normalise(op, x, scale, nil)}
}
