package main

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"os"
)

var (
	oursColor  = color.RGBA{0x1f, 0x77, 0xb4, 0xff}
	halfColor  = color.RGBA{0x6b, 0xae, 0xd6, 0xff}
	theirColor = color.RGBA{0xd9, 0x5f, 0x02, 0xff}
	grayColor  = color.RGBA{0x88, 0x88, 0x88, 0xff}
)

// drawLayers draws layers as the part of their roofline that they reach.
func drawLayers(r report, path string) error {
	p, err := layersPlot(r.Layers, r.Machine)
	if err != nil {
		return err
	}
	return savePlots([]*plot.Plot{p}, path)
}

// savePlots draws plots side by side.
func savePlots(plots []*plot.Plot, path string) error {
	canvas := vgimg.NewWith(vgimg.UseWH(vg.Length(len(plots))*14*vg.Centimeter, 10*vg.Centimeter), vgimg.UseDPI(120))
	tiles := draw.Tiles{Rows: 1, Cols: len(plots), PadX: 8 * vg.Millimeter, PadTop: 3 * vg.Millimeter, PadBottom: 3 * vg.Millimeter, PadLeft: 3 * vg.Millimeter, PadRight: 3 * vg.Millimeter}
	for i, c := range plot.Align([][]*plot.Plot{plots}, tiles, draw.New(canvas))[0] {
		plots[i].Draw(c)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// nominal names the bars, aslant.
func nominal(p *plot.Plot, names []string) {
	p.NominalX(names...)
	p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = 0.6, draw.XRight, draw.YCenter
}

// layersPlot has a bar for each layer: its speed over the roofline's.
func layersPlot(layers []layer, m machine) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("layers at batch 1 against the roofline (%.0f GMAC/s)", m.Peak)
	p.Y.Label.Text = "% of a direct computation's roofline"
	p.Y.Min = 0
	values := make(plotter.Values, len(layers))
	var names []string
	for i, l := range layers {
		values[i] = 100 * l.Limit() / l.NS
		names = append(names, fmt.Sprintf("%s %s %d", l.Net, l.Op, i+1))
	}
	bars, err := plotter.NewBarChart(values, vg.Points(16))
	if err != nil {
		return nil, err
	}
	bars.Color, bars.LineStyle.Width = oursColor, 0
	line, err := plotter.NewLine(plotter.XYs{{X: -0.5, Y: 100}, {X: float64(len(layers)) - 0.5, Y: 100}})
	if err != nil {
		return nil, err
	}
	line.Color = grayColor
	p.Add(bars, line)
	nominal(p, names)
	return p, nil
}
