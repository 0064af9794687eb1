package onnx

import (
	"cmp"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// foldComparison computes a comparison, or a function of Booleans.
func foldComparison(kind kernels.BinaryKind, swapped bool) func(*call) []*value {
	return func(c *call) []*value {
		a, b := c.operand(0), c.operand(1)
		if swapped {
			a, b = b, a
		}
		return c.foldBinary(kind, a, b)
	}
}

// foldNot computes Not.
func (c *call) foldNot() []*value {
	return c.foldBinary(kernels.Equal, c.operand(0), c.number(tensor.Bool, 0))
}

// foldWhere computes Where.
func (c *call) foldWhere() []*value {
	condition, x, y := c.operand(0), c.operand(1), c.operand(2)
	if !c.ready() {
		return nil
	}
	dims, ok := tensor.Broadcast(x.shape, y.shape)
	if ok {
		dims, ok = tensor.Broadcast(dims, condition.shape)
	}
	if !ok || x.data.kind != y.data.kind || condition.data.kind.float() {
		return c.fail("%s %v, %s %v and %s %v do not fit together", tensor.Dims(condition.shape...), condition.data.kind,
			tensor.Dims(x.shape...), x.data.kind, tensor.Dims(y.shape...), y.data.kind)
	}
	t := c.newTensor(x.data.kind, dims)
	if t == nil {
		return nil
	}
	at := make([]int, len(dims))
	for i := range t.len() {
		from := y
		if condition.data.ints[broadcastIndex(at, condition.shape)] != 0 {
			from = x
		}
		t.copyElem(i, from.data, broadcastIndex(at, from.shape))
		next(at, dims)
	}
	return c.folded(t)
}

// sizeOf computes Size, whose operand's shape is always known.
func (c *call) sizeOf() []*value {
	x := c.operand(0)
	if !c.ready() {
		return nil
	}
	n, _ := x.shape.Elements()
	return c.folded(intTensor([]int{}, []int64{int64(n)}))
}

// foldTile computes Tile.
func (c *call) foldTile() []*value {
	x := c.operand(0)
	times := c.sizes(c.constantInts(1, "repeats"), "repeats")
	if !c.ready() {
		return nil
	}
	if len(times) != len(x.shape) {
		return c.fail("repeats %v for a tensor of %d dimensions", times, len(x.shape))
	}
	dims := slices.Clone(x.shape)
	for i, n := range times {
		if n > tensor.MaxDim/max(dims[i], 1) {
			return c.fail("repeats %v of shape %s are too large", times, tensor.Dims(x.shape...))
		}
		dims[i] *= n
	}
	return c.strided(x.data, dims, func(at []int) int {
		i := 0
		for d, size := range x.shape {
			i = i*size + at[d]%size
		}
		return i
	})
}

// foldTrilu computes Trilu.
func (c *call) foldTrilu() []*value {
	x := c.operand(0)
	mask := c.triangle(x.shape)
	if !c.ready() {
		return nil
	}
	t := c.newTensor(x.data.kind, x.shape)
	if t == nil {
		return nil
	}
	for i := range t.len() {
		if mask.data.ints[i%mask.data.len()] != 0 {
			t.copyElem(i, x.data, i)
		}
	}
	return c.folded(t)
}

// foldSplit computes Split.
func (c *call) foldSplit() []*value {
	x := c.operand(0)
	axis, sizes := c.parts(x)
	if !c.ready() {
		return nil
	}
	var out []*value
	first := 0
	for i, n := range sizes {
		if n > x.shape[axis]-first {
			return c.fail("sizes %v are more than dimension %d of shape %s", sizes, axis, tensor.Dims(x.shape...))
		}
		dims := slices.Clone(x.shape)
		dims[axis] = n
		from, place := first, make([]int, len(dims))
		part := c.strided(x.data, dims, func(at []int) int {
			copy(place, at)
			place[axis] += from
			return flatIndex(place, x.shape)
		})
		if !c.ready() {
			return nil
		}
		part[0].name = c.node.out[i]
		out = append(out, part[0])
		first += n
	}
	if first != x.shape[axis] {
		return c.fail("sizes %v are less than dimension %d of shape %s", sizes, axis, tensor.Dims(x.shape...))
	}
	return out
}

// foldNonZero computes NonZero: the places of what is not 0, one in each column.
func (c *call) foldNonZero() []*value {
	x := c.operand(0)
	if !c.ready() {
		return nil
	}
	var found []int
	for i := range x.data.len() {
		if x.data.float64(i) != 0 {
			found = append(found, i)
		}
	}
	t := c.newTensor(typeInt64, []int{len(x.shape), len(found)})
	if t == nil {
		return nil
	}
	for j, i := range found {
		for d := len(x.shape) - 1; d >= 0; d-- {
			t.ints[d*len(found)+j] = int64(i % x.shape[d])
			i /= x.shape[d]
		}
	}
	return c.folded(t)
}

// eyeLike computes EyeLike, whose operand's shape is always known: ones on a
// diagonal.
func (c *call) eyeLike() []*value {
	x := c.operand(0)
	kind := typeFloat
	if x.data != nil {
		kind = x.data.kind
	} else {
		kind = kindOf(x.elem)
	}
	kind = elemType(c.intAttr("dtype", int64(kind)))
	if c.ready() && len(x.shape) != 2 {
		c.fail("a tensor of shape %s is not a matrix", tensor.Dims(x.shape...))
	}
	if c.ready() && kind.size() == 0 {
		c.unsupported("elements of %v are not supported", kind)
	}
	k := min(max(c.intAttr("k", 0), -tensor.MaxDim), tensor.MaxDim)
	if !c.ready() {
		return nil
	}
	t := c.newTensor(kind, x.shape)
	if t == nil {
		return nil
	}
	for row := range x.shape[0] {
		column := int64(row) + k
		if column < 0 || column >= int64(x.shape[1]) {
			continue
		}
		if i := row*x.shape[1] + int(column); kind.float() {
			t.floats[i] = 1
		} else {
			t.ints[i] = 1
		}
	}
	return c.folded(t)
}

// foldUnique computes Unique of all elements: each once, where it stands first,
// which of them each element is, and how often it occurs.
func (c *call) foldUnique() []*value {
	x := c.operand(0)
	if c.attribute("axis", attrInt) != nil {
		c.unsupported("an axis is not supported")
	}
	sorted := c.intAttr("sorted", 1) != 0
	if !c.ready() {
		return nil
	}
	var first []int // of each element that differs from those before
	rank, which := map[float64]int{}, make([]int, x.data.len())
	for i := range which {
		v := x.data.float64(i)
		if v != v {
			return c.fail("element %d is NaN", i)
		}
		if !x.data.kind.float() && int64(v) != x.data.ints[i] {
			return c.fail("element %d, %d, is too large", i, x.data.ints[i])
		}
		k, ok := rank[v]
		if !ok {
			k = len(first)
			rank[v] = k
			first = append(first, i)
		}
		which[i] = k
	}
	order := identity(len(first))
	if sorted {
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x.data.float64(first[a]), x.data.float64(first[b])) })
	}
	place := make([]int, len(order))
	for i, k := range order {
		place[k] = i
	}
	n := []int{len(first)}
	y, at, count, inverse := c.newTensor(x.data.kind, n), c.newTensor(typeInt64, n), c.newTensor(typeInt64, n), c.newTensor(typeInt64, []int{len(which)})
	if !c.ready() {
		return nil
	}
	for i, k := range order {
		y.copyElem(i, x.data, first[k])
		at.ints[i] = int64(first[k])
	}
	for i, k := range which {
		inverse.ints[i] = int64(place[k])
		count.ints[place[k]]++
	}
	var out []*value
	for _, t := range []*constant{y, at, inverse, count} {
		out = append(out, c.folded(t)...)
	}
	return out
}
