package onnx

import (
	"slices"
	"strings"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// lstm translates LSTM: X, W [D, 4H, I], R [D, 4H, H], B [D, 8H], sequence_lens,
// initial_h, initial_c, P [D, 3H], for D directions.
func (c *call) lstm() []*value {
	if c.intAttr("input_forget", 0) != 0 {
		return c.unsupported("input_forget is not supported")
	}
	if c.has(7) {
		if p := c.weight(7, "the peepholes"); c.ready() && slices.ContainsFunc(p.data.floats, func(x float32) bool { return x != 0 }) {
			return c.unsupported("peepholes, P, are not supported")
		}
	}
	return c.recurrent(kernels.LSTM, 4, []string{"Sigmoid", "Tanh", "Tanh"})
}

// gru translates GRU: X, W [D, 3H, I], R [D, 3H, H], B [D, 6H], sequence_lens,
// initial_h, for D directions.
func (c *call) gru() []*value {
	kind := kernels.GRU
	if c.intAttr("linear_before_reset", 0) != 0 {
		kind = kernels.GRUResetAfter
	}
	return c.recurrent(kind, 3, []string{"Sigmoid", "Tanh"})
}

// rnn translates RNN: X, W [D, H, I], R [D, H, H], B [D, 2H], sequence_lens,
// initial_h, for D directions.
func (c *call) rnn() []*value {
	a := c.attribute("activations", attrStrings)
	relu := func(name string) bool { return strings.EqualFold(name, "Relu") }
	switch {
	case a == nil || !slices.ContainsFunc(a.strings, relu):
		return c.recurrent(kernels.RNN, 1, []string{"Tanh"})
	case slices.ContainsFunc(a.strings, func(name string) bool { return !relu(name) }):
		return c.unsupported("activations %q that are not the same in both directions are not supported", a.strings)
	}
	return c.recurrent(kernels.RNNRelu, 1, []string{"Relu"})
}

// recurrent translates a recurrent layer of cells of so many gates: a fully
// connected layer makes all times' shares of the gates, then a Recurrent goes
// through them, once for each direction.
func (c *call) recurrent(kind kernels.RecurrentKind, gates int, activations []string) []*value {
	x, w, r, b := c.activation(0), c.weight(1, "the input's weights"), c.weight(2, "the state's weights"), c.optionalWeight(3, "the bias")
	if !c.ready() {
		return nil
	}
	reverse := c.directions()
	layout := c.intAttr("layout", 0)
	c.checkCell(len(reverse), activations)
	if layout != 0 && layout != 1 {
		c.fail("layout is %d, and can be 0 or 1", layout)
	}
	if len(x.shape) != 3 {
		c.fail("%q of shape %s is not a batch of sequences", x.name, tensor.Dims(x.shape...))
	}
	if !c.ready() {
		return nil
	}
	itemsFirst := layout == 1
	if !itemsFirst {
		x = c.transpose(x, 1, 0, 2)
	}
	if !c.ready() {
		return nil
	}
	n, times, directions := x.shape[0], x.shape[1], len(reverse)
	if len(r.shape) != 3 || r.shape[2] < 1 || r.shape[2] > tensor.MaxElements/(2*gates) {
		return c.fail("the state's weights are of shape %s", tensor.Dims(r.shape...))
	}
	hidden := r.shape[2]
	rows := gates * hidden
	switch {
	case !slices.Equal(w.shape, []int{directions, rows, x.shape[2]}), !slices.Equal(r.shape, []int{directions, rows, hidden}):
		return c.fail("weights of shapes %s and %s for %d directions and inputs of %d",
			tensor.Dims(w.shape...), tensor.Dims(r.shape...), directions, x.shape[2])
	case b != nil && !slices.Equal(b.shape, []int{directions, 2 * rows}):
		return c.fail("a bias of shape %s for %d directions of %d gates", tensor.Dims(b.shape...), directions, rows)
	case c.intAttr("hidden_size", int64(hidden)) != int64(hidden):
		return c.fail("hidden_size is %d, and the weights are for %d", c.intAttr("hidden_size", 0), hidden)
	}
	c.checkLengths(times, n)
	states := 1
	if kind == kernels.LSTM {
		states = 2
	}
	first := c.firstStates(states, directions, n, hidden, itemsFirst)
	if !c.ready() {
		return nil
	}
	results := make([][]*value, 1+states) // of each direction
	for d, back := range reverse {
		inputBias, stateBias := biasOf(b, d, rows)
		y := c.emit(&kernels.FullyConnected{Channels: rows}, []*value{x}, []*value{part(w, d), inputBias}, tensor.Shape{n, times, rows})
		if !c.ready() {
			return nil
		}
		in, weights := y, []*value{part(r, d), stateBias}
		if first.constant != nil {
			weights = append(weights, part(first.constant, d))
		} else if first.values != nil {
			in = append(in, first.values[d]...)
		}
		state := tensor.Shape{n, hidden}
		shapes := []tensor.Shape{{n, times, hidden}, state, state}
		for i, v := range c.emit(&kernels.Recurrent{Kind: kind, Reverse: back}, in, weights, shapes[:1+states]...) {
			results[i] = append(results[i], v)
		}
	}
	if !c.ready() {
		return nil
	}
	out := make([]*value, 1+states)
	for i, parts := range results {
		// Directions side by side, behind items and times.
		shape := slices.Insert(slices.Clone(parts[0].shape), len(parts[0].shape)-1, directions)
		y := parts[0]
		if directions > 1 {
			y = c.apply(&kernels.Concat{Axis: len(y.shape) - 1}, parts...)[0]
		}
		if !c.ready() {
			return nil
		}
		y = c.reshape(y, shape)
		if !itemsFirst {
			if i == 0 {
				y = c.transpose(y, 1, 2, 0, 3)
			} else {
				y = c.transpose(y, 1, 0, 2)
			}
		}
		out[i] = y
	}
	return out
}

// directions is the directions of a layer: whether each goes from the last time
// to the first.
func (c *call) directions() []bool {
	switch d := c.stringAttr("direction", "forward"); d {
	case "forward":
		return []bool{false}
	case "reverse":
		return []bool{true}
	case "bidirectional":
		return []bool{false, true}
	default:
		c.fail("direction %q is unknown", d)
		return []bool{false}
	}
}

// checkCell checks the attributes that change what a cell computes.
func (c *call) checkCell(directions int, activations []string) {
	if clip := c.floatAttr("clip", 0); clip != 0 {
		c.unsupported("clip, here %v, is not supported", clip)
	}
	a := c.attribute("activations", attrStrings)
	if a == nil {
		return
	}
	if len(a.strings) != directions*len(activations) {
		c.fail("%d activations where there should be %d", len(a.strings), directions*len(activations))
		return
	}
	for i, name := range a.strings {
		if !strings.EqualFold(name, activations[i%len(activations)]) {
			c.fail("activations %q are not supported: export the model with the default ones, %q", a.strings, activations)
			return
		}
	}
}

// checkLengths checks that every sequence is as long as the longest can be.
func (c *call) checkLengths(times, n int) {
	for _, length := range c.constantInts(4, "the lengths of the sequences") {
		if length != int64(times) {
			c.fail("a sequence of length %d among sequences of %d: only sequences of one length are supported", length, times)
			return
		}
	}
	if c.ready() && c.has(4) && c.in[4].data.len() != n {
		c.fail("%d lengths of %d sequences", c.in[4].data.len(), n)
	}
}

// The states with which sequences begin: a constant [D, states, H], values
// [N, H] of each direction, or neither, and they are zero.
type firstStates struct {
	constant *value
	values   [][]*value
}

// firstStates reads initial_h and, of two states, initial_c, which are
// [D, N, H] or, where items come first, [N, D, H].
func (c *call) firstStates(states, directions, n, hidden int, itemsFirst bool) (f firstStates) {
	want := []int{directions, n, hidden}
	if itemsFirst {
		want = []int{n, directions, hidden}
	}
	zero := func(v *value) bool {
		return v.data != nil && !slices.ContainsFunc(v.data.floats, func(x float32) bool { return x != 0 })
	}
	var given, constant, zeros int
	for i := 5; i < 5+states; i++ {
		if !c.has(i) {
			zeros++
			continue
		}
		v := c.in[i]
		if v.data != nil {
			c.checkFloats(v, "a first state")
		}
		if c.ready() && !slices.Equal(v.shape, want) {
			c.fail("a first state of shape %s where there should be %s", tensor.Dims(v.shape...), tensor.Dims(want...))
		}
		if !c.ready() {
			return f
		}
		switch {
		case zero(v):
			zeros++
		case v.data != nil:
			constant++
		default:
			given++
		}
	}
	switch {
	case zeros == states:
	case given == states:
		f.values = make([][]*value, directions)
		for i := range states {
			v := c.in[5+i]
			if !itemsFirst {
				v = c.transpose(v, 1, 0, 2)
			}
			if !c.ready() {
				return f
			}
			v = c.reshape(v, []int{n, directions * hidden})
			parts := []*value{v}
			if directions > 1 {
				parts = c.apply(&kernels.Split{Axis: 1, Sizes: []int{hidden, hidden}}, v)
			}
			if !c.ready() {
				return f
			}
			for d := range directions {
				f.values[d] = append(f.values[d], parts[d])
			}
		}
	case given > 0:
		c.fail("one first state is constant and the other is not")
	default:
		x := make([]float32, directions*states*hidden)
		for i := range states {
			if !c.has(5 + i) {
				continue
			}
			data := c.in[5+i].data.floats
			for at, v := range data {
				row := at / hidden
				d, item := row/n, row%n
				if itemsFirst {
					d, item = row%directions, row/directions
				}
				to := &x[(d*states+i)*hidden+at%hidden]
				if item > 0 && *to != v {
					c.unsupported("constant first states that differ among sequences are not supported")
					return f
				}
				*to = v
			}
		}
		f.constant = &value{shape: []int{directions, states, hidden}, data: floatTensor([]int{directions, states, hidden}, x)}
	}
	return f
}

// part is the matrix d of a constant of three dimensions.
func part(v *value, d int) *value {
	shape := v.shape[1:]
	size := shape[0] * shape[1]
	return &value{name: v.name, shape: slices.Clone(shape), data: floatTensor(shape, v.data.floats[d*size:][:size])}
}

// biasOf is the biases of the input's and of the state's products in a
// direction, nil if there are none.
func biasOf(b *value, d, rows int) (input, state *value) {
	if b == nil {
		return nil, nil
	}
	x := b.data.floats[d*2*rows:]
	bias := func(x []float32) *value {
		return &value{name: b.name, shape: []int{rows}, data: floatTensor([]int{rows}, x)}
	}
	return bias(x[:rows]), bias(x[rows : 2*rows])
}
