package onnx

import (
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// reduce translates the operators that make one number of those along some
// axes, which are an operand from opset since on and an attribute before. A mean
// over the height and width of a map is a global pool.
//
// ONNX says what its flags mean at 0 and at 1. For ONNX Runtime everything but
// 1 is 0, and so it is here.
func reduce(kind kernels.ReduceKind, since int64) func(*call) []*value {
	return func(c *call) []*value {
		x := c.activation(0)
		axes, keep, noop := c.reducedAxes(x, since)
		if !c.ready() {
			return nil
		}
		if noop {
			return []*value{c.reducedAlone(kind, x)}
		}
		op := &kernels.Reduce{Kind: kind, Axes: axes, Keep: keep}
		if kind != kernels.ReduceMean || x.elem != tensor.F32 || len(x.shape) != 4 || !slices.Equal(axes, []int{2, 3}) {
			return c.apply(op, x)
		}
		y := c.wholeMap(kernels.AveragePool, x)
		if keep || !c.ready() {
			return y
		}
		return []*value{c.reshape(y[0], x.shape[:2])}
	}
}

// reducedAlone is each element of x reduced by itself.
func (c *call) reducedAlone(kind kernels.ReduceKind, x *value) *value {
	switch kind {
	case kernels.ReduceL1, kernels.ReduceL2:
		return unary(function(kernels.Abs))(c)[0]
	case kernels.ReduceSquares:
		return c.binary(&kernels.Binary{Kind: kernels.Mul}, x, x)
	case kernels.ReduceLogSum:
		return c.apply(&kernels.Unary{Kind: kernels.Log}, x)[0]
	}
	return x
}

// reducedAxes are the axes that a reduction is over, sorted, and whether they
// keep a dimension of 1. noop says that there are none, and that each element
// is reduced by itself.
func (c *call) reducedAxes(x *value, since int64) (axes []int, keep, noop bool) {
	list := c.axesOperand(since)
	keep = c.intAttr("keepdims", 1) == 1
	if len(list) == 0 {
		if noop = c.intAttr("noop_with_empty_axes", 0) == 1; noop {
			return nil, keep, true
		}
		return identity(len(x.shape)), keep, false
	}
	axes = c.axes(list, len(x.shape))
	slices.Sort(axes)
	return axes, keep, false
}

// foldReduce computes a reduction of constants.
func foldReduce(kind kernels.ReduceKind, since int64) func(*call) []*value {
	return func(c *call) []*value {
		x := c.operand(0)
		axes, keep, noop := c.reducedAxes(x, since)
		if !c.ready() {
			return nil
		}
		if noop {
			axes, keep = nil, true
		}
		y := c.reducedConstant(kind, x, axes, keep)
		if y == nil {
			return nil
		}
		return c.folded(y)
	}
}

// reducedConstant makes one number of those of a constant along some axes, which
// keep a dimension of 1 or vanish. It is nil if that fails.
func (c *call) reducedConstant(kind kernels.ReduceKind, x *value, axes []int, keep bool) *constant {
	kept := slices.Clone(x.shape)
	for _, axis := range axes {
		kept[axis] = 1
	}
	y := c.newTensor(x.data.kind, kept)
	if y == nil {
		return nil
	}
	groups := make([][]int, y.len()) // the elements that become one
	index, at := make([]int, len(kept)), make([]int, len(kept))
	for i := range x.data.len() {
		for d, size := range kept {
			at[d] = min(index[d], size-1)
		}
		g := flatIndex(at, kept)
		groups[g] = append(groups[g], i)
		next(index, x.shape)
	}
	for i, group := range groups {
		if len(group) == 0 && kind != kernels.ReduceProduct && kind != kernels.ReduceSum {
			c.fail("a tensor of shape %s has nothing to reduce", tensor.Dims(x.shape...))
			return nil
		}
		if y.kind.float() {
			y.floats[i] = reducedFloats(kind, x.data.floats, group)
			continue
		}
		v, ok := reducedInts(kind, x.data.ints, group)
		if !ok {
			c.fail("it is not supported for integers")
			return nil
		}
		y.ints[i] = v
	}
	if keep {
		return y
	}
	shape := tensor.Shape{}
	for d, size := range x.shape {
		if !slices.Contains(axes, d) {
			shape = append(shape, size)
		}
	}
	return y.reshaped(shape)
}

// reducedFloats makes one number of those of x that group lists.
func reducedFloats(kind kernels.ReduceKind, x []float32, group []int) float32 {
	most := math.Inf(-1)
	for _, i := range group {
		most = max(most, float64(x[i]))
	}
	sum, product, least := 0.0, 1.0, math.Inf(1)
	for _, i := range group {
		v := float64(x[i])
		product *= v
		least = min(least, v)
		switch kind {
		case kernels.ReduceL1:
			v = math.Abs(v)
		case kernels.ReduceL2, kernels.ReduceSquares:
			v *= v
		case kernels.ReduceLogSumExp:
			v = math.Exp(v - most)
		}
		sum += v
	}
	switch kind {
	case kernels.ReduceMean:
		return float32(sum / float64(len(group)))
	case kernels.ReduceMax:
		return float32(most)
	case kernels.ReduceMin:
		return float32(least)
	case kernels.ReduceProduct:
		return float32(product)
	case kernels.ReduceL2:
		return float32(math.Sqrt(sum))
	case kernels.ReduceLogSum:
		return float32(math.Log(sum))
	case kernels.ReduceLogSumExp:
		return float32(most + math.Log(sum))
	}
	return float32(sum)
}

// reducedInts is reducedFloats for whole numbers, of which some kinds make no
// whole number.
func reducedInts(kind kernels.ReduceKind, x []int64, group []int) (v int64, ok bool) {
	sum, product, least, most := int64(0), int64(1), int64(math.MaxInt64), int64(math.MinInt64)
	for _, i := range group {
		sum += x[i]
		product *= x[i]
		least, most = min(least, x[i]), max(most, x[i])
	}
	switch kind {
	case kernels.ReduceMean:
		return sum / int64(len(group)), true
	case kernels.ReduceSum:
		return sum, true
	case kernels.ReduceMax:
		return most, true
	case kernels.ReduceMin:
		return least, true
	case kernels.ReduceProduct:
		return product, true
	}
	return 0, false
}
