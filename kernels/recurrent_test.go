package kernels

import (
	"math"
	"testing"
)

// TestRecurrent runs every cell in both directions, with first states as
// operands, as params and as zeros.
func TestRecurrent(t *testing.T) {
	g := newGenerator(36)
	for range 150 {
		spec := &Recurrent{Kind: RecurrentKind(g.IntN(int(LastRecurrent) + 1)), Reverse: g.IntN(2) == 0}
		n, times, hidden := g.between(1, 3), g.between(1, 6), g.between(1, 40)
		switch g.IntN(10) {
		case 0:
			hidden = 100 // more than wide panels
		case 1, 2:
			hidden = NR * g.between(1, 6) // no columns to spare
		case 3, 4:
			n = g.between(sequencesPerTask, 3*sequencesPerTask)
		}
		gates, states := spec.Kind.gates(), spec.Kind.states()
		e := g.elem()
		weights, bias := g.weightsOf(e, gates, hidden, hidden)
		for i := range weights {
			weights[i] /= 16 // exact, and states stay where the functions are not flat
		}
		tr := trial{spec: spec, in: [][]int{{n, times, gates * hidden}}, params: []Param{panelsOf(e, gates, hidden, hidden, weights, bias)}}
		first := array{[]int{states, hidden}, make([]float64, states*hidden)}
		switch g.IntN(3) {
		case 0:
			for range states {
				tr.in = append(tr.in, []int{n, hidden})
			}
		case 1:
			x := g.uniform(states * hidden)
			tr.params = append(tr.params, PlainParam(first.shape, x))
			first = arrayOf(first.shape, x)
		}
		// Errors of a time go through the next ones, at most as they are.
		tr.bounds = &array{data: make([]float64, n*times*hidden)}
		for i := range tr.bounds.data {
			tr.bounds.data[i] = float64(times*(hidden+16)) * 0x1p-21
		}
		tr.ref = func(in, out []array) { refRecurrent(spec, hidden, weights, bias, first, in, out) }
		tr.run(t, g)
	}
}

// refRecurrent is ONNX's formulas, element by element.
func refRecurrent(spec *Recurrent, hidden int, weights, bias []float32, first array, in, out []array) {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	gates, states := spec.Kind.gates(), spec.Kind.states()
	n, times := in[0].shape[0], in[0].shape[1]
	for s := range n {
		state := make([][]float64, states)
		for i := range state {
			for j := range hidden {
				v := first.at(i, j)
				if len(in) > 1 {
					v = in[1+i].at(s, j)
				}
				state[i] = append(state[i], v)
			}
		}
		for i := range times {
			at := i
			if spec.Reverse {
				at = times - 1 - i
			}
			// product is what a vector adds to element j of gate k.
			product := func(k, j int, h []float64) float64 {
				sum := float64(bias[k*hidden+j])
				for r, v := range h {
					sum += v * float64(weights[(k*hidden+r)*hidden+j])
				}
				return sum
			}
			x := func(k, j int) float64 { return in[0].at(s, at, k*hidden+j) }
			h, next := state[0], make([]float64, hidden)
			var reset []float64
			for j := range hidden {
				if gates == 3 {
					reset = append(reset, sigmoid(x(1, j)+product(1, j, h)))
				}
			}
			for j := range hidden {
				gate := sigmoid(x(0, j) + product(0, j, h))
				switch spec.Kind {
				case LSTM:
					c := sigmoid(x(2, j)+product(2, j, h))*state[1][j] + gate*math.Tanh(x(3, j)+product(3, j, h))
					next[j] = sigmoid(x(1, j)+product(1, j, h)) * math.Tanh(c)
					state[1][j] = c
				case GRU:
					held := make([]float64, hidden)
					for r := range held {
						held[r] = reset[r] * h[r]
					}
					next[j] = (1-gate)*math.Tanh(x(2, j)+product(2, j, held)) + gate*h[j]
				case RNN:
					next[j] = math.Tanh(x(0, j) + product(0, j, h))
				case RNNRelu:
					next[j] = math.Max(x(0, j)+product(0, j, h), 0)
				case GRUResetAfter:
					next[j] = (1-gate)*math.Tanh(x(2, j)+reset[j]*product(2, j, h)) + gate*h[j]
				}
				out[0].set(next[j], s, at, j)
			}
			state[0] = next
		}
		for i := range state {
			for j, v := range state[i] {
				out[1+i].set(v, s, j)
			}
		}
	}
}

func TestRecurrentErrors(t *testing.T) {
	matrices := sized(FormPanels, 4, 2, 2)
	for _, c := range []struct {
		spec   *Recurrent
		in     [][]int
		params []Param
		want   string
	}{
		{&Recurrent{Kind: 5}, [][]int{{1, 2, 8}}, []Param{matrices}, "Recurrent: unknown kind 5"},
		{&Recurrent{}, [][]int{{1, 2, 9}}, []Param{matrices}, "Recurrent: operand 0 of shape 1×2×9 is not a sequence for 4 gates"},
		{&Recurrent{}, [][]int{{1, 2, 8}, {1, 2}}, []Param{matrices}, "Recurrent: 2 operands where there should be 3"},
		{&Recurrent{}, [][]int{{1, 2, 8}, {1, 2}, {2, 2}}, []Param{matrices}, "Recurrent: a first state of shape 2×2 where there should be 1×2"},
		{&Recurrent{Kind: GRU}, [][]int{{1, 2, 6}}, []Param{matrices}, "Recurrent: the matrices are panels 4×2×2 where there should be panels 3×2×2"},
	} {
		if _, err := infer(c.spec, c.in, c.params); err == nil || err.Error() != c.want {
			t.Errorf("%+v of %v: %v, want %s", c.spec, c.in, err, c.want)
		}
	}
	if got := (&Recurrent{}).Traits(types([][]int{{3, 5, 8}}), nil).MACs; got != 3*5*8*2 {
		t.Errorf("%d multiply-adds of 3 sequences of 5 times, 4 gates of 2, want %d", got, 3*5*8*2)
	}
}
