package picture

import "math"

// cells is the greatest number of cells of the grid, in either direction, on
// which the ground is estimated.
const cells = 16

// Brightness and differences of it are counted in steps of 0…255.
const (
	// leastCells is the least number of cells that a surface is fitted to:
	// fewer say too little about its six coefficients beside ink.
	leastCells = 64

	// A curved ground is believed if the rim's roughness over it is less than
	// curvedGain times that over a flat one, and less than curvedLimit times
	// the contrast of the picture: otherwise it was bent by strokes that reach
	// the edge, not by light.
	curvedGain  = 0.75
	curvedLimit = 0.15

	// rimShare is the share of the rim that the roughness bounds; in the rest
	// of it, there may be ink.
	rimShare = 0.9

	// strongInk is the share of the contrast from which on pixels say in which
	// direction the ink differs from the paper.
	strongInk = 0.5

	// oneWay is the least length of the sum of these pixels' differences, as a
	// share of the sum of their lengths, for there to be one direction.
	oneWay = 0.3

	// paperShare is the share of the strongest ink below which a pixel counts
	// as paper.
	paperShare = 0.3

	// evenGround is the greatest mean of a cell of paper, after the ground was
	// taken away, that is not worth another fit.
	evenGround = 0.5

	// cleanNoise is the noise below which a picture is not averaged; nor is
	// one with a side of less than softenedSide pixels, whose strokes would
	// blur.
	cleanNoise   = 1
	softenedSide = 64
)

// surface is a brightness that changes slowly over a picture, with x and y
// from −1 to 1: c₀ + c₁x + c₂y + c₃x² + c₄xy + c₅y².
type surface [6]float64

func (s *surface) at(x, y float64) float64 {
	return s[0] + x*(s[1]+s[3]*x+s[4]*y) + y*(s[2]+s[5]*y)
}

// row writes the surface along row y of h into dst, a value a pixel.
func (s *surface) row(dst []float32, y, h int) {
	v := coordinate(y, h)
	a := float32(s[0] + v*(s[2]+s[5]*v))
	b := float32(s[1] + s[4]*v)
	c := float32(s[3])
	if b == 0 && c == 0 {
		for x := range dst {
			dst[x] = a
		}
		return
	}
	step := 2 / float32(len(dst))
	u := step/2 - 1
	for x := range dst {
		dst[x] = a + u*(b+c*u)
		u += step
	}
}

// coordinate maps the middle of cell i of n to −1…1.
func coordinate(i, n int) float64 { return (2*float64(i)+1)/float64(n) - 1 }

// ground estimates the paper under the ink.
type ground struct {
	across, down int                       // cells of the grid
	mean         [3][cells * cells]float64 // of each cell, by channel
	weight       [cells * cells]float64    // of each cell in the fit
	count        [cells * cells]int
	line         [3][]float32
}

// separate fills f.ink and f.smooth with the difference from the ground, ink
// positive, and returns the standard deviation of the noise in f.smooth.
func (f *digitFinder) separate() (noise float32) {
	g := &f.ground
	g.measure(f)
	base := g.start(f)

	n := f.w * f.h
	f.ink = grow(f.ink, n)
	f.project(&base)
	g.refine(f)
	return f.soften()
}

// measure averages the picture over the cells.
func (g *ground) measure(f *digitFinder) {
	g.across, g.down = min(cells, f.w), min(cells, f.h)
	for k := range f.c {
		clear(g.mean[k][:])
	}
	clear(g.count[:])
	for y := range f.h {
		row := f.pix[y*f.w*f.c:][:f.w*f.c]
		cy := y * g.down / f.h * g.across
		for cx := range g.across {
			x0, x1 := g.left(cx, f.w), g.left(cx+1, f.w)
			for k := range f.c {
				sum := 0
				for x := x0*f.c + k; x < x1*f.c; x += f.c {
					sum += int(row[x])
				}
				g.mean[k][cy+cx] += float64(sum)
			}
			g.count[cy+cx] += x1 - x0
		}
	}
	for k := range f.c {
		for i := range g.across * g.down {
			g.mean[k][i] /= float64(g.count[i])
		}
	}
}

// left is the first column of cell cx: that of the cells' rows is the same,
// rounded up, so that y·down/h names the cell of row y.
func (g *ground) left(cx, w int) int { return (cx*w + g.across - 1) / g.across }

// start makes the first guess of the ground, one surface a channel, from the
// picture's border. Where the border is smooth, as on a page with some light
// on it, a surface is fitted to it; where it is not, as when the digit is cut
// out tightly and its strokes reach the edge, it is the border's median.
func (g *ground) start(f *digitFinder) (base [3]surface) {
	rim := 1
	if min(g.across, g.down) >= 12 {
		rim = 2
	}
	n := g.across * g.down
	inRim := func(i int) bool {
		x, y := i%g.across, i/g.across
		return min(x, y, g.across-1-x, g.down-1-y) < rim
	}

	for k := range f.c {
		base[k] = surface{f.border(k)}
	}
	flat := g.roughness(f, &base, inRim)
	if n < leastCells || flat < 1 {
		return base
	}

	curved := base
	for k := range f.c {
		for i := range n {
			g.weight[i] = 0
			if inRim(i) {
				g.weight[i] = 1
			}
		}
		// Reweighted least squares: the least sum of absolute differences,
		// which cells with ink hardly move.
		for range 5 {
			curved[k] = g.fit(g.mean[k][:])
			for i := range n {
				if g.weight[i] > 0 {
					g.weight[i] = 1 / (2 + math.Abs(g.mean[k][i]-g.value(&curved[k], i)))
				}
			}
		}
	}
	bent := g.roughness(f, &curved, inRim)
	if bent < curvedGain*flat && bent < curvedLimit*g.contrast(f, &curved) {
		return curved
	}
	return base
}

// border is the median of channel k along the outermost pixels.
func (f *digitFinder) border(k int) float64 {
	var hist [256]int
	count := 0
	for y := range f.h {
		row := f.pix[y*f.w*f.c:][:f.w*f.c]
		step := f.w - 1 // the ends of the row
		if y == 0 || y == f.h-1 || f.w == 1 {
			step = 1 // all of it
		}
		for x := 0; x < f.w; x += step {
			hist[row[x*f.c+k]]++
			count++
		}
	}
	return float64(median(hist[:], count))
}

func (g *ground) value(s *surface, i int) float64 {
	return s.at(coordinate(i%g.across, g.across), coordinate(i/g.across, g.down))
}

// roughness is the difference between the rim's cells and the surfaces that
// nine tenths of the rim stay below.
func (g *ground) roughness(f *digitFinder, s *[3]surface, inRim func(int) bool) float64 {
	var hist [512]int
	count := 0
	for i := range g.across * g.down {
		if !inRim(i) {
			continue
		}
		var worst float64
		for k := range f.c {
			worst = max(worst, math.Abs(g.mean[k][i]-g.value(&s[k], i)))
		}
		hist[min(511, int(4*worst))]++
		count++
	}
	return (float64(quantile(hist[:], count, rimShare)) + 0.5) / 4
}

// contrast is the greatest difference between pixels and the surfaces, but
// for the few that may be specks.
func (g *ground) contrast(f *digitFinder, s *[3]surface) float64 {
	var hist [256]int
	count := 0
	for y := 0; y < f.h; y += f.sparse() {
		l0, l1, l2 := g.lines(f, s, y)
		row := f.pix[y*f.w*f.c:][:f.w*f.c]
		if f.c == 1 {
			for x, v := range row {
				d := int(float32(v) - l0[x])
				hist[min(255, max(d, -d))]++
			}
		} else {
			for x := range f.w {
				p := row[3*x : 3*x+3 : 3*x+3]
				d0, d1, d2 := int(float32(p[0])-l0[x]), int(float32(p[1])-l1[x]), int(float32(p[2])-l2[x])
				hist[min(255, max(d0, -d0, d1, -d1, d2, -d2))]++
			}
		}
		count += f.w
	}
	return float64(robustMax(hist[:], count))
}

// sparse is the step between the rows that are enough to look at for what
// holds in all of them.
func (f *digitFinder) sparse() int { return 1 + f.h/160 }

// lines returns row y of the surfaces of all channels.
func (g *ground) lines(f *digitFinder, s *[3]surface, y int) (l0, l1, l2 []float32) {
	for k := range f.c {
		g.line[k] = grow(g.line[k], f.w)
		s[k].row(g.line[k], y, f.h)
	}
	return g.line[0], g.line[1], g.line[2]
}

// project fills f.ink with the difference from the ground along the one
// direction in which the ink differs from the paper: for a grey picture that
// is brighter or darker, for a coloured one any. Ink becomes positive.
func (f *digitFinder) project(base *[3]surface) {
	u, ok := f.direction(base)
	if !ok {
		f.distance(base)
		return
	}
	// The direction times the difference is the difference of the direction
	// times each.
	var s surface
	for k := range f.c {
		for i := range s {
			s[i] += float64(u[k]) * base[k][i]
		}
	}
	for y := range f.h {
		ink := f.ink[y*f.w:][:f.w]
		s.row(ink, y, f.h)
		row := f.pix[y*f.w*f.c:][:f.w*f.c]
		if f.c == 1 {
			for x, v := range row {
				ink[x] = u[0]*float32(v) - ink[x]
			}
			continue
		}
		for x := range ink {
			p := row[3*x : 3*x+3 : 3*x+3]
			ink[x] = u[0]*float32(p[0]) + u[1]*float32(p[1]) + u[2]*float32(p[2]) - ink[x]
		}
	}
}

// direction is the unit vector, in colours, from the paper to the ink: the
// mean over the pixels that differ most. It is false if there is none, as
// with inks that differ from the paper in opposite ways.
func (f *digitFinder) direction(base *[3]surface) (u [3]float32, ok bool) {
	g := &f.ground
	limit := strongInk * float32(g.contrast(f, base))
	var sum [3]float64
	var length float64
	for y := 0; y < f.h; y += f.sparse() {
		l0, l1, l2 := g.lines(f, base, y)
		row := f.pix[y*f.w*f.c:][:f.w*f.c]
		if f.c == 1 {
			for x, v := range row {
				if d := float32(v) - l0[x]; abs(d) >= limit {
					sum[0] += float64(d)
					length += float64(abs(d))
				}
			}
			continue
		}
		for x := range f.w {
			p := row[3*x : 3*x+3 : 3*x+3]
			d0, d1, d2 := float32(p[0])-l0[x], float32(p[1])-l1[x], float32(p[2])-l2[x]
			if max(abs(d0), abs(d1), abs(d2)) >= limit {
				sum[0] += float64(d0)
				sum[1] += float64(d1)
				sum[2] += float64(d2)
				length += norm(float64(d0), float64(d1), float64(d2))
			}
		}
	}
	whole := norm(sum[0], sum[1], sum[2])
	if whole <= oneWay*length {
		return u, false
	}
	for k := range u {
		u[k] = float32(sum[k] / whole)
	}
	return u, true
}

// distance fills f.ink with the difference from the ground, whichever way.
func (f *digitFinder) distance(base *[3]surface) {
	for y := range f.h {
		l0, l1, l2 := f.ground.lines(f, base, y)
		ink := f.ink[y*f.w:][:f.w]
		row := f.pix[y*f.w*f.c:][:f.w*f.c]
		for x := range ink {
			if f.c == 1 {
				ink[x] = abs(float32(row[x]) - l0[x])
				continue
			}
			p := row[3*x : 3*x+3 : 3*x+3]
			ink[x] = float32(norm(float64(float32(p[0])-l0[x]), float64(float32(p[1])-l1[x]), float64(float32(p[2])-l2[x])))
		}
	}
}

func norm(x, y, z float64) float64 { return math.Sqrt(x*x + y*y + z*z) }

func abs(x float32) float32 { return max(x, -x) }

// refine fits the ground once more, now from all of the paper and none of the
// ink, and takes what is left of it out of f.ink.
func (g *ground) refine(f *digitFinder) {
	n := g.across * g.down
	if n < leastCells {
		return
	}
	var hist [512]int
	for _, v := range f.ink[:f.w*f.h] {
		hist[min(511, max(0, int(v)))]++
	}
	limit := paperShare * float32(robustMax(hist[:], f.w*f.h))
	for range 2 {
		mean := g.mean[0][:]
		clear(mean[:n])
		clear(g.count[:n])
		for y := range f.h {
			row := f.ink[y*f.w:][:f.w]
			cy := y * g.down / f.h * g.across
			for cx := range g.across {
				var sum float32
				count := 0
				for _, v := range row[g.left(cx, f.w):g.left(cx+1, f.w)] {
					if v < limit && v > -limit {
						sum += v
						count++
					}
				}
				mean[cy+cx] += float64(sum)
				g.count[cy+cx] += count
			}
		}
		worst := 0.0
		for i := range n {
			g.weight[i] = float64(g.count[i])
			if g.count[i] > 0 {
				mean[i] /= float64(g.count[i])
				worst = max(worst, math.Abs(mean[i]))
			}
		}
		if worst < evenGround {
			return // flat already
		}
		s := g.fit(mean)
		g.line[0] = grow(g.line[0], f.w)
		for y := range f.h {
			s.row(g.line[0], y, f.h)
			row := f.ink[y*f.w:][:f.w]
			for x, v := range g.line[0][:f.w] {
				row[x] -= v
			}
		}
	}
}

// fit returns the surface through the cells' values z with the least weighted
// sum of squared differences.
func (g *ground) fit(z []float64) surface {
	var a [6][7]float64 // normal equations
	for i := range g.across * g.down {
		w := g.weight[i]
		if w == 0 {
			continue
		}
		x, y := coordinate(i%g.across, g.across), coordinate(i/g.across, g.down)
		t := [7]float64{1, x, y, x * x, x * y, y * y, z[i]}
		for r := range 6 {
			for c := r; c < 7; c++ {
				a[r][c] += w * t[r] * t[c]
			}
		}
	}
	for r := range 6 {
		for c := range r {
			a[r][c] = a[c][r]
		}
		// A little stiffness: what the cells do not determine stays flat.
		if r > 0 {
			a[r][r] += 1e-6 * (a[0][0] + 1e-300)
		} else {
			a[0][0] += 1e-300
		}
	}
	// Gauss–Jordan: the matrix is symmetric and positive definite.
	for p := range 6 {
		for r := range 6 {
			if r == p || a[r][p] == 0 {
				continue
			}
			q := a[r][p] / a[p][p]
			for c := p; c < 7; c++ {
				a[r][c] -= q * a[p][c]
			}
		}
	}
	var s surface
	for i := range s {
		s[i] = a[i][6] / a[i][i]
	}
	return s
}

// soften fills f.smooth and returns the noise in it. A clean picture is left
// as it is; a noisy one is averaged over 3×3 pixels.
func (f *digitFinder) soften() float32 {
	noise := noiseDeviation(f.ink)
	if noise < cleanNoise || min(f.w, f.h) < softenedSide {
		f.smooth = f.ink
		return noise
	}
	f.softened = grow(f.softened, f.w*f.h)
	f.smooth = f.softened
	g := &f.ground
	above, here := grow(g.line[1], f.w), grow(g.line[2], f.w)
	g.line[1], g.line[2] = above, here
	copy(above, f.ink[:f.w])
	for y := range f.h {
		row := f.ink[y*f.w:][:f.w]
		below := f.ink[min(y+1, f.h-1)*f.w:][:f.w]
		for x := range row {
			here[x] = above[x] + row[x] + below[x]
		}
		out := f.smooth[y*f.w:][:f.w]
		left := here[0]
		for x := range f.w {
			right := here[min(x+1, f.w-1)]
			out[x] = (left + here[x] + right) / 9
			left = here[x]
		}
		copy(above, row)
	}
	return noiseDeviation(f.smooth)
}
