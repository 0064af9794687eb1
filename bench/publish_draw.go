package main

import (
	"fmt"
	"math"
	"strings"
)

// ratioPicture draws a bar for each net at batch 1 as SVG: how many times as long
// ONNX Runtime takes, in float32 and quantised. It is as wide as a phone, and
// takes its colours from the reader's light or dark page.
func ratioPicture(r *report) []byte {
	const (
		width, left, right = 420, 150, 44
		bar, gap, group    = 15, 3, 14 // heights
	)
	type row struct {
		title  string
		ratios [2]float64 // float32, int8; 0 for none
	}
	var rows []row
	top := 2.0 // the scale's end
	for _, n := range r.Nets {
		title, batch := n.net()
		if batch != 1 {
			continue
		}
		title, _, _ = strings.Cut(strings.ReplaceAll(title, "*", ""), ",")
		w := row{title: title}
		w.ratios[0], _ = n.ratio("infer f32", "ONNX Runtime")
		w.ratios[1], _ = n.ratio("infer int8", "ONNX Runtime int8")
		top = max(top, w.ratios[0], w.ratios[1])
		rows = append(rows, w)
	}
	top = math.Ceil(top)
	x := func(ratio float64) float64 { return left + ratio/top*(width-left-right) }

	var b strings.Builder
	y := 58.0
	for _, w := range rows {
		bars := 0
		for i, ratio := range w.ratios {
			if ratio == 0 {
				continue
			}
			fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%.0f" width="%.1f" height="%d"/><text x="%.1f" y="%.1f">%.2f</text>`+"\n",
				[]string{"float", "int8"}[i], left, y+float64(bars*(bar+gap)), x(ratio)-left, bar, x(ratio)+5, y+float64(bars*(bar+gap))+12, ratio)
			bars++
		}
		high := float64(bars*(bar+gap) - gap)
		fmt.Fprintf(&b, `<text class="net" x="%d" y="%.1f">%s</text>`+"\n", left-8, y+high/2+4.5, w.title)
		y += high + group
	}
	var axis strings.Builder
	for i := 0.0; i <= top; i++ {
		class := "grid"
		if i == 1 {
			class = "even"
		}
		fmt.Fprintf(&axis, `<line class="%s" x1="%.1f" y1="50" x2="%.1f" y2="%.0f"/><text class="tick" x="%.1f" y="%.0f">%.0f×</text>`+"\n",
			class, x(i), x(i), y-4, x(i), y+12, i)
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" role="img" aria-label="How many times as long ONNX Runtime takes as infer, for each net">
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .net { text-anchor: end; } .tick { text-anchor: middle; font-size: 11px; }
  .float { fill: #1f6fb4; } .int8 { fill: #c2570c; }
  .grid { stroke: #8888; stroke-width: .5; } .even { stroke: #888; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .float { fill: #58a6e6; } .int8 { fill: #f0883e; } }
</style>
<text x="8" y="18">ONNX Runtime's time ÷ infer's, one thread, batch 1</text>
<rect class="float" x="8" y="27" width="12" height="12"/><text x="25" y="38">float32</text>
<rect class="int8" x="90" y="27" width="12" height="12"/><text x="107" y="38">int8, both quantised</text>
%s%s</svg>
`, width, y+20, axis.String(), b.String())
}
