package onnx

import (
	"cmp"
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// This file computes what depends on constants alone: above all the shapes
// that exporters compute by Shape, Gather, Concat and their like.

// folded makes a constant result. It bounds what a small file may make the
// importer compute.
func (c *call) folded(t *constant) []*value {
	if c.t.budget -= t.len(); c.t.budget < 0 {
		return c.fail("constants computed from others grow too large")
	}
	if t.origin == nil && len(c.in) > 0 && !slices.ContainsFunc(c.in, func(v *value) bool { return v != nil && v.data == t }) {
		t.origin = &origin{node: c.node, in: c.in}
	}
	v := &value{shape: t.dims, data: t}
	if len(c.node.out) > 0 {
		v.name = c.node.out[0]
	}
	return []*value{v}
}

// newTensor allocates a tensor. It is nil, and the call fails, if the budget
// does not allow it.
func (c *call) newTensor(kind elemType, dims []int) *constant {
	n, ok := tensor.Shape(dims).Elements()
	if !ok || n > c.t.budget {
		c.fail("a constant of shape %s, computed from others, is too large", tensor.Dims(dims...))
		return nil
	}
	t := &constant{kind: kind, dims: dims}
	if kind.float() {
		t.floats = make([]float32, n)
	} else {
		t.ints = make([]int64, n)
	}
	return t
}

// copyElem sets element i of t to element j of from.
func (t *constant) copyElem(i int, from *constant, j int) {
	if t.kind.float() {
		t.floats[i] = from.floats[j]
	} else {
		t.ints[i] = from.ints[j]
	}
}

// shapeOf computes Shape, whose operand's shape is always known; start and end
// exist since opset 15.
func (c *call) shapeOf() []*value {
	x := c.operand(0)
	rank := int64(len(x.shape))
	clamp := func(i int64) int64 {
		if i < 0 {
			i += rank
		}
		return min(max(i, 0), rank)
	}
	from, to := clamp(c.intAttr("start", 0)), clamp(c.intAttr("end", rank))
	if !c.ready() {
		return nil
	}
	dims := int64s(x.shape[from:max(from, to)])
	return c.folded(intTensor([]int{len(dims)}, dims))
}

// constantValue computes Constant.
func (c *call) constantValue() []*value {
	for i := range c.node.attributes {
		switch a := &c.node.attributes[i]; {
		case a.name == "value" && a.tensor != nil:
			return c.folded(a.tensor)
		case a.name == "value_float":
			return c.folded(floatTensor([]int{}, []float32{a.f}))
		case a.name == "value_floats":
			return c.folded(floatTensor([]int{len(a.floats)}, a.floats))
		case a.name == "value_int":
			return c.folded(intTensor([]int{}, []int64{a.i}))
		case a.name == "value_ints":
			return c.folded(intTensor([]int{len(a.ints)}, a.ints))
		case a.name == "sparse_value" && a.sparse != nil:
			return c.dense(a.sparse)
		}
	}
	return c.fail("it has no value of a supported type; strings are not supported")
}

// dense is the tensor that a sparse one stands for.
func (c *call) dense(s *sparseTensor) []*value {
	dims := c.sizes(s.dims, "the dimensions")
	if !c.ready() {
		return nil
	}
	t := c.newTensor(s.values.kind, dims)
	if t == nil {
		return nil
	}
	places := 1 // numbers of an index
	if len(s.indices.dims) == 2 {
		places = len(dims)
	}
	n := s.values.len()
	if s.indices.kind.float() || len(s.indices.ints) != n*places || places > len(s.indices.ints) && n > 0 {
		return c.fail("%d indices for %d elements of a tensor of %d dimensions", len(s.indices.ints), n, len(dims))
	}
	for i := range n {
		at := s.indices.ints[i*places:][:places]
		flat := at[0]
		if len(s.indices.dims) == 2 {
			flat = 0
			for d, k := range at {
				if k < 0 || k >= int64(dims[d]) {
					return c.fail("index %v is outside of shape %s", at, tensor.Dims(dims...))
				}
				flat = flat*int64(dims[d]) + k
			}
		}
		if flat < 0 || flat >= int64(t.len()) {
			return c.fail("index %v is outside of shape %s", at, tensor.Dims(dims...))
		}
		t.copyElem(int(flat), s.values, i)
	}
	return c.folded(t)
}

// foldConstantOfShape computes ConstantOfShape.
func (c *call) foldConstantOfShape() []*value {
	dims := c.sizes(c.constantInts(0, "the shape"), "the shape")
	fill := floatTensor([]int{1}, []float32{0})
	if a := c.attribute("value", attrTensor); a != nil && a.tensor != nil && a.tensor.len() == 1 {
		fill = a.tensor
	}
	if !c.ready() {
		return nil
	}
	t := c.newTensor(fill.kind, dims)
	if t == nil {
		return nil
	}
	for i := range t.len() {
		t.copyElem(i, fill, 0)
	}
	return c.folded(t)
}

// foldRange computes Range.
func (c *call) foldRange() []*value {
	var x [3]float64
	var kind elemType
	for i, what := range []string{"the start", "the limit", "the delta"} {
		v := c.constant(i, what)
		if c.ready() && v.data.len() != 1 {
			c.fail("%s is not a number", what)
		}
		if !c.ready() {
			return nil
		}
		x[i], kind = v.data.float64(0), v.data.kind
	}
	start, limit, delta := x[0], x[1], x[2]
	n := math.Ceil((limit - start) / delta)
	// Whole numbers of this size are exact in float64.
	if most := max(math.Abs(start), math.Abs(limit), math.Abs(delta)); !(most <= tensor.MaxElements) || delta == 0 || !(n <= tensor.MaxElements) {
		return c.fail("a range from %v to %v by %v is endless, or too large", start, limit, delta)
	}
	t := c.newTensor(kind, []int{int(max(n, 0))})
	if t == nil {
		return nil
	}
	for i := range t.len() {
		if v := start + float64(i)*delta; kind.float() {
			t.setFloat(i, v)
		} else {
			t.setInt(i, int64(v))
		}
	}
	return c.folded(t)
}

// foldCast computes Cast.
func (c *call) foldCast() []*value { return c.foldCastTo(elemType(c.intAttr("to", 0))) }

// foldCastLike computes CastLike.
func (c *call) foldCastLike() []*value { return c.foldCastTo(c.kind(1)) }

// foldCastTo makes elements of another type.
func (c *call) foldCastTo(to elemType) []*value {
	x := c.operand(0).data
	if !c.ready() {
		return nil
	}
	if to.size() == 0 {
		return c.unsupported("a cast to %v is not supported", to)
	}
	t := c.newTensor(to, x.dims)
	if t == nil {
		return nil
	}
	for i := range t.len() {
		v := x.float64(i)
		switch {
		case to.float():
			t.setFloat(i, v)
		case to == typeBool:
			if v != 0 {
				t.ints[i] = 1
			}
		case !x.kind.float():
			t.setInt(i, x.ints[i])
		default:
			t.setInt(i, int64(v))
			if whole := math.Trunc(v); !(math.Abs(v) < 1<<62) || float64(t.ints[i]) != whole {
				return c.fail("%v does not fit %v", v, to)
			}
		}
	}
	return c.folded(t)
}

// foldView computes an operator that gives the same elements another shape.
func foldView(shape func(c *call, old []int) []int) func(*call) []*value {
	return func(c *call) []*value {
		x := c.operand(0)
		if !c.ready() {
			return nil
		}
		dims := shape(c, x.shape)
		if !c.ready() {
			return nil
		}
		return c.folded(x.data.reshaped(dims))
	}
}

// foldGather computes Gather.
func (c *call) foldGather() []*value {
	x, index := c.operand(0), c.operand(1)
	if c.ready() && index.data.kind.float() {
		c.fail("indices of %v where integers are expected", index.data.kind)
	}
	axis := c.axis(c.intAttr("axis", 0), len(x.shape))
	if !c.ready() {
		return nil
	}
	dims := slices.Concat(x.shape[:axis], index.shape, x.shape[axis+1:])
	t := c.newTensor(x.data.kind, dims)
	if t == nil {
		return nil
	}
	inner, _ := tensor.Shape(x.shape[axis+1:]).Elements()
	size := x.shape[axis]
	for i := range t.len() {
		outer, rest := i/(inner*max(len(index.data.ints), 1)), i%(inner*max(len(index.data.ints), 1))
		at := index.data.ints[rest/inner]
		if at < 0 {
			at += int64(size)
		}
		if at < 0 || at >= int64(size) {
			return c.fail("index %d is outside of dimension %d, of size %d", index.data.ints[rest/inner], axis, size)
		}
		t.copyElem(i, x.data, (outer*size+int(at))*inner+rest%inner)
	}
	return c.folded(t)
}

// foldConcat computes Concat.
func (c *call) foldConcat() []*value {
	first := c.operand(0)
	axis := c.axis(c.intAttr("axis", 0), len(first.shape))
	if !c.ready() {
		return nil
	}
	dims := slices.Clone(first.shape)
	dims[axis] = 0
	for i := range c.in {
		v := c.operand(i)
		if !c.ready() {
			return nil
		}
		if len(v.shape) != len(dims) || v.data.kind.float() != first.data.kind.float() ||
			!slices.Equal(v.shape[:axis], dims[:axis]) || !slices.Equal(v.shape[axis+1:], dims[axis+1:]) {
			return c.fail("%s and %s cannot be joined along axis %d", tensor.Dims(first.shape...), tensor.Dims(v.shape...), axis)
		}
		dims[axis] += v.shape[axis]
	}
	t := c.newTensor(first.data.kind, dims)
	if t == nil {
		return nil
	}
	inner, _ := tensor.Shape(dims[axis+1:]).Elements()
	outer, _ := tensor.Shape(dims[:axis]).Elements()
	for o, at := 0, 0; o < outer; o++ {
		for _, v := range c.in {
			n := v.shape[axis] * inner
			for i := range n {
				t.copyElem(at, v.data, o*n+i)
				at++
			}
		}
	}
	return c.folded(t)
}

// foldSlice computes Slice.
func (c *call) foldSlice() []*value {
	x := c.operand(0)
	op := c.sliceSpec(x.shape)
	if !c.ready() {
		return nil
	}
	return c.strided(x.data, op.Size, func(at []int) int {
		i := 0
		for d, size := range x.shape {
			i = i*size + op.Start[d] + at[d]*op.Step[d]
		}
		return i
	})
}

// foldTranspose computes Transpose.
func (c *call) foldTranspose() []*value {
	x := c.operand(0)
	perm := c.permutation(len(x.shape))
	if !c.ready() {
		return nil
	}
	dims := permuted(x.shape, perm)
	from := make([]int, len(dims))
	y := c.strided(x.data, dims, func(at []int) int {
		for i, p := range perm {
			from[p] = at[i]
		}
		return flatIndex(from, x.shape)
	})
	if c.ready() {
		y[0].data.encoding = x.data.encoding.permuted(x.shape, perm)
	}
	return y
}

// foldExpand computes Expand: broadcasting to a shape.
func (c *call) foldExpand() []*value {
	x := c.operand(0)
	want := c.sizes(c.constantInts(1, "the shape"), "the shape")
	if !c.ready() {
		return nil
	}
	dims, ok := tensor.Broadcast(x.shape, want)
	if !ok {
		return c.fail("shape %s does not expand to %s", tensor.Dims(x.shape...), tensor.Dims(want...))
	}
	return c.strided(x.data, dims, func(at []int) int { return broadcastIndex(at, x.shape) })
}

// strided gathers a tensor of shape dims from x: from(at) is the index in x of
// the element at index at of the result.
func (c *call) strided(x *constant, dims []int, from func(at []int) int) []*value {
	t := c.newTensor(x.kind, dims)
	if t == nil {
		return nil
	}
	at := make([]int, len(dims))
	for i := range t.len() {
		t.copyElem(i, x, from(at))
		next(at, dims)
	}
	return c.folded(t)
}

// next advances a row-major index.
func next(at, dims []int) {
	for d := len(at) - 1; d >= 0; d-- {
		if at[d]++; at[d] < dims[d] {
			return
		}
		at[d] = 0
	}
}

func flatIndex(at, dims []int) int {
	i := 0
	for d, size := range dims {
		i = i*size + at[d]
	}
	return i
}

// broadcastIndex is the index of element at of a result in an operand of shape
// dims that is broadcast to it.
func broadcastIndex(at, dims []int) int {
	i := 0
	for d, size := range dims {
		p := at[len(at)-len(dims)+d]
		if size == 1 {
			p = 0
		}
		i = i*size + p
	}
	return i
}

// permuted is a list of one entry for each dimension, in another order: entry i
// is entry perm[i] of dims.
func permuted[T any](dims []T, perm []int) []T {
	out := make([]T, len(perm))
	for i, p := range perm {
		out[i] = dims[p]
	}
	return out
}

// foldUnary computes a function of floats.
func foldUnary(f func(float64) float64) func(*call) []*value {
	return func(c *call) []*value {
		x := c.operand(0).data
		if !c.ready() {
			return nil
		}
		t := c.newTensor(x.kind, x.dims)
		if t == nil {
			return nil
		}
		for i := range t.len() {
			if y := f(x.float64(i)); t.kind.float() {
				t.setFloat(i, y)
			} else {
				t.setInt(i, int64(y))
			}
		}
		return c.folded(t)
	}
}

// foldArithmetic computes an operator of two operands.
func foldArithmetic(kind kernels.BinaryKind) func(*call) []*value {
	return func(c *call) []*value { return c.foldBinary(kind, c.operand(0), c.operand(1)) }
}

// foldBinary computes a function of two constants, of floats or of whole
// numbers.
func (c *call) foldBinary(kind kernels.BinaryKind, a, b *value) []*value {
	if !c.ready() {
		return nil
	}
	dims, ok := tensor.Broadcast(a.shape, b.shape)
	if !ok || a.data.kind.float() != b.data.kind.float() {
		return c.fail("%s %v and %s %v do not fit together",
			tensor.Dims(a.shape...), a.data.kind, tensor.Dims(b.shape...), b.data.kind)
	}
	result := a.data.kind
	if kind.Compares() {
		result = typeBool
	}
	t := c.newTensor(result, dims)
	if t == nil {
		return nil
	}
	at := make([]int, len(dims))
	for i := range t.len() {
		ia, ib := broadcastIndex(at, a.shape), broadcastIndex(at, b.shape)
		if kind.Compares() {
			t.ints[i] = compare(kind, a.data, ia, b.data, ib)
		} else if t.kind.float() {
			t.setFloat(i, kind.Float64(float64(a.data.floats[ia]), float64(b.data.floats[ib])))
		} else if y, ok := intArithmetic(kind, a.data.ints[ia], b.data.ints[ib]); ok {
			t.setInt(i, y)
		} else {
			return c.fail("division by zero")
		}
		next(at, dims)
	}
	return c.folded(t)
}

// compare compares two numbers: 1 is true.
func compare(kind kernels.BinaryKind, a *constant, i int, b *constant, j int) int64 {
	order := cmp.Compare(a.at(i), b.at(j))
	if a.kind.float() {
		x, y := a.floats[i], b.floats[j]
		if x != x || y != y {
			return 0
		}
		order = cmp.Compare(x, y)
	}
	switch {
	case order == 0 && kind != kernels.Less, order < 0 && kind != kernels.Equal:
		return 1
	}
	return 0
}

// at is element i of whole numbers, 0 of others.
func (t *constant) at(i int) int64 {
	if t.kind.float() {
		return 0
	}
	return t.ints[i]
}

// intArithmetic is false for a division by zero.
func intArithmetic(kind kernels.BinaryKind, a, b int64) (int64, bool) {
	switch kind {
	case kernels.Add:
		return a + b, true
	case kernels.Sub:
		return a - b, true
	case kernels.Mul:
		return a * b, true
	case kernels.Div:
		if b == 0 {
			return 0, false
		}
		return a / b, true
	case kernels.Mod, kernels.Fmod:
		if b == 0 {
			return 0, false
		}
		r := a % b
		if kind == kernels.Mod && r != 0 && (r < 0) != (b < 0) {
			r += b
		}
		return r, true
	case kernels.And:
		return min(a, b), true
	case kernels.Or:
		return max(a, b), true
	case kernels.Xor, kernels.BitXor:
		return a ^ b, true
	case kernels.BitAnd:
		return a & b, true
	case kernels.BitOr:
		return a | b, true
	case kernels.ShiftLeft:
		return a << uint64(b), true
	case kernels.ShiftRight:
		return a >> uint64(b), true
	case kernels.Max:
		return max(a, b), true
	}
	return min(a, b), true
}
