package onnx

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// probe is the batch with which a graph is made a second time, to see what
// depends on it. No dimension of a real model is likely to be equal to it.
const probe = 13

// batchDeclared says whether dimension 0 of every input is left open.
func (l *linked) batchDeclared() bool {
	return len(l.inputs) > 0 && !slices.ContainsFunc(l.inputs, func(v valueInfo) bool { return !v.open() })
}

// checkBatchPossible returns an error if not every input has a dimension 0 that
// is open or 1.
func (l *linked) checkBatchPossible() error {
	if len(l.inputs) == 0 {
		return errors.New("the model has no inputs: freeze it without a batch")
	}
	for _, v := range l.inputs {
		switch {
		case len(v.dims) == 0:
			return fmt.Errorf("input %q has no dimension 0: freeze the model without a batch", v.name)
		case v.dims[0].size > 1:
			return fmt.Errorf("dimension 0 of input %q is %d: export the model with an open one, or freeze it without a batch", v.name, v.dims[0].size)
		}
	}
	return nil
}

// open says whether dimension 0 of an input is left open.
func (v valueInfo) open() bool { return len(v.dims) > 0 && v.dims[0].size <= 0 }

// partlyOpen says why a model has no batch of which some inputs leave dimension
// 0 open; it is empty if none does, or all do.
func (l *linked) partlyOpen() string {
	open := slices.IndexFunc(l.inputs, valueInfo.open)
	closed := slices.IndexFunc(l.inputs, func(v valueInfo) bool { return !v.open() })
	if open < 0 || closed < 0 {
		return ""
	}
	a, b := l.inputs[open], l.inputs[closed]
	switch {
	case len(b.dims) == 0:
		return fmt.Sprintf("dimension 0 of input %q is open, but input %q has none: declare the size of the open one if it is not 1", a.name, b.name)
	case b.dims[0].size == 1:
		return fmt.Sprintf("dimension 0 of input %q is open, but that of %q is 1: ask for a batch if it is one", a.name, b.name)
	}
	return fmt.Sprintf("dimension 0 of input %q is open, but that of %q is %d: export the model with both open, or declare the size of the open one if it is not 1",
		a.name, b.name, b.dims[0].size)
}

// mistaken is what to add to an error about a model where the only dimension of
// an input is open. As dimension 0 it is taken for the batch and is 1, but it
// may well be the length of a vector.
func (l *linked) mistaken() string {
	for _, v := range l.inputs {
		if len(v.dims) == 1 && v.open() {
			return fmt.Sprintf("; the only dimension of input %q is open and was taken for the batch: give its size if it is something else, --shape %s=SIZE", v.name, v.name)
		}
	}
	return ""
}

// checkBatch compares the graph of one item with that of probe items. It
// returns an error, which names a node, if n items are not computed by the
// same operations, each on its own.
//
// The items of a value lie along one of its dimensions, its item axis, and that
// is as many times larger in the graph of many items. It is dimension 0 of inputs;
// in between, sequences can come first, or volumes be maps [N·D, C, H, W]. It may
// be any dimension of an output, as long as that is 1 for one item: since outputs
// are stored item by item, lowering moves it to the front.
func checkBatch(one, many *graph) error {
	if len(one.nodes) != len(many.nodes) {
		return fmt.Errorf("%d operations become %d", len(one.nodes), len(many.nodes))
	}
	axes := itemAxes{}
	for i, v := range one.inputs {
		if !scales(v, many.inputs[i]) {
			return fmt.Errorf("input %q: its shape, %s, does not grow with the batch", v.name, tensor.Dims(v.shape...))
		}
		axes[v] = 0
	}
	for i, n := range one.nodes {
		if err := axes.node(n, many.nodes[i]); err != nil {
			return fmt.Errorf("%s %q: %w", n.op.Op(), n.name, err)
		}
	}
	for i := range one.outputs {
		o := &one.outputs[i]
		axis, ok := itemAxis(o.value, many.outputs[i].value)
		if !ok || o.value.shape[axis] != 1 {
			return fmt.Errorf("output %q: its shape, %s, does not grow with the batch", o.name, tensor.Dims(o.value.shape...))
		}
		o.batch = axis
	}
	return nil
}

// itemAxes are the item axes of values.
type itemAxes map[*value]int

// node finds the item axes of a node's results, and checks that it lets no
// item's result depend on another.
func (axes itemAxes) node(a, b *node) error {
	if !sameOperation(a.op, b.op) {
		return fmt.Errorf("it depends on the batch")
	}
	for i, v := range a.in {
		if _, ok := axes[v]; !ok {
			return fmt.Errorf("its operand of shape %s does not grow with the batch", tensor.Dims(v.shape...))
		}
		if axis, ok := itemAxis(v, b.in[i]); !ok || axis != axes[v] {
			return fmt.Errorf("its operand of shape %s does not grow with the batch", tensor.Dims(v.shape...))
		}
	}
	for i, v := range a.out {
		axis, ok := itemAxis(v, b.out[i])
		if !ok {
			return fmt.Errorf("its result of shape %s does not grow with the batch", tensor.Dims(v.shape...))
		}
		axes[v] = axis
	}
	for i, w := range a.weights {
		if !sameWeights(w, b.weights[i]) || !equalWeights(w, b.weights[i]) && axes[a.out[0]] != 0 {
			return fmt.Errorf("its constants depend on the batch")
		}
	}
	if axes.mixed(a) {
		return fmt.Errorf("it mixes the items of a batch")
	}
	return nil
}

// itemAxis is the only dimension that is probe times as large in the graph of
// many items.
func itemAxis(one, many *value) (axis int, ok bool) {
	a, b := one.shape, many.shape
	if len(a) != len(b) {
		return 0, false
	}
	for d := range a {
		switch {
		case a[d] == b[d]:
		case ok || b[d] != probe*a[d]:
			return 0, false
		default:
			axis, ok = d, true
		}
	}
	return axis, ok
}

// mixed says whether a node lets one item's result depend on another.
func (axes itemAxes) mixed(n *node) bool {
	if len(n.in) == 0 {
		return false
	}
	x, y := n.in[0], n.out[0]
	axis, to := axes[x], axes[y]
	if op, ok := n.op.(kernels.Carrying); ok && (axis != 0 || to != 0 || x.shape[0] != y.shape[0]) {
		return !op.Carries(x.shape, y.shape, axis, to)
	}
	// All else has an item where it was, and as much of it.
	for _, v := range slices.Concat(n.in, n.out) {
		if v.shape[axes[v]] != x.shape[axis] {
			return true
		}
	}
	switch n.op.Order() {
	case kernels.AnyOrder:
		// Dimensions are counted from the last one, as they are broadcast.
		return slices.ContainsFunc(slices.Concat(n.in, n.out), func(v *value) bool {
			return len(v.shape)-axes[v] != len(x.shape)-axis
		})
	case kernels.ByAxis:
		if axis != 0 {
			return axes.mixedAlong(n, axis)
		}
	}
	if slices.ContainsFunc(slices.Concat(n.in, n.out), func(v *value) bool { return axes[v] != axis }) {
		return true
	}
	if n.op.Order() == kernels.Maps {
		return axis != 0 // dimension 0 of a map is the batch
	}
	return axis != 0 || n.op.(kernels.Spec).Traits(operandTypes(n)).MixesItems
}

// mixedAlong is mixed of an operation that treats each dimension in a way of its
// own, with the items along any.
func (axes itemAxes) mixedAlong(n *node, axis int) bool {
	order := []int{axis}
	for d := range n.in[0].shape {
		if d != axis {
			order = append(order, d)
		}
	}
	in := make([]tensor.Type, len(n.in))
	for i, v := range n.in {
		if axes[v] != axis || len(v.shape) != len(order) {
			return true
		}
		in[i] = v.typ()
		in[i].Shape = permuted(v.shape, order)
	}
	for _, v := range n.out {
		if axes[v] != axis || len(v.shape) != len(order) {
			return true
		}
	}
	// Constants do not grow with the batch, so there is none of them along it.
	return n.op.(kernels.Axial).Permute(order).Traits(in, nil).MixesItems
}

// operandTypes are a node's operands and constants, as Traits takes them.
func operandTypes(n *node) (in []tensor.Type, params []kernels.Param) {
	for _, v := range n.in {
		in = append(in, v.typ())
	}
	for _, w := range n.weights {
		if w != nil {
			params = append(params, kernels.Param{Elem: w.typ().Elem, Shape: w.shape})
		}
	}
	return in, params
}

// scales says whether dimension 0 is the batch, of one item.
func scales(one, many *value) bool {
	axis, ok := itemAxis(one, many)
	return ok && axis == 0 && one.shape[0] == 1
}

// sameOperation compares operations, up to the batch in a shape or size.
func sameOperation(a, b operation) bool { return reflect.DeepEqual(sizeless(a), sizeless(b)) }

func sizeless(op operation) operation {
	if s, ok := op.(kernels.Sized); ok {
		return s.Sizeless()
	}
	return op
}

// sameWeights compares constants, of which those for many items may repeat the
// one for a single item.
func sameWeights(a, b *value) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.data == b.data {
		return true
	}
	if a.data.kind != b.data.kind {
		return false
	}
	if a.data.kind.float() {
		return repeats(a, b, a.data.floats, b.data.floats)
	}
	return repeats(a, b, a.data.ints, b.data.ints)
}

// repeats is sameWeights of values with the elements x and y.
func repeats[T float32 | int64](a, b *value, x, y []T) bool {
	if slices.Equal(a.shape, b.shape) {
		return sameNumbers(x, y)
	}
	if len(a.shape) == 0 || !scales(a, b) {
		return false
	}
	for part := range slices.Chunk(y, max(len(x), 1)) {
		if !sameNumbers(x, part) {
			return false
		}
	}
	return true
}

// sameNumbers compares elements, of which NaN is one as any other.
func sameNumbers[T float32 | int64](x, y []T) bool {
	return slices.EqualFunc(x, y, func(a, b T) bool { return a == b || a != a && b != b })
}
