package kernels

import (
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

func TestConcat(t *testing.T) {
	g := newGenerator(1)
	for range 200 {
		shape := g.shape(g.between(1, 5), 5)
		axis := g.IntN(len(shape))
		var in [][]int
		for range g.between(1, 4) {
			x := slices.Clone(shape)
			x[axis] = g.between(1, 40)
			in = append(in, x)
		}
		trial{spec: &Concat{Axis: axis}, in: in, exact: true, ref: func(in, out []array) {
			for y := range out[0].indices() {
				x := slices.Clone(y)
				i := 0
				for ; x[axis] >= in[i].shape[axis]; i++ {
					x[axis] -= in[i].shape[axis]
				}
				out[0].set(in[i].at(x...), y...)
			}
		}}.run(t, g)
	}
}

func TestSplit(t *testing.T) {
	g := newGenerator(2)
	for range 200 {
		shape := g.shape(g.between(1, 5), 5)
		s := &Split{Axis: g.IntN(len(shape))}
		shape[s.Axis] = 0
		for range g.between(1, 4) {
			s.Sizes = append(s.Sizes, g.between(1, 40))
			shape[s.Axis] += s.Sizes[len(s.Sizes)-1]
		}
		trial{spec: s, in: [][]int{shape}, exact: true, ref: func(in, out []array) {
			first := 0
			for i, size := range s.Sizes {
				for y := range out[i].indices() {
					x := slices.Clone(y)
					x[s.Axis] += first
					out[i].set(in[0].at(x...), y...)
				}
				first += size
			}
		}}.run(t, g)
	}
}

func TestSlice(t *testing.T) {
	g := newGenerator(3)
	for range 300 {
		shape := g.shape(g.between(0, 5), 9)
		s := &Slice{}
		for _, d := range shape {
			start, step := g.IntN(d), g.between(1, 3)
			room := d - 1 - start
			if g.IntN(2) == 0 {
				room, step = start, -step
			}
			s.Start = append(s.Start, start)
			s.Step = append(s.Step, step)
			s.Size = append(s.Size, g.between(1, room/max(step, -step)+1))
		}
		trial{spec: s, in: [][]int{shape}, exact: true, ref: func(in, out []array) {
			for y := range out[0].indices() {
				x := make([]int, len(y))
				for i := range x {
					x[i] = s.Start[i] + y[i]*s.Step[i]
				}
				out[0].set(in[0].at(x...), y...)
			}
		}}.run(t, g)
	}
}

func TestPadding(t *testing.T) {
	g := newGenerator(4)
	for i := range 300 {
		rank, most := 4, 6
		if i%10 == 0 {
			rank, most = tensor.MaxRank, 2
		}
		shape := g.shape(g.between(0, rank), most)
		p := &Padding{Mode: PadMode(g.IntN(int(PadWrap) + 1)), Value: 7}
		for i, d := range shape {
			most := min(5, 20/len(shape))
			if p.Mode == PadReflect {
				most = d - 1
			}
			if p.Mode == PadWrap {
				most = d
			}
			if p.Mode != PadConstant && i >= maxPadded {
				most = 0
			}
			p.Before = append(p.Before, g.between(0, most)*g.IntN(2))
			p.After = append(p.After, g.between(0, most)*g.IntN(2))
		}
		trial{spec: p, in: [][]int{shape}, exact: true, ref: func(in, out []array) {
			for y := range out[0].indices() {
				x := make([]int, len(y))
				for i := range x {
					x[i] = y[i] - p.Before[i]
					last := in[0].shape[i] - 1
					switch {
					case p.Mode == PadEdge:
						x[i] = min(max(x[i], 0), last)
					case p.Mode == PadWrap:
						x[i] = (x[i] + last + 1) % (last + 1)
					case p.Mode == PadReflect && x[i] < 0:
						x[i] = -x[i]
					case p.Mode == PadReflect && x[i] > last:
						x[i] = 2*last - x[i]
					}
				}
				if in[0].inside(x...) {
					out[0].set(in[0].at(x...), y...)
				} else {
					out[0].set(7, y...)
				}
			}
		}}.run(t, g)
	}
}

// TestPaddingMoves pads all dimensions that can be: a box for every corner
// would make 6561 of them.
func TestPaddingMoves(t *testing.T) {
	for _, c := range []struct {
		mode   PadMode
		padded int
		most   int // moves; 0 if it is refused
	}{
		{PadConstant, tensor.MaxRank, 2*tensor.MaxRank + 1},
		{PadConstant, 2, 5},
		{PadEdge, maxPadded, 81},
		{PadEdge, maxPadded + 1, 0},
		{PadReflect, 2, 9},
		{PadReflect, tensor.MaxRank, 0},
	} {
		p := &Padding{Mode: c.mode, Before: make([]int, tensor.MaxRank), After: make([]int, tensor.MaxRank)}
		x := make([]int, tensor.MaxRank)
		for i := range x {
			x[i] = 2
			if i >= tensor.MaxRank-c.padded {
				p.Before[i], p.After[i] = 1, 1
			}
		}
		op, err := bind(p, Tiers()[0], [][]int{x}, nil)
		switch {
		case c.most == 0:
			if err == nil {
				t.Errorf("mode %d of %d dimensions is accepted", c.mode, c.padded)
			}
		case err != nil:
			t.Error(err)
		default:
			if n := len(op.(*copyOp).moves); n != c.most {
				t.Errorf("mode %d of %d dimensions makes %d moves, not %d", c.mode, c.padded, n, c.most)
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	g := newGenerator(5)
	check := func(shape, perm []int) {
		trial{spec: &Transpose{Perm: perm}, in: [][]int{shape}, exact: true, ref: func(in, out []array) {
			for y := range out[0].indices() {
				x := make([]int, len(y))
				for i, d := range perm {
					x[d] = y[i]
				}
				out[0].set(in[0].at(x...), y...)
			}
		}}.run(t, g)
	}
	for range 300 {
		shape := g.shape(g.between(0, 6), 5)
		check(shape, g.Perm(len(shape)))
	}
	for range 20 { // maps of several tiles and tasks
		shape := []int{g.between(1, 2), g.between(1, 80), g.between(1, 40), g.between(1, 40)}
		check(shape, []int{0, 2, 3, 1})
		check(shape, []int{0, 3, 1, 2})
		check(shape, []int{0, 2, 1, 3})
	}
}

func TestReshape(t *testing.T) {
	g := newGenerator(6)
	trial{spec: &Reshape{Shape: []int{1, 24, 1}}, in: [][]int{{1, 2, 3, 4}}, exact: true, ref: func(in, out []array) {
		copy(out[0].data, in[0].data)
	}}.run(t, g)
}
