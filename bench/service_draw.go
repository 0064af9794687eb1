package main

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// serviceColors are those of the transports.
var serviceColors = map[string]color.Color{"binary": oursColor, "JSON": halfColor, "64 items": grayColor, "gRPC": color.RGBA{0x2c, 0x7f, 0x62, 0xff}}

// drawService draws, over the load, on the left how long answers took, on the
// right how many there were.
func drawService(results []serviceResult, path string) error {
	latency, goodput := plot.New(), plot.New()
	latency.Title.Text = "latency of what is answered: p99, and p50 dashed"
	latency.Y.Label.Text = "ms"
	latency.Y.Scale = plot.LogScale{}
	latency.Y.Tick.Marker = plot.LogTicks{Prec: -1}
	goodput.Title.Text = "answers, in parts of the capacity"
	goodput.Y.Label.Text = "%"
	goodput.Y.Min, goodput.Y.Max = 0, 110
	for _, p := range []*plot.Plot{latency, goodput} {
		p.X.Label.Text = "load, % of the server's own capacity"
		p.X.Min, p.X.Max = 40, 160
	}
	var keys []string
	p50, p99, good := map[string]plotter.XYs{}, map[string]plotter.XYs{}, map[string]plotter.XYs{}
	colors := map[string]color.Color{}
	for _, r := range results {
		if r.Same || r.P50 == 0 {
			continue
		}
		key := r.Server + ", " + r.Transport
		if p50[key] == nil {
			keys = append(keys, key)
			colors[key] = theirColor
			if r.Server == "infer" {
				colors[key] = serviceColors[r.Transport]
			}
		}
		x := 100 * r.Load
		p50[key] = append(p50[key], plotter.XY{X: x, Y: r.P50 / 1e6})
		p99[key] = append(p99[key], plotter.XY{X: x, Y: r.P99 / 1e6})
		good[key] = append(good[key], plotter.XY{X: x, Y: 100 * r.Goodput / r.Capacity})
	}
	add := func(p *plot.Plot, points plotter.XYs, c color.Color, name string, dashed bool) error {
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Width, line.Color = vg.Points(1.5), c
		dots.Shape, dots.Color, dots.Radius = draw.CircleGlyph{}, c, vg.Points(2)
		p.Add(line, dots)
		if dashed {
			line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		} else {
			p.Legend.Add(name, line)
		}
		return nil
	}
	for _, key := range keys {
		for _, err := range []error{
			add(latency, p50[key], colors[key], key, true),
			add(latency, p99[key], colors[key], key, false),
			add(goodput, good[key], colors[key], key, false),
		} {
			if err != nil {
				return err
			}
		}
	}
	latency.Legend.Top, latency.Legend.Left = true, true
	goodput.Legend.Left = true
	return savePlots([]*plot.Plot{latency, goodput}, path)
}
