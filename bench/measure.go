package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// A contender does one piece of work, the same as its opponents.
type contender struct {
	name string
	run  func()
}

// A timing is what one contender's runs took, in nanoseconds. The machine has
// slow spells of seconds; so the contenders take turns, round by round, and
// each round has a median. Best is the least of those, Median the middle one,
// Min the fastest single run.
type timing struct {
	Name   string  `json:"name"`
	Best   float64 `json:"best_ns"`
	Median float64 `json:"median_ns"`
	Min    float64 `json:"min_ns"`
	Runs   int     `json:"runs"`
}

// race times the contenders against one another: in each round every one runs
// for about the given time, in turns.
func race(rounds int, each time.Duration, contenders ...contender) []timing {
	medians := make([][]float64, len(contenders))
	results := make([]timing, len(contenders))
	samples := make([]float64, 0, 1<<16)
	for i, c := range contenders {
		results[i] = timing{Name: c.name, Min: 1e18}
		for range 3 {
			c.run()
		}
	}
	for range rounds {
		for i, c := range contenders {
			samples = samples[:0]
			for start := time.Now(); time.Since(start) < each || len(samples) < 3; {
				t := time.Now()
				c.run()
				samples = append(samples, float64(time.Since(t).Nanoseconds()))
			}
			slices.Sort(samples)
			medians[i] = append(medians[i], samples[len(samples)/2])
			results[i].Min = min(results[i].Min, samples[0])
			results[i].Runs += len(samples)
		}
	}
	for i, m := range medians {
		slices.Sort(m)
		results[i].Best, results[i].Median = m[0], m[len(m)/2]
	}
	return results
}

// fill sets x to random numbers, the same in every run of the program.
func fill(x []float32) {
	rng := rand.New(rand.NewPCG(1, uint64(len(x))))
	for i := range x {
		x[i] = rng.Float32()
	}
}

// difference is the largest one between got and want, of want's range; NaN if
// there is NaN in either.
func difference(got, want []float32) float64 {
	lo, hi, worst := math.Inf(1), math.Inf(-1), 0.0
	for i, w := range want {
		lo, hi = min(lo, float64(w)), max(hi, float64(w))
		worst = max(worst, math.Abs(float64(got[i])-float64(w)))
	}
	return worst / max(hi-lo, 1e-30)
}
