package main

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/infer-go/infer/engine"
)

var benchCommand = command{
	name: "bench",
	args: "[F] [--input-size HxW] [--batch N] [--threads N] [--duration 3s] [--layers] [--json] [--picture IMAGE [--whole]]",
	help: `
Measure how long runs on random numbers take, one after the other: the least,
the median and the greatest time of a run, its allocations, and how many
pictures are computed a second, by the mean of all runs. The net is F, or that
of --model. With --layers,
also the time of each step, on one thread. --json prints {"model","kernels",
"batch","threads","runs","us":{"min","p50","p90","p99","max"},
"images_per_second","allocs_per_run","layers":[{"name","op","us","gmacs"}]}.
With --picture, measure how long it takes to decode a picture, to prepare it
and to run the net, in CPU time of the process on one thread. A JPEG picture is
decoded no larger than the net needs, unless --whole is given. --json prints
{"model","kernels","picture","whole","runs","decode_us","prepare_us","run_us",
"total_us"}, each of the last four as {"min","p50","p90","p99","max","allocs"}.`,
	setup: func(flags *flag.FlagSet) func(*app, []string) error {
		model := modelFlag(flags)
		size := inputSizeFlag(flags, "`SIZES` of the open dimensions of the input, such as 480x640")
		batch := flags.Int("batch", 1, "compute `N` items in a run")
		threads := flags.Int("threads", 1, "compute on `N` threads")
		duration := flags.Duration("duration", 3*time.Second, "measure for this `TIME`")
		layers := flags.Bool("layers", false, "measure each step")
		asJSON := flags.Bool("json", false, "print JSON")
		file := flags.String("picture", "", "measure the picture in `FILE`, from its bytes to the answer")
		whole := flags.Bool("whole", false, "decode the picture at its full size")
		return func(a *app, args []string) error {
			if err := model.take(args); err != nil {
				return err
			}
			if *duration <= 0 {
				return usagef("--duration %v: more than 0", *duration)
			}
			if err := cmp.Or(atLeastOne("batch", *batch), atLeastOne("threads", *threads)); err != nil {
				return err
			}
			if isGiven(flags, "picture") {
				for _, other := range []string{"batch", "threads", "layers"} {
					if isGiven(flags, other) {
						return usagef("--%s is not for a picture", other)
					}
				}
				r, err := a.benchPicture(model, *file, *whole, *duration)
				switch {
				case err != nil:
					return err
				case *asJSON:
					return a.printJSON(r)
				}
				r.print(a)
				return nil
			}
			if *whole {
				return usagef("--whole needs --picture")
			}
			m, err := model.open()
			if err != nil {
				return err
			}
			defer m.Close()
			s, err := model.session(m, engine.SessionOptions{Batch: *batch, Threads: *threads, Sizes: *size})
			if err != nil {
				return err
			}
			defer s.Close()
			b, err := measure(m, s, *batch, *duration)
			if err != nil {
				return err
			}
			b.Model, b.Kernels, b.Batch, b.Threads = cmp.Or(m.Meta().Name, model.name()), m.Kernels(), *batch, *threads
			if *layers {
				if b.Layers, err = measureLayers(s, *batch, *duration); err != nil {
					return err
				}
			}
			if *asJSON {
				return a.printJSON(b)
			}
			b.print(a)
			return nil
		}
	},
}

// A measurement is what --json prints.
type measurement struct {
	Model        string  `json:"model"`
	Kernels      string  `json:"kernels"`
	Batch        int     `json:"batch"`
	Threads      int     `json:"threads"`
	Runs         int     `json:"runs"`
	Microseconds times   `json:"us"`
	Rate         float64 `json:"images_per_second"` // by the mean of all runs
	Allocs       float64 `json:"allocs_per_run"`
	Layers       []layer `json:"layers,omitempty"`
}

// times are those of the runs, in microseconds.
type times struct {
	Min float64 `json:"min"`
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// A layer is a step and its median time.
type layer struct {
	Name         string  `json:"name"`
	Op           string  `json:"op"`
	Microseconds float64 `json:"us"`
	GMACs        float64 `json:"gmacs"` // billions of multiply-adds a second
}

// maxRuns bounds the number of times that are kept.
const maxRuns = 1 << 22

// measure runs a session over and over. Nothing but the runs happens between
// two readings of the clock, and nothing is allocated.
func measure(m *engine.Model, s *engine.Session, batch int, duration time.Duration) (*measurement, error) {
	fill(m, s)
	// Warm up: caches, branch predictors and the clock of the processor.
	warm := time.Now()
	once := duration // the fastest run
	for i := 0; i < 3 || time.Since(warm) < duration/10; i++ {
		begin := time.Now()
		if err := s.Run(batch); err != nil {
			return nil, err
		}
		once = min(once, time.Since(begin))
	}
	runs := make([]time.Duration, 0, min(maxRuns, 1024+2*int(duration/max(once, 1))))

	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	last := time.Duration(0)
	for len(runs) == 0 || last < duration && len(runs) < cap(runs) {
		if err := s.Run(batch); err != nil {
			return nil, err
		}
		now := time.Since(begin)
		runs = append(runs, now-last)
		last = now
	}
	runtime.ReadMemStats(&after)

	return &measurement{
		Runs:         len(runs),
		Microseconds: timesOf(runs),
		Rate:         float64(batch*len(runs)) / last.Seconds(),
		Allocs:       float64((after.Mallocs-before.Mallocs)*1000/uint64(len(runs))) / 1000,
	}, nil
}

// measureLayers takes the median time of each step over many runs.
func measureLayers(s *engine.Session, batch int, duration time.Duration) ([]layer, error) {
	steps := s.Steps()
	runs := make([][]time.Duration, len(steps))
	begin := time.Now()
	for n := 0; n < 3 || time.Since(begin) < duration && n < 1<<16; n++ {
		profile, err := s.Profile(batch)
		if err != nil {
			return nil, err
		}
		for i, t := range profile {
			runs[i] = append(runs[i], t)
		}
	}
	var list []layer
	for i, step := range steps {
		if step.View {
			continue
		}
		slices.Sort(runs[i])
		l := layer{Name: step.Name, Op: step.Op, Microseconds: microseconds(runs[i][len(runs[i])/2])}
		if l.Microseconds > 0 {
			l.GMACs = float64(step.MACs) * float64(batch) / l.Microseconds / 1e3
		}
		list = append(list, l)
	}
	return list, nil
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// fill gives the inputs random numbers in 0…1: zeros and denormals take other
// times than what nets see.
func fill(m *engine.Model, s *engine.Session) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range m.Inputs() {
		x := s.Input(i)
		for j := range x {
			x[j] = rng.Float32()
		}
	}
}

func (b *measurement) print(a *app) {
	fmt.Fprintf(a.stdout, "%s, kernels %s, batch %d, threads %d, %s\n", printable(b.Model), b.Kernels, b.Batch, b.Threads, counted(b.Runs, "runs"))
	u := b.Microseconds
	fmt.Fprintf(a.stdout, "  min %.1f µs   p50 %.1f   p90 %.1f   p99 %.1f   max %.1f\n", u.Min, u.P50, u.P90, u.P99, u.Max)
	fmt.Fprintf(a.stdout, "  %s a second by the mean of all runs, %s a run\n",
		numbered(fmt.Sprintf("%.0f", b.Rate), "pictures"), numbered(fmt.Sprint(b.Allocs), "allocations"))
	if len(b.Layers) == 0 {
		return
	}
	width := 4
	names := make([]string, len(b.Layers))
	for i, l := range b.Layers {
		names[i] = cut(printable(l.Name), maxName)
		width = max(width, utf8.RuneCountInString(names[i]))
	}
	fmt.Fprintf(a.stdout, "\n  %-*s  %-16s %10s %9s\n", width, "step", "operation", "µs", "GMAC/s")
	for i, l := range b.Layers {
		rate := ""
		if l.GMACs > 0 {
			rate = fmt.Sprintf("%.1f", l.GMACs)
		}
		fmt.Fprintf(a.stdout, "  %-*s  %-16s %10.2f %9s\n", width, names[i], l.Op, l.Microseconds, rate)
	}
}
