package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/infer-go/infer/internal/spelling"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A Quantisation says how a float32 net is converted to one that computes in
// integers. Values become uint8 with one scale and zero point each, from the
// ranges that they have in the float net for the calibration data; weights
// become int8 with a scale for each output channel, and biases int32.
//
// Operations that join values or only move elements share one scale. Operands
// of additions and products have their own, because their sums are exact. Only
// the part of the net between the first and the last convolution or fully
// connected layer becomes integer, and the pools that follow it.
type Quantisation struct {
	// Items returns the calibration data, given the float net. If that net's
	// Meta.Preparation says how pictures become the input, the range of the
	// input is that of all possible pictures.
	Items func(float *weights.Net) (Items, error)

	// Percentile is the percentage of a value's elements that its range must
	// cover; elements outside are clamped. 0 and 100 mean all.
	Percentile float64

	// KeepFloat names nodes of the model that are to remain float, whether they
	// become a step or part of one.
	KeepFloat []string

	// Progress, if not nil, is called with a description of the current stage,
	// the number of items done, and their total.
	Progress func(what string, done, total int)
}

// leastSNR is the ratio of signal to noise, in decibels, that a layer must have
// by itself, of operands without any noise but that of their own elements, or it
// stays float. Layers of real nets have 25 to 45.
const leastSNR = 12

// probeItems is by how many items, about, the noise of layers is found out: it is
// much the same in all.
const probeItems = 32

// A quantiser quantises an importer's graph.
type quantiser struct {
	*importer
	*Quantisation
	*calibration

	graph *graph // prepared, float
	plain *lowered
	float *evaluator
	stay  map[int]string // nodes that stay float, and why
	ends  []*ranger      // of values, by number; nil for those that are not looked at
	means map[int]*mean  // of operands of products, by node
}

// lowered is a graph with the net that has been made of it.
type lowered struct {
	*lowering
	values []*value // numbered
}

// quantise makes m's graph one that computes in integers.
func (m *importer) quantise(how *Quantisation, meta weights.Meta) (report *QuantisationReport, err error) {
	defer recovered(&err)
	q := &quantiser{importer: m, Quantisation: how}
	switch {
	case how.Items == nil:
		return nil, errors.New("there are no items to calibrate with")
	case !(how.Percentile >= 0 && how.Percentile <= 100):
		return nil, fmt.Errorf("a range of %v percent", how.Percentile)
	case slices.ContainsFunc(m.result.numbered(), func(v *value) bool { return v.scale != 0 }):
		return nil, errors.New("it is already quantised: freeze it as it is")
	}
	if q.plain, err = q.rewritten(func(*graph) {}); err != nil {
		return nil, err
	}
	q.graph = m.result
	if err := q.keepFloat(); err != nil {
		return nil, err
	}
	plan := newPlan(q.graph, q.stay)
	if !slices.Contains(plan.integer, true) {
		return nil, errors.New("nothing in it can be computed in integers: there is no convolution and no fully connected layer whose weights are constant, or all are to stay float")
	}
	net := *q.plain.net
	net.Meta = meta
	items, err := how.Items(&net)
	if err != nil {
		return nil, err
	}
	if q.calibration, err = newCalibration(items, &net); err != nil {
		return nil, err
	}
	if q.float, err = newEvaluator(q.plain.net); err != nil {
		return nil, err
	}
	if err := q.collect(plan); err != nil {
		return nil, err
	}
	return q.choose(meta.Answer)
}

// rewritten makes the model's graph anew, to which f has been done behind all
// passes, and a net of it.
func (q *quantiser) rewritten(f func(*graph)) (*lowered, error) {
	var values []*value
	q.rewrite = func(g *graph) {
		prepareQuantising(g)
		values = g.numbered()
		f(g)
	}
	if err := q.make(); err != nil {
		return nil, err
	}
	l := newLowering(q.batched, tensor.F32)
	if err := l.run(q.result, nil); err != nil {
		return nil, err
	}
	l.net.Open, l.net.Growth, l.net.Grids = q.open, q.growth, q.grids
	return &lowered{l, values}, nil
}

// id is the number in the net of a value of the graph; −1 if it is not there.
func (l *lowered) id(v *value) int {
	if views := l.views[v]; len(views) > 0 {
		return views[0].id
	}
	return -1
}

// parts are the names of the model's nodes of which a node was made.
func (n *node) parts() []string { return append(strings.Split(n.name, "+"), n.name) }

// keepFloat finds the nodes that are to stay float.
func (q *quantiser) keepFloat() error {
	q.stay = map[int]string{}
	var all []string
	for _, n := range q.graph.nodes {
		all = append(all, n.parts()...)
	}
	for _, name := range q.KeepFloat {
		found := false
		for i, n := range q.graph.nodes {
			if slices.Contains(n.parts(), name) {
				q.stay[i], found = "asked for", true
			}
		}
		if !found {
			text := fmt.Sprintf("nothing is named %q that could stay float", name)
			if near := spelling.Nearest(name, all, 3); len(near) > 0 {
				text += fmt.Sprintf(": perhaps %q is meant", near[0])
				for _, n := range near[1:] {
					text += fmt.Sprintf(", or %q", n)
				}
			}
			return errors.New(text)
		}
	}
	return nil
}

// A mean is that of the operand of a convolution for each channel, or of a fully
// connected layer for each column, as they lie in the net.
type mean struct {
	value int // of the float net
	sums  []float64
	n     int

	// of is where the operand's mean is that goes with weight k of channel c.
	of func(c, k int) int
}

func (m *mean) add(x []float32) {
	for i, v := range x {
		m.sums[i%len(m.sums)] += float64(v)
	}
	m.n += len(x) / len(m.sums)
}

// at is the mean that goes with weight k of channel c.
func (m *mean) at(c, k int) float64 { return m.sums[m.of(c, k)] / float64(m.n) }

// collect runs the float net and looks at all values.
func (q *quantiser) collect(plan *quantisePlan) error {
	q.ends = make([]*ranger, len(q.plain.values))
	for _, list := range plan.quantised(q.graph) {
		for _, v := range list {
			q.ends[v] = newRanger(q.Percentile > 0 && q.Percentile < 100)
		}
	}
	if err := q.findMeans(plan); err != nil {
		return err
	}
	inputs := map[int]*ranger{} // of floats
	for _, v := range q.net.Inputs {
		if q.net.Values[v].Elem == tensor.F32 {
			inputs[v] = nil
		}
	}
	flat := true // no item holds anything but one number
	err := q.each(q.progress("calibrating"), func(int) error {
		for v, r := range q.ends {
			if r == nil {
				continue
			}
			x := q.float.floats(q.plain.id(q.plain.values[v]), nil)
			if at := slices.IndexFunc(x, func(v float32) bool { return !tensor.IsFinite(v) }); at >= 0 {
				return fmt.Errorf("the float net computes %v for an item in %q", x[at], q.plain.values[v].name)
			}
			r.add(x)
		}
		for _, m := range q.means {
			m.add(q.float.floats(m.value, nil))
		}
		for v := range inputs {
			x := q.float.floats(v, nil)
			flat = flat && slices.Min(x) == slices.Max(x)
		}
		return nil
	}, q.float)
	if err == nil && flat && len(inputs) > 0 {
		err = errors.New("every calibration item repeats a single number: no ranges can be determined")
	}
	return err
}

// findMeans finds where the operands of products lie in the float net.
func (q *quantiser) findMeans(plan *quantisePlan) error {
	q.means = map[int]*mean{}
	l := q.plain
	steps := len(l.net.Steps)
	for i, n := range q.graph.nodes {
		if !plan.integer[i] || !hasProducts(n) {
			continue
		}
		x := n.in[0]
		conv, ok := n.op.(*kernels.Conv)
		if !ok {
			k := n.weights[0].shape[1]
			have := l.preferred(x)
			tail, ok := have.tailOrder(k)
			if !ok {
				tail = func(k int) int { return k }
			}
			place := make([]int, k)
			for j := range place {
				place[tail(j)] = j
			}
			q.means[i] = &mean{value: have.id, sums: make([]float64, k), of: func(_, k int) int { return place[k] }}
			continue
		}
		id, err := l.placeMap(x)
		if err != nil || len(l.net.Steps) > steps {
			return fmt.Errorf("node %q: its operand is not a map", n.name)
		}
		taps, in, out := conv.Kernel[0]*conv.Kernel[1], n.weights[0].shape[1], conv.Channels/conv.Groups
		q.means[i] = &mean{value: id, sums: make([]float64, in*conv.Groups), of: func(c, k int) int { return c/out*in + k/taps }}
	}
	return nil
}

// choose makes the graph that measures best, with biases that are corrected or as
// they are.
func (q *quantiser) choose(answer weights.Answer) (*QuantisationReport, error) {
	plan, err := q.plan(false)
	if err != nil {
		return nil, err
	}
	if plan, err = q.probe(plan); err != nil {
		return nil, err
	}
	corrected, err := q.plan(true)
	if err != nil {
		return nil, err
	}
	first, err := q.compare(corrected)
	if err != nil {
		return nil, err
	}
	c, err := q.compare(plan)
	if err != nil {
		return nil, err
	}
	every := (q.n + probeItems - 1) / probeItems
	err = q.each(q.progress("comparing"), func(i int) error {
		for _, c := range []*netComparison{first, c} {
			if i%every == 0 {
				c.layers()
			}
			c.ends()
		}
		return nil
	}, q.float, first.other, c.other)
	if err != nil {
		return nil, err
	}
	r := &QuantisationReport{Items: q.n, Changed: -1, Corrected: first.outputs.error < c.outputs.error}
	if r.Corrected {
		c, plan = first, corrected
		if _, err := q.rewritten(func(g *graph) { plan.apply(g) }); err != nil {
			return nil, err
		}
	}
	k := 0
	for i, n := range q.graph.nodes {
		if plan.listed(i, n) {
			r.Layers = append(r.Layers, QuantisedLayer{Name: n.name, Op: n.op.Op(), SNR: c.noises[k].decibels(), Float: plan.float[i]})
			k++
		}
	}
	r.SNR, r.Largest, r.Range = c.outputs.decibels(), c.largest, c.hi-c.lo
	if namesClasses(answer, q.float.net) {
		r.Changed = c.changed
	}
	return r, nil
}

// listed says whether a node is among the layers of a report.
func (p *quantisePlan) listed(i int, n *node) bool {
	return p.integer[i] && !n.moves() || hasProducts(n)
}

// plan makes a plan by what has been collected. Nodes whose weights are none for
// integers stay float.
func (q *quantiser) plan(corrected bool) (*quantisePlan, error) {
	for {
		p := newPlan(q.graph, q.stay)
		p.setRanges(q.graph, func(v int) (lo, hi float32) {
			if v == 0 && q.net.Meta.Preparation.Kind != weights.NoPicture {
				return pictureRange(&q.net.Meta.Preparation)
			}
			return q.ends[v].ends(q.Percentile)
		})
		number := numbers(q.plain.values)
		before := len(q.stay)
		for i, n := range q.graph.nodes {
			if !p.integer[i] || !hasProducts(n) {
				continue
			}
			var mean func(c, k int) float64
			if m := q.means[i]; corrected && m != nil {
				mean = m.at
			}
			var err error
			if p.weights[i], err = quantiseWeights(n, p.values[number[n.in[0]]], mean); err != nil {
				q.stay[i] = err.Error()
			}
		}
		if len(q.stay) == before {
			if !slices.Contains(p.integer, true) {
				return nil, errors.New("nothing in it can be computed in integers without large errors")
			}
			return p, nil
		}
	}
}

// pictureRange is between which numbers a picture can lie that has been prepared:
// so a first layer reads its bytes, as they are where all channels are prepared
// alike.
func pictureRange(p *weights.Preparation) (lo, hi float32) {
	lo, hi = float32(math.Inf(1)), float32(math.Inf(-1))
	for c := range p.Order.Channels() {
		for _, v := range []float32{0, math.MaxUint8} {
			x := (v*p.Scale - p.Mean[c]) / p.Std[c]
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	return lo, hi
}

// compare makes a net by a plan, to be compared with the float one.
func (q *quantiser) compare(p *quantisePlan) (*netComparison, error) {
	var made map[int]pair
	l, err := q.rewritten(func(g *graph) { made = p.apply(g) })
	if err != nil {
		return nil, err
	}
	e, err := newEvaluator(l.net)
	if err != nil {
		return nil, err
	}
	number := numbers(q.plain.values)
	var pairs []comparedValues
	for i, n := range q.graph.nodes {
		if !p.listed(i, n) {
			continue
		}
		v := number[n.out[0]]
		other := l.id(l.values[v])
		if two, ok := made[v]; ok && p.integer[i] {
			other = l.id(two.quantised)
		}
		pairs = append(pairs, comparedValues{q.plain.id(n.out[0]), other})
	}
	return newNetComparison(q.float, e, pairs), nil
}

// probe finds the layers that are too noisy by themselves, of float operands that
// are quantised, and returns a plan in which they stay float.
func (q *quantiser) probe(p *quantisePlan) (*quantisePlan, error) {
	var sides map[int]*value
	l, err := q.rewritten(func(g *graph) { sides = p.beside(g) })
	if err != nil {
		return nil, err
	}
	e, err := newEvaluator(l.net)
	if err != nil {
		return nil, err
	}
	var pairs []comparedValues
	var nodes []int
	number := numbers(q.plain.values)
	for i, n := range q.graph.nodes {
		if v, ok := sides[i]; ok {
			nodes = append(nodes, i)
			pairs = append(pairs, comparedValues{l.id(l.values[number[n.out[0]]]), l.id(v)})
		}
	}
	part := *q.calibration
	part.n = min(part.n, probeItems)
	c := newNetComparison(e, e, pairs)
	err = part.each(q.progress("measuring layers"), func(int) error { c.layers(); return nil }, e)
	if err != nil {
		return nil, err
	}
	for k, i := range nodes {
		if db := c.noises[k].decibels(); db < leastSNR {
			q.stay[i] = fmt.Sprintf("%.1f dB by itself", db)
		}
	}
	return q.plan(false)
}

// progress is Progress for one thing that is done.
func (q *quantiser) progress(what string) func(done, total int) {
	return func(done, total int) {
		if q.Progress != nil {
			q.Progress(what, done, total)
		}
	}
}
