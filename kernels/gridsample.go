package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// GridPadding is what a GridSample reads outside its map.
type GridPadding uint8

const (
	GridZeros      GridPadding = iota
	GridBorder                 // the nearest element
	GridReflection             // the map mirrored at its edge, again and again
)

// GridSample reads a map at the places that a grid names: In[0] is NHWC, In[1]
// [N, Ho, Wo, 2], the x and the y of each place, −1 to 1 over the map's width
// and height; Out[0] is [N, Ho, Wo, C]. Or it reads a volume: In[0] is
// [N, D, H, W, C], In[1] [N, Do, Ho, Wo, 3], with the z of each place, and Mode
// is not Cubic. With AlignCorners, −1 and 1 are the centres of the outermost
// elements, else their outer edges. A place between elements is interpolated by
// Mode: the nearest element, the even one of two equally near; linear; or cubic,
// with Keys' constant −0.75. If a place is NaN, so is its result. This is ONNX's
// GridSample, whose formulas are PyTorch's.
type GridSample struct {
	Mode         ResizeMode
	Padding      GridPadding
	AlignCorners bool
}

func (*GridSample) Op() string { return "GridSample" }

func (*GridSample) Order() Order { return RowMajor }

// taps is how many elements a place reads in each direction.
func (g *GridSample) taps() int { return []int{1, 2, 4}[min(g.Mode, Cubic)] }

// Traits counts every element read.
func (g *GridSample) Traits(in []tensor.Type, _ []Param) Traits {
	x, grid := in[0].Shape, in[1].Shape
	factors := append(slices.Clone(grid[:len(grid)-1]), x[len(x)-1]+20)
	for range len(x) - 2 {
		factors = append(factors, g.taps())
	}
	return Traits{Extra: tensor.Saturated(factors...)}
}

func (g *GridSample) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := floatOperands(g, in, params, 2, 0); err != nil {
		return nil, err
	}
	if rank := len(in[0].Shape); rank != 4 && rank != 5 {
		return nil, errorf(g, "operand 0 of shape %s is neither a map of 4 dimensions nor a volume of 5", in[0].Shape)
	}
	if g.Mode > Cubic || g.Padding > GridReflection {
		return nil, errorf(g, "unknown mode %d or padding %d", g.Mode, g.Padding)
	}
	x, grid := in[0].Shape, in[1].Shape
	last := len(x) - 1
	if len(grid) != len(x) || grid[0] != x[0] || grid[last] != len(x)-2 {
		return nil, errorf(g, "a grid of shape %s for a map of shape %s", grid, x)
	}
	if g.Mode == Cubic && last == 4 {
		return nil, errorf(g, "volumes are not interpolated by cubic functions")
	}
	return result(g, in[0], append(slices.Clone(grid[:last]), x[last])...)
}

func (g *GridSample) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := g.Infer(in, params); err != nil {
		return nil, err
	}
	x, grid := in[0].Shape, in[1].Shape
	last := len(x) - 1
	rows := grid[1 : last-1].Volume()
	return &gridOp{GridSample: *g, maps: x[0], size: x[1:last], sampler: newSampler(t, x[last]), rows: rows, columns: grid[last-1]}, nil
}

// gridOp is a GridSample. A task is a row of results.
type gridOp struct {
	GridSample
	sampler
	maps          int
	size          tensor.Shape // of a map, or of a volume
	rows, columns int
}

// Scratch is what a sampler needs, and the taps of a place: in each direction, and of
// the rows of a volume.
func (op *gridOp) Scratch() int { return 4 * (op.scratch() + 2*(3+op.taps())*op.taps()) }

func (op *gridOp) Tasks(n int) int { return n * op.maps * op.rows }

func (op *gridOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, grid, y := floats(in[0]), floats(in[1]), floats(out[0])
	item, k := op.size.Volume()*op.channels, len(op.size)
	for place := lo * op.columns; place < hi*op.columns; place++ {
		from := x[place/(op.rows*op.columns)*item:][:item]
		op.sample(w, y[place*op.channels:][:op.channels], from, grid[k*place:][:k])
	}
}

// sample reads one place: its x, its y and, in a volume, its z.
func (op *gridOp) sample(w *Workspace, dst, x, place []float32) {
	if slices.ContainsFunc(place, tensor.IsNaN) {
		for c := range dst {
			dst[c] = float32(math.NaN())
		}
		return
	}
	if len(op.size) == 3 {
		op.sampleVolume(w, dst, x, place)
		return
	}
	scratch, n := w.floats(), op.taps()
	list := scratch[op.scratch():]
	rows, columns := newTaps(list, n), newTaps(list[2*n:], n)
	op.along(&rows, place[1], op.size[0])
	op.along(&columns, place[0], op.size[1])
	if n <= 2 { // one sum is all
		p := &w.samples[0]
		p.Taps = 0
		for i, r := range rows.at {
			for j, c := range columns.at {
				p.At[p.Taps], p.Weight[p.Taps] = 4*(int(r)*op.size[1]+int(c))*op.channels, rows.weight[i]*columns.weight[j]
				if p.Weight[p.Taps] != 0 {
					p.Taps++
				}
			}
		}
		if p.Taps == 0 {
			clear(dst)
			return
		}
		op.pixels(w, dst, x, w.samples[:1])
		return
	}
	op.sum(w, dst, x, scratch, &rows, &columns, op.size[1], 1)
}

// sampleVolume reads one place of a volume, whose rows are those of all its planes.
func (op *gridOp) sampleVolume(w *Workspace, dst, x, place []float32) {
	scratch, n := w.floats(), op.taps()
	list := scratch[op.scratch():]
	planes, rows, columns, all := newTaps(list, n), newTaps(list[2*n:], n), newTaps(list[4*n:], n), newTaps(list[6*n:], n*n)
	op.along(&planes, place[2], op.size[0])
	op.along(&rows, place[1], op.size[1])
	op.along(&columns, place[0], op.size[2])
	for i, p := range planes.at {
		for j, r := range rows.at {
			all.add(int(p)*op.size[1]+int(r), planes.weight[i]*rows.weight[j])
		}
	}
	op.sum(w, dst, x, scratch, &all, &columns, op.size[2], 1)
}

// along are the taps of a place in a direction that has size elements.
func (op *gridOp) along(t *taps, at float32, size int) {
	// No place is so far outside that its number would not be a whole one.
	const most = 1 << 40
	x := float64(float64(at)+1) * float64(size) / 2
	if op.AlignCorners {
		x = float64(float64(at)+1) * float64(size-1) / 2
	} else {
		x -= 0.5
	}
	x = clamp(x, -most, most)
	first := math.Floor(x)
	f := x - first
	var weights [4]float32
	switch op.Mode {
	case Nearest:
		first = math.RoundToEven(x)
		weights[0] = 1
	case Linear:
		weights = [4]float32{float32(1 - f), float32(f)}
	case Cubic:
		first--
		for i, w := range cubicWeights(f, -0.75) {
			weights[i] = float32(w)
		}
	}
	for i, w := range weights[:op.taps()] {
		if k := op.inside(int64(first)+int64(i), int64(size)); k >= 0 {
			t.add(k, w)
		}
	}
}

// inside is the element that stands for element i of size, −1 if it is zero.
func (op *gridOp) inside(i, size int64) int {
	switch {
	case i >= 0 && i < size:
		return int(i)
	case op.Padding == GridZeros:
		return -1
	case op.Padding == GridBorder:
		return int(min(max(i, 0), size-1))
	}
	period := 2 * size
	if op.AlignCorners {
		period = max(2*(size-1), 1) // of 1 for a single element, which is everywhere
	}
	i = (i%period + period) % period
	if op.AlignCorners {
		return int(min(i, period-i))
	}
	return int(min(i, period-1-i))
}
