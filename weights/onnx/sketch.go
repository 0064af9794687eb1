package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A sketch is a graph lowered to a net whose packed params are zeros: enough to
// compare two sizes of a model.
type sketch struct {
	graph *graph
	net   *weights.Net
	rows  [][]int // in which order fully connected layers read their weights

	plain   map[use]bool   // the weights that became plain params
	sources map[int]source // of those params
}

// zeros are the data of all packed params of all sketches of a model.
type zeros struct{ data []byte }

// param is a param of zeros.
func (z *zeros) param(form kernels.Form, elem tensor.Elem, shape ...int) (kernels.Param, error) {
	p := kernels.Param{Form: form, Elem: elem, Shape: shape}
	n, ok := p.Bytes()
	if !ok {
		return p, fmt.Errorf("no %v have the shape %s", form, tensor.Dims(shape...))
	}
	if n > len(z.data) {
		z.data = tensor.AlignedBytes(n)
	}
	p.Data = z.data[:n]
	return p, nil
}

func newSketch(g *graph, batched bool, elem tensor.Elem, z *zeros) (*sketch, error) {
	l := newLowering(batched, elem)
	l.zeros = z
	if err := l.run(g, nil); err != nil {
		return nil, err
	}
	return &sketch{g, l.net, l.rows, l.plain, l.sources}, nil
}

// same says whether another sketch has the same steps, on values of other
// shapes, with other extents, and with other numbers in those plain params that
// were folded. Errors name the node.
func (s *sketch) same(other *sketch) error {
	if err := sameGraph(s.graph, other.graph, s.plain); err != nil {
		return err
	}
	a, b := s.net, other.net
	for i := range min(len(a.Steps), len(b.Steps)) {
		x, y := a.Steps[i], b.Steps[i]
		same := reflect.DeepEqual(extentless(x.Spec), extentless(y.Spec)) &&
			slices.Equal(x.In, y.In) && slices.Equal(x.Out, y.Out) && slices.Equal(x.Params, y.Params)
		for _, p := range x.Params {
			same = same && (sameParam(a.Params[p], b.Params[p]) || s.folded(p) && other.folded(p) && a.Params[p].Elem == b.Params[p].Elem)
		}
		if !same {
			return fmt.Errorf("%s %q: how it is computed depends on the open dimensions", x.Spec.Op(), x.Name)
		}
	}
	if len(a.Steps) != len(b.Steps) || !slices.Equal(a.Outputs, b.Outputs) {
		return fmt.Errorf("%d steps become %d at another size", len(a.Steps), len(b.Steps))
	}
	if !reflect.DeepEqual(s.rows, other.rows) {
		return errors.New("the order of weights depends on the open dimensions")
	}
	return nil
}

// folded says whether a param is a plain one that was folded.
func (s *sketch) folded(param int) bool {
	of, ok := s.sources[param]
	return ok && of.of.origin != nil
}

// sameGraph compares graphs, up to shapes and extents, and to the numbers in
// weights of the first that were folded and are among those given.
func sameGraph(a, b *graph, plain map[use]bool) error {
	number := [2]map[*value]int{{}, {}} // of each value, in the order in which they are made
	enter := func(vs, ws []*value) {
		for i := range min(len(vs), len(ws)) {
			number[0][vs[i]], number[1][ws[i]] = len(number[0]), len(number[1])
		}
	}
	enter(a.inputs, b.inputs)
	for i := range min(len(a.nodes), len(b.nodes)) {
		x, y := a.nodes[i], b.nodes[i]
		same := reflect.DeepEqual(extentless(x.op), extentless(y.op)) &&
			len(x.in) == len(y.in) && len(x.out) == len(y.out) && len(x.weights) == len(y.weights)
		for k := 0; same && k < len(x.in); k++ {
			same = number[0][x.in[k]] == number[1][y.in[k]]
		}
		if !same {
			return fmt.Errorf("%s %q: what is computed depends on the open dimensions", x.op.Op(), x.name)
		}
		for k, w := range x.weights {
			if v := y.weights[k]; !equalWeights(w, v) && !(plain[use{x, w}] && w.data.origin != nil && v != nil && v.data.origin != nil) {
				return fmt.Errorf("%s %q: its constants depend on the open dimensions", x.op.Op(), x.name)
			}
		}
		enter(x.out, y.out)
	}
	if len(a.nodes) != len(b.nodes) {
		return fmt.Errorf("%d operations become %d at another size", len(a.nodes), len(b.nodes))
	}
	for i, o := range a.outputs {
		if number[0][o.value] != number[1][b.outputs[i].value] || o.batch != b.outputs[i].batch {
			return fmt.Errorf("output %q: what is returned depends on the open dimensions", o.name)
		}
	}
	return nil
}

// extentless is an operation without its extents.
func extentless(op operation) operation {
	if e, ok := op.(kernels.Elastic); ok {
		return e.WithExtents(make([]int, len(e.Extents())))
	}
	return op
}

// equalWeights compares constants.
func equalWeights(a, b *value) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := a.data, b.data
	return slices.Equal(a.shape, b.shape) && (x == y || sameNumbers(x.floats, y.floats) && slices.Equal(x.ints, y.ints) && x.encoding.equal(y.encoding))
}

// sameParam compares params, and the data of those that have them.
func sameParam(a, b kernels.Param) bool {
	return a.Form == b.Form && a.Elem == b.Elem && a.Shape.Equal(b.Shape) && bytes.Equal(a.Data, b.Data)
}
