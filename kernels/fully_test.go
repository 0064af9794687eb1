package kernels

import (
	"math"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// newFully makes a fully connected layer of rows rows of k elements.
func (g generator) newFully(f *FullyConnected, rows, k int, e tensor.Elem) *layer {
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
		for _, e := range []tensor.Elem{tensor.F32, tensor.F16} {
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

// TestFullyConnectedScratch asks for no more than what Run uses: VGG's first
// layer would otherwise ask for 11 MB.
func TestFullyConnectedScratch(t *testing.T) {
	const block, results = 96 * (512 + NR), 4 * NR
	for _, c := range []struct {
		rows, k, n int
		elem       tensor.Elem
		want       int
	}{
		{1, 25088, 64, tensor.F32, 0},                  // never a gemm
		{1, 25088, 64, tensor.F16, 0},                  // whose weights are read as they are
		{1, 25088, 56, tensor.F16, results},            // the last panel has 8 columns
		{9, 25088, 56, tensor.F32, results},            // one by one, since rows are long
		{1, 1568, 128, tensor.F32, 0},                  // rows are read in place
		{1, 1568, 128, tensor.F16, 1568 * NR},          // and a panel is made float32
		{1, 512, 128, tensor.F32, block},               // rows evict one another
		{1, 512, 128, tensor.F16, block + 512*NR},      // and both
		{1, 512, 16, tensor.F32, 0},                    // but one panel passes over them once
		{1, 512, 100, tensor.F32, max(block, results)}, // gemvRows begins anew
		{1, 128, 10, tensor.F32, results},
		{9, 128, 10, tensor.F32, 0}, // more than a few rows are always a gemm
	} {
		p := Param{Form: FormPanels, Elem: c.elem, Shape: []int{1, c.k, c.n}}
		size, _ := p.Bytes()
		p.Data = tensor.AlignedBytes(size)
		op, err := bind((&FullyConnected{Channels: c.n}), Tiers()[0], [][]int{{c.rows, c.k}}, []Param{p})
		if err != nil {
			t.Fatal(err)
		}
		if got := op.Scratch(); got != 4*c.want {
			t.Errorf("%+v: %d bytes", c, got)
		}
	}
}
