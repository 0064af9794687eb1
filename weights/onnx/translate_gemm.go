package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// gemm translates Gemm: Y = alpha·A'·B' + beta·C. A' and B' are A and B or
// their transposes; C broadcasts to Y's shape [M, N].
func (c *call) gemm() []*value {
	a, b := c.operand(0), c.operand(1)
	alpha, beta := c.floatAttr("alpha", 1), c.floatAttr("beta", 1)
	if len(a.shape) != 2 || len(b.shape) != 2 {
		c.fail("operands of shapes %s and %s where matrices are expected", tensor.Dims(a.shape...), tensor.Dims(b.shape...))
	}
	if !c.ready() {
		return nil
	}
	if a.data != nil && b.data != nil {
		a = c.computed(a)
	}
	transA, transB := c.intAttr("transA", 0) != 0, c.intAttr("transB", 0) != 0
	var y *value
	switch {
	case b.data != nil && a.data == nil:
		if transA {
			a = c.transpose(a, 1, 0)
		}
		w := c.weight(1, "the matrix")
		if !c.ready() {
			return nil
		}
		y = c.fullyConnected(a, scaled(matrix(w, !transB), alpha))
	case a.data != nil && b.data == nil:
		// Y' = B'·A' for the transposes: the constant moves to the right.
		w := c.weight(0, "the matrix")
		if !transB {
			b = c.transpose(b, 1, 0)
		}
		if !c.ready() {
			return nil
		}
		y = c.transpose(c.fullyConnected(b, scaled(matrix(w, transA), alpha)), 1, 0)
	default:
		if transA {
			a = c.transpose(a, 1, 0)
		}
		if transB {
			b = c.transpose(b, 1, 0)
		}
		op := &kernels.MatMul{Scale: alpha}
		y = c.apply(op, a, b)[0]
		if alpha == 0 {
			y = c.times(y, 0)
		}
	}
	if !c.has(2) || beta == 0 || !c.ready() {
		return []*value{y}
	}
	bias := c.in[2]
	if bias.data == nil {
		if beta != 1 {
			bias = c.times(bias, beta)
		}
	} else {
		if c.checkFloats(bias, "C"); !c.ready() {
			return nil
		}
		bias = scaled(bias, beta)
	}
	sum := c.binary(&kernels.Binary{Kind: kernels.Add}, y, bias)
	if c.ready() && !slices.Equal(sum.shape, y.shape) {
		c.fail("C of shape %s for a result of shape %s", tensor.Dims(bias.shape...), tensor.Dims(y.shape...))
	}
	return []*value{sum}
}

// matMul translates MatMul with numpy's rules for vectors.
func (c *call) matMul() []*value {
	a, b := c.two()
	if len(a.shape) == 0 || len(b.shape) == 0 {
		return c.fail("operands of shapes %s and %s where vectors or matrices are expected", tensor.Dims(a.shape...), tensor.Dims(b.shape...))
	}
	// A vector on the left is a row, one on the right a column; the dimension
	// added to it vanishes from the result.
	rowA, columnB := len(a.shape) == 1, len(b.shape) == 1
	if rowA {
		a = c.withShape(a, []int{1, a.shape[0]})
	}
	if columnB {
		b = c.withShape(b, []int{b.shape[0], 1})
	}
	y := c.product(a, b)
	if !c.ready() {
		return nil
	}
	shape := slices.Clone(y.shape)
	if columnB {
		shape = shape[:len(shape)-1]
	}
	if rowA {
		at := len(y.shape) - 2
		shape = slices.Delete(shape, at, at+1)
	}
	return []*value{c.reshape(y, shape)}
}

// product multiplies matrices, or stacks of them, of which one may be constant.
func (c *call) product(a, b *value) *value {
	if a.data != nil && b.data != nil {
		a = c.computed(a)
	}
	var y *value
	switch {
	case b.data != nil && isMatrix(b.shape):
		if c.checkFloats(b, "the matrix"); !c.ready() {
			return &value{}
		}
		y = c.fullyConnected(a, matrix(b, true))
		if c.ready() && len(b.shape) > len(a.shape) {
			y = c.reshape(y, append(slices.Repeat([]int{1}, len(b.shape)-len(a.shape)), y.shape...))
		}
	case a.data != nil && isMatrix(a.shape):
		if c.checkFloats(a, "the matrix"); !c.ready() {
			return &value{}
		}
		swap := lastTwoSwapped(len(b.shape))
		y = c.fullyConnected(c.transpose(b, swap...), matrix(a, false))
		y = c.transpose(y, swap...)
		if c.ready() && len(a.shape) > len(b.shape) {
			y = c.reshape(y, append(slices.Repeat([]int{1}, len(a.shape)-len(b.shape)), y.shape...))
		}
	case b.data != nil:
		y = c.matMulStack(a, b)
	case a.data != nil:
		// Y' = B'·A' for the transposes: the constants move to the right.
		swapA, swapB := lastTwoSwapped(len(a.shape)), lastTwoSwapped(len(b.shape))
		y = c.matMulStack(c.transpose(b, swapB...), c.transposedMatrices(a, swapA))
		if c.ready() {
			y = c.transpose(y, lastTwoSwapped(len(y.shape))...)
		}
	default:
		y = c.apply(&kernels.MatMul{}, a, b)[0]
	}
	return y
}

// matMulStack multiplies x by a stack of constant matrices.
func (c *call) matMulStack(x, w *value) *value {
	if !c.ready() {
		return &value{}
	}
	if c.checkFloats(w, "the matrices"); !c.ready() {
		return &value{}
	}
	lead := len(w.shape) - 2
	if len(x.shape) < 2 || x.shape[len(x.shape)-1] != w.shape[lead] || w.data.len() == 0 {
		c.fail("%s cannot be multiplied by %s", tensor.Dims(x.shape...), tensor.Dims(w.shape...))
		return &value{}
	}
	shape, ok := tensor.Broadcast(x.shape[:len(x.shape)-2], w.shape[:lead])
	if !ok {
		c.fail("%s cannot be multiplied by %s", tensor.Dims(x.shape...), tensor.Dims(w.shape...))
		return &value{}
	}
	op := &kernels.MatMul{Stack: slices.Clone(w.shape[:lead])}
	out := c.emit(op, []*value{x}, []*value{w}, append(shape, x.shape[len(x.shape)-2], w.shape[lead+1]))
	if !c.ready() {
		return &value{}
	}
	return out[0]
}

// transposedMatrices is a stack of constant matrices, each transposed.
func (c *call) transposedMatrices(v *value, swap []int) *value {
	if c.checkFloats(v, "the matrices"); !c.ready() {
		return v
	}
	shape := permuted(v.shape, swap)
	x := make([]float32, v.data.len())
	rows, columns := shape[len(shape)-2], shape[len(shape)-1]
	for i := range x {
		matrix, row, column := i/(rows*columns), i/columns%rows, i%columns
		x[i] = v.data.floats[(matrix*columns+column)*rows+row]
	}
	return &value{name: v.name, shape: shape, data: floatTensor(shape, x)}
}

// withShape reshapes a constant or an activation.
func (c *call) withShape(v *value, shape []int) *value {
	if v.data != nil {
		return &value{name: v.name, shape: shape, data: v.data.reshaped(shape)}
	}
	return c.reshape(v, shape)
}

// isMatrix says whether a constant is one matrix: all but its last two
// dimensions are 1.
func isMatrix(shape []int) bool {
	if len(shape) < 2 {
		return false
	}
	for _, d := range shape[:len(shape)-2] {
		if d != 1 {
			return false
		}
	}
	return true
}

func lastTwoSwapped(rank int) []int {
	perm := make([]int, rank)
	for i := range perm {
		perm[i] = i
	}
	if rank >= 2 {
		perm[rank-2], perm[rank-1] = rank-1, rank-2
	}
	return perm
}

// matrix is a constant's last two dimensions as a matrix, transposed or not.
func matrix(v *value, transposed bool) *value {
	data := v.data.reshaped(v.shape[len(v.shape)-2:])
	if transposed {
		data = v.data.transposed(data.dims[0], data.dims[1])
	}
	return &value{name: v.name, shape: data.dims, data: data}
}

// scaled multiplies a constant.
func scaled(v *value, by float32) *value {
	if by == 1 {
		return v
	}
	y := make([]float32, v.data.len())
	for i := range y {
		y[i] = v.data.floats[i] * by
	}
	data := floatTensor(v.shape, y)
	data.encoding = v.data.encoding.scaled([]float32{by})
	return &value{name: v.name, shape: v.shape, data: data}
}

// times multiplies an activation by a number.
func (c *call) times(v *value, by float32) *value {
	factor := &value{shape: []int{}, data: floatTensor([]int{}, []float32{by})}
	return c.binary(&kernels.Binary{Kind: kernels.Mul}, v, factor)
}

// fullyConnected multiplies x's last dimension by the transpose of a constant
// [N, K]: weights lie in the order in which panels are filled.
func (c *call) fullyConnected(x, w *value) *value {
	if !c.ready() {
		return &value{}
	}
	n, k := w.shape[0], w.shape[1]
	if len(x.shape) == 0 || x.shape[len(x.shape)-1] != k || k == 0 || n == 0 {
		c.fail("%s cannot be multiplied by %s", tensor.Dims(x.shape...), tensor.Dims(k, n))
		return &value{}
	}
	shape := slices.Clone(x.shape)
	shape[len(shape)-1] = n
	out := c.emit(&kernels.FullyConnected{Channels: n}, []*value{x}, []*value{w, nil}, shape)
	if !c.ready() {
		return &value{}
	}
	return out[0]
}
