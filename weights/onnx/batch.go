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
func checkBatch(one, many *graph) error {
	if len(one.nodes) != len(many.nodes) {
		return fmt.Errorf("%d operations become %d", len(one.nodes), len(many.nodes))
	}
	for i, n := range one.nodes {
		if err := checkNodeBatch(n, many.nodes[i]); err != nil {
			return fmt.Errorf("%s %q: %w", n.op.Op(), n.name, err)
		}
	}
	for i, o := range one.outputs {
		if !scales(o.value, many.outputs[i].value) {
			return fmt.Errorf("output %q: its shape, %s, does not grow with the batch", o.name, tensor.Dims(o.value.shape...))
		}
	}
	return nil
}

func checkNodeBatch(a, b *node) error {
	if !sameOperation(a.op, b.op) {
		return fmt.Errorf("it depends on the batch")
	}
	for i, w := range a.weights {
		if !sameWeights(w, b.weights[i]) {
			return fmt.Errorf("its constants depend on the batch")
		}
	}
	for i, v := range a.in {
		if !scales(v, b.in[i]) {
			return fmt.Errorf("its operand of shape %s does not grow with the batch", tensor.Dims(v.shape...))
		}
	}
	for i, v := range a.out {
		if !scales(v, b.out[i]) {
			return fmt.Errorf("its result of shape %s does not grow with the batch", tensor.Dims(v.shape...))
		}
	}
	if mixesItems(a) {
		return fmt.Errorf("it mixes the items of a batch")
	}
	return nil
}

// scales says whether dimension 0 is the batch.
func scales(one, many *value) bool {
	a, b := one.shape, many.shape
	return len(a) > 0 && len(a) == len(b) && a[0] == 1 && b[0] == probe && slices.Equal(a[1:], b[1:])
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
		return slices.Equal(x, y)
	}
	if len(a.shape) == 0 || !scales(a, b) {
		return false
	}
	for part := range slices.Chunk(y, max(len(x), 1)) {
		if !slices.Equal(x, part) {
			return false
		}
	}
	return true
}

// mixesItems says whether a node, whose operands and results all have the
// batch as dimension 0, lets one item's result depend on another.
func mixesItems(n *node) bool {
	if n.op.Order() == kernels.Maps {
		return false // dimension 0 of a map is the batch
	}
	in := make([]tensor.Type, len(n.in))
	for i, v := range n.in {
		in[i] = v.typ()
	}
	var params []kernels.Param
	for _, w := range n.weights {
		if w != nil {
			params = append(params, kernels.Param{Elem: w.typ().Elem, Shape: w.shape})
		}
	}
	return n.op.(kernels.Spec).Traits(in, params).MixesItems
}
