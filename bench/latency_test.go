package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for q, want := range map[float64]float64{0: 1, 0.1: 1, 0.11: 2, 0.5: 5, 0.9: 9, 0.999: 10, 1: 10} {
		if got := quantile(x, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

// A stall is felt by all requests that arrive while it lasts, not by one.
func TestOpenLoopCountsFromArrival(t *testing.T) {
	const rate, stall = 10_000, 20 * time.Millisecond
	var o openLoop
	stalled := false
	o.round(rate, 100*time.Millisecond, rand.New(rand.NewPCG(1, 2)), func() {
		if !stalled {
			stalled = true
			time.Sleep(stall)
		}
	})
	late := 0
	for _, took := range o.samples {
		if took > float64(stall/2) {
			late++
		}
	}
	// Those of the first half of the stall: 100, give or take chance.
	if late < 60 {
		t.Errorf("%d of %d requests were late by half of the stall", late, len(o.samples))
	}
}
