package main

import (
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// drawLatencies draws each situation's percentiles: on the left every
// contender at a part of its own capacity, on the right both at the same rate.
func drawLatencies(latencies []latency, path string) error {
	var plots []*plot.Plot
	for _, same := range []bool{false, true} {
		p, err := latencyPlot(latencies, same)
		if err != nil {
			return err
		}
		plots = append(plots, p)
	}
	return savePlots(plots, path)
}

// latencyPlot draws latency over percentile; the axis of percentiles counts
// nines, so that the tail has room.
func latencyPlot(latencies []latency, same bool) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "latency, each at a part of its own capacity"
	if same {
		p.Title.Text = "latency, both at the same rate"
	}
	p.Y.Label.Text = "µs"
	p.Y.Scale = plot.LogScale{}
	p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
	p.X.Label.Text = "percentile"
	p.X.Tick.Marker = plot.ConstantTicks{{Value: nines(0), Label: "0"}, {Value: nines(0.5), Label: "50"}, {Value: 1, Label: "90"}, {Value: 2, Label: "99"}, {Value: 3, Label: "99.9"}, {Value: 4, Label: "99.99"}}
	p.X.Max = 4
	p.Y.Min, p.Y.Max = math.Inf(1), 0 // the same on both plots
	for _, l := range latencies {
		p.Y.Min, p.Y.Max = min(p.Y.Min, 0.8*l.samples[0]/1e3), max(p.Y.Max, l.Max/1e3)
		if l.Situation.Same != same {
			continue
		}
		var points plotter.XYs
		for x := 0.0; x <= 4 && math.Pow(10, x) <= float64(len(l.samples)); x += 0.02 {
			points = append(points, plotter.XY{X: x, Y: quantile(l.samples, 1-math.Pow(10, -x)) / 1e3})
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Width = vg.Points(1.5)
		line.Color = theirColor
		if l.Contender == "infer" {
			line.Color = oursColor
		}
		if l.Situation.Load < 0.6 {
			line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		}
		p.Add(line)
		p.Legend.Add(l.Contender+", "+strings.TrimPrefix(l.Situation.Name, "same rate, "), line)
	}
	return p, nil
}

// nines is −log₁₀(1−q): 1 for 90 %, 2 for 99 %, 3 for 99.9 %.
func nines(q float64) float64 { return -math.Log10(1 - q) }
