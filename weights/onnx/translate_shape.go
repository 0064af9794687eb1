package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// concat translates Concat. What has no elements adds nothing.
func (c *call) concat() []*value {
	x := c.operand(0)
	axis := c.axis(c.intAttr("axis", 0), len(x.shape))
	var in []*value
	var at []int
	for i := range c.in {
		v := c.operand(i)
		if !c.ready() {
			return nil
		}
		if len(v.shape) != len(x.shape) || v.shape[axis] > 0 {
			in, at = append(in, c.forEachItem(v, axis)), append(at, i)
		}
	}
	if len(in) == 1 {
		return in
	}
	return c.apply(&kernels.Concat{Axis: axis}, c.alike(in, at)...)
}

// forEachItem repeats a constant that a model exported for one picture has once,
// as a class token is, for each item of the batch.
func (c *call) forEachItem(v *value, axis int) *value {
	if v.data == nil || c.t.batch < 2 || axis == 0 || v.shape[0] != 1 || c.firstActivation().shape[0] != c.t.batch {
		return v
	}
	dims := slices.Clone(v.shape)
	dims[0] = c.t.batch
	all := c.strided(v.data, dims, func(at []int) int { return broadcastIndex(at, v.shape) })
	if !c.ready() {
		return v
	}
	return all[0]
}

// split translates Split.
func (c *call) split() []*value {
	x := c.activation(0)
	axis, sizes := c.parts(x)
	if !c.ready() {
		return nil
	}
	var whole []int // parts with elements
	out := make([]*value, len(sizes))
	for i, n := range sizes {
		if n > 0 {
			whole = append(whole, n)
		} else if out[i] = c.empty(x.elem, replaced(x.shape, axis, 0)); i < len(c.node.out) {
			out[i].name = c.node.out[i]
		}
	}
	parts := []*value{x}
	if len(whole) != 1 || whole[0] != x.shape[axis] {
		parts = c.apply(&kernels.Split{Axis: axis, Sizes: whole}, x)
	}
	if !c.ready() {
		return nil
	}
	for i := range out {
		if out[i] == nil {
			out[i], parts = parts[0], parts[1:]
		}
	}
	return out
}

// replaced is a shape with another size of one dimension.
func replaced(shape []int, axis, size int) tensor.Shape {
	shape = slices.Clone(shape)
	shape[axis] = size
	return shape
}

// parts reads into what parts Split cuts a tensor, and along which axis. Sizes
// were an attribute before opset 13; without them the parts are equal, the last
// one of what is left since opset 18.
func (c *call) parts(x *value) (int, []int) {
	axis := c.axis(c.intAttr("axis", 0), len(x.shape))
	var sizes []int64
	if c.t.opset < 13 {
		sizes = c.intsAttr("split")
	} else {
		sizes = c.constantInts(1, "split")
	}
	parts := len(c.node.out)
	if !c.ready() {
		return 0, nil
	}
	if sizes == nil {
		if n := c.intAttr("num_outputs", int64(parts)); n != int64(parts) {
			c.fail("num_outputs is %d for %d results", n, parts)
			return 0, nil
		}
		whole := x.shape[axis]
		if c.t.opset < 18 && whole%parts != 0 {
			c.fail("%d elements do not split into %d equal parts", whole, parts)
			return 0, nil
		}
		each := (whole + parts - 1) / parts
		for left := whole; len(sizes) < parts; left -= each {
			sizes = append(sizes, int64(min(each, left)))
		}
	}
	if len(sizes) != parts {
		c.fail("%d sizes for %d results", len(sizes), parts)
	}
	return axis, c.sizes(sizes, "split")
}

// sizes makes ints of a list of whole numbers that must be in range.
func (c *call) sizes(list []int64, what string) []int {
	out := make([]int, len(list))
	for i, n := range list {
		if n < 0 || n > tensor.MaxElements {
			c.fail("%s %v: %d is negative, or too large", what, list, n)
			return nil
		}
		out[i] = int(n)
	}
	return out
}

// sliceSpec reads Slice's operands, which were attributes before opset 10, for
// a tensor of the given shape.
func (c *call) sliceSpec(shape []int) *kernels.Slice {
	var starts, ends, axes, steps []int64
	if c.t.opset < 10 {
		starts, ends, axes = c.intsAttr("starts"), c.intsAttr("ends"), c.intsAttr("axes")
	} else {
		starts, ends = c.constantInts(1, "starts"), c.constantInts(2, "ends")
		axes, steps = c.constantInts(3, "axes"), c.constantInts(4, "steps")
	}
	if axes == nil {
		for i := range starts {
			axes = append(axes, int64(i))
		}
	}
	if steps == nil {
		steps = slices.Repeat([]int64{1}, len(starts))
	}
	at := c.axes(axes, len(shape))
	if c.ready() && (len(ends) != len(starts) || len(at) != len(starts) || len(steps) != len(starts)) {
		c.fail("%d starts, %d ends, %d axes and %d steps do not fit together", len(starts), len(ends), len(axes), len(steps))
	}
	op := &kernels.Slice{Start: make([]int, len(shape)), Step: slices.Repeat([]int{1}, len(shape)), Size: slices.Clone(shape)}
	if !c.ready() {
		return op
	}
	for i, axis := range at {
		op.Start[axis], op.Step[axis], op.Size[axis] = c.span(starts[i], ends[i], steps[i], shape[axis])
	}
	return op
}

// span is numpy's start:end:step of a dimension of size d.
func (c *call) span(start, end, step int64, d int) (from, by, count int) {
	size := int64(d)
	if start < 0 {
		start += size
	}
	if end < 0 {
		end += size
	}
	switch {
	case step > 0:
		start, end = min(max(start, 0), size), min(max(end, 0), size)
	case step < 0:
		start, end = min(max(start, 0), size-1), min(max(end, -1), size-1)
	default:
		c.fail("a step of 0")
		return 0, 1, 1
	}
	// A step larger than the dimension takes one element, whatever it is.
	step = min(max(step, -size-1), size+1)
	n := max((end-start+step-sign(step))/step, 0)
	if n == 0 {
		return 0, 1, 0
	}
	return int(start), int(step), int(n)
}

// sign is −1, 0 or 1, and NaN of NaN.
func sign[T int64 | float64](x T) T {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return x
}

// slice translates Slice.
func (c *call) slice() []*value {
	x := c.activation(0)
	op := c.sliceSpec(x.shape)
	if c.ready() && slices.Equal(op.Size, x.shape) && !slices.ContainsFunc(op.Step, func(s int) bool { return s < 0 }) {
		return []*value{x}
	}
	if c.ready() && slices.Contains(op.Size, 0) {
		return []*value{c.empty(x.elem, op.Size)}
	}
	return c.apply(op, x)
}

// pad translates Pad. Negative padding cuts off.
func (c *call) pad() []*value {
	x := c.activation(0)
	rank := len(x.shape)
	op := &kernels.Padding{}
	var pads, axes []int64
	if c.t.opset < 11 {
		pads, op.Value = c.intsAttr("pads"), c.floatAttr("value", 0)
	} else {
		pads, op.Value = c.constantInts(1, "pads"), c.padValue(x)
		axes = c.constantInts(3, "axes")
	}
	switch mode := c.stringAttr("mode", "constant"); mode {
	case "constant":
	case "reflect":
		op.Mode = kernels.PadReflect
	case "edge":
		op.Mode = kernels.PadEdge
	case "wrap":
		op.Mode = kernels.PadWrap
	default:
		c.unsupported("mode %q is not supported", mode)
	}
	if op.Mode != kernels.PadConstant {
		op.Value = 0
	}
	if axes == nil {
		for i := range rank {
			axes = append(axes, int64(i))
		}
	}
	at := c.axes(axes, rank)
	if c.ready() && len(pads) != 2*len(at) {
		c.fail("%d pads for %d axes", len(pads), len(at))
	}
	if !c.ready() {
		return nil
	}
	op.Before, op.After = make([]int, rank), make([]int, rank)
	crop := &kernels.Slice{Start: make([]int, rank), Step: slices.Repeat([]int{1}, rank), Size: slices.Clone(x.shape)}
	cropped := false
	for i, axis := range at {
		before, after := pads[i], pads[len(at)+i]
		if min(before, after) < -tensor.MaxElements || max(before, after) > tensor.MaxElements {
			return c.fail("pads %v are too large", pads)
		}
		op.Before[axis], op.After[axis] = int(max(before, 0)), int(max(after, 0))
		crop.Start[axis] = int(max(-before, 0))
		left := int64(x.shape[axis]) - max(-before, 0) - max(-after, 0)
		if left < 1 {
			return c.fail("pads %v cut off all of dimension %d of shape %s", pads, axis, tensor.Dims(x.shape...))
		}
		crop.Size[axis] = int(left)
		cropped = cropped || before < 0 || after < 0
	}
	if cropped {
		x = c.apply(crop, x)[0]
	}
	for axis, d := range crop.Size {
		most := op.Mode.Most(d)
		if !c.ready() || max(op.Before[axis], op.After[axis]) <= most {
			continue
		}
		// More than a map has: its places, again and again.
		x = c.take(x, axis, c.paddedPlaces(op.Mode, op.Before[axis], d, op.After[axis]))
		op.Before[axis], op.After[axis] = 0, 0
	}
	if !slices.ContainsFunc(slices.Concat(op.Before, op.After), func(n int) bool { return n > 0 }) {
		return []*value{x}
	}
	return c.apply(op, x)
}

// padValue is the constant of Pad, of the type of x.
func (c *call) padValue(x *value) float32 {
	if x.scale != 0 {
		return c.quantisedPadValue(x)
	}
	if !c.has(2) {
		return 0
	}
	v := c.constant(2, "the value")
	if c.ready() && (v.data.len() != 1 || v.typ().Elem != x.elem) {
		c.fail("the value, %q, is %s %v for a tensor of %v", v.name, tensor.Dims(v.shape...), v.data.kind, x.elem)
	}
	if !c.ready() {
		return 0
	}
	f := v.data.float64(0)
	if x.elem != tensor.F32 && float64(float32(f)) != f {
		c.fail("the value %v is too large", f)
	}
	return float32(f)
}

// paddedPlaces are the places of a dimension of size d in one that is padded by
// reflection or by wrapping.
func (c *call) paddedPlaces(mode kernels.PadMode, before, d, after int) []int {
	// A place takes longer than a folded element, and is made anew by each probe.
	const price = 8
	if price*(int64(before)+int64(d)+int64(after)) > int64(c.t.budget) {
		c.fail("pads of %d and %d are too large", before, after)
		return nil
	}
	c.t.budget -= price * (before + d + after)
	period := d
	if mode == kernels.PadReflect {
		period = max(2*d-2, 1)
	}
	places := make([]int, before+d+after)
	at := (period - before%period) % period
	for i := range places {
		places[i] = at
		if at >= d {
			places[i] = period - at
		}
		if at++; at == period {
			at = 0
		}
	}
	return places
}

// translateView translates an operator that gives the same elements another
// shape; its twin for constants is foldView.
func translateView(shape func(c *call, old []int) []int) func(*call) []*value {
	return func(c *call) []*value {
		x := c.activation(0)
		dims := shape(c, x.shape)
		if !c.ready() {
			return nil
		}
		return []*value{c.reshape(x, dims)}
	}
}

// reshaped is the shape that Reshape gives to a tensor of shape old: 0 keeps a
// dimension (unless allowzero), −1 takes what is left.
func (c *call) reshaped(old []int) []int {
	want := c.constantInts(1, "the shape")
	total, _ := tensor.Shape(old).Elements()
	shape := make([]int, len(want))
	known, free := 1, -1
	for i, n := range want {
		switch {
		case n == 0 && c.intAttr("allowzero", 0) == 0:
			if i >= len(old) {
				c.fail("shape %v keeps dimension %d of a tensor of shape %s", want, i, tensor.Dims(old...))
				return nil
			}
			n = int64(old[i])
		case n == -1 && free < 0:
			free = i
			continue
		case n == -1:
			c.fail("shape %v leaves two dimensions open", want)
			return nil
		case n < 0 || n > tensor.MaxElements:
			c.fail("shape %v: %d is negative, or too large", want, n)
			return nil
		}
		shape[i] = int(n)
		if n > 0 && known > tensor.MaxElements/int(n) {
			c.fail("shape %v is too large", want)
			return nil
		}
		known *= int(n)
	}
	// A model exported for one picture may say 1 for its batch.
	if free < 0 && c.t.batch > 1 && len(want) > 0 && want[0] == 1 && len(old) > 0 && old[0] == c.t.batch && known*c.t.batch == total {
		shape[0] = c.t.batch
		return shape
	}
	if free >= 0 && known > 0 && total%known == 0 {
		shape[free] = total / known
		known = total
	}
	if known != total {
		c.fail("a tensor of shape %s cannot have shape %v", tensor.Dims(old...), want)
	}
	return shape
}

// flattened is a shape of two dimensions: those before axis, and those from it
// on.
func (c *call) flattened(old []int) []int {
	axis := c.intAttr("axis", 1)
	if axis < 0 {
		axis += int64(len(old))
	}
	if axis < 0 || axis > int64(len(old)) {
		c.fail("axis %d of a tensor of %d dimensions", axis, len(old))
		return nil
	}
	rows, _ := tensor.Shape(old[:axis]).Elements()
	columns, _ := tensor.Shape(old[axis:]).Elements()
	return []int{rows, columns}
}

// axesOperand reads axes, an attribute before the opset that made them an
// operand.
func (c *call) axesOperand(operandSince int64) []int64 {
	if c.t.opset < operandSince {
		return c.intsAttr("axes")
	}
	return c.constantInts(1, "axes")
}

// squeezed is the shape of a tensor without some dimensions of 1: those of
// axes, or all of them if there are no axes, or none in their list.
func (c *call) squeezed(shape []int) []int {
	list := c.axesOperand(13)
	axes := c.axes(list, len(shape))
	out := []int{}
	for i, d := range shape {
		switch {
		case len(list) == 0 && d == 1:
		case slices.Contains(axes, i):
			if d != 1 {
				c.fail("dimension %d of shape %s is not 1", i, tensor.Dims(shape...))
			}
		default:
			out = append(out, d)
		}
	}
	return out
}

// squeezedItems is squeezed for an activation, whose dimension 0 is 1 only by
// chance if it is the batch.
func (c *call) squeezedItems(shape []int) []int {
	if len(c.axesOperand(13)) > 0 || c.t.batch == 0 {
		return c.squeezed(shape)
	}
	out := []int{}
	for i, d := range shape {
		if i == 0 || d != 1 {
			out = append(out, d)
		}
	}
	return out
}

// unsqueezed is the shape of a tensor with dimensions of 1 added at axes of
// the result.
func (c *call) unsqueezed(shape []int) []int {
	list := c.axesOperand(13)
	rank := len(shape) + len(list)
	axes := c.axes(list, rank)
	if !c.ready() {
		return nil
	}
	if len(list) == 0 {
		c.fail("no axes are given")
		return nil
	}
	out := make([]int, 0, rank)
	for i := range rank {
		if slices.Contains(axes, i) {
			out = append(out, 1)
			continue
		}
		out = append(out, shape[0])
		shape = shape[1:]
	}
	return out
}

// permutation reads Transpose's perm; without it the dimensions are reversed.
func (c *call) permutation(rank int) []int {
	perm := make([]int, rank)
	list := c.intsAttr("perm")
	if list == nil {
		for i := range perm {
			perm[i] = rank - 1 - i
		}
		return perm
	}
	if axes := c.axes(list, rank); len(axes) == rank {
		return axes
	}
	c.fail("perm %v for a tensor of %d dimensions", list, rank)
	return perm
}

func (c *call) transposed() []*value {
	x := c.activation(0)
	perm := c.permutation(len(x.shape))
	if !c.ready() {
		return nil
	}
	return []*value{c.transpose(x, perm...)}
}

// maxBlock bounds a blocksize: its square fits 31 bits.
const maxBlock = 1 << 15

// blocks reads the block size of DepthToSpace and SpaceToDepth.
func (c *call) blocks(x *value) int {
	if len(x.shape) != 4 {
		c.fail("%q of shape %s is not a map of two spatial dimensions", x.name, tensor.Dims(x.shape...))
	}
	b := c.intAttr("blocksize", 0)
	if b < 1 || b > maxBlock {
		c.fail("blocksize %d is not from 1 to %d", b, maxBlock)
		return 1
	}
	return int(b)
}

// depthToSpace translates DepthToSpace: blocks of channels become blocks of
// pixels.
func (c *call) depthToSpace() []*value {
	x := c.activation(0)
	b := c.blocks(x)
	if c.ready() && x.shape[1]%(b*b) != 0 {
		c.fail("%d channels are not a multiple of %d", x.shape[1], b*b)
	}
	if !c.ready() {
		return nil
	}
	n, channels, h, w := x.shape[0], x.shape[1]/(b*b), x.shape[2], x.shape[3]
	var y *value
	switch mode := c.stringAttr("mode", "DCR"); mode {
	case "DCR":
		y = c.transpose(c.reshape(x, []int{n, b, b, channels, h, w}), 0, 3, 4, 1, 5, 2)
	case "CRD":
		y = c.transpose(c.reshape(x, []int{n, channels, b, b, h, w}), 0, 1, 4, 2, 5, 3)
	default:
		return c.unsupported("mode %q is not supported", mode)
	}
	return []*value{c.reshape(y, []int{n, channels, h * b, w * b})}
}

// spaceToDepth translates SpaceToDepth: blocks of pixels become channels.
func (c *call) spaceToDepth() []*value {
	x := c.activation(0)
	b := c.blocks(x)
	if c.ready() && (x.shape[2]%b != 0 || x.shape[3]%b != 0) {
		c.fail("a map of %s is not a multiple of %d", tensor.Dims(x.shape[2:]...), b)
	}
	if !c.ready() {
		return nil
	}
	n, channels, h, w := x.shape[0], x.shape[1], x.shape[2]/b, x.shape[3]/b
	y := c.transpose(c.reshape(x, []int{n, channels, h, b, w, b}), 0, 3, 5, 1, 2, 4)
	return []*value{c.reshape(y, []int{n, channels * b * b, h, w})}
}
