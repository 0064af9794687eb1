package picture

// A Layout is the order of an input's elements in memory.
type Layout uint8

const (
	// Planar is one plane for each channel, [channels, height, width]: the
	// order of most models' inputs (NCHW).
	Planar Layout = iota

	// Interleaved is one pixel after the other, [height, width, channels]
	// (NHWC): what a convolution reads.
	Interleaved
)

// strides are the distances from an element to that of the next channel and of
// the next pixel, in an input or a row of n pixels of c channels.
func (l Layout) strides(n, c int) (channel, pixel int) {
	if l == Interleaved {
		return 1, c
	}
	return n, 1
}
