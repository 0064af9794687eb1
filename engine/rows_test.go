package engine

import (
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// TestRows runs a net whose first output has as many rows as are found, beside
// one of a fixed size and one that shares the memory of the first.
func TestRows(t *testing.T) {
	b := newNet(t, false)
	boxes, scores := b.input(1, 3, 4), b.input(1, 1, 3)
	rows := b.step(&kernels.NonMaxSuppression{Most: 3, Overlap: 0.5, Scored: true}, boxes, scores)
	b.output(rows, b.step(&kernels.Unary{Kind: kernels.Neg}, boxes), b.step(&kernels.Reshape{Shape: []int{3, 3}}, rows))
	m := newTestModel(t, b.net, kernels.Tiers()[0])
	s := newTestSession(t, m, SessionOptions{})
	copy(s.Input(0), []float32{0, 0, 2, 2, 0, 0, 2, 2, 4, 4, 5, 5})
	for _, c := range []struct {
		scores []float32
		want   []int64
	}{
		{[]float32{0.5, 0.6, 0.7}, []int64{0, 0, 2, 0, 0, 1}},
		{[]float32{0.5, 0.4, -1}, []int64{0, 0, 0}},
		{[]float32{0, 0, 0}, []int64{}},
	} {
		copy(s.Input(1), c.scores)
		if err := s.Run(1); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, 2} {
			if n := s.Rows(i); n != len(c.want)/3 {
				t.Errorf("scores %v: output %d has %d rows, want %d", c.scores, i, n, len(c.want)/3)
			}
			if got := tensor.Slice[int64](s.OutputBytes(i)[:8*len(c.want)]); !slices.Equal(got, c.want) {
				t.Errorf("scores %v: output %d is %v, want %v", c.scores, i, got, c.want)
			}
		}
		if n := s.Rows(1); n != 1 {
			t.Errorf("output 1 has %d rows, want 1", n)
		}
	}
	s.Close()
	if n := s.Rows(0); n != 0 {
		t.Errorf("a closed session has %d rows", n)
	}

	b = newNet(t, true)
	b.output(b.step(&kernels.Unary{Kind: kernels.Neg}, b.input(1, 2)))
	s = newTestSession(t, newTestModel(t, b.net, kernels.Tiers()[0]), SessionOptions{Batch: 3})
	if err := s.Run(2); err != nil || s.Rows(0) != 2 {
		t.Errorf("%d rows of 2 items: %v", s.Rows(0), err)
	}
}
