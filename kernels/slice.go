package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Slice takes Size elements along each dimension: every Step-th from Start on.
// Steps may be negative.
type Slice struct{ Start, Step, Size []int }

func (*Slice) Op() string { return "Slice" }

func (*Slice) Order() Order { return ByAxis }

// Moves implements Moving.
func (*Slice) Moves() bool { return true }

func (s *Slice) Permute(order []int) Spec {
	return &Slice{Start: permuted(s.Start, order), Step: permuted(s.Step, order), Size: permuted(s.Size, order)}
}

func (s *Slice) Sizeless() Spec { return &Slice{Start: s.Start, Step: s.Step} }

func (s *Slice) Extents() []int { return slices.Concat(s.Start, s.Size) }

func (s *Slice) WithExtents(extents []int) Spec {
	n := len(s.Start)
	return &Slice{Start: extents[:n], Step: s.Step, Size: extents[n:]}
}

func (s *Slice) Traits([]tensor.Type, []Param) Traits {
	return Traits{MixesItems: len(s.Start) > 0 && (s.Start[0] != 0 || s.Step[0] != 1)}
}

func (s *Slice) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(s, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0].Shape
	if len(s.Start) != len(x) || len(s.Step) != len(x) || len(s.Size) != len(x) {
		return nil, errorf(s, "%d starts, %d steps and %d sizes for shape %s", len(s.Start), len(s.Step), len(s.Size), x)
	}
	for i, d := range x {
		start, step, size := s.Start[i], s.Step[i], s.Size[i]
		// What is left of the dimension, in the step's direction, bounds the
		// size without computing the last index, which could overflow.
		room := d - 1 - start
		if step < 0 {
			room = start
		}
		if start < 0 || start >= d || step == 0 || size < 1 || size > d || step < -tensor.MaxDim || size-1 > room/max(step, -step) {
			return nil, errorf(s, "dimension %[4]d of shape %[5]s does not have %[1]d elements from %[2]d on by steps of %[3]d", size, start, step, i, x)
		}
	}
	return result(s, in[0], slices.Clone(s.Size)...)
}

func (s *Slice) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := s.Infer(in, params)
	if err != nil {
		return nil, err
	}
	from := 0
	step := in[0].Shape.Strides()
	for i := range step {
		from += s.Start[i] * step[i]
		step[i] *= s.Step[i]
	}
	size := [2]int{in[0].Shape.Volume(), out[0].Shape.Volume()}
	return &copyOp{size: out[0].Elem.Size(), moves: []move{
		newMove(0, 0, size, [2]int{from, 0}, newNest(s.Size, step, out[0].Shape.Strides())),
	}}, nil
}
