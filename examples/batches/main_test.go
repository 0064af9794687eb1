package main

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights/digits"
)

// Scores that were computed in batches are those of a session that computes one
// item at a time, to the bit.
func TestBatches(t *testing.T) {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	alone, err := m.NewSession(engine.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	b, err := newBatcher(m, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()

	rng := rand.New(rand.NewPCG(1, 2))
	var clients sync.WaitGroup
	for i := range 100 {
		input := make([]float32, 28*28)
		for j := range input {
			input[j] = rng.Float32()
		}
		copy(alone.Input(0), input)
		if err := alone.Run(1); err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(alone.Output(0))
		clients.Go(func() {
			got, err := b.compute(input)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("item %d: %v, %v; alone %v", i, got, err, want)
			}
		})
	}
	clients.Wait()
}
