package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// attention translates Attention: softmax(scale·Q·K' + mask)·V, by head. Keys and
// values of the past stand before the others.
func (c *call) attention() []*value {
	q, queryHeads := c.heads(0, "q_num_heads")
	k, keyHeads := c.heads(1, "kv_num_heads")
	v, valueHeads := c.heads(2, "kv_num_heads")
	if !c.ready() {
		return nil
	}
	if keyHeads != valueHeads || queryHeads%keyHeads != 0 || k.shape[3] != q.shape[3] || v.shape[2] != k.shape[2] {
		return c.fail("queries of shape %s, keys of shape %s and values of shape %s by head do not fit together",
			tensor.Dims(q.shape...), tensor.Dims(k.shape...), tensor.Dims(v.shape...))
	}
	if c.has(4) != c.has(5) {
		return c.fail("past keys and past values can only be given together")
	}
	if c.has(4) {
		k = c.apply(&kernels.Concat{Axis: 2}, c.operand(4), k)[0]
		v = c.apply(&kernels.Concat{Axis: 2}, c.operand(5), v)[0]
	}
	if c.has(6) {
		return c.fail("lengths of keys that are not padding, operand 6, are not supported: export the model with a mask")
	}
	if mode := c.intAttr("qk_matmul_output_mode", 0); mode != 0 || len(c.node.out) > 3 && c.node.out[3] != "" {
		return c.unsupported("the products of queries and keys as a result are not supported")
	}
	if !c.ready() {
		return nil
	}
	present := []*value{k, v}
	k, v = c.repeatHeads(k, queryHeads/keyHeads), c.repeatHeads(v, queryHeads/keyHeads)
	scale := c.floatAttr("scale", float32(1/math.Sqrt(float64(q.shape[3]))))
	if !c.ready() {
		return nil
	}
	scores := c.scores(q, k, scale)
	window := c.attentionWindow(scores)
	if window != nil {
		scores = c.plus(scores, window)
	}
	var mask *value
	if c.has(3) {
		mask = c.in[3]
		scores = c.masked(scores, mask)
	}
	shares := c.ofSeen(c.apply(&kernels.Softmax{Axis: 3}, scores)[0], mask, window)
	y := c.apply(&kernels.MatMul{}, shares, v)[0]
	if !c.ready() {
		return nil
	}
	if len(c.operand(0).shape) == 3 {
		y = c.transpose(y, 0, 2, 1, 3)
		if !c.ready() {
			return nil
		}
		y = c.reshape(y, []int{y.shape[0], y.shape[1], y.shape[2] * y.shape[3]})
	}
	return append([]*value{y}, present...)
}

// past is how many keys there are of the past.
func (c *call) past() int {
	if !c.has(4) || len(c.in[4].shape) != 4 {
		return 0
	}
	return c.in[4].shape[2]
}

// heads is operand i as [batch, heads, length, size], of which it may be
// [batch, length, heads·size], and how many heads there are.
func (c *call) heads(i int, attribute string) (*value, int) {
	x := c.activation(i)
	if !c.ready() {
		return x, 1
	}
	switch n := c.intAttr(attribute, 0); {
	case len(x.shape) == 4:
		return x, x.shape[1]
	case len(x.shape) != 3 || n < 1 || int64(x.shape[2])%n != 0:
		c.fail("%q of shape %s in %d heads", x.name, tensor.Dims(x.shape...), n)
		return x, 1
	default:
		heads := int(n)
		return c.transpose(c.reshape(x, []int{x.shape[0], x.shape[1], heads, x.shape[2] / heads}), 0, 2, 1, 3), heads
	}
}

// repeatHeads gives each head times queries.
func (c *call) repeatHeads(x *value, times int) *value {
	if times == 1 || !c.ready() {
		return x
	}
	s := x.shape
	y := c.repeat(c.reshape(x, []int{s[0], s[1], 1, s[2], s[3]}), []int{1, 1, times, 1, 1})
	return c.reshape(y, []int{s[0], s[1] * times, s[2], s[3]})
}

// scores are scale·Q·K', which softcap keeps within bounds.
func (c *call) scores(q, k *value, scale float32) *value {
	y := c.apply(&kernels.MatMul{Scale: scale}, q, c.transpose(k, 0, 1, 3, 2))[0]
	if scale == 0 {
		y = c.times(y, 0)
	}
	bound := c.floatAttr("softcap", 0)
	if bound < 0 {
		c.fail("softcap %v is negative", bound)
	}
	if bound == 0 || !c.ready() {
		return y
	}
	return c.times(c.apply(&kernels.Unary{Act: kernels.Act{Kind: kernels.ActTanh}}, c.times(y, 1/bound))[0], bound)
}

// plus is the sum of two values.
func (c *call) plus(x, y *value) *value { return c.binary(&kernels.Binary{Kind: kernels.Add}, x, y) }

// attentionWindow is a mask that takes away keys that a query must not see: those
// behind it if attention is causal, and since opset 25 those farther away than a
// window reaches; nil if there are none. The first query stands behind past keys.
func (c *call) attentionWindow(scores *value) *value {
	left, right := int64(-1), int64(-1)
	if c.t.opset >= 25 {
		left, right = c.intAttr("left_window_size", -1), c.intAttr("right_window_size", -1)
	}
	if min(left, right) < -1 {
		c.fail("a window of %d keys to the left and %d to the right, where −1 stands for all", left, right)
	}
	if c.intAttr("is_causal", 0) != 0 {
		right = 0
	}
	if left < 0 && right < 0 || !c.ready() {
		return nil
	}
	rows, columns := scores.shape[2], scores.shape[3]
	shape := []int{1, 1, rows, columns}
	t := c.newTensor(typeFloat, shape)
	if t == nil {
		return nil
	}
	for i := range t.floats {
		if ahead := int64(i%columns - i/columns - c.past()); left >= 0 && -ahead > left || right >= 0 && ahead > right {
			t.floats[i] = float32(math.Inf(-1))
		}
	}
	return &value{name: "the window", shape: shape, data: t}
}

// ofSeen makes the shares of a query 0 that the masks let see nothing, of which
// Softmax makes NaN. Either mask is nil if there is none.
func (c *call) ofSeen(shares, mask, window *value) *value {
	if !c.ready() || mask == nil && window == nil {
		return shares
	}
	if mask != nil {
		mask = c.withShape(mask, padded(mask.shape, 4))
	}
	var seen *value // by whom, or what
	switch {
	case (mask == nil || mask.data != nil) && !hidesAll(mask, window):
		return shares
	case mask == nil:
		seen = inWindow(window)
	case mask.typ().Elem == tensor.Bool && window == nil:
		seen = mask
	case mask.typ().Elem == tensor.Bool:
		seen = c.binary(&kernels.Binary{Kind: kernels.And}, c.computed(mask), inWindow(window))
	default:
		most := c.computed(mask)
		if window != nil {
			most = c.plus(most, window)
		}
		if most = c.apply(&kernels.Reduce{Kind: kernels.ReduceMax, Axes: []int{3}, Keep: true}, most)[0]; !c.ready() {
			return shares
		}
		seen = c.binary(&kernels.Binary{Kind: kernels.Less}, hidden(), most)
	}
	if !c.ready() {
		return shares
	}
	op := &kernels.Select{Constant: [3]bool{seen.data != nil, false, true}}
	in, weights := []*value{seen, shares}, []*value{{shape: []int{1, 1, 1, 1}, data: floatTensor([]int{1, 1, 1, 1}, []float32{0})}}
	if seen.data != nil {
		in, weights = in[1:], append([]*value{seen}, weights...)
	}
	return c.emitTypes(op, in, weights, []tensor.Type{shares.typ()})[0]
}

// inWindow is a mask of floats as one of Booleans.
func inWindow(window *value) *value {
	t := &constant{kind: typeBool, dims: window.data.dims, ints: make([]int64, window.data.len())}
	for i, x := range window.data.floats {
		if x == 0 {
			t.ints[i] = 1
		}
	}
	return &value{shape: window.shape, data: t}
}

// hidesAll says whether constant masks hide all keys from a query, together. Either is
// nil if there is none.
func hidesAll(mask, window *value) bool {
	if mask == nil {
		mask = &value{shape: []int{1, 1, 1, 1}, data: floatTensor([]int{1, 1, 1, 1}, []float32{0})}
	}
	columns := mask.shape[3]
	rows, keys := mask.shape[2], columns
	if window != nil {
		rows, keys = window.shape[2], window.shape[3]
	}
	hides := func(first, row int) bool { // of the matrix from an element on
		for key := range keys {
			at := first + row%mask.shape[2]*columns + key%columns
			masked := mask.data.kind == typeBool && mask.data.ints[at] == 0 || mask.data.kind.float() && math.IsInf(float64(mask.data.floats[at]), -1)
			if !masked && (window == nil || window.data.floats[row*keys+key] == 0) {
				return false
			}
		}
		return true
	}
	for first := 0; first < mask.data.len(); first += mask.shape[2] * columns {
		for row := range rows {
			if hides(first, row) {
				return true
			}
		}
	}
	return false
}

// hidden is what is added to the score of a key that a query must not see.
func hidden() *value {
	return &value{name: "−∞", shape: []int{1, 1, 1, 1}, data: floatTensor([]int{1, 1, 1, 1}, []float32{float32(math.Inf(-1))})}
}

// masked adds a mask to the scores; a Boolean one keeps those where it is true.
func (c *call) masked(scores, mask *value) *value {
	if !c.ready() {
		return scores
	}
	if of, ok := tensor.Broadcast(scores.shape, mask.shape); !ok || !slices.Equal(of, scores.shape) {
		c.fail("a mask of shape %s for scores of shape %s", tensor.Dims(mask.shape...), tensor.Dims(scores.shape...))
		return scores
	}
	if mask = c.withShape(mask, padded(mask.shape, 4)); mask.typ().Elem != tensor.Bool {
		return c.binary(&kernels.Binary{Kind: kernels.Add}, scores, mask)
	}
	op := &kernels.Select{Constant: [3]bool{false, false, true}}
	return c.emitTypes(op, []*value{mask, scores}, []*value{hidden()}, []tensor.Type{scores.typ()})[0]
}
