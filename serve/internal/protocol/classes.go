package protocol

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/tensor"
)

// Classes lists the greatest scores that a Request has in output i, at most so
// many of each item, and the shape of the list.
func Classes(m *serve.Model, r *serve.Request, i, most int) ([][]byte, tensor.Shape) {
	items := 1
	if m.Batched() {
		items = r.Items
	}
	list, n := classify(tensor.Slice[float32](r.Outputs[i]), items, most, m.Engine().Meta().Labels)
	if m.Batched() {
		return list, tensor.Shape{items, n}
	}
	return list, tensor.Shape{n}
}

// BinaryClasses is Classes as a tensor of BYTES.
func BinaryClasses(m *serve.Model, r *serve.Request, i, most int) (data []byte, shape tensor.Shape) {
	list, shape := Classes(m, r, i, most)
	return AppendBytes(nil, list), shape
}

// AppendBytes appends a tensor of BYTES in binary.
func AppendBytes(to []byte, list [][]byte) []byte {
	for _, c := range list {
		to = append(binary.LittleEndian.AppendUint32(to, uint32(len(c))), c...)
	}
	return to
}

// classify lists the greatest scores of each item, value:index[:label], and says
// how many of an item there are.
func classify(scores []float32, items, most int, labels []string) (list [][]byte, n int) {
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
