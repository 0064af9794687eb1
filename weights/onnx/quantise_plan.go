package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// A quantisePlan says what of a graph is computed in integers, and between which
// real numbers values lie. It speaks of nodes and values by their places, so that
// it holds for the graph of the same model at other sizes too.
type quantisePlan struct {
	integer []bool                   // of each node
	float   []string                 // why a node that could be is not, empty if it is or could not
	values  map[int]kernels.Elements // of those values that are quantised
	weights [][]*value               // of each node that has such: with their encoding
}

// numbered are the values of a graph in an order that is the same at every size:
// inputs first, then results in the order of nodes.
func (g *graph) numbered() []*value {
	all := slices.Clone(g.inputs)
	for _, n := range g.nodes {
		all = append(all, n.out...)
	}
	return all
}

// numbers are the places of values among numbered ones.
func numbers(values []*value) map[*value]int {
	at := map[*value]int{}
	for i, v := range values {
		at[v] = i
	}
	return at
}

// prepareQuantising brings a graph, which all passes have been through, into
// pieces that can be computed in integers: what scales and shifts channels
// becomes a depthwise convolution, and activations that are more than a clamp
// stand alone, as tables.
func prepareQuantising(g *graph) {
	var nodes []*node
	for _, n := range g.nodes {
		nodes = append(nodes, n)
		if _, ok := n.op.(channelAffine); ok {
			asDepthwise(n)
		}
		act := n.fusedAct()
		if act == nil || act.Kind <= kernels.Clamp || !isSum(n) {
			continue
		}
		before := &value{name: n.out[0].name, elem: n.out[0].elem, shape: n.out[0].shape}
		nodes = append(nodes, &node{
			name: n.name, origin: n.origin, op: &kernels.Unary{Kind: kernels.Activate, Act: *act},
			in: []*value{before}, out: n.out,
		})
		*act = kernels.Act{}
		n.out = []*value{before}
	}
	g.nodes = nodes
}

// asDepthwise makes a convolution of one tap of what scales and shifts channels.
func asDepthwise(n *node) {
	channels := n.weights[0].data.len()
	ones := [2]int{1, 1}
	n.op = &kernels.Conv{Window: kernels.Window{Kernel: ones, Stride: ones, Dilation: ones}, Groups: channels, Channels: channels}
	shape := tensor.Shape{channels, 1, 1, 1}
	n.weights = []*value{{shape: shape, data: n.weights[0].data.reshaped(shape)}, n.weights[1]}
}

// isSum says whether a node sums products with weights, which is what integers
// make faster, or the elements of two maps.
func isSum(n *node) bool {
	_, two := n.op.(*kernels.Binary)
	return hasProducts(n) || two && len(n.in) == 2
}

// hasProducts says whether a node is a convolution or a fully connected layer.
func hasProducts(n *node) bool {
	switch n.op.(type) {
	case *kernels.Conv, *kernels.FullyConnected:
		return true
	}
	return false
}

// A quantisedForm is how a node can be computed of quantised operands.
type quantisedForm int

const (
	onlyFloat quantisedForm = iota
	sameScale               // results are elements of the operands, whose scales must be one
	ownScale                // the result has a scale of its own
)

// formOf is how a node can be computed, as computeIntegers does it.
func formOf(n *node) quantisedForm {
	if len(n.in) == 0 || slices.ContainsFunc(n.in, func(v *value) bool { return v.typ().Elem != tensor.F32 }) {
		return onlyFloat
	}
	act := n.fusedAct()
	switch op := n.op.(type) {
	case *kernels.Conv, *kernels.FullyConnected:
		if n.weights[0] != nil && act.Kind <= kernels.Clamp {
			return ownScale
		}
		return onlyFloat
	case *kernels.Binary:
		if len(n.in) == 2 {
			if op.Kind <= kernels.Mul && act.Kind <= kernels.Clamp {
				return ownScale
			}
			return onlyFloat
		}
		if _, _, ok := perChannel(n, n.out[0].shape, min(1, len(n.out[0].shape)-1)); ok && n.out[0].shape.Equal(n.in[0].shape) {
			return ownScale
		}
	case *kernels.Pool:
		if op.Kind != kernels.MaxPool {
			return ownScale
		}
	}
	switch {
	case n.moves():
		return sameScale
	case n.ofElement() != nil:
		return ownScale
	}
	return onlyFloat
}

func isPool(n *node) bool { _, ok := n.op.(*kernels.Pool); return ok }

// newPlan decides what of a graph is computed in integers: convolutions and fully
// connected layers, unless they are to stay float, and what lies between them.
// What only follows the last of them stays float, but for pools: there is little
// of it, and most of it needs precision, as softmax and the decoding of boxes do.
func newPlan(g *graph, float map[int]string) *quantisePlan {
	p := &quantisePlan{
		integer: make([]bool, len(g.nodes)), float: make([]string, len(g.nodes)),
		values: map[int]kernels.Elements{}, weights: make([][]*value, len(g.nodes)),
	}
	forms := make([]quantisedForm, len(g.nodes))
	leads := map[*value]bool{} // to products
	users := map[*value][]int{}
	for i, n := range slices.Backward(g.nodes) {
		if float[i] == "" {
			forms[i] = formOf(n)
		}
		on := hasProducts(n) && forms[i] != onlyFloat
		for _, v := range n.out {
			on = on || leads[v]
		}
		for _, v := range n.in {
			leads[v] = leads[v] || on
			users[v] = append(users[v], i)
		}
		p.float[i] = float[i]
	}
	read := func(n *node) bool { // by somebody who computes in integers
		return slices.ContainsFunc(n.out, func(v *value) bool {
			return slices.ContainsFunc(users[v], func(u int) bool { return p.integer[u] })
		})
	}
	made := map[*value]bool{} // in integers
	consider := func(i int) {
		n := g.nodes[i]
		follows := slices.ContainsFunc(n.in, func(v *value) bool { return made[v] })
		goes := !slices.ContainsFunc(n.out, func(v *value) bool {
			return len(users[v]) == 0 || slices.ContainsFunc(users[v], func(u int) bool { return !p.integer[u] })
		})
		switch {
		case forms[i] == onlyFloat:
		case hasProducts(n):
			p.integer[i] = true
		case isPool(n) && follows:
			p.integer[i] = true
		default:
			p.integer[i] = leads[n.out[0]] && (follows || goes && forms[i] == sameScale)
		}
		if p.integer[i] {
			for _, v := range n.out {
				made[v] = true
			}
		}
	}
	for i := range g.nodes {
		consider(i)
	}
	// What comes before the first product, and leads to such alone.
	for i := len(g.nodes) - 1; i >= 0; i-- {
		if !p.integer[i] {
			consider(i)
		}
	}
	// What nobody reads in integers need not be rounded to such.
	for i, n := range slices.Backward(g.nodes) {
		if p.integer[i] && !hasProducts(n) && !isPool(n) && !read(n) {
			p.integer[i] = false
		}
	}
	return p
}

// quantised are the values that are to be quantised, by number: the operands of
// integer nodes, and results that have their operands' elements. Those of one
// list share their elements.
func (p *quantisePlan) quantised(g *graph) [][]int {
	number := numbers(g.numbered())
	of := map[int]int{} // a value to the one that stands for all that share its elements
	var root func(i int) int
	root = func(i int) int {
		if of[i] != i {
			of[i] = root(of[i])
		}
		return of[i]
	}
	enter := func(v *value) (int, bool) {
		if v.typ().Elem != tensor.F32 || v.data != nil {
			return 0, false
		}
		i := number[v]
		if _, ok := of[i]; !ok {
			of[i] = i
		}
		return i, true
	}
	for i, n := range g.nodes {
		if !p.integer[i] {
			continue
		}
		same := n.moves()
		first := -1
		join := func(v *value) {
			k, ok := enter(v)
			switch {
			case !ok || !same:
			case first < 0:
				first = root(k)
			default:
				of[root(k)] = first
			}
		}
		for _, v := range n.in {
			join(v)
		}
		if same {
			for _, v := range n.out {
				join(v)
			}
		}
	}
	lists := map[int][]int{}
	for i := range of {
		lists[root(i)] = append(lists[root(i)], i)
	}
	var all [][]int
	for _, l := range lists {
		slices.Sort(l)
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b []int) int { return a[0] - b[0] })
	return all
}

// setRanges gives values their elements.
func (p *quantisePlan) setRanges(g *graph, ends func(value int) (lo, hi float32)) {
	for _, l := range p.quantised(g) {
		var lo, hi float32
		for _, v := range l {
			a, b := ends(v)
			lo, hi = min(lo, a), max(hi, b)
		}
		e := elementsBetween(lo, hi)
		for _, v := range l {
			p.values[v] = e
		}
	}
}

// elementsBetween are uint8 that stand for the numbers from lo, which is not
// positive, to hi, which is not negative: 0 is one of them exactly.
func elementsBetween(lo, hi float32) kernels.Elements {
	scale := float32((float64(hi) - float64(lo)) / math.MaxUint8)
	if !(scale >= leastScale) {
		scale = 1 // all is 0, or might as well be
	}
	zero := math.RoundToEven(-float64(lo) / float64(scale))
	return kernels.Elements{Elem: tensor.U8, Scale: scale, Zero: int32(min(max(zero, 0), math.MaxUint8))}
}

// leastScale is the least scale: with weights as small, products still have a
// multiplier.
const leastScale = 0x1p-40

// quantiseWeights quantises a node's weights for an operand of elements x, and
// says why not if that cannot be done. mean, if not nil, is the mean of the
// operand that goes with weight k of channel c: the bias makes up for what the
// rounding of weights adds to the mean of the result.
func quantiseWeights(n *node, x kernels.Elements, mean func(c, k int) float64) ([]*value, error) {
	w := n.weights[0]
	channels := w.shape[0]
	rows := w.data.len() / channels
	e := &encoding{q: make([]int16, w.data.len()), scale: make([]float32, channels)}
	floats, biases := make([]float32, w.data.len()), make([]float32, channels)
	for c := range channels {
		row := w.data.floats[c*rows:][:rows]
		most := 0.0
		for _, v := range row {
			most = max(most, math.Abs(float64(v)))
		}
		bias := 0.0
		if n.weights[1] != nil {
			bias = float64(n.weights[1].data.floats[c])
		}
		if !(most <= math.MaxFloat32) || !(math.Abs(bias) <= math.MaxFloat32) {
			return nil, fmt.Errorf("a weight is not finite")
		}
		// A bias is an int32, and the sum with it.
		scale := float32(max(most/math.MaxInt8, math.Abs(bias)/float64(x.Scale)/mostBias, leastScale))
		if most == 0 && bias == 0 {
			scale = 1
		}
		e.scale[c] = scale
		sum := 0.0
		for k, v := range row {
			q := min(max(math.RoundToEven(float64(v)/float64(scale)), -math.MaxInt8), math.MaxInt8)
			e.q[c*rows+k] = int16(q)
			floats[c*rows+k] = float32(q) * scale
			sum += math.Abs(q)
			if mean != nil {
				bias += (float64(v) - q*float64(scale)) * mean(c, k)
			}
		}
		unit := float64(scale) * float64(x.Scale)
		b := math.RoundToEven(bias / unit)
		if math.Abs(b)+sum*math.MaxUint8 > math.MaxInt32 {
			return nil, fmt.Errorf("the sum of %d products can be beyond an int32", rows)
		}
		biases[c] = float32(b * unit)
	}
	data := floatTensor(w.shape, floats)
	data.encoding = e
	shape := tensor.Shape{channels}
	return []*value{{name: w.name, shape: w.shape, data: data}, {shape: shape, data: floatTensor(shape, biases)}}, nil
}

// mostBias is the largest bias in units of the products: a quarter of what an
// int32 holds.
const mostBias = 1 << 29
