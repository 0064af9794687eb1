package onnx

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// Open dimensions stay open where that is proved as the batch is, by probing:
// the model is frozen at some sizes, and the steps may differ in shapes and
// extents alone. Extents are then fitted by the formula of weights.Growth,
// which is linear in each dimension, or are found to be dimensions of values.
// That must hold for all other probes too: close to one another, so that nothing
// hides that is rounded, and as far apart as can be. What lies between is taken
// to be as its ends are. Where shapes are divided and rounded all this may be so
// for multiples alone, which are tried one after the other.

// multiples are tried in this order: strides of nets, and scales.
var multiples = []int{
	1, 2, 4, 8, 16, 32, 64, 128, 256,
	3, 6, 12, 24, 48, 96,
	5, 10, 20, 40, 80, 160, 320,
	7, 14, 28, 56, 112, 224,
}

// tellingMultiple is the last of multiples whose error may be told if none is
// good enough: with fewer, most models fail for want of divisibility.
const tellingMultiple = 64

// firstSizes are the least sizes at which a graph is made first: the second if
// the first is too large, as for attention over all pixels. probeSteps is the
// least number of multiples in it. No dimension of a real model is likely to be
// one of the primes from there on, times a multiple.
var firstSizes = []int{200, 50}

const probeSteps = 3

// neighbours are how much larger than the first probe, in multiples, those are
// that check the formulas: all of a stretch, since a window that takes its
// padding from the map's size takes it from the remainder by its stride, and some
// beyond it, since windows in front make maps smaller first.
var neighbours = []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 32, 48, 64}

// probeBudget is how many nodes may be translated to prove that dimensions can
// stay open: some seconds, and a hundred times a model of thousands.
const probeBudget = 1 << 20

// farSizes are tried as the most that an open dimension can be, while the
// others are at their first probes.
var farSizes = []int{1 << 24, 1 << 20, 1 << 16, 1 << 14, 1 << 12, 1 << 11, 1 << 10, 1 << 9, 1 << 8}

// leastSteps are tried as the least number of multiples.
var leastSteps = []int{1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192}

// openDims finds the dimensions that are open, from the first on: 0, or 1 where
// dimension 0 is the batch. Those of different inputs that have one symbol are
// one.
func (l *linked) openDims(first int) []weights.OpenDim {
	var open []weights.OpenDim
	for i, v := range l.inputs {
		before := len(open) // an input's own symbols may repeat, and mean nothing then
		for j, d := range v.dims {
			if d.size > 0 || j < first {
				continue
			}
			at := weights.Axis{Input: i, Dim: j}
			k := slices.IndexFunc(open[:before], func(o weights.OpenDim) bool { return o.Name == d.symbol && !anonymous(d.symbol) })
			if k >= 0 {
				open[k].At = append(open[k].At, at)
				continue
			}
			name := d.symbol
			if anonymous(name) {
				name = fmt.Sprintf("dimension %d of %s", j, v.name)
			}
			open = append(open, weights.OpenDim{Name: name, At: []weights.Axis{at}})
		}
	}
	return open
}

// sized is the linked model with sizes for its open dimensions.
func (l *linked) sized(open []weights.OpenDim, sizes []int) *linked {
	s := *l
	s.inputs = slices.Clone(l.inputs)
	for i := range s.inputs {
		s.inputs[i].dims = slices.Clone(s.inputs[i].dims)
	}
	for k, o := range open {
		for _, at := range o.At {
			s.inputs[at.Input].dims[at.Dim].size = int64(sizes[k])
		}
	}
	return &s
}

// A prover proves that dimensions can stay open, at multiples of one number.
type prover struct {
	*importer
	dims     []weights.OpenDim
	multiple int
	first    []int   // sizes of the first probe, in multiples
	sketch   *sketch // of the first probe
	several  bool    // items at a time
	formulas []weights.Growth
	grids    []weights.Grid
	zeros    zeros

	// The probes of which formulas are made: sketches, and their sizes in
	// multiples. The first are the corners, 2ⁿ of n dimensions.
	probes []*sketch
	steps  [][]int
}

// proveSequences is prove for dimensions behind the first. Where that is open
// too, and not a batch, it may be the times of sequences, whose batch stands
// behind them; that of a picture is a batch, and is 1 if it cannot be open.
func (m *importer) proveSequences(open []weights.OpenDim) (*prover, error) {
	m.probed = 0
	p, err := m.prove(open)
	if err == nil && p.several || m.ask || slices.ContainsFunc(m.linked.inputs, func(v valueInfo) bool { return len(v.dims) > 3 }) {
		return p, err
	}
	if all := m.linked.openDims(0); len(all) > len(open) {
		m.probed = 0
		if q, err := m.prove(all); err == nil {
			return q, nil
		}
	}
	return p, err
}

// prove finds out in which multiples dimensions can stay open, and how extents
// follow them.
func (m *importer) prove(open []weights.OpenDim) (*prover, error) {
	at := open[0].At[0]
	v := &m.linked.inputs[at.Input]
	var telling error
	tells := false // telling is of a model that can be made at one size at least
	if n := len(open); n > weights.MaxOpen {
		telling = fmt.Errorf("%d dimensions are open, more than %d", n, weights.MaxOpen)
	} else {
		for _, multiple := range multiples {
			if m.probed > probeBudget {
				break
			}
			var p *prover
			var err error
			for _, size := range firstSizes {
				p = &prover{importer: m, dims: slices.Clone(open), multiple: multiple}
				if err = p.try(size); err == nil {
					return p, nil
				}
				if p.sketch != nil {
					break
				}
			}
			early := telling == nil || multiple > 1 && multiple <= tellingMultiple && tellingMultiple%multiple == 0
			if made := p.sketch != nil; early && (made || !tells) {
				telling, tells = err, made
			}
		}
	}
	return nil, fmt.Errorf("input %q leaves %s open: %w: %s", v.name, v.dimension(at.Dim), telling, v.wayOut())
}

// try proves it for the multiple, beginning at some size.
func (p *prover) try(size int) error {
	steps := max((size+p.multiple-1)/p.multiple, probeSteps)
	for range p.dims {
		for !isPrime(steps) {
			steps++
		}
		p.first = append(p.first, steps)
		steps++
	}
	p.probed += 3 * p.linked.total // with and without a batch, and one of several items
	g, batched, err := p.graph(p.at(p.first), &Report{})
	if err != nil {
		return err
	}
	p.several = batched
	sketch, err := newSketch(g, batched, p.elem, &p.zeros)
	if err != nil {
		return err
	}
	p.sketch = sketch
	if err := p.fit(); err != nil {
		return err
	}
	for _, by := range neighbours {
		if err := p.verify(p.shifted(by)); err != nil {
			return err
		}
	}
	return p.bound()
}

func isPrime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}

// at is the model at so many multiples.
func (p *prover) at(steps []int) *linked { return p.linked.sized(p.dims, p.sizes(steps)) }

func (p *prover) sizes(steps []int) []int {
	sizes := make([]int, len(steps))
	for k, n := range steps {
		sizes[k] = n * p.multiple
	}
	return sizes
}

// shifted is the first probe with by, by + 1, … added.
func (p *prover) shifted(by int) []int {
	steps := slices.Clone(p.first)
	for k := range steps {
		steps[k] += by + k
	}
	return steps
}

// probe freezes the model at so many multiples, and compares it with the first
// probe.
func (p *prover) probe(steps []int) (*sketch, error) {
	if p.probed += p.linked.total; p.probed > probeBudget {
		return nil, errors.New("the model is too large to be tried at many sizes")
	}
	g, err := p.graphAt(steps)
	if err != nil {
		return nil, err
	}
	s, err := newSketch(g, p.several, p.elem, &p.zeros)
	if err != nil {
		return nil, err
	}
	return s, p.sketch.same(s)
}

// graphAt is the model's graph at so many multiples.
func (p *prover) graphAt(steps []int) (*graph, error) {
	batch := 0
	if p.several {
		batch = 1
	}
	t, err := p.translate(p.at(steps), batch, p.budget)
	if err != nil {
		return nil, err
	}
	for _, pass := range passes {
		pass.run(t.graph)
	}
	if p.rewrite != nil {
		p.rewrite(t.graph)
	}
	// The batch was proved at the first size; it is where it was.
	for i := range t.graph.outputs {
		o := &t.graph.outputs[i]
		if d := p.sketch.graph.outputs[i].batch; d < len(o.value.shape) {
			o.batch = d
		}
	}
	return t.graph, nil
}

// fit finds out how each extent follows the open dimensions: by the formula, or
// else as a dimension of a value in front of it.
func (p *prover) fit() error {
	// The corners have each dimension as in the first probe, or a multiple more.
	// Two further probes tell what is not a formula, as a third point on a line
	// does: one close by, for what is rounded, and one twice as far.
	n := 1 << len(p.dims)
	var steps [][]int
	for set := range n {
		at := slices.Clone(p.first)
		for k := range at {
			at[k] += set >> k & 1
		}
		steps = append(steps, at)
	}
	double := p.shifted(1)
	for k, first := range p.first {
		double[k] += first
	}
	steps = append(steps, p.shifted(2), double)
	probes := []*sketch{p.sketch}
	defer func() { p.probes, p.steps = probes, steps }()
	for _, at := range steps[1:] {
		s, err := p.probe(at)
		if err != nil {
			return err
		}
		probes = append(probes, s)
	}
	for i, step := range p.sketch.net.Steps {
		for e := range extents(step.Spec) {
			x := make([]int, len(probes))
			for j, s := range probes {
				x[j] = extents(s.net.Steps[i].Spec)[e]
			}
			g := weights.Growth{Step: i, Extent: e}
			switch by := differences(x[:n]); {
			case p.holds(by, x, steps):
				g.By = by[1:]
				if !slices.ContainsFunc(g.By, func(b int) bool { return b != 0 }) {
					continue // it is the same at all sizes
				}
			case !likeValue(&g, x, probes):
				return fmt.Errorf("%s %q: its sizes are not linear in the open dimensions", step.Spec.Op(), step.Name)
			}
			p.formulas = append(p.formulas, g)
		}
	}
	return p.fitGrids(probes, steps)
}

// differences are the coefficients of a function that is linear in each
// variable, from its values where each is 0 or 1: of the products of those
// variables that are bits of the index.
func differences(x []int) []int {
	by := slices.Clone(x)
	for bit := 1; bit < len(by); bit *= 2 {
		for set := range by {
			if set&bit != 0 {
				by[set] -= by[set^bit]
			}
		}
	}
	return by
}

// holds says whether a function gives the values at all probes.
func (p *prover) holds(by, values []int, steps [][]int) bool {
	for j, want := range values {
		got := 0
		for set, b := range by {
			for k, first := range p.first {
				if set>>k&1 != 0 {
					b *= steps[j][k] - first
				}
			}
			got += b
		}
		if got != want {
			return false
		}
	}
	return true
}

// likeValue finds a value in front of a step, its operands first, of which a
// dimension is as large as an extent in all probes.
func likeValue(g *weights.Growth, extent []int, probes []*sketch) bool {
	net := probes[0].net
	values := slices.Clone(net.Steps[g.Step].In)
	values = append(values, net.Inputs...)
	for _, s := range slices.Backward(net.Steps[:g.Step]) {
		values = append(values, s.Out...)
	}
	for _, v := range values {
		for d := range net.Values[v].Shape {
			same := true
			for j, s := range probes {
				same = same && s.net.Values[v].Shape[d] == extent[j]
			}
			if same {
				g.Value, g.Dim = v, d
				return true
			}
		}
	}
	return false
}

// extents are a Spec's, none if it is not elastic.
func extents(s any) []int {
	if e, ok := s.(kernels.Elastic); ok {
		return e.Extents()
	}
	return nil
}

// shaped is the net of the first probe at so many multiples, by the formulas.
func (p *prover) shaped(steps []int) (*weights.Net, error) {
	net := *p.sketch.net
	net.Growth, net.Grids = p.formulas, p.grids
	net.Open = slices.Clone(p.dims)
	for k := range net.Open {
		o := &net.Open[k]
		o.Multiple, o.Size, o.Least, o.Most = p.multiple, p.first[k]*p.multiple, p.multiple, tensor.MaxDim/p.multiple*p.multiple
	}
	return net.Shaped(p.sizes(steps))
}

// verify freezes the model at so many multiples and compares all of it with
// what the formulas say.
func (p *prover) verify(steps []int) error {
	s, err := p.probe(steps)
	if err != nil {
		return err
	}
	sized, err := p.shaped(steps)
	if err != nil {
		return err
	}
	for i, want := range s.net.Steps {
		if got := sized.Steps[i]; !reflect.DeepEqual(got.Spec, want.Spec) {
			return fmt.Errorf("%s %q: its sizes are not linear in the open dimensions", want.Spec.Op(), want.Name)
		}
	}
	for i, want := range s.net.Values {
		if got := sized.Values[i]; !got.Type.Equal(want.Type) {
			return fmt.Errorf("%q: its shape is %s, not %s", want.Name, want.Shape, got.Shape)
		}
	}
	for i, want := range s.net.Steps {
		for _, k := range want.Params {
			if _, ok := s.sources[k]; ok && !sameParam(sized.Params[k], s.net.Params[k]) {
				return fmt.Errorf("%s %q: its constants depend on the open dimensions", want.Spec.Op(), sized.Steps[i].Name)
			}
		}
	}
	return nil
}

// verifyComputed compares only what is computed at so many multiples, and not
// where it lies: where a dimension is 1, steps that move elements are left out,
// which are right for any size.
func (p *prover) verifyComputed(steps []int) error {
	if p.probed += p.linked.total; p.probed > probeBudget {
		return errors.New("the model is too large to be tried at many sizes")
	}
	g, err := p.graphAt(steps)
	if err != nil {
		return err
	}
	if err := sameGraph(p.sketch.graph, g, nil); err != nil {
		return err
	}
	sized, err := p.shaped(steps)
	if err != nil {
		return err
	}
	corners := 1 << len(p.dims)
	for i, n := range g.nodes {
		for e, want := range extents(n.op) {
			x := make([]int, len(p.probes), len(p.probes)+1)
			for j, s := range p.probes {
				x[j] = extents(s.graph.nodes[i].op)[e]
			}
			if !p.holds(differences(x[:corners]), append(x, want), append(slices.Clone(p.steps), steps)) && !n.among(sized.Steps) {
				return fmt.Errorf("%s %q: its sizes are not linear in the open dimensions", n.op.Op(), n.name)
			}
		}
	}
	for i, o := range g.outputs {
		want := tensor.Shape(permuted(o.value.shape, o.order()))
		if got := sized.Values[sized.Outputs[i]].Shape; !got.Equal(want) {
			return fmt.Errorf("output %q: its shape is %s, not %s", o.name, want, got)
		}
	}
	return nil
}

// among says whether a step that is named like the node has the same extents.
// Where they are not linear, but are dimensions of a value, only the net's step
// knows which.
func (n *node) among(steps []weights.Step) bool {
	return slices.ContainsFunc(steps, func(s weights.Step) bool {
		return s.Name == n.name && s.Spec.Op() == n.op.Op() && slices.Equal(extents(s.Spec), extents(n.op))
	})
}

// bound finds between which sizes all this holds.
func (p *prover) bound() error {
	for k := range p.dims {
		o := &p.dims[k]
		o.Multiple, o.Size = p.multiple, p.first[k]*p.multiple
		var err error
		for _, size := range farSizes {
			steps := slices.Clone(p.first)
			if steps[k] = size / p.multiple; steps[k] <= p.first[k]+len(p.dims)+2 {
				break
			}
			if err = p.verify(steps); err == nil {
				o.Most = steps[k] * p.multiple
				break
			}
		}
		if o.Most == 0 {
			return err
		}
	}
	for _, n := range leastSteps {
		if n > slices.Min(p.first) {
			break
		}
		least := slices.Repeat([]int{n}, len(p.dims))
		if p.verify(least) == nil || p.verifyComputed(least) == nil {
			for k := range p.dims {
				p.dims[k].Least = n * p.multiple
			}
			return nil
		}
	}
	for k := range p.dims {
		p.dims[k].Least = p.dims[k].Size
	}
	return nil
}
