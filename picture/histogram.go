package picture

// quantile returns the index at which a share of a histogram's count is
// reached.
func quantile(hist []int, count int, share float64) int {
	left := int(share * float64(count))
	for i, n := range hist {
		if left -= n; left < 0 {
			return i
		}
	}
	return len(hist) - 1
}

// median returns the index at which half of a histogram's count is reached.
func median(hist []int, count int) int { return quantile(hist, count, 0.5) }

// robustMax is the index of a histogram that only few of count exceed: specks
// of dust are fewer, the strokes of a digit are more.
func robustMax(hist []int, count int) int {
	few := 3 + count/10000
	for i := len(hist) - 1; i > 0; i-- {
		if few -= hist[i]; few < 0 {
			return i
		}
	}
	return 0
}

// noiseDeviation is the standard deviation of the noise in x, from the median
// of the absolute values of what is not ink.
func noiseDeviation(x []float32) float32 {
	const (
		steps = 8 // per unit

		// normalMedian is the median of the absolute values of a normal
		// distribution, in standard deviations.
		normalMedian = 0.6745
	)
	var hist [256 * steps]int
	for _, v := range x {
		hist[min(len(hist)-1, int(steps*max(v, -v)))]++
	}
	paper := hist[:int(paperShare*float64(robustMax(hist[:], len(x))))+1]
	count := 0
	for _, n := range paper {
		count += n
	}
	return float32(median(paper, count)) / steps / normalMedian
}
