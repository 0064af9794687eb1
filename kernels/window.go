package kernels

import "github.com/infer-go/infer/tensor"

// Window is the geometry of a convolution or a pool: height, then width. Pad is
// top, left, bottom, right. A one-dimensional window has height 1.
type Window struct {
	Kernel, Stride, Dilation [2]int
	Pad                      [4]int
}

// check refuses a geometry that no window has.
func (w *Window) check(s Spec) error {
	for _, field := range []struct {
		what  string
		sizes []int
		least int
	}{
		{"kernel", w.Kernel[:], 1},
		{"stride", w.Stride[:], 1},
		{"dilation", w.Dilation[:], 1},
		{"padding", w.Pad[:], 0},
	} {
		for _, size := range field.sizes {
			if err := checkRange(s, field.what, size, field.least); err != nil {
				return err
			}
		}
	}
	return nil
}

// Extent is the number of rows (i = 0) or columns (i = 1) from the window's
// first tap to its last: less than 2⁶², as no field exceeds 2³¹ − 1.
func (w *Window) Extent(i int) int64 {
	return int64(w.Kernel[i]-1)*int64(w.Dilation[i]) + 1
}

// Count returns how many windows fit on a map of the given size in dimension i.
// With ceil, a last window may extend beyond the padded map, if it starts
// before the padding that follows the map.
func (w *Window) Count(i, size int, ceil bool) int64 {
	before, after, stride := int64(w.Pad[i]), int64(w.Pad[i+2]), int64(w.Stride[i])
	slack := int64(size) + before + after - w.Extent(i)
	if ceil {
		slack += stride - 1
	}
	if slack < 0 {
		return 0
	}
	n := slack/stride + 1
	if ceil && n > 1 && (n-1)*stride >= int64(size)+before {
		n--
	}
	return n
}

// count checks the window and counts those on a map.
func (w *Window) count(s Spec, height, width int, ceil bool) (n [2]int64, err error) {
	if err := w.check(s); err != nil {
		return n, err
	}
	for i, size := range [2]int{height, width} {
		if n[i] = w.Count(i, size, ceil); n[i] == 0 {
			return n, errorf(s, "kernel %s with dilation %s does not fit a %s map with padding %v",
				tensor.Dims(w.Kernel[:]...), tensor.Dims(w.Dilation[:]...), tensor.Dims(height, width), w.Pad)
		}
	}
	return n, nil
}
