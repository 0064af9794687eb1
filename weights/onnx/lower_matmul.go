package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// matMul reads its operands as they lie, where a product can: the heads of an
// attention, which lie between a place and its channels, are not moved. Where
// the first operand does not lie row by row but the second column by column,
// the result's transpose is computed, of the transposes in the other order.
func (l *lowering) matMul(n *node) error {
	op := *n.op.(*kernels.MatMul)
	if len(n.weights) > 0 {
		return l.matMulStack(n, &op)
	}
	a, b, y := n.in[0], n.in[1], n.out[0]
	orderA, orderB := l.order(a, a.shape), l.order(b, b.shape)
	k, columns := len(a.shape)-1, len(b.shape)-1
	isLeft := liesLast(orderA, a.shape, k)
	isRight := liesLast(orderB, b.shape, columns) || liesLast(orderB, b.shape, columns-1)
	if !isLeft && isRight && liesLast(orderB, b.shape, columns-1) && liesLast(orderA, a.shape, k-1) {
		return l.transposedMatMul(n, &op, orderA, orderB)
	}
	if !isLeft {
		orderA = identity(len(a.shape))
	}
	if !isRight {
		orderB = identity(len(b.shape))
	}
	op.Left, op.Right = notIdentity(orderA), notIdentity(orderB)
	result := resultOrder(orderA, a.shape, y.shape)
	op.Result = notIdentity(result)
	return l.storedMatMul(n, &op, []*value{a, b}, [][]int{orderA, orderB}, result)
}

// transposedMatMul computes the transpose of the result.
func (l *lowering) transposedMatMul(n *node, op *kernels.MatMul, orderA, orderB []int) error {
	a, b, y := n.in[0], n.in[1], n.out[0]
	left, right := lastTwoRenamed(orderB), lastTwoRenamed(orderA)
	op.Left, op.Right = notIdentity(left), notIdentity(right)
	shape := permuted(y.shape, lastTwoSwapped(len(y.shape)))
	result := resultOrder(left, permuted(b.shape, lastTwoSwapped(len(b.shape))), shape)
	op.Result = notIdentity(result)
	return l.storedMatMul(n, op, []*value{b, a}, [][]int{orderB, orderA}, lastTwoRenamed(result))
}

// storedMatMul adds the step; the orders are those of operands and result as
// they are in the model.
func (l *lowering) storedMatMul(n *node, op *kernels.MatMul, operands []*value, orders [][]int, result []int) error {
	var in []int
	for i, v := range operands {
		id, err := l.place(v, v.shape, orders[i])
		if err != nil {
			return err
		}
		in = append(in, id)
	}
	out, err := l.step(op, in)
	if err != nil {
		return err
	}
	l.setView(n.out[0], out[0], n.out[0].shape, result)
	return nil
}

// matMulStack multiplies by constant matrices.
func (l *lowering) matMulStack(n *node, op *kernels.MatMul) error {
	a, y, w := n.in[0], n.out[0], n.weights[0]
	if err := checkWeights(n, l.elem, w.data.floats); err != nil {
		return err
	}
	order := l.order(a, a.shape)
	if !liesLast(order, a.shape, len(a.shape)-1) {
		order = identity(len(a.shape))
	}
	lead := len(w.shape) - 2
	p := kernels.Panels{Elem: l.elem, Groups: tensor.Shape(w.shape[:lead]).Volume(), K: w.shape[lead], N: w.shape[lead+1]}
	param := kernels.PanelsParam(p, func(g, k, j int) float32 {
		return w.data.floats[(g*p.K+k)*p.N+j]
	}, func(int, int) float32 { return 0 })
	op.Stack = slices.Clone(w.shape[:lead])
	op.Left = notIdentity(order)
	result := resultOrder(order, a.shape, y.shape)
	op.Result = notIdentity(result)
	id, err := l.place(a, a.shape, order)
	if err != nil {
		return err
	}
	out, err := l.step(op, []int{id}, param)
	if err != nil {
		return err
	}
	l.setView(y, out[0], y.shape, result)
	return nil
}

// liesLast says whether dimension d is the last in an order, not counting those
// of 1.
func liesLast(order, shape []int, d int) bool {
	for _, i := range slices.Backward(order) {
		if i == d {
			return true
		}
		if shape[i] != 1 {
			return false
		}
	}
	return false
}

// resultOrder is the order in which a product's result is stored whose first
// operand, of the given shape, lies in the given order: the same one, if it has
// the same leading dimensions, so that what was not moved before the product
// need not be moved after it.
func resultOrder(order, operand, shape []int) []int {
	last := len(operand) - 1
	if len(operand) == len(shape) && slices.Equal(operand[:last], shape[:last]) && liesLast(order, shape, last) {
		return order
	}
	return identity(len(shape))
}

// lastTwoRenamed is an order of dimensions of which the last two have changed
// places.
func lastTwoRenamed(order []int) []int {
	swap := lastTwoSwapped(len(order))
	renamed := make([]int, len(order))
	for i, d := range order {
		renamed[i] = swap[d]
	}
	return renamed
}

// notIdentity is an order as a MatMul has it: nil if it is row-major.
func notIdentity(order []int) []int {
	if slices.IsSorted(order) {
		return nil
	}
	return order
}
