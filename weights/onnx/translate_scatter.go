package onnx

import (
	"slices"
	"strconv"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// moved is a value of a shape whose element i is element from[i] of x, row by row,
// or of u where from[i] counts on behind those of x; u may be nil. If both are
// constant it is one. Where every item takes the same of its own, items stay
// apart.
func (c *call) moved(x, u *value, from []int, shape []int) *value {
	if c.t.budget -= len(from); c.t.budget < 0 {
		c.fail("%d elements that are moved are too many", len(from))
	}
	if !c.ready() {
		return &value{}
	}
	if slices.Contains(shape, 0) {
		return c.empty(x.typ().Elem, shape)
	}
	if x.data != nil && (u == nil || u.data != nil) {
		return c.movedConstant(x, u, from, shape)
	}
	n := 1
	if all := c.itemwise(x, u, from, shape); all != nil {
		n, from = shape[0], all
	}
	y := c.withShape(x, []int{n, x.shape.Volume() / n})
	if u != nil {
		y = c.apply(&kernels.Concat{Axis: 1}, y, c.withShape(u, []int{n, u.shape.Volume() / n}))[0]
	}
	if !c.ready() {
		return &value{}
	}
	size := y.shape[1]
	if run := stretch(from, size); run > 1 {
		starts := make([]int, len(from)/run)
		for i := range starts {
			starts[i] = from[i*run] / run
		}
		y, from = c.reshape(y, []int{n, size / run, run}), starts
	}
	if !c.ready() {
		return &value{}
	}
	y = c.take(y, 1, from)
	if !c.ready() {
		return &value{}
	}
	return c.reshape(y, shape)
}

// stretch is the largest number of elements into which size of them can be cut so
// that from names whole pieces only.
func stretch(from []int, size int) int {
	run := gcd(size, len(from))
	for i, k := range from {
		if run > 1 && (i == 0 || k != from[i-1]+1) {
			run = gcd(gcd(run, i), k)
		}
	}
	return run
}

// gcd is the greatest common divisor; that of 0 and a number is the number.
func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// itemwise is what an item takes of its own elements, if it is the same for all;
// else nil.
func (c *call) itemwise(x, u *value, from []int, shape []int) []int {
	if len(shape) == 0 || len(x.shape) == 0 || x.shape[0] != shape[0] {
		return nil
	}
	n := shape[0]
	size, all, more := len(from)/n, x.shape.Volume(), 0
	if u != nil {
		if more = u.shape.Volume(); len(u.shape) == 0 || more%n != 0 {
			return nil
		}
	}
	own := make([]int, size)
	for i, k := range from {
		item, first, each := i/size, 0, all/n
		at := k
		if k >= all {
			first, each, at = all/n, more/n, k-all
		}
		if at/each != item {
			return nil
		}
		at = first + at%each
		if item == 0 {
			own[i] = at
		} else if own[i%size] != at {
			return nil
		}
	}
	return own
}

// movedConstant is moved for constants.
func (c *call) movedConstant(x, u *value, from []int, shape []int) *value {
	if u != nil && u.data.kind.float() != x.data.kind.float() {
		c.fail("elements of %v and of %v", x.data.kind, u.data.kind)
		return &value{}
	}
	t := c.newTensor(x.data.kind, shape)
	if t == nil {
		return &value{}
	}
	for i, k := range from {
		if k < x.data.len() {
			t.copyElem(i, x.data, k)
		} else {
			t.copyElem(i, u.data, k-x.data.len())
		}
	}
	return c.folded(t)[0]
}

// place is a constant index of a dimension as one from 0 on.
func (c *call) place(at int64, size int) int {
	p := at
	if p < 0 {
		p += int64(size)
	}
	if p < 0 || p >= int64(size) {
		c.fail("index %d is outside of a dimension of size %d", at, size)
		return 0
	}
	return int(p)
}

// alongAxis are the elements of a tensor of shape dims that constant places along
// an axis name, in the order of the places.
func (c *call) alongAxis(index *value, dims []int, axis int) []int {
	if index.data.kind.float() {
		c.fail("indices of %v where integers are expected", index.data.kind)
		return nil
	}
	if index.data.len() > c.t.budget {
		c.fail("%d indices are too many", index.data.len())
		return nil
	}
	out := make([]int, index.data.len())
	at := make([]int, len(dims))
	for i, k := range index.data.ints {
		place := slices.Clone(at)
		place[axis] = c.place(k, dims[axis])
		if !c.ready() {
			return nil
		}
		out[i] = flatIndex(place, dims)
		next(at, index.shape)
	}
	return out
}

// checkWithin checks that indices along an axis name, in the other dimensions, no
// more than there is.
func (c *call) checkWithin(index, x *value, axis int) {
	ok := len(index.shape) == len(x.shape)
	for d := 0; ok && d < len(x.shape); d++ {
		ok = d == axis || index.shape[d] <= x.shape[d]
	}
	if c.ready() && !ok {
		c.fail("indices of shape %s in a tensor of shape %s", tensor.Dims(index.shape...), tensor.Dims(x.shape...))
	}
}

// gatherElements translates GatherElements.
func (c *call) gatherElements() []*value {
	x, index := c.operand(0), c.operand(1)
	axis := c.axis(c.intAttr("axis", 0), len(x.shape))
	if c.checkWithin(index, x, axis); !c.ready() {
		return nil
	}
	if index.data == nil {
		return c.apply(&kernels.GatherElements{Axis: axis}, c.computed(x), index)
	}
	return []*value{c.moved(x, nil, c.alongAxis(index, x.shape, axis), index.shape)}
}

// reduction reads how a scatter joins what is there and what is written.
func (c *call) reduction() kernels.ScatterKind {
	switch mode := c.stringAttr("reduction", "none"); mode {
	case "none":
	case "add":
		return kernels.ScatterAdd
	case "mul":
		return kernels.ScatterMul
	case "max":
		return kernels.ScatterMax
	case "min":
		return kernels.ScatterMin
	default:
		c.fail("reduction %q is unknown", mode)
	}
	return kernels.ScatterReplace
}

// scatterElements translates ScatterElements, which was Scatter before opset 11.
func (c *call) scatterElements() []*value {
	x, index, updates := c.operand(0), c.operand(1), c.operand(2)
	axis, kind := c.axis(c.intAttr("axis", 0), len(x.shape)), c.reduction()
	if c.checkWithin(index, x, axis); c.ready() && !slices.Equal(index.shape, updates.shape) {
		c.fail("updates of shape %s for indices of shape %s", tensor.Dims(updates.shape...), tensor.Dims(index.shape...))
	}
	if !c.ready() {
		return nil
	}
	if index.shape.Volume() == 0 {
		return []*value{x}
	}
	if index.data == nil || kind != kernels.ScatterReplace {
		return c.apply(&kernels.Scatter{Axis: axis, Kind: kind}, c.computed(x), c.computed(index), c.computed(updates))
	}
	return []*value{c.overwritten(x, updates, c.alongAxis(index, x.shape, axis))}
}

// overwritten is x with the elements of u at places to.
func (c *call) overwritten(x, u *value, to []int) *value {
	if !c.ready() || x.shape.Volume() > c.t.budget {
		c.fail("a tensor of shape %s is too large", tensor.Dims(x.shape...))
		return &value{}
	}
	from := identity(x.shape.Volume())
	for i, k := range to {
		from[k] = len(from) + i
	}
	return c.moved(x, u, from, x.shape)
}

// tuples are the elements, or stretches of inner elements, of a tensor of shape
// dims, from dimension first on, that the last dimension of a constant index
// names.
func (c *call) tuples(index *value, dims []int, first int) (out []int, inner int) {
	k := index.shape[len(index.shape)-1]
	if index.data.kind.float() {
		c.fail("indices of %v where integers are expected", index.data.kind)
		return nil, 1
	}
	named := dims[first : first+k]
	inner, _ = tensor.Shape(dims[first+k:]).Elements()
	count, _ := tensor.Shape(index.shape[:len(index.shape)-1]).Elements()
	if count > c.t.budget {
		c.fail("%d indices are too many", count)
		return nil, 1
	}
	at := make([]int, k)
	for i := range count {
		for d, p := range index.data.ints[i*k:][:k] {
			at[d] = c.place(p, named[d])
		}
		out = append(out, flatIndex(at, named)*inner)
	}
	return out, inner
}

// stretches are the elements of stretches of inner of them.
func (c *call) stretches(starts []int, inner int) []int {
	if !c.ready() || inner > 0 && len(starts) > c.t.budget/inner {
		c.fail("%d elements that are moved are too many", int64(len(starts))*int64(inner))
		return nil
	}
	out := make([]int, 0, len(starts)*inner)
	for _, at := range starts {
		for i := range inner {
			out = append(out, at+i)
		}
	}
	return out
}

// checkTuple checks that the last dimension of an index names dimensions of x from
// first on, and returns how many.
func (c *call) checkTuple(index, x *value, first int) int {
	if c.ready() && (len(index.shape) == 0 || index.shape[len(index.shape)-1] < 1 || index.shape[len(index.shape)-1] > len(x.shape)-first) {
		c.fail("indices of shape %s in a tensor of shape %s", tensor.Dims(index.shape...), tensor.Dims(x.shape...))
	}
	if !c.ready() {
		return 1
	}
	return index.shape[len(index.shape)-1]
}

// computedTuples is tuples for an index that is computed: [..., k] becomes [...],
// places in dimensions first to first + k−1 of dims as one. Each number is looked
// up in a table of what a step in its dimension makes, so that negative ones are
// counted from the end, and one that does not exist is a fault of the run.
func (c *call) computedTuples(index *value, dims []int, first int) *value {
	last := len(index.shape) - 1
	k, shape := index.shape[last], index.shape[:last]
	if k == 1 {
		return c.reshape(index, shape)
	}
	parts := c.apply(&kernels.Split{Axis: last, Sizes: slices.Repeat([]int{1}, k)}, index)
	var sum *value
	for d, part := range parts {
		size, step := dims[first+d], dims[first+d+1:first+k]
		table := c.newTensor(typeInt64, []int{size})
		if !c.ready() {
			return index
		}
		for i := range table.ints {
			table.ints[i] = int64(i * tensor.Shape(step).Volume())
		}
		part = c.reshape(part, shape)
		weights := []*value{{name: "places in dimension " + strconv.Itoa(first+d), shape: []int{size}, data: table}}
		part = c.emitTypes(&kernels.Gather{}, []*value{part}, weights, []tensor.Type{{Elem: tensor.I64, Shape: part.shape}})[0]
		if sum == nil {
			sum = part
		} else {
			sum = c.binary(&kernels.Binary{Kind: kernels.Add}, sum, part)
		}
	}
	return sum
}

// gatherND translates GatherND.
func (c *call) gatherND() []*value {
	x, index := c.operand(0), c.operand(1)
	batch := c.intAttr("batch_dims", 0)
	rank := len(index.shape)
	if c.ready() && (batch < 0 || batch >= int64(min(len(x.shape), rank)) || !slices.Equal(x.shape[:batch], index.shape[:batch])) {
		c.fail("batch_dims %d for indices of shape %s in a tensor of shape %s", batch, tensor.Dims(index.shape...), tensor.Dims(x.shape...))
	}
	if !c.ready() {
		return nil
	}
	first := int(batch)
	k := c.checkTuple(index, x, first)
	if !c.ready() {
		return nil
	}
	shape := slices.Concat(index.shape[:rank-1], x.shape[first+k:])
	if index.data == nil {
		return c.gatherComputed(x, index, first)
	}
	starts, inner := c.tuples(index, x.shape, first)
	if !c.ready() {
		return nil
	}
	// What stands before belongs to the same place of the batch.
	each, _ := tensor.Shape(x.shape[first:]).Elements()
	places, _ := tensor.Shape(x.shape[:first]).Elements()
	for i := range starts {
		starts[i] += i / max(len(starts)/max(places, 1), 1) * each
	}
	return []*value{c.moved(x, nil, c.stretches(starts, inner), shape)}
}

// gatherComputed is gatherND of an index that is computed. Behind first
// dimensions, which both share, x is rows that places name.
func (c *call) gatherComputed(x, index *value, first int) []*value {
	k := index.shape[len(index.shape)-1]
	places := c.computedTuples(index, x.shape, first)
	if !c.ready() {
		return nil
	}
	x = c.computed(x)
	x = c.withShape(x, slices.Concat(x.shape[:first], []int{x.shape[first : first+k].Volume()}, x.shape[first+k:]))
	return c.apply(&kernels.Gather{Axis: first, Shared: first}, x, places)
}

// scatterND translates ScatterND.
func (c *call) scatterND() []*value {
	x, index, updates := c.operand(0), c.operand(1), c.operand(2)
	kind := c.reduction()
	k := c.checkTuple(index, x, 0)
	if !c.ready() {
		return nil
	}
	rank := len(index.shape)
	if want := slices.Concat(index.shape[:rank-1], x.shape[k:]); !slices.Equal(want, updates.shape) {
		return c.fail("updates of shape %s where %s are expected", tensor.Dims(updates.shape...), tensor.Dims(want...))
	}
	if updates.shape.Volume() == 0 {
		return []*value{x}
	}
	shape, inner := x.shape, x.shape[k:].Volume()
	var rows *value // places along the first dimension of x as rows of inner elements
	if index.data == nil {
		rows = c.computedTuples(index, x.shape, 0)
	} else {
		starts, _ := c.tuples(index, x.shape, 0)
		if !c.ready() {
			return nil
		}
		if kind == kernels.ScatterReplace && (c.t.batch != 0 || x.data != nil && updates.data != nil) {
			return []*value{c.overwritten(x, updates, c.stretches(starts, inner))}
		}
		places := make([]int64, len(starts))
		for i, at := range starts {
			places[i] = int64(at / inner)
		}
		rows = &value{name: index.name, shape: []int{len(places)}, data: intTensor([]int{len(places)}, places)}
	}
	count := updates.shape.Volume() / inner
	rows = c.withShape(c.computed(rows), []int{count, 1})
	x, updates = c.computed(c.withShape(x, []int{x.shape.Volume() / inner, inner})), c.computed(c.withShape(updates, []int{count, inner}))
	y := c.apply(&kernels.Scatter{Kind: kind}, x, rows, updates)[0]
	if !c.ready() {
		return nil
	}
	return []*value{c.reshape(y, shape)}
}

// reverseSequence translates ReverseSequence of constant lengths.
func (c *call) reverseSequence() []*value {
	x := c.operand(0)
	lengths := c.constantInts(1, "sequence_lens")
	batch, time := c.axis(c.intAttr("batch_axis", 1), len(x.shape)), c.axis(c.intAttr("time_axis", 0), len(x.shape))
	if c.ready() && (batch == time || len(lengths) != x.shape[batch]) {
		c.fail("%d lengths, batch_axis %d and time_axis %d for a tensor of shape %s", len(lengths), batch, time, tensor.Dims(x.shape...))
	}
	if c.ready() && x.shape.Volume() > c.t.budget {
		c.fail("a tensor of shape %s is too large", tensor.Dims(x.shape...))
	}
	if !c.ready() {
		return nil
	}
	from := make([]int, x.shape.Volume())
	at := make([]int, len(x.shape))
	for i := range from {
		n := lengths[at[batch]]
		if n < 0 || n > int64(x.shape[time]) {
			return c.fail("a length of %d in a dimension of size %d", n, x.shape[time])
		}
		place := slices.Clone(at)
		if at[time] < int(n) {
			place[time] = int(n) - 1 - at[time]
		}
		from[i] = flatIndex(place, x.shape)
		next(at, x.shape)
	}
	return []*value{c.moved(x, nil, from, x.shape)}
}

// compress translates Compress by a constant condition.
func (c *call) compress() []*value {
	x := c.operand(0)
	condition := c.constantInts(1, "the condition")
	axis := -1
	if c.attribute("axis", attrInt) != nil {
		axis = c.axis(c.intAttr("axis", 0), len(x.shape))
	} else if c.ready() {
		x, axis = c.withShape(x, []int{x.shape.Volume()}), 0
	}
	if !c.ready() {
		return nil
	}
	var places []int
	for i, yes := range condition {
		if yes != 0 && i < x.shape[axis] {
			places = append(places, i)
		}
	}
	if x.data == nil {
		return []*value{c.take(x, axis, places)}
	}
	return c.strided(x.data, replaced(x.shape, axis, len(places)), func(at []int) int {
		place := slices.Clone(at)
		place[axis] = places[at[axis]]
		return flatIndex(place, x.shape)
	})
}
