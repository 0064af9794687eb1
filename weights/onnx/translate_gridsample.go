package onnx

import "github.com/infer-go/infer/kernels"

// gridSample translates GridSample: X [N, C, H, W], grid [N, Ho, Wo, 2]; or X
// [N, C, D, H, W], grid [N, Do, Ho, Wo, 3].
func (c *call) gridSample() []*value {
	x, grid := c.activation(0), c.activation(1)
	op := &kernels.GridSample{AlignCorners: c.intAttr("align_corners", 0) != 0}
	switch mode := c.stringAttr("mode", "linear"); mode {
	case "linear", "bilinear":
		op.Mode = kernels.Linear
	case "nearest":
		op.Mode = kernels.Nearest
	case "cubic", "bicubic":
		op.Mode = kernels.Cubic
	default:
		c.fail("mode %q is unknown", mode)
	}
	switch padding := c.stringAttr("padding_mode", "zeros"); padding {
	case "zeros":
	case "border":
		op.Padding = kernels.GridBorder
	case "reflection":
		op.Padding = kernels.GridReflection
	default:
		c.fail("padding_mode %q is unknown", padding)
	}
	rank := len(x.shape)
	if c.ready() && rank != 4 && rank != 5 {
		c.fail("%q has %d dimensions, but only maps with two or three spatial dimensions are supported", x.name, rank)
	}
	if !c.ready() {
		return nil
	}
	last, first := []int{0, 2, 3, 1}, []int{0, 3, 1, 2}
	if rank == 5 {
		last, first = []int{0, 2, 3, 4, 1}, []int{0, 4, 1, 2, 3}
	}
	y := c.apply(op, c.transpose(x, last...), grid)[0]
	if !c.ready() {
		return nil
	}
	return []*value{c.transpose(y, first...)}
}
