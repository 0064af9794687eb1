package onnx

import "github.com/infer-go/infer/kernels"

// chooseAlgorithm says how a convolution of cin channels, whose result is a
// map of height×width before pooling, is computed: by the algorithm of the
// least estimated time.
//
// Winograd's F(m×m, 3×3) needs (m+2)² multiplications a tile instead of 9·m²,
// and pays for it with transforms of input and output, and with (m+2)²/9 times
// the weights. With few channels the transforms are all there is. With many,
// on a small map, the weights are, which have to be fetched from far away: so
// each weight is worth as many multiply-adds as a tile or pixel uses it for,
// plus what fetching it takes.
func chooseAlgorithm(c *kernels.Conv, cin, height, width int) kernels.Algorithm {
	if c.Kernel != [2]int{3, 3} || c.Stride != [2]int{1, 1} || c.Dilation != [2]int{1, 1} || c.Groups != 1 {
		return kernels.Direct
	}
	if cin < fewChannels || c.Channels < fewChannels {
		return kernels.Direct
	}
	cost := func(perKernel, uses int) int {
		if perKernel*cin*c.Channels*4 > nearBytes {
			uses += fetchCost
		}
		return perKernel * uses
	}
	tiles := func(m int) int { return ((height + m - 1) / m) * ((width + m - 1) / m) }
	best, least := kernels.Direct, cost(9, height*width)
	if f := cost(16, tiles(2)); f < least {
		best, least = kernels.WinogradF2, f
	}
	if f := cost(36, tiles(4)); f < least {
		best = kernels.WinogradF4
	}
	return best
}

// Measured on AMD's Zen 4 with AVX2: 58 multiply-adds and some 20 bytes of
// weights a nanosecond.
const (
	fewChannels = 16
	fetchCost   = 12      // multiply-adds in the time in which a weight comes from afar
	nearBytes   = 1 << 20 // weights that stay in the second-level cache
)
