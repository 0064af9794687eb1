package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// gather translates Gather. Places that are constant and evenly spaced are a
// slice; a constant with places that are computed is a table, as in front of a
// net that reads text.
func (c *call) gather() []*value {
	x, index := c.operand(0), c.operand(1)
	axis := c.axis(c.intAttr("axis", 0), len(x.shape))
	if !c.ready() {
		return nil
	}
	dims := slices.Concat(x.shape[:axis], index.shape, x.shape[axis+1:])
	switch {
	case x.data != nil && index.data != nil:
		return c.foldGather()
	case x.data != nil:
		c.checkOperand(x)
		return c.emitTypes(&kernels.Gather{Axis: axis}, []*value{index}, []*value{x}, []tensor.Type{x.typ().Of(dims...)})
	case index.data == nil:
		return c.apply(&kernels.Gather{Axis: axis}, x, index)
	}
	places := c.places(index, axis, x.shape[axis])
	if !c.ready() {
		return nil
	}
	return []*value{c.reshape(c.take(x, axis, places), dims)}
}

// places are constant indices of a dimension, of which negative ones count from
// the end.
func (c *call) places(index *value, axis, size int) []int {
	if index.data.kind.float() {
		c.fail("indices of %v where integers are expected", index.data.kind)
		return nil
	}
	out := make([]int, index.data.len())
	for i, at := range index.data.ints {
		if at < 0 {
			at += int64(size)
		}
		if at < 0 || at >= int64(size) {
			c.fail("index %d is outside of dimension %d, of size %d", index.data.ints[i], axis, size)
			return nil
		}
		out[i] = int(at)
	}
	return out
}

// take takes places along an axis.
func (c *call) take(x *value, axis int, places []int) *value {
	step := 1
	if len(places) > 1 {
		step = places[1] - places[0]
	}
	even := len(places) > 0 && step != 0
	for i := range places {
		even = even && places[i] == places[0]+i*step
	}
	if len(places) == 0 {
		return c.empty(x.elem, replaced(x.shape, axis, 0))
	}
	if !even {
		return c.apply(&kernels.Take{Axis: axis, Index: places}, x)[0]
	}
	rank := len(x.shape)
	op := &kernels.Slice{Start: make([]int, rank), Step: slices.Repeat([]int{1}, rank), Size: slices.Clone(x.shape)}
	op.Start[axis], op.Step[axis], op.Size[axis] = places[0], step, len(places)
	return c.apply(op, x)[0]
}

// expand translates Expand: broadcasting to a shape.
func (c *call) expand() []*value {
	x := c.activation(0)
	want := c.sizes(c.constantInts(1, "the shape"), "the shape")
	if !c.ready() {
		return nil
	}
	dims, ok := tensor.Broadcast(x.shape, want)
	if !ok {
		return c.fail("shape %s does not expand to %s", tensor.Dims(x.shape...), tensor.Dims(want...))
	}
	if slices.Contains(dims, 0) {
		return []*value{c.empty(x.elem, dims)}
	}
	x = c.reshape(x, padded(x.shape, len(dims)))
	times := slices.Clone(dims)
	for i := range times {
		times[i] /= x.shape[i]
	}
	return []*value{c.repeat(x, times)}
}

// tile translates Tile.
func (c *call) tile() []*value {
	x := c.activation(0)
	times := c.sizes(c.constantInts(1, "repeats"), "repeats")
	if !c.ready() {
		return nil
	}
	if len(times) != len(x.shape) {
		return c.fail("repeats %v for a tensor of %d dimensions", times, len(x.shape))
	}
	return []*value{c.repeat(x, times)}
}

func (c *call) repeat(x *value, times []int) *value {
	if !slices.ContainsFunc(times, func(n int) bool { return n != 1 }) {
		return x
	}
	return c.apply(&kernels.Repeat{Times: times}, x)[0]
}

// arg translates ArgMax and ArgMin.
func arg(least bool) func(*call) []*value {
	return func(c *call) []*value {
		x := c.activation(0)
		axis := c.axis(c.intAttr("axis", 0), len(x.shape))
		last := c.intAttr("select_last_index", 0) != 0
		y := c.apply(&kernels.Arg{Axis: axis, Min: least, Last: last}, x)[0]
		if c.ready() && c.intAttr("keepdims", 1) != 1 {
			y = c.reshape(y, slices.Delete(slices.Clone(x.shape), axis, axis+1))
		}
		return []*value{y}
	}
}

// topK translates TopK, whose K was an attribute before opset 10. What need not
// be sorted is sorted all the same.
func (c *call) topK() []*value {
	x := c.activation(0)
	axis := c.axis(c.intAttr("axis", -1), len(x.shape))
	k := c.intAttr("k", 0)
	if c.t.opset >= 10 {
		list := c.constantInts(1, "K")
		if c.ready() && len(list) != 1 {
			return c.fail("K is %v where a number is expected", list)
		}
		if c.ready() {
			k = list[0]
		}
	}
	if !c.ready() {
		return nil
	}
	if k < 1 || k > int64(x.shape[axis]) {
		return c.fail("the %d largest of dimension %d, of size %d", k, axis, x.shape[axis])
	}
	return c.apply(&kernels.TopK{Axis: axis, K: int(k), Smallest: c.intAttr("largest", 1) == 0}, x)
}

// oneHot translates OneHot of a constant depth: each index is compared with all
// places, counted from the beginning and from the end.
func (c *call) oneHot() []*value {
	x, depth, values := c.activation(0), c.constant(1, "the depth"), c.constant(2, "the values")
	rank := len(x.shape) + 1
	axis := c.axis(c.intAttr("axis", -1), rank)
	if c.ready() && (depth.data.len() != 1 || values.data.len() != 2) {
		c.fail("a depth of %d numbers and %d values, where 1 and 2 are expected", depth.data.len(), values.data.len())
	}
	if !c.ready() {
		return nil
	}
	n := depth.data.float64(0)
	if !(n >= 1) || n > float64(c.t.budget) {
		return c.fail("a depth of %v is too large, or not a number", n)
	}
	shape := slices.Repeat([]int{1}, rank)
	shape[axis] = int(n)
	places := &value{shape: shape, data: c.newTensor(typeInt64, shape)}
	negative := &value{shape: shape, data: c.newTensor(typeInt64, shape)}
	if !c.ready() {
		return nil
	}
	for i := range places.data.ints {
		places.data.ints[i], negative.data.ints[i] = int64(i), int64(i-int(n))
	}
	if x.elem != tensor.I64 {
		x = c.apply(&kernels.Convert{Result: kernels.Elements{Elem: tensor.I64}}, x)[0]
	}
	if !c.ready() {
		return nil
	}
	x = c.reshape(x, slices.Insert(slices.Clone([]int(x.shape)), axis, 1))
	equal := func(to *value) *value { return c.binary(&kernels.Binary{Kind: kernels.Equal}, x, to) }
	hot := c.binary(&kernels.Binary{Kind: kernels.Or}, equal(places), equal(negative))
	if !c.ready() {
		return nil
	}
	pick := func(i int) *value {
		t := c.newTensor(values.data.kind, []int{1})
		if c.ready() {
			t.copyElem(0, values.data, i)
		}
		return &value{shape: []int{1}, data: t}
	}
	off, on := pick(0), pick(1)
	if !c.ready() {
		return nil
	}
	c.checkOperand(on)
	c.checkOperand(off)
	return c.emitTypes(&kernels.Select{Constant: [3]bool{false, true, true}}, []*value{hot}, []*value{on, off}, []tensor.Type{on.typ().Of(hot.shape...)})
}

// triangle is the mask of Trilu: which elements of the last two dimensions of a
// shape it keeps.
func (c *call) triangle(shape []int) *value {
	rank := len(shape)
	if rank < 2 {
		c.fail("a tensor of %d dimensions has no triangle", rank)
	}
	k := int64(0)
	if list := c.constantInts(1, "k"); len(list) == 1 {
		k = min(max(list[0], -tensor.MaxDim), tensor.MaxDim)
	} else if c.has(1) {
		c.fail("k is not a number")
	}
	upper := c.intAttr("upper", 1) != 0
	if !c.ready() {
		return nil
	}
	rows, columns := shape[rank-2], shape[rank-1]
	t := c.newTensor(typeBool, []int{rows, columns})
	if !c.ready() {
		return nil
	}
	for i := range t.ints {
		above := int64(i%columns) - int64(i/columns) - k
		if upper && above >= 0 || !upper && above <= 0 {
			t.ints[i] = 1
		}
	}
	return &value{shape: t.dims, data: t}
}

// trilu translates Trilu.
func (c *call) trilu() []*value {
	x := c.activation(0)
	mask := c.triangle(x.shape)
	if !c.ready() {
		return nil
	}
	zero := c.number(x.elem, 0)
	return c.emitTypes(&kernels.Select{Constant: [3]bool{true, false, true}}, []*value{x}, []*value{mask, zero}, []tensor.Type{x.typ()})
}
