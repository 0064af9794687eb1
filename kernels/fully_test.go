package kernels

import (
	"math"
	"testing"
)

// newFully makes a fully connected layer of rows rows of k elements.
func (g generator) newFully(f *FullyConnected, rows, k int, e Elem) *layer {
	weights, bias := g.weightsOf(e, 1, k, f.Channels)
	return &layer{
		spec: f, in: [][]int{{1, rows, k}}, params: []Param{panelsOf(e, 1, k, f.Channels, weights, bias)}, k: k,
		reference: func(item [][]float32) func(int) sum {
			return func(i int) (s sum) {
				row, column := i/f.Channels, i%f.Channels
				s.add(bias[column], 1)
				for j, x := range item[0][row*k : (row+1)*k] {
					s.add(x, weights[j*f.Channels+column])
				}
				s.round(k)
				s.act(f.Act)
				return s
			}
		},
	}
}

func TestFullyConnected(t *testing.T) {
	eachLayerTest(t, 50, func(t *layerTest) {
		for range trials(300) {
			f := &FullyConnected{Channels: t.between(1, 200), Act: t.act()}
			k := t.between(1, 70)
			if t.IntN(6) == 0 {
				k = 256 // rows that stand so evict one another
			}
			rows := max(1, t.between(-3, 4))
			t.check(t.newFully(f, rows, k, t.elem()), t.between(1, 9), t.someValues(microSpecials...))
		}
	})
}

// TestFullyConnectedOfNets has the layers of digit nets, with few pictures at
// a time and with many: a row's bits are the same whatever the number.
func TestFullyConnectedOfNets(t *testing.T) {
	relu := Act{Kind: Clamp, Hi: float32(math.Inf(1))}
	eachLayerTest(t, 51, func(t *layerTest) {
		for _, e := range []Elem{F32, F16} {
			for _, c := range []struct {
				k, n    int
				act     Act
				batches []int
			}{
				{128, 10, Act{}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 200}},
				{1568, 128, relu, []int{1, 3, 9, 64, 200}},
				{5408, 128, relu, []int{1, 3, 64}},
				{4096, 16, relu, []int{3, 4}},
			} {
				l := t.newFully(&FullyConnected{Channels: c.n, Act: c.act}, 1, c.k, e)
				for _, n := range c.batches {
					if brief() && n > 3 {
						continue
					}
					t.check(l, n, t.uniform)
				}
			}
		}
	})
}
