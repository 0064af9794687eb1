package kernels

// Window is the geometry of a convolution or a pool: height, then width.
// Pad is top, left, bottom, right. A one-dimensional one has height 1.
type Window struct {
	Kernel, Stride, Dilation [2]int
	Pad                      [4]int
}

// check says what no window can be.
func (w *Window) check(s Spec) error {
	for i := range 2 {
		if !inRange(w.Kernel[i], 1) || !inRange(w.Stride[i], 1) || !inRange(w.Dilation[i], 1) {
			return errorf(s, "kernel %s, stride %s, dilation %s are not all positive",
				dims(w.Kernel[:]...), dims(w.Stride[:]...), dims(w.Dilation[:]...))
		}
	}
	for _, p := range w.Pad {
		if !inRange(p, 0) {
			return errorf(s, "padding %d", p)
		}
	}
	return nil
}

func inRange(x, least int) bool { return least <= x && x <= maxDim }

// extent is how many rows or columns the window covers, between its first and
// its last tap. A checked window's extent is less than 2⁶².
func (w *Window) extent(i int) int64 {
	return int64(w.Kernel[i]-1)*int64(w.Dilation[i]) + 1
}

// count returns how many windows fit on each side of a map. With ceil a last
// one may stand out of the padded map, if it starts before the padding that
// follows the map.
func (w *Window) count(s Spec, height, width int, ceil bool) (n [2]int64, err error) {
	if err := w.check(s); err != nil {
		return n, err
	}
	for i, size := range [2]int{height, width} {
		before, after, stride := int64(w.Pad[i]), int64(w.Pad[i+2]), int64(w.Stride[i])
		slack := int64(size) + before + after - w.extent(i)
		if ceil {
			slack += stride - 1
		}
		if slack < 0 {
			return n, errorf(s, "kernel %s with dilation %s does not fit a %s map with padding %v",
				dims(w.Kernel[:]...), dims(w.Dilation[:]...), dims(height, width), w.Pad)
		}
		n[i] = slack/stride + 1
		if ceil && n[i] > 1 && (n[i]-1)*stride >= int64(size)+before {
			n[i]--
		}
	}
	return n, nil
}
