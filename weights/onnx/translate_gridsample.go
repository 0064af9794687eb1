package onnx

import "github.com/infer-go/infer/kernels"

// gridSample translates GridSample: X [N, C, H, W], grid [N, Ho, Wo, 2].
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
	if c.ready() && len(x.shape) != 4 {
		c.fail("%q has %d dimensions, but only maps with two spatial dimensions are supported", x.name, len(x.shape))
	}
	if !c.ready() {
		return nil
	}
	y := c.apply(op, c.transpose(x, 0, 2, 3, 1), grid)[0]
	if !c.ready() {
		return nil
	}
	return []*value{c.transpose(y, 0, 3, 1, 2)}
}
