package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
)

// A layer is one step of a net at batch 1 beside its roofline: the time that
// its multiply-adds take at the measured peak, and the time that its bytes
// take from the level of the memory that holds them.
type layer struct {
	Net       string  `json:"net"`
	Name      string  `json:"name"`
	Op        string  `json:"op"`
	NS        float64 `json:"ns"`
	MACs      float64 `json:"macs"`
	Bytes     float64 `json:"bytes"` // operands, results and weights, each once
	ComputeNS float64 `json:"compute_ns"`
	MemoryNS  float64 `json:"memory_ns"`
}

// Limit is the least time that the roofline allows a direct computation; a
// convolution by Winograd's algorithm can be below.
func (l layer) Limit() float64 { return max(l.ComputeNS, l.MemoryNS) }

func modelMACs(m *engine.Model) (n int64) {
	for _, s := range m.Steps() {
		n += s.MACs
	}
	return n
}

func (b *bench) measureLayers() error {
	for _, path := range b.nets {
		layers, err := layersOf(path, b.Machine, b.rounds)
		if err != nil {
			return err
		}
		b.Layers = append(b.Layers, layers...)
	}
	return nil
}

// layersOf takes the best of many runs of each step of a net with
// half-precision weights.
func layersOf(path string, limits machine, rounds int) ([]layer, error) {
	m, err := freeze(path, tensor.F16)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	s, err := m.NewSession(engine.SessionOptions{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for i := range m.Inputs() {
		fill(s.Input(i))
	}
	steps := m.Steps()
	best := make([]float64, len(steps))
	for i := range best {
		best[i] = math.Inf(1)
	}
	runs := int(min(2000, max(3, 2e9/float64(modelMACs(m))))) * rounds
	for range runs {
		took, err := s.Profile(1)
		if err != nil {
			return nil, err
		}
		for i, t := range took {
			best[i] = min(best[i], float64(t.Nanoseconds()))
		}
	}
	net := netName(path)
	var layers []layer
	for i, st := range steps {
		if st.View {
			continue
		}
		l := layer{Net: net, Name: st.Name, Op: st.Op, NS: best[i], MACs: float64(st.MACs), Bytes: float64(st.Weights)}
		for _, t := range slices.Concat(st.In, st.Out) {
			n := float64(t.Elem.Size())
			for _, d := range t.Shape {
				n *= math.Abs(float64(d)) // −1 is a batch of one
			}
			l.Bytes += n
		}
		l.ComputeNS = l.MACs / limits.Peak
		l.MemoryNS = l.Bytes / limits.forBytes(l.Bytes)
		layers = append(layers, l)
		fmt.Printf("%-22s %-16s %-44.44s %9.2f µs %7.1f GMAC/s %6.1f GB/s   roofline %9.2f µs, reached %4.0f %%\n", net, l.Op, l.Name,
			l.NS/1e3, l.MACs/l.NS, l.Bytes/l.NS, l.Limit()/1e3, 100*l.Limit()/l.NS)
	}
	return layers, nil
}

// forBytes is the bandwidth of the cache that holds so many bytes in a running
// net, in GB/s.
func (m machine) forBytes(n float64) float64 {
	switch {
	case n <= 32<<10:
		return m.L1
	case n <= 256<<10:
		return m.L2
	case n <= 16<<20:
		return m.L3
	}
	return m.Memory
}
