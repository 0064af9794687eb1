package onnx

import "github.com/infer-go/infer/kernels"

// constant adds no step yet: the one that writes the constant is added for each
// order in which somebody reads it, and nothing has to be moved at a run.
func (l *lowering) constant(n *node) error {
	l.constants[n.out[0]] = n
	return nil
}

// unplaced says of a constant that no step writes it yet.
func (l *lowering) unplaced(v *value) bool { return l.constants[v] != nil && len(l.views[v]) == 0 }

// placeConstant is place for what n, a Constant, makes.
func (l *lowering) placeConstant(n *node, shape, order []int) (int, error) {
	param, err := l.constantParam(n, n.weights[0], shape, order, false)
	if err != nil {
		return 0, err
	}
	reader := l.node
	l.node = n
	out, err := l.step(n.op.(*kernels.Constant), nil, param)
	l.node = reader
	if err != nil {
		return 0, err
	}
	l.setView(n.out[0], out[0], shape, order)
	return out[0], nil
}
