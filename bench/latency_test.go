package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"
)

func TestQuantile(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for q, want := range map[float64]float64{0: 1, 0.1: 1, 0.11: 2, 0.5: 5, 0.9: 9, 0.999: 10, 1: 10} {
		if got := quantile(x, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

// A stall is felt by all requests that arrive while it lasts, not by one. The
// clock is the test's own.
func TestServeCountsFromArrival(t *testing.T) {
	var now time.Duration
	runs := []time.Duration{10, 10, 500, 10, 10, 10, 10} // the third stalls
	i := 0
	got := serve([]time.Duration{0, 100, 200, 300, 400, 705, 1000}, func() {
		now += runs[i]
		i++
	}, func() time.Duration { return now }, func() { now++ })
	// The third ends at 700, those that wait behind it at 710 and 720, the one
	// that comes last but one at 730.
	if want := []float64{10, 10, 500, 410, 320, 25, 10}; !slices.Equal(got, want) {
		t.Errorf("answered after %v, want %v", got, want)
	}
}

// Arrivals are a Poisson process: gaps are exponential, with the mean and the
// standard deviation 1/rate.
func TestPoisson(t *testing.T) {
	const rate, each = 10_000, 10 * time.Second
	arrivals := poisson(rate, each, rand.New(rand.NewPCG(1, 2)))
	var gaps []float64
	last := time.Duration(0)
	for _, at := range arrivals {
		if at < last || at > each {
			t.Fatalf("arrival at %v after one at %v", at, last)
		}
		gaps = append(gaps, (at-last).Seconds()*rate)
		last = at
	}
	// Of 100,000 the mean is within 1 % by three of its standard errors.
	if mean, dev := stat.MeanStdDev(gaps, nil); math.Abs(mean-1) > 0.01 || math.Abs(dev-1) > 0.02 {
		t.Errorf("gaps of %.3f ± %.3f times the mean one, want 1 ± 1", mean, dev)
	}
}

// A round keeps what each request took, and the tail of the round.
func TestRound(t *testing.T) {
	var o openLoop
	runs := 0
	o.round(10_000, 10*time.Millisecond, rand.New(rand.NewPCG(1, 2)), func() { runs++ })
	if runs == 0 || len(o.samples) != runs || len(o.rates) != 1 || o.rates[0] != 10_000 || len(o.p999) != 1 || o.p999[0] != slices.Max(o.samples) {
		t.Errorf("%d runs gave %+v", runs, o)
	}
}
