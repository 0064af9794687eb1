package main

import (
	"cmp"
	"fmt"
	"image"
	"runtime"
	"slices"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/picture"
)

// A pictureMeasurement is what bench --picture --json prints: where the time of a
// picture goes, from its bytes to the net's answer.
type pictureMeasurement struct {
	Model   string     `json:"model"`
	Kernels string     `json:"kernels"`
	Picture string     `json:"picture"`
	Whole   bool       `json:"whole"`
	Runs    int        `json:"runs"`
	Decode  stageTimes `json:"decode_us"`
	Prepare stageTimes `json:"prepare_us"`
	Run     stageTimes `json:"run_us"`
	Total   stageTimes `json:"total_us"`
}

// stageTimes are those of a stage, in microseconds of the process's CPU time, and
// its allocations.
type stageTimes struct {
	times
	Allocs float64 `json:"allocs"`
}

// A pictureBench takes a picture from its bytes to the net's answer in three
// stages.
type pictureBench struct {
	data  []byte
	model *engine.Model
	s     *engine.Session
	whole bool
	img   image.Image
}

var stageNames = [...]string{"decode", "prepare", "run"}

// stage does one of them.
func (b *pictureBench) stage(i int) (err error) {
	switch i {
	case 0:
		if b.whole {
			b.img, err = picture.Decode(b.data)
		} else {
			b.img, err = picture.DecodeFor(b.data, &b.model.Meta().Preparation)
		}
	case 1:
		_, err = b.s.SetPicture(0, b.img)
	default:
		err = b.s.Run(1)
	}
	return err
}

// benchPicture measures the stages over and over.
func (a *app) benchPicture(model *modelFile, file string, whole bool, duration time.Duration) (*pictureMeasurement, error) {
	data, err := a.readPicture(file)
	if err != nil {
		return nil, err
	}
	m, err := model.open()
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if err := model.checkPictures(m); err != nil {
		return nil, err
	}
	s, err := model.session(m, engine.SessionOptions{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	b := &pictureBench{data: data, model: m, s: s, whole: whole}

	const stages = len(stageNames)
	var allocs [stages + 1]float64
	const counted = 5
	for n := range counted + 1 { // the first one warms up
		for i := range stages {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if err := b.stage(i); err != nil {
				return nil, files.PictureError(file, err)
			}
			runtime.ReadMemStats(&after)
			if n == 0 {
				continue
			}
			allocs[i] += float64(after.Mallocs-before.Mallocs) / counted
			allocs[stages] += float64(after.Mallocs-before.Mallocs) / counted
		}
	}
	var took [stages + 1][]time.Duration
	for begin := time.Now(); len(took[0]) < 3 || time.Since(begin) < duration && len(took[0]) < maxRuns; {
		first := cpuTime()
		last := first
		for i := range stages {
			if err := b.stage(i); err != nil {
				return nil, files.PictureError(file, err)
			}
			now := cpuTime()
			took[i] = append(took[i], now-last)
			last = now
		}
		took[stages] = append(took[stages], last-first)
	}
	r := &pictureMeasurement{
		Model: cmp.Or(m.Meta().Name, model.name()), Kernels: m.Kernels(), Picture: file, Whole: whole, Runs: len(took[0]),
	}
	for i, to := range []*stageTimes{&r.Decode, &r.Prepare, &r.Run, &r.Total} {
		*to = stageTimes{timesOf(took[i]), allocs[i]}
	}
	return r, nil
}

// timesOf sorts durations and returns what is told of them.
func timesOf(runs []time.Duration) times {
	slices.Sort(runs)
	at := func(q float64) float64 { return microseconds(runs[int(q*float64(len(runs)-1))]) }
	return times{at(0), at(0.5), at(0.9), at(0.99), at(1)}
}

func (r *pictureMeasurement) print(a *app) {
	fmt.Fprintf(a.stdout, "%s, kernels %s, %s, CPU time of %s\n", printable(r.Model), r.Kernels, printable(r.Picture), counted(r.Runs, "runs"))
	fmt.Fprintf(a.stdout, "\n  %-8s %10s %10s %10s %12s\n", "", "min µs", "p50", "p99", "allocations")
	for i, t := range []stageTimes{r.Decode, r.Prepare, r.Run, r.Total} {
		name := "total"
		if i < len(stageNames) {
			name = stageNames[i]
		}
		fmt.Fprintf(a.stdout, "  %-8s %10.1f %10.1f %10.1f %12.1f\n", name, t.Min, t.P50, t.P99, t.Allocs)
	}
}
