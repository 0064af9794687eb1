package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// cumSum translates CumSum along a constant axis.
func (c *call) cumSum() []*value {
	x := c.operand(0)
	axes := c.constantInts(1, "the axis")
	if c.ready() && len(axes) != 1 {
		c.fail("an axis of %d numbers", len(axes))
	}
	if !c.ready() {
		return nil
	}
	axis := c.axis(axes[0], len(x.shape))
	exclusive, reverse := c.intAttr("exclusive", 0) != 0, c.intAttr("reverse", 0) != 0
	if !c.ready() {
		return nil
	}
	if x.data != nil {
		return c.foldCumSum(x, axis, exclusive, reverse)
	}
	return c.apply(&kernels.CumulativeSum{Axis: axis, Exclusive: exclusive, Reverse: reverse}, x)
}

// foldCumSum computes CumSum.
func (c *call) foldCumSum(x *value, axis int, exclusive, reverse bool) []*value {
	t := c.newTensor(x.data.kind, x.shape)
	if t == nil {
		return nil
	}
	size := x.shape[axis]
	inner, _ := tensor.Shape(x.shape[axis+1:]).Elements()
	for row := range t.len() / max(size, 1) {
		first := row/inner*inner*size + row%inner
		float, whole := float32(0), int64(0)
		for k := range size {
			i := first + k*inner
			if reverse {
				i = first + (size-1-k)*inner
			}
			if !exclusive {
				float, whole = t.sum(x.data, i, float, whole)
			}
			if t.kind.float() {
				t.floats[i] = float
			} else {
				t.setInt(i, whole)
			}
			if exclusive {
				float, whole = t.sum(x.data, i, float, whole)
			}
		}
	}
	return c.folded(t)
}

// sum adds element i of x to the sum of its type.
func (t *constant) sum(x *constant, i int, float float32, whole int64) (float32, int64) {
	if t.kind.float() {
		return float + x.floats[i], whole
	}
	return float, whole + x.ints[i]
}

// hardmax translates Hardmax: 1 at the first of the largest elements along an
// axis, before opset 13 along all dimensions from it on, and 0 elsewhere.
func (c *call) hardmax() []*value {
	x := c.activation(0)
	axis := c.softmaxAxis(x)
	if !c.ready() {
		return nil
	}
	flat := x
	if c.t.opset < 13 {
		flat = c.reshape(x, append(slices.Clone(x.shape[:axis]), x.shape[axis:].Volume()))
	}
	best := c.apply(&kernels.Arg{Axis: axis}, flat)[0]
	if !c.ready() {
		return nil
	}
	shape := slices.Repeat([]int{1}, len(flat.shape))
	shape[axis] = flat.shape[axis]
	places := &value{name: "places", shape: shape, data: c.newTensor(typeInt64, shape)}
	if !c.ready() {
		return nil
	}
	for i := range places.data.ints {
		places.data.ints[i] = int64(i)
	}
	hot := c.binary(&kernels.Binary{Kind: kernels.Equal}, best, places)
	y := c.apply(&kernels.Convert{Result: kernels.Elements{Elem: tensor.F32}}, hot)[0]
	if !c.ready() {
		return nil
	}
	return []*value{c.reshape(y, x.shape)}
}
