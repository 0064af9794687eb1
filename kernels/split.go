package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Split cuts its operand along Axis into consecutive results of the given
// Sizes.
type Split struct {
	Axis  int
	Sizes []int
}

func (*Split) Op() string { return "Split" }

func (*Split) Order() Order { return ByAxis }

// Moves implements Moving.
func (*Split) Moves() bool { return true }

func (s *Split) Permute(order []int) Spec {
	return &Split{Axis: slices.Index(order, s.Axis), Sizes: s.Sizes}
}

func (s *Split) Results() int { return len(s.Sizes) }

func (s *Split) Extents() []int { return s.Sizes }

func (s *Split) WithExtents(extents []int) Spec { return &Split{Axis: s.Axis, Sizes: extents} }

func (s *Split) Traits([]tensor.Type, []Param) Traits { return Traits{MixesItems: s.Axis == 0} }

func (s *Split) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(s, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0].Shape
	if err := checkAxis(s, s.Axis, x); err != nil {
		return nil, err
	}
	rest := x[s.Axis]
	for i, size := range s.Sizes {
		if size < 1 || size > rest {
			return nil, errorf(s, "size %d is %d, where %d are left of %d", i, size, rest, x[s.Axis])
		}
		rest -= size
	}
	if rest != 0 {
		return nil, errorf(s, "the sizes add up to %d, not %d", x[s.Axis]-rest, x[s.Axis])
	}
	// The results have the operand's elements: no shape is too large.
	out := make([]tensor.Type, len(s.Sizes))
	for i, size := range s.Sizes {
		out[i] = in[0].Of(slices.Clone(x)...)
		out[i].Shape[s.Axis] = size
	}
	return out, nil
}

func (s *Split) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := s.Infer(in, params)
	if err != nil {
		return nil, err
	}
	op := copyOp{size: in[0].Elem.Size()}
	from := 0
	x := in[0].Shape
	step := x.Strides()
	for i, t := range out {
		y := t.Shape
		op.moves = append(op.moves, newMove(0, i, [2]int{x.Volume(), y.Volume()}, [2]int{from, 0}, newNest(y, step, y.Strides())))
		from += y[s.Axis] * step[s.Axis]
	}
	return &op, nil
}
