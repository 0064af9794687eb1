package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// Models compute coordinates of pixels from the shapes of their maps, by Range,
// Expand, Concat and arithmetic. At one size these are constants. Where they
// differ between sizes, they become weights.Grids: from the same constant at all
// probes, either its elements are recognised, or it is traced back to the
// constants from which it was folded.

// An origin says what a constant was folded from, by a node; without one, it is the
// first element of its operand along dimension narrowed.
type origin struct {
	node     *nodeProto
	in       []*value
	narrowed int
}

// A source is the constant of which a plain param was made.
type source struct {
	of    *constant
	shape tensor.Shape // of its dimensions, before they are permuted
	order []int
}

// A use is a constant as a weight of a node.
type use struct {
	node   *node
	weight *value
}

// maxTable is the most elements of a constant, the same at all sizes, that a grid
// repeats, such as the sizes of anchors; maxTerms the most terms of a grid.
const (
	maxTable = 1 << 12
	maxTerms = 1 << 10
)

// A gridMaker makes a grid from what its constants are at all probes.
type gridMaker struct {
	*prover
	probes []*sketch
	steps  [][]int
	terms  []weights.Term
	made   map[*constant]int // terms, by the constant at the first probe
}

// fitGrids makes the grids of those params that are not the same in all probes.
func (p *prover) fitGrids(probes []*sketch, steps [][]int) error {
	for i, param := range p.sketch.net.Params {
		if _, ok := p.sketch.sources[i]; !ok || !slices.ContainsFunc(probes[1:], func(s *sketch) bool { return !sameParam(param, s.net.Params[i]) }) {
			continue
		}
		m := gridMaker{prover: p, probes: probes, steps: steps, made: map[*constant]int{}}
		if !m.param(i) {
			at := slices.IndexFunc(p.sketch.net.Steps, func(s weights.Step) bool { return slices.Contains(s.Params, i) })
			s := p.sketch.net.Steps[at]
			return fmt.Errorf("%s %q: its constants depend on the open dimensions", s.Spec.Op(), s.Name)
		}
		p.grids = append(p.grids, weights.Grid{Param: i, Terms: m.terms})
	}
	return nil
}

// param makes the terms of a param. False says that it cannot be computed so.
func (m *gridMaker) param(i int) bool {
	var of []*constant
	shapes, stored := make([][]int, 0, len(m.probes)), make([][]int, 0, len(m.probes))
	for _, s := range m.probes {
		src := s.sources[i]
		of, shapes, stored = append(of, src.of), append(shapes, src.shape), append(stored, s.net.Params[i].Shape)
	}
	last, ok := m.term(of)
	if !ok {
		return false
	}
	now := dimsOf(of)
	if !slices.EqualFunc(now, shapes, slices.Equal) {
		last, ok = m.shaped(weights.View, last, shapes)
	}
	if order := m.sketch.sources[i].order; ok && !slices.IsSorted(order) {
		last = m.add(weights.Term{Kind: weights.Transpose, Of: []int{last}, Perm: order}, of)
	}
	for j := range shapes {
		shapes[j] = permuted(shapes[j], m.sketch.sources[i].order)
	}
	if ok && !slices.EqualFunc(shapes, stored, slices.Equal) {
		last, ok = m.shaped(weights.View, last, stored)
	}
	if ok && last < len(m.terms)-1 {
		_, ok = m.shaped(weights.View, last, stored)
	}
	return ok
}

func dimsOf(of []*constant) [][]int {
	var dims [][]int
	for _, c := range of {
		dims = append(dims, c.dims)
	}
	return dims
}

// add adds a term whose elements are of the type of constants.
func (m *gridMaker) add(t weights.Term, of []*constant) int {
	t.Whole = !of[0].kind.float()
	m.terms = append(m.terms, t)
	return len(m.terms) - 1
}

// shaped adds a term that gives another one the shapes that it has at the probes.
func (m *gridMaker) shaped(kind weights.TermKind, of int, shapes [][]int) (int, bool) {
	dims, ok := m.lengths(shapes)
	m.terms = append(m.terms, weights.Term{Kind: kind, Whole: m.terms[of].Whole, Of: []int{of}, Dims: dims})
	return len(m.terms) - 1, ok
}

// lengths are the dimensions of shapes, one at each probe.
func (m *gridMaker) lengths(shapes [][]int) ([]weights.Length, bool) {
	dims := make([]weights.Length, len(shapes[0]))
	for d := range dims {
		x := make([]int, len(shapes))
		for j, s := range shapes {
			if len(s) != len(dims) {
				return nil, false
			}
			x[j] = s[d]
		}
		var ok bool
		if dims[d], ok = m.length(x); !ok {
			return nil, false
		}
	}
	return dims, true
}

// length is a number that is linear in the open dimensions, from what it is at
// the probes.
func (m *gridMaker) length(x []int) (weights.Length, bool) {
	by := differences(x[:1<<len(m.dims)])
	l := weights.Length{At: x[0]}
	if slices.ContainsFunc(by[1:], func(b int) bool { return b != 0 }) {
		l.By = by[1:]
	}
	return l, m.holds(by, x, m.steps)
}

// term returns the term that a constant is, which is given at all probes.
func (m *gridMaker) term(of []*constant) (int, bool) {
	if i, ok := m.made[of[0]]; ok {
		return i, true
	}
	for _, c := range of {
		switch c.kind {
		case typeFloat, typeDouble, typeInt32, typeInt64:
		default:
			return 0, false
		}
		if c.kind != of[0].kind || c.len() == 0 {
			return 0, false
		}
	}
	i, ok := m.ramp(of)
	if !ok {
		i, ok = m.table(of)
	}
	if !ok {
		i, ok = m.folded(of)
	}
	if ok = ok && len(m.terms) <= maxTerms; ok {
		m.made[of[0]] = i
	}
	return i, ok
}

// table is a constant that is the same at all probes.
func (m *gridMaker) table(of []*constant) (int, bool) {
	first := of[0]
	if first.len() > maxTable || slices.ContainsFunc(of[1:], func(c *constant) bool {
		return !slices.Equal(c.dims, first.dims) || !sameNumbers(c.floats, first.floats) || !slices.Equal(c.ints, first.ints)
	}) {
		return 0, false
	}
	t := weights.Term{Kind: weights.Table, Values: make([]float32, first.len())}
	for i := range t.Values {
		x := first.float64(i)
		if t.Values[i] = float32(x); float64(t.Values[i]) != x {
			return 0, false
		}
	}
	t.Dims, _ = m.lengths(dimsOf(of))
	return m.add(t, of), true
}

// ramp is a constant whose elements grow along one dimension alone, by as much in
// all probes, from an integer that is linear in the open dimensions, or from a
// number that is the same for all.
func (m *gridMaker) ramp(of []*constant) (int, bool) {
	t := weights.Term{Kind: weights.Ramp}
	first := of[0]
	inner := 1
	for d, size := range slices.Backward(first.dims) {
		if by := first.float64(min(inner, first.len()-1)) - first.float64(0); size > 1 && by != 0 {
			t.Axis, t.Step = d, float32(by)
			break
		}
		inner *= size
	}
	starts := make([]int, len(of))
	whole, same := true, true
	for j, c := range of {
		x := c.float64(0)
		same = same && x == first.float64(0)
		if whole = whole && x == math.Trunc(x) && math.Abs(x) <= tensor.MaxElements; whole {
			starts[j] = int(x)
		}
	}
	var ok bool
	if whole {
		t.Start, ok = m.length(starts)
	} else if same && first.kind.float() && tensor.IsFinite(first.floats[0]) {
		t.Offset, ok = first.floats[0], true
	}
	if !ok {
		return 0, false
	}
	for _, c := range of {
		if len(c.dims) != len(first.dims) || !isRamp(c, t) {
			return 0, false
		}
	}
	if t.Dims, ok = m.lengths(dimsOf(of)); !ok {
		return 0, false
	}
	return m.add(t, of), true
}

// isRamp says whether a constant has the elements of a ramp that begins as it does.
func isRamp(c *constant, t weights.Term) bool {
	inner := 1
	for _, size := range c.dims[min(t.Axis+1, len(c.dims)):] {
		inner *= size
	}
	size := 1
	if len(c.dims) > 0 {
		size = c.dims[t.Axis]
	}
	for i := range c.len() {
		want := c.float64(0) + float64(t.Step)*float64(i/inner%size)
		if c.kind.float() {
			want = float64(float32(want))
		}
		if c.float64(i) != want {
			return false
		}
	}
	return true
}

// folded is a constant that was computed from others.
func (m *gridMaker) folded(of []*constant) (int, bool) {
	from := of[0].origin
	if from == nil || slices.ContainsFunc(of, func(c *constant) bool {
		return c.origin == nil || c.origin.node != from.node || c.origin.narrowed != from.narrowed || len(c.origin.in) != len(from.in)
	}) {
		return 0, false
	}
	// operand is operand i as a term.
	operand := func(i int) (int, bool) {
		if i >= len(from.in) {
			return 0, false
		}
		in := make([]*constant, len(of))
		for j, c := range of {
			if v := c.origin.in[i]; v == nil || v.data == nil {
				return 0, false
			}
			in[j] = c.origin.in[i].data
		}
		return m.term(in)
	}
	if from.node == nil {
		k, ok := operand(0)
		if !ok {
			return 0, false
		}
		return m.add(weights.Term{Kind: weights.First, Of: []int{k}, Axis: from.narrowed}, of), true
	}
	c := &call{t: &translator{}, node: from.node}
	t := weights.Term{}
	operands := 1
	switch from.node.op {
	case "Reshape", "Unsqueeze", "Squeeze", "Flatten":
		t.Kind = weights.View
	case "Expand", "Tile": // of dimensions of 1, or the constants are not the same
		t.Kind = weights.Expand
	case "Transpose":
		t.Kind, t.Perm = weights.Transpose, c.permutation(len(of[0].dims))
	case "Concat":
		t.Kind, t.Axis = weights.Concat, c.axis(c.intAttr("axis", 0), len(of[0].dims))
		operands = len(from.in)
	case "Cast":
		t.Kind = weights.Cast
	default:
		kind, ok := gridArithmetic[from.node.op]
		if !ok || len(from.in) != 2 {
			return 0, false
		}
		t.Kind, t.Binary = weights.Arithmetic, kind
		operands = 2
	}
	if !c.ready() {
		return 0, false
	}
	for i := range operands {
		k, ok := operand(i)
		if !ok {
			return 0, false
		}
		t.Of = append(t.Of, k)
	}
	if t.Kind == weights.View || t.Kind == weights.Expand {
		return m.shaped(t.Kind, t.Of[0], dimsOf(of))
	}
	return m.add(t, of), true
}

// gridArithmetic are operators of which grids are computed.
var gridArithmetic = map[string]kernels.BinaryKind{
	"Add": kernels.Add, "Sub": kernels.Sub, "Mul": kernels.Mul, "Div": kernels.Div, "Max": kernels.Max, "Min": kernels.Min,
}
