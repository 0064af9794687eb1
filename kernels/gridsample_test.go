package kernels

import (
	"math"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestGridSample compares with PyTorch's formulas, which move a place into the
// map before they interpolate, where the operation moves the elements read.
func TestGridSample(t *testing.T) {
	g := newGenerator(37)
	for range 300 {
		spec := &GridSample{Mode: ResizeMode(g.IntN(3)), Padding: GridPadding(g.IntN(3)), AlignCorners: g.IntN(2) == 0}
		x := append([]int{g.between(1, 2)}, g.shape(3, 6)...)
		grid := []int{x[0], g.between(1, 5), g.between(1, 5), 2}
		tr := trial{spec: spec, in: [][]int{x, grid}}
		tr.bounds = &array{data: make([]float64, x[0]*grid[1]*grid[2]*x[3])}
		for i := range tr.bounds.data {
			tr.bounds.data[i] = 1e-4
		}
		tr.ref = func(in, out []array) {
			for i := range out[0].indices() {
				var taps [2][]gridTap
				for k := range 2 {
					taps[k] = refGrid(spec, in[1].at(i[0], i[1], i[2], 1-k), x[1+k])
				}
				sum := 0.0
				for _, r := range taps[0] {
					for _, c := range taps[1] {
						if in[0].inside(i[0], r.at, c.at, i[3]) {
							sum += r.weight * c.weight * in[0].at(i[0], r.at, c.at, i[3])
						}
					}
				}
				out[0].set(sum, i...)
			}
		}
		tr.run(t, g)
	}
}

// TestGridSampleVolume reads volumes.
func TestGridSampleVolume(t *testing.T) {
	g := newGenerator(38)
	for range 200 {
		spec := &GridSample{Mode: ResizeMode(g.IntN(2)), Padding: GridPadding(g.IntN(3)), AlignCorners: g.IntN(2) == 0}
		x := append([]int{g.between(1, 2)}, g.shape(4, 5)...)
		grid := []int{x[0], g.between(1, 3), g.between(1, 4), g.between(1, 4), 3}
		tr := trial{spec: spec, in: [][]int{x, grid}}
		tr.bounds = &array{data: make([]float64, tensor.Shape(grid[:4]).Volume()*x[4])}
		for i := range tr.bounds.data {
			tr.bounds.data[i] = 1e-4
		}
		tr.ref = func(in, out []array) {
			for i := range out[0].indices() {
				var taps [3][]gridTap
				for k := range 3 {
					taps[k] = refGrid(spec, in[1].at(i[0], i[1], i[2], i[3], 2-k), x[1+k])
				}
				sum := 0.0
				for _, p := range taps[0] {
					for _, r := range taps[1] {
						for _, c := range taps[2] {
							if at := []int{i[0], p.at, r.at, c.at, i[4]}; in[0].inside(at...) {
								sum += p.weight * r.weight * c.weight * in[0].at(at...)
							}
						}
					}
				}
				out[0].set(sum, i...)
			}
		}
		tr.run(t, g)
	}
	if _, err := infer(&GridSample{Mode: Cubic}, [][]int{{1, 2, 2, 2, 1}, {1, 2, 2, 2, 3}}, nil); err == nil || err.Error() != "GridSample: volumes are not interpolated by cubic functions" {
		t.Errorf("a cubic volume: %v", err)
	}
}

type gridTap struct {
	at     int
	weight float64
}

// refGrid is what a place reads of size elements.
func refGrid(g *GridSample, v float64, size int) (taps []gridTap) {
	x, lo, hi := ((v+1)*float64(size)-1)/2, -0.5, float64(size)-0.5
	if g.AlignCorners {
		x, lo, hi = (v+1)/2*float64(size-1), 0, float64(size-1)
	}
	move := func(x float64) float64 {
		if g.Padding == GridReflection && hi > lo {
			for x < lo || x > hi {
				if x < lo {
					x = 2*lo - x
				} else {
					x = 2*hi - x
				}
			}
		}
		if g.Padding != GridZeros {
			x = math.Min(math.Max(x, 0), float64(size-1))
		}
		return x
	}
	if g.Mode == Cubic {
		first := math.Floor(x)
		for i, w := range cubicWeights(x-first, -0.75) {
			taps = append(taps, gridTap{int(move(first + float64(i) - 1)), w})
		}
		return taps
	}
	x = move(x)
	if g.Mode == Nearest {
		return []gridTap{{int(math.RoundToEven(x)), 1}}
	}
	first := math.Floor(x)
	return []gridTap{{int(first), 1 - (x - first)}, {int(first) + 1, x - first}}
}
