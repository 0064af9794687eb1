package onnx

import (
	"slices"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// foldAffine folds what scales or shifts each channel into the weights of the
// convolution or fully connected layer in front of it: batch normalisation,
// and additions, subtractions, products and quotients with one constant for
// each channel, or for all. A bias that stands alone is one of them.
func foldAffine(g *graph) int {
	e := g.edges()
	dead := map[*node]bool{}
	for _, n := range g.nodes {
		if len(n.in) != 1 {
			continue
		}
		p := e.only(n.in[0])
		if p == nil || len(p.in) != 1 {
			continue
		}
		axis := 1 // of the channels
		switch p.op.(type) {
		case *kernels.Conv, *kernels.ConvTranspose, channelAffine:
		case *kernels.FullyConnected:
			axis = len(p.out[0].shape) - 1
		default:
			continue
		}
		if act := p.fusedAct(); act != nil && act.Kind != kernels.NoActivation {
			continue
		}
		scale, shift, ok := perChannel(n, p.out[0].shape, axis)
		if !ok {
			continue
		}
		scaleChannels(p, scale, shift)
		e.absorb(p, n)
		dead[n] = true
	}
	g.remove(dead)
	return len(dead)
}

// perChannel says whether n is y = scale·x + shift for each index of one axis
// of x, whose shape it keeps.
func perChannel(n *node, shape []int, axis int) (scale, shift []float32, ok bool) {
	channels := shape[axis]
	if _, ok := n.op.(channelAffine); ok {
		if axis != 1 {
			return nil, nil, false
		}
		return n.weights[0].data.floats, n.weights[1].data.floats, true
	}
	op, ok := n.op.(*kernels.Binary)
	if !ok || op.Act != (kernels.Act{}) || len(n.weights) != 1 {
		return nil, nil, false
	}
	w := n.weights[0]
	for i, d := range w.shape {
		if at := len(shape) - len(w.shape) + i; d != 1 && (at != axis || d != channels) {
			return nil, nil, false
		}
	}
	if len(w.shape) > len(shape) {
		return nil, nil, false
	}
	scale, shift = make([]float32, channels), make([]float32, channels)
	for i := range channels {
		c := w.data.floats[i%w.data.len()]
		scale[i] = 1
		switch {
		case op.Kind == kernels.Add:
			shift[i] = c
		case op.Kind == kernels.Sub && !op.Swap:
			shift[i] = -c
		case op.Kind == kernels.Sub:
			scale[i], shift[i] = -1, c
		case op.Kind == kernels.Mul:
			scale[i] = c
		case op.Kind == kernels.Div && !op.Swap && c != 0:
			scale[i] = 1 / c
		default:
			return nil, nil, false
		}
		if !tensor.IsFinite(scale[i]) || !tensor.IsFinite(shift[i]) {
			return nil, nil, false // weights are finite
		}
	}
	return scale, shift, true
}

// scaleChannels makes n's result scale·y + shift for each channel.
func scaleChannels(n *node, scale, shift []float32) {
	if _, ok := n.op.(channelAffine); ok {
		s, t := make([]float32, len(scale)), make([]float32, len(scale))
		for i := range s {
			a, b := n.weights[0].data.floats[i], n.weights[1].data.floats[i]
			s[i] = a * scale[i]
			t[i] = float32(float64(b)*float64(scale[i]) + float64(shift[i]))
		}
		n.weights = []*value{vector(s), vector(t)}
		return
	}
	w, bias := n.weights[0], n.weights[1]
	b := make([]float32, len(shift))
	for i := range b {
		old := 0.0
		if bias != nil {
			old = float64(bias.data.floats[i])
		}
		b[i] = float32(old*float64(scale[i]) + float64(shift[i]))
	}
	n.weights = []*value{w, vector(b)}
	if !slices.ContainsFunc(scale, func(s float32) bool { return s != 1 }) {
		return // of a bias alone
	}
	y := make([]float32, w.data.len())
	channel := channelOf(n, w.shape)
	for i, x := range w.data.floats {
		y[i] = x * scale[channel(i)]
	}
	data := floatTensor(w.shape, y)
	if _, ok := n.op.(*kernels.ConvTranspose); !ok {
		data.encoding = w.data.encoding.scaled(scale)
	}
	n.weights[0] = &value{name: w.name, shape: w.shape, data: data}
}

// channelOf returns the function that says to which output channel an element
// of n's weights belongs.
func channelOf(n *node, shape []int) func(i int) int {
	switch op := n.op.(type) {
	case *kernels.ConvTranspose: // [Cin, Cout/groups, …]
		taps, _ := tensor.Shape(shape[2:]).Elements()
		perGroup := shape[1]
		return func(i int) int {
			in, out := i/taps/perGroup, i/taps%perGroup
			return in/(shape[0]/op.Groups)*perGroup + out
		}
	}
	each, _ := tensor.Shape(shape[1:]).Elements() // [Cout, …], [N, K]
	return func(i int) int { return i / each }
}
