package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// upsample translates Upsample, which scales as Resize of opset 10 does.
func (c *call) upsample() []*value {
	x := c.activation(0)
	var scales []float32
	if c.t.opset < 9 {
		if a := c.attribute("scales", attrFloats); a != nil {
			scales = a.floats
		}
	} else {
		scales = c.constantFloats(1, "the scales")
	}
	op := &kernels.Resize{Coordinates: kernels.Asymmetric}
	c.resizeMode(op)
	return c.resample(op, x, scales, nil)
}

// resize translates Resize.
func (c *call) resize() []*value {
	x := c.activation(0)
	op := &kernels.Resize{Coordinates: kernels.Asymmetric}
	c.resizeMode(op)
	if c.t.opset < 11 {
		return c.resample(op, x, c.constantFloats(1, "the scales"), nil)
	}
	switch mode := c.stringAttr("coordinate_transformation_mode", "half_pixel"); mode {
	case "half_pixel":
		op.Coordinates = kernels.HalfPixel
	case "half_pixel_symmetric":
		op.Coordinates = kernels.HalfPixelSymmetric
	case "pytorch_half_pixel":
		op.Coordinates = kernels.PytorchHalfPixel
	case "align_corners":
		op.Coordinates = kernels.AlignCorners
	case "asymmetric":
		op.Coordinates = kernels.Asymmetric
	case "tf_crop_and_resize":
		op.Coordinates = kernels.CropAndResize
		op.Extrapolation = c.floatAttr("extrapolation_value", 0)
	default:
		c.unsupported("coordinate_transformation_mode %q is not supported", mode)
	}
	switch mode := c.stringAttr("nearest_mode", "round_prefer_floor"); mode {
	case "round_prefer_floor":
		op.Rounding = kernels.RoundPreferFloor
	case "round_prefer_ceil":
		op.Rounding = kernels.RoundPreferCeil
	case "floor":
		op.Rounding = kernels.RoundFloor
	case "ceil":
		op.Rounding = kernels.RoundCeil
	default:
		c.unsupported("nearest_mode %q is not supported", mode)
	}
	if op.Mode != kernels.Nearest {
		op.Rounding = 0 // means nothing
	}
	if c.intAttr("antialias", 0) != 0 {
		switch op.Mode {
		case kernels.Linear:
			op.Mode, op.ExcludeOutside = kernels.SmoothLinear, c.intAttr("exclude_outside", 0) != 0
		case kernels.Cubic:
			op.Mode = kernels.SmoothCubic
		default:
			c.fail("antialias without interpolation")
		}
	}
	scales, sizes := c.constantFloats(2, "the scales"), c.constantInts(3, "the sizes")
	axes := identity(len(x.shape))
	// Scales or sizes may name some dimensions only (since opset 18); the
	// others stay as they are.
	if list := c.intsAttr("axes"); list != nil && c.ready() {
		axes = c.axes(list, len(x.shape))
		switch {
		case !c.ready():
		case len(scales) == len(axes):
			scales = spread(axes, scales, len(x.shape), func(int) float32 { return 1 })
		case len(sizes) == len(axes):
			sizes = spread(axes, sizes, len(x.shape), func(i int) int64 { return int64(x.shape[i]) })
		}
	}
	policy := c.stringAttr("keep_aspect_ratio_policy", "stretch")
	if scales, sizes = c.keepAspect(policy, x.shape, axes, scales, sizes); op.Coordinates == kernels.CropAndResize {
		c.resizedPart(op, x.shape, axes)
	}
	return c.resample(op, x, scales, sizes)
}

// keepAspect gives all axes that are resized one scale, if the policy is another
// than to stretch: the largest or the smallest of theirs. Sizes follow from it and
// are rounded, half a pixel up.
func (c *call) keepAspect(policy string, shape tensor.Shape, axes []int, scales []float32, sizes []int64) ([]float32, []int64) {
	if policy == "stretch" || len(sizes) != len(shape) || !c.ready() {
		return scales, sizes
	}
	best := math.Inf(1)
	switch policy {
	case "not_larger":
		for _, a := range axes {
			best = min(best, float64(float32(sizes[a])/float32(shape[a])))
		}
	case "not_smaller":
		best = 0
		for _, a := range axes {
			best = max(best, float64(float32(sizes[a])/float32(shape[a])))
		}
	default:
		c.fail("keep_aspect_ratio_policy %q is unknown", policy)
	}
	sizes = slices.Clone(sizes)
	scales = slices.Repeat([]float32{1}, len(shape))
	for _, a := range axes {
		scales[a] = float32(best)
		sizes[a] = int64(bounded(int64(math.Floor(float64(float32(best)*float32(shape[a])) + 0.5))))
	}
	return scales, sizes
}

// resizedPart reads the part of the map that is resized, in the dimensions of its
// height and width; all of the others must be taken.
func (c *call) resizedPart(op *kernels.Resize, shape tensor.Shape, axes []int) {
	roi := c.constantFloats(1, "the part, roi")
	n := len(shape)
	if c.ready() && (len(roi) != 2*len(axes) || n < 3 || n > 4) {
		c.fail("a roi of %d numbers for %d axes", len(roi), len(axes))
	}
	if !c.ready() {
		return
	}
	op.Crop = [4]float32{0, 0, 1, 1}
	for i, a := range axes {
		start, end := roi[i], roi[len(axes)+i]
		switch at := a - n + 2; {
		case a >= 2:
			op.Crop[at], op.Crop[2+at] = start, end
		case start != 0 || end != 1:
			c.fail("a roi from %v to %v of dimension %d", start, end, a)
		}
	}
}

// spread puts the elements of list at axes and fills the rest.
func spread[T any](axes []int, list []T, n int, fill func(int) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = fill(i)
	}
	for i, a := range axes {
		out[a] = list[i]
	}
	return out
}

func (c *call) resizeMode(op *kernels.Resize) {
	switch mode := c.stringAttr("mode", "nearest"); mode {
	case "nearest":
		op.Mode = kernels.Nearest
	case "linear", "bilinear":
		op.Mode = kernels.Linear
	case "cubic":
		op.Mode = kernels.Cubic
		op.CubicA = c.floatAttr("cubic_coeff_a", -0.75)
		op.ExcludeOutside = c.intAttr("exclude_outside", 0) != 0
	default:
		c.unsupported("mode %q is not supported", mode)
	}
}

// oldRounding is how opsets before 11 find the nearest element: down where a
// map grows, up where it shrinks.
func (c *call) oldRounding(scale [2]float32) kernels.Rounding {
	if min(scale[0], scale[1]) >= 1 {
		return kernels.RoundFloor
	}
	if max(scale[0], scale[1]) > 1 {
		c.fail("scales %v that shrink a map in one direction and stretch it in the other are not supported before opset 11: export the model with it or a later one", scale)
	}
	return kernels.RoundCeil
}

// channelsBehind returns the order that brings channels back to the end, if it is
// the last dimension that keeps its size and dimension 1 does not, as exporters
// of TensorFlow write it; nil otherwise.
func channelsBehind(shape tensor.Shape, scales []float32, sizes []int64) []int {
	rank := len(shape)
	changes := func(i int) bool {
		if len(sizes) == rank {
			return sizes[i] != int64(shape[i])
		}
		return len(scales) == rank && scales[i] != 1
	}
	if rank < 3 || !changes(1) || changes(rank-1) {
		return nil
	}
	return append(append([]int{0}, identity(rank)[2:]...), 1)
}

// resample adds a Resize of x by scales or to sizes, one for each dimension, or
// both where sizes are scales rounded in a way of their own; those of batch and channels must change nothing. Channels may be the last
// dimension.
func (c *call) resample(op *kernels.Resize, x *value, scales []float32, sizes []int64) []*value {
	n := c.spatial(x)
	if !c.ready() {
		return nil
	}
	rank := n + 2
	if last := channelsBehind(x.shape, scales, sizes); last != nil {
		first := append([]int{0, rank - 1}, identity(rank)[1:rank-1]...)
		if len(sizes) == rank {
			sizes = permuted(sizes, first)
		}
		if len(scales) == rank {
			scales = permuted(scales, first)
		}
		y := c.resample(op, c.transpose(x, first...), scales, sizes)
		if !c.ready() {
			return nil
		}
		return []*value{c.transpose(y[0], last...)}
	}
	in := mapSize(x.shape)
	op.Size = in
	switch {
	case len(sizes) == rank:
		if sizes[0] != int64(x.shape[0]) || sizes[1] != int64(x.shape[1]) {
			c.fail("sizes %v change the batch or the channels of a map of shape %s", sizes, tensor.Dims(x.shape...))
		}
		op.Size = c.pair("sizes", sizes[2:], n, 1, 1)
		for i := range 2 {
			if at := rank - 2 + i; len(scales) == rank && at >= 2 {
				op.Scale[i] = scales[at]
			}
		}
	case len(scales) == rank:
		if scales[0] != 1 || scales[1] != 1 {
			c.fail("scales %v change the batch or the channels", scales)
		}
		op.Scale = [2]float32{1, 1}
		for i, s := range scales[2:] {
			if !tensor.IsFinite(s) || s <= 0 {
				return c.fail("scales %v: %v is not a positive number", scales, s)
			}
			at := 2 - n + i
			size := math.Floor(float64(float32(in[at]) * s)) // in single precision, as ONNX Runtime does
			if size < 1 || size > tensor.MaxElements {
				return c.fail("scales %v leave nothing of a map of shape %s, or make it too large", scales, tensor.Dims(x.shape...))
			}
			op.Scale[at], op.Size[at] = s, int(size)
		}
	default:
		c.fail("%d scales and %d sizes for a tensor of %d dimensions", len(scales), len(sizes), rank)
	}
	if c.t.opset < 11 && op.Mode == kernels.Nearest {
		op.Rounding = c.oldRounding(op.Scale)
	}
	return c.emitTypes(op, []*value{x}, nil, []tensor.Type{x.typ().Of(mapShape(x.shape, x.shape[1], op.Size)...)})
}
