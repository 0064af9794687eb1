package kernels

// sumRows adds count rows of width elements, which start step apart, to sum.
// Rows are added four at a time, always in the same order; in float64 even
// millions of them keep all of a float32's digits.
func sumRows(sum *[lanes]float64, src []float32, step, count, width int) {
	if width == lanes {
		for ; count >= 4; count -= 4 {
			a, b := (*[lanes]float32)(src), (*[lanes]float32)(src[step:])
			c, d := (*[lanes]float32)(src[2*step:]), (*[lanes]float32)(src[3*step:])
			for i := range sum {
				sum[i] += (float64(a[i]) + float64(b[i])) + (float64(c[i]) + float64(d[i]))
			}
			src = src[min(4*step, len(src)):]
		}
	}
	for k := range count {
		for i, v := range src[k*step:][:width] {
			sum[i] += float64(v)
		}
	}
}
