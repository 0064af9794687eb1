package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// maxFloat16 is the largest number that rounds to a finite half-precision one.
const maxFloat16 = 65519.996

// checkWeights checks that a param's elements are finite, in half precision
// too if that is how they are kept.
func checkWeights(n *node, elem tensor.Elem, x []float32) error {
	for i, v := range x {
		if !tensor.IsFinite(v) {
			return fmt.Errorf("weight %d of %s is %v", i, n.op.Op(), v)
		}
		if elem == tensor.F16 && math.Abs(float64(v)) > maxFloat16 {
			return fmt.Errorf("weight %d of %s, %v, is too large for half precision: keep weights as float32", i, n.op.Op(), v)
		}
	}
	return nil
}

// plain makes a plain param for a node.
func plain(n *node, shape []int, x []float32) (kernels.Param, error) {
	if err := checkWeights(n, tensor.F32, x); err != nil {
		return kernels.Param{}, err
	}
	return kernels.PlainParam(shape, x), nil
}

// kernelAndBias returns a node's weights, and its bias as a function; a bias
// left out is 0.
func kernelAndBias(n *node, elem tensor.Elem) (w []float32, bias func(i int) float32, err error) {
	w = n.weights[0].data.floats
	if err := checkWeights(n, elem, w); err != nil {
		return nil, nil, err
	}
	if n.weights[1] == nil {
		return w, func(int) float32 { return 0 }, nil
	}
	b := n.weights[1].data.floats
	return w, func(i int) float32 { return b[i] }, checkWeights(n, tensor.F32, b)
}

// convParam packs the weights [Cout, Cin/groups, kh, kw] of a convolution: as
// taps if each channel has a filter of its own, else as panels.
func (l *lowering) convParam(n *node, op *kernels.Conv) (kernels.Param, error) {
	taps := op.Kernel[0] * op.Kernel[1]
	in := n.weights[0].shape[1]
	depthwise := op.Groups > 1 && in == 1 && op.Groups == op.Channels
	elem := l.elem
	if depthwise {
		elem = tensor.F32
	}
	quantised := n.in[0].scale != 0
	if quantised {
		elem = tensor.I8
	}
	out := op.Channels / op.Groups
	switch {
	case l.zeros != nil && depthwise:
		return l.zeros.param(kernels.FormTaps, elem, taps, op.Channels)
	case l.zeros != nil:
		return l.zeros.param(kernels.FormPanels, elem, op.Groups, taps*in, out)
	case quantised:
		return quantisedConvParam(n, op, depthwise), nil
	}
	w, bias, err := kernelAndBias(n, elem)
	if err != nil {
		return kernels.Param{}, err
	}
	if depthwise {
		return kernels.TapsParam(taps, op.Channels, func(t, c int) float32 { return w[c*taps+t] }, bias), nil
	}
	weight := func(g, k, j int) float32 {
		tap, ci := k/in, k%in
		return w[((g*out+j)*in+ci)*taps+tap]
	}
	return kernels.PanelsParam(kernels.Panels{Elem: elem, Groups: op.Groups, K: taps * in, N: out}, weight, func(g, j int) float32 { return bias(g*out + j) }), nil
}

// quantisedWeights are the weights, scales and biases of a node with quantised
// operands.
func quantisedWeights(n *node) (q []int16, scale []float32, bias []int64) {
	e := n.weights[0].data.encoding
	return e.q, e.scale, n.weights[1].data.ints
}

// quantisedConvParam is convParam for a quantised operand.
func quantisedConvParam(n *node, op *kernels.Conv, depthwise bool) kernels.Param {
	taps, in, out := op.Kernel[0]*op.Kernel[1], n.weights[0].shape[1], op.Channels/op.Groups
	q, scale, bias := quantisedWeights(n)
	if depthwise {
		return kernels.QuantisedTapsParam(taps, op.Channels,
			func(t, c int) int8 { return int8(q[c*taps+t]) },
			func(c int) float32 { return scale[c] },
			func(c int) int32 { return int32(bias[c]) })
	}
	return kernels.QuantisedPanelsParam(kernels.Panels{Groups: op.Groups, K: taps * in, N: out},
		func(g, k, j int) int8 { return int8(q[((g*out+j)*in+k%in)*taps+k/in]) },
		func(g, j int) float32 { return scale[g*out+j] },
		func(g, j int) int32 { return int32(bias[g*out+j]) })
}

// affineParam makes a depthwise filter of one tap from scale and shift.
func affineParam(n *node) (kernels.Param, int, error) {
	scale, shift := n.weights[0].data.floats, n.weights[1].data.floats
	if err := checkWeights(n, tensor.F32, slices.Concat(scale, shift)); err != nil {
		return kernels.Param{}, 0, err
	}
	pick := func(t, c int) float32 { return scale[c] }
	return kernels.TapsParam(1, len(scale), pick, func(c int) float32 { return shift[c] }), len(scale), nil
}

// convTransposeParam packs the weights [Cin, Cout/groups, kh, kw] of a transposed
// convolution.
func (l *lowering) convTransposeParam(n *node, op *kernels.ConvTranspose) (kernels.Param, error) {
	taps := op.Kernel[0] * op.Kernel[1]
	w, bias, err := kernelAndBias(n, l.elem)
	if err != nil {
		return kernels.Param{}, err
	}
	cin, out := n.weights[0].shape[0], n.weights[0].shape[1]
	weight := func(tap, ci, co int) float32 { return w[(ci*out+co)*taps+tap] }
	return op.Param(l.elem, cin, weight, bias), nil
}

// fullyConnectedParam packs the weights [N, K]: row k of the panels is column
// tail(k) of the model's.
func (l *lowering) fullyConnectedParam(n *node, op *kernels.FullyConnected, tail func(int) int) (kernels.Param, error) {
	k := n.weights[0].shape[1]
	column := make([]int, k)
	for i := range column {
		column[i] = tail(i)
	}
	quantised := n.in[0].scale != 0
	if l.zeros != nil {
		elem := l.elem
		if quantised {
			elem = tensor.I8
		}
		l.rows = append(l.rows, column)
		return l.zeros.param(kernels.FormPanels, elem, 1, k, op.Channels)
	}
	if quantised {
		q, scale, bias := quantisedWeights(n)
		return kernels.QuantisedPanelsParam(kernels.Panels{Groups: 1, K: k, N: op.Channels},
			func(_, i, j int) int8 { return int8(q[j*k+column[i]]) },
			func(_, j int) float32 { return scale[j] },
			func(_, j int) int32 { return int32(bias[j]) }), nil
	}
	w, bias, err := kernelAndBias(n, l.elem)
	if err != nil {
		return kernels.Param{}, err
	}
	weight := func(_, i, j int) float32 { return w[j*k+column[i]] }
	return kernels.PanelsParam(kernels.Panels{Elem: l.elem, Groups: 1, K: k, N: op.Channels}, weight, func(_, j int) float32 { return bias(j) }), nil
}

// recurrentParams packs the weights [gates·H, H] of a recurrent layer, a gate's
// matrix beside the other, and its first states [states, H] if it has any.
func (l *lowering) recurrentParams(n *node) ([]kernels.Param, error) {
	h := n.weights[0].shape[1]
	p := kernels.Panels{Elem: l.elem, Groups: n.weights[0].shape[0] / h, K: h, N: h}
	var params []kernels.Param
	if l.zeros != nil {
		matrices, err := l.zeros.param(kernels.FormPanels, p.Elem, p.Groups, p.K, p.N)
		if err != nil {
			return nil, err
		}
		params = append(params, matrices)
	} else {
		w, bias, err := kernelAndBias(n, l.elem)
		if err != nil {
			return nil, err
		}
		weight := func(g, k, j int) float32 { return w[(g*h+j)*h+k] }
		params = append(params, kernels.PanelsParam(p, weight, func(g, j int) float32 { return bias(g*h + j) }))
	}
	if len(n.weights) < 3 {
		return params, nil
	}
	first, err := plain(n, n.weights[2].shape, n.weights[2].data.floats)
	return append(params, first), err
}

// constantParam is a constant operand of a node whose result has the given rank
// and lies in the given order. Leading 1s are left out where that means nothing.
func (l *lowering) constantParam(n *node, w *value, shape, order []int, leading bool) (kernels.Param, error) {
	elem, ok := w.data.kind.elem()
	if !ok {
		return kernels.Param{}, fmt.Errorf("a constant operand of %v is not supported", w.data.kind)
	}
	rank := len(order)
	dims := padded(shape, rank)
	shape = permuted(dims, order)
	p := kernels.Param{Elem: elem, Data: tensor.AlignedBytes(w.data.len() * elem.Size())}
	at, from := make([]int, rank), make([]int, rank)
	for i := range w.data.len() {
		for j, d := range order {
			from[d] = at[j]
		}
		w.data.put(p.Data[i*elem.Size():], flatIndex(from, dims))
		next(at, shape)
	}
	for leading && len(shape) > 1 && shape[0] == 1 {
		shape = shape[1:]
	}
	p.Shape = shape
	l.plain[use{n, w}] = true
	if len(p.Data) > 0 {
		l.stored[&p.Data[0]] = source{w.data, dims, order}
	}
	return p, nil
}

// put stores element i as the file does.
func (t *constant) put(b []byte, i int) {
	if t.kind.float() {
		binary.LittleEndian.PutUint32(b, math.Float32bits(t.floats[i]))
		return
	}
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], uint64(t.ints[i]))
	elem, _ := t.kind.elem()
	copy(b[:elem.Size()], word[:])
}

// normaliseParams is the scale and the shift of a Normalise whose operand lies
// in the given order, none if it has neither.
func normaliseParams(n *node, order []int) ([]kernels.Param, error) {
	if len(n.weights) == 0 {
		return nil, nil
	}
	rank := len(order)
	dims := slices.Repeat([]int{1}, rank)
	for _, w := range n.weights {
		if w == nil {
			continue
		}
		for i, d := range padded(w.shape, rank) {
			dims[i] = max(dims[i], d)
		}
	}
	shape := permuted(dims, order)
	x := slices.Repeat([]float32{1}, tensor.Shape(shape).Volume())
	x = append(x, make([]float32, len(x))...)
	for i, w := range n.weights {
		if w == nil {
			continue
		}
		part := x[i*len(x)/2:][:len(x)/2]
		of := padded(w.shape, rank)
		at, from := make([]int, rank), make([]int, rank)
		for j := range part {
			for k, d := range order {
				from[d] = min(at[k], of[d]-1)
			}
			part[j] = w.data.floats[flatIndex(from, of)]
			next(at, shape)
		}
	}
	p, err := plain(n, append([]int{2}, shape...), x)
	return []kernels.Param{p}, err
}
