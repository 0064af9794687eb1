package engine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// TestQuantisedWinogradNet runs a net of which convolutions are computed by
// Winograd's algorithm, through the file: with a residual, with a pool, placed in a
// larger map. Its bytes are the same on every tier, with every batch and number of
// threads, and close to those of the net without the algorithm.
func TestQuantisedWinogradNet(t *testing.T) {
	const size, channels, batch = 23, 36, 3
	rng := rand.New(rand.NewPCG(3, 4))
	element := kernels.Elements{Elem: tensor.U8, Scale: 0.05, Zero: 100}
	first, second, third := newRandomWeights(rng, 9*channels, channels), newRandomWeights(rng, 9*channels, 16), newRandomWeights(rng, 9*channels, 16)
	for _, w := range []*randomWeights{first, second, third} {
		for i := range w.scale {
			w.scale[i] /= 4
		}
	}
	build := func(w kernels.Winograd) []byte {
		net := newNet(t, true)
		conv := func(channels int, pool bool) *kernels.Conv {
			return &kernels.Conv{
				Window: kernels.Window{Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}},
				Groups: 1, Channels: channels, Pool: pool, Winograd: w, Result: element,
			}
		}
		x := net.input(1, size, size, channels)
		q := net.step(&kernels.Convert{Result: element}, x)
		v := net.steps(conv(channels, false), []kernels.Param{first.param()}, q, q)[0]
		left := net.steps(conv(16, true), []kernels.Param{second.param()}, v)[0]
		right := net.steps(conv(16, true), []kernels.Param{third.param()}, v)[0]
		net.output(net.step(&kernels.Concat{Axis: 3}, left, right))
		data, err := weights.Marshal(net.net)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	pictures := make([]float32, batch*size*size*channels)
	for i := range pictures {
		pictures[i] = 8 * (rng.Float32() - 0.5)
	}
	run := func(data []byte, tier string, o SessionOptions) (all []byte) {
		m, err := Options{Kernels: tier}.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		s := newTestSession(t, m, o)
		n := max(o.Batch, 1)
		for from := 0; from < batch; from += n {
			copy(s.Input(0), pictures[from*size*size*channels:])
			if err := s.Run(n); err != nil {
				t.Fatal(err)
			}
			all = append(all, s.OutputBytes(0)...)
		}
		if allocs := testing.AllocsPerRun(3, func() { s.Run(1) }); allocs != 0 && o.Threads < 2 {
			t.Errorf("%s, %+v: %v allocations", tier, o, allocs)
		}
		return all
	}
	by, direct := build(kernels.WinogradF4), build(kernels.NoWinograd)
	want := run(by, "portable", SessionOptions{})
	if len(want) != batch*11*11*32 || slices.Max(want) == slices.Min(want) {
		t.Fatalf("%d bytes, from %d to %d", len(want), slices.Min(want), slices.Max(want))
	}
	differ := 0
	for i, d := range run(direct, "portable", SessionOptions{}) {
		difference := max(d, want[i]) - min(d, want[i])
		if difference > 2 {
			t.Fatalf("byte %d is %d by the algorithm, %d without", i, want[i], d)
		}
		differ += int(difference)
	}
	if differ > len(want)/10 {
		t.Errorf("%d of %d bytes differ from those without the algorithm", differ, len(want))
	}
	for _, tier := range kernels.Tiers() {
		if !tier.Supported {
			t.Logf("%s is not supported here", tier.Name)
			continue
		}
		for _, o := range []SessionOptions{{}, {Batch: batch}, {Batch: batch, Threads: 2}, {Threads: 2}} {
			if got := run(by, tier.Name, o); !slices.Equal(got, want) {
				t.Errorf("%s, %+v: other bytes than on portable", tier.Name, o)
			}
		}
	}
}
