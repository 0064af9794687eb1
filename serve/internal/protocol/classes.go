package protocol

import (
	"slices"
	"strconv"
)

// Classify lists the greatest scores of each item, value:index[:label], and says
// how many of an item there are.
func Classify(scores []float32, items, most int, labels []string) (list [][]byte, n int) {
	size := len(scores) / items
	n = min(most, size)
	list = make([][]byte, 0, n*items)
	order := make([]int, size)
	for item := range items {
		x := scores[item*size:][:size]
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case x[a] > x[b]:
				return -1
			case x[a] < x[b]:
				return 1
			case x[a] != x[a] && x[b] == x[b]:
				return 1 // NaN is behind everything
			case x[a] == x[a] && x[b] != x[b]:
				return -1
			}
			return 0
		})
		for _, i := range order[:n] {
			text := strconv.AppendFloat(nil, float64(x[i]), 'f', 6, 32)
			text = strconv.AppendInt(append(text, ':'), int64(i), 10)
			if i < len(labels) {
				text = append(append(text, ':'), labels[i]...)
			}
			list = append(list, text)
		}
	}
	return list, n
}
