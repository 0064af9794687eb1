package onnx

import (
	"math"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// suppress translates NonMaxSuppression, whose numbers must be constant. How many
// rows its result has is known at a run alone.
func (c *call) suppress() []*value {
	boxes, scores := c.activation(0), c.activation(1)
	op := &kernels.NonMaxSuppression{Scored: c.has(4)}
	switch form := c.intAttr("center_point_box", 0); form {
	case 0:
	case 1:
		op.Centred = true
	default:
		c.fail("center_point_box %d is not 0 or 1", form)
	}
	most := int64(0)
	if list := c.constantInts(2, "max_output_boxes_per_class"); len(list) == 1 {
		most = list[0]
	}
	op.Overlap, op.Least = c.bound(3, "iou_threshold", 0), c.bound(4, "score_threshold", 0)
	if c.ready() && most < 1 {
		c.fail("max_output_boxes_per_class is %d, so that nothing is ever picked", most)
	}
	if !c.ready() {
		return nil
	}
	op.Most = int(min(most, math.MaxInt32))
	out := c.apply(op, boxes, scores)
	out[0].counted = true
	return out
}

// roiAlign translates RoiAlign: X [N, C, H, W], rois [R, 4], batch_indices [R].
func (c *call) roiAlign() []*value {
	x, regions, maps := c.activation(0), c.activation(1), c.activation(2)
	op := &kernels.RoiAlign{Scale: c.floatAttr("spatial_scale", 1)}
	form := "half_pixel"
	if c.t.opset < 16 {
		form = "output_half_pixel"
	}
	switch form = c.stringAttr("coordinate_transformation_mode", form); form {
	case "half_pixel":
		op.HalfPixel = true
	case "output_half_pixel":
	default:
		c.fail("coordinate_transformation_mode %q is unknown", form)
	}
	switch mode := c.stringAttr("mode", "avg"); mode {
	case "avg":
	case "max":
		op.Max = true
	default:
		c.fail("mode %q is unknown", mode)
	}
	op.Size = c.pair("output_height and output_width", []int64{c.intAttr("output_height", 1), c.intAttr("output_width", 1)}, 2, 1, 1)
	sampling := c.intAttr("sampling_ratio", 0)
	if c.ready() && (sampling < 0 || sampling > tensor.MaxElements) {
		c.fail("sampling_ratio %d is negative, or too large", sampling)
	}
	if c.ready() && len(x.shape) != 4 {
		c.fail("%q of shape %s is not a map of two spatial dimensions", x.name, tensor.Dims(x.shape...))
	}
	if !c.ready() {
		return nil
	}
	op.Sampling = int(sampling)
	y := c.apply(op, c.transpose(x, 0, 2, 3, 1), regions, maps)[0]
	if !c.ready() {
		return nil
	}
	return []*value{c.transpose(y, 0, 3, 1, 2)}
}
