package onnx

import "github.com/infer-go/infer/kernels"

// chooseAlgorithm says how a convolution of cin channels, whose result is a
// map of height×width before pooling, is computed.
//
// Winograd's F(4×4, 3×3) needs a quarter of the multiplications, and pays for
// it with transforms of input and output. With few channels the transforms are
// all there is; on a small map most of a 4×4 tile hangs over the edge.
func chooseAlgorithm(c *kernels.Conv, cin, height, width int) kernels.Algorithm {
	if c.Kernel != [2]int{3, 3} || c.Stride != [2]int{1, 1} || c.Dilation != [2]int{1, 1} || c.Groups != 1 {
		return kernels.Direct
	}
	if cin < 16 || c.Channels < 16 || height < 8 || width < 8 {
		return kernels.Direct
	}
	return kernels.WinogradF4
}
