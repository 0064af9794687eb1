package main

import "math"

// A point lies in a digit's box, 0…1 from the left and from the top, or on the
// picture.
type point struct{ x, y float64 }

// A stroke is a line of the pen through some points: curved, or with corners.
type stroke struct {
	curved bool
	knots  []point
}

func curve(knots ...point) stroke { return stroke{true, knots} }
func edges(knots ...point) stroke { return stroke{false, knots} }

// strokes are how each digit is written.
var strokes = [10][]stroke{
	0: {curve(point{0.55, 0}, point{0.15, 0.2}, point{0.05, 0.55}, point{0.25, 0.93}, point{0.6, 0.97}, point{0.9, 0.7}, point{0.93, 0.35}, point{0.75, 0.06}, point{0.5, 0.01})},
	1: {edges(point{0.15, 0.25}, point{0.6, 0}, point{0.6, 1})},
	2: {curve(point{0.08, 0.25}, point{0.3, 0.03}, point{0.65, 0.02}, point{0.88, 0.22}, point{0.72, 0.5}, point{0.35, 0.8}, point{0.05, 0.98}), edges(point{0.05, 0.98}, point{0.95, 0.98})},
	3: {curve(point{0.1, 0.12}, point{0.4, 0}, point{0.78, 0.1}, point{0.75, 0.35}, point{0.4, 0.46}), curve(point{0.4, 0.46}, point{0.8, 0.55}, point{0.92, 0.78}, point{0.55, 1}, point{0.08, 0.88})},
	4: {edges(point{0.35, 0}, point{0.03, 0.62}, point{0.97, 0.62}), edges(point{0.7, 0.3}, point{0.7, 1})},
	5: {edges(point{0.9, 0}, point{0.25, 0}), curve(point{0.2, 0.06}, point{0.13, 0.45}, point{0.5, 0.38}, point{0.88, 0.6}, point{0.75, 0.92}, point{0.35, 1}, point{0.03, 0.88})},
	6: {curve(point{0.75, 0}, point{0.3, 0.25}, point{0.06, 0.65}, point{0.25, 0.96}, point{0.65, 0.97}, point{0.9, 0.75}, point{0.7, 0.53}, point{0.35, 0.56}, point{0.12, 0.75})},
	7: {edges(point{0.05, 0.02}, point{0.92, 0.02}, point{0.35, 1}), edges(point{0.3, 0.5}, point{0.85, 0.5})},
	8: {curve(point{0.8, 0.1}, point{0.5, 0}, point{0.2, 0.16}, point{0.5, 0.46}, point{0.88, 0.75}, point{0.5, 1}, point{0.12, 0.76}, point{0.5, 0.46}, point{0.82, 0.2}, point{0.8, 0.1})},
	9: {curve(point{0.85, 0.2}, point{0.5, 0}, point{0.12, 0.22}, point{0.35, 0.5}, point{0.7, 0.4}, point{0.86, 0.15}), curve(point{0.86, 0.15}, point{0.82, 0.6}, point{0.7, 1})},
}

// points is the stroke as a line of short straight pieces: a Catmull–Rom
// spline if it is curved.
func (s stroke) points() []point {
	if !s.curved {
		return append([]point(nil), s.knots...)
	}
	const pieces = 12
	k := s.knots
	at := func(i int) point { return k[min(max(i, 0), len(k)-1)] }
	var line []point
	for i := range len(k) - 1 {
		a, b, c, d := at(i-1), at(i), at(i+1), at(i+2)
		for j := range pieces {
			t := float64(j) / pieces
			line = append(line, point{spline(a.x, b.x, c.x, d.x, t), spline(a.y, b.y, c.y, d.y, t)})
		}
	}
	return append(line, k[len(k)-1])
}

// spline runs from b to c as t does from 0 to 1.
func spline(a, b, c, d, t float64) float64 {
	return 0.5 * (2*b + (c-a)*t + (2*a-5*b+4*c-d)*t*t + (3*b-a-3*c+d)*t*t*t)
}

// distance is that of a point from a line of straight pieces.
func distance(p point, line []point) float64 {
	best := math.Inf(1)
	for i := range len(line) - 1 {
		a, b := line[i], line[i+1]
		dx, dy := b.x-a.x, b.y-a.y
		t := 0.0
		if n := dx*dx + dy*dy; n > 0 {
			t = max(0, min(1, ((p.x-a.x)*dx+(p.y-a.y)*dy)/n))
		}
		best = min(best, math.Hypot(p.x-a.x-t*dx, p.y-a.y-t*dy))
	}
	return best
}
