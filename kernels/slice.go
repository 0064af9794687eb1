package kernels

import "slices"

// Slice takes Size elements of each dimension: every Step-th from Start on.
// A step may be negative.
type Slice struct{ Start, Step, Size []int }

func (*Slice) Op() string { return "Slice" }

func (s *Slice) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(s, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0]
	if len(s.Start) != len(x) || len(s.Step) != len(x) || len(s.Size) != len(x) {
		return nil, errorf(s, "%d starts, %d steps and %d sizes for shape %s", len(s.Start), len(s.Step), len(s.Size), dims(x...))
	}
	for i, d := range x {
		start, step, size := s.Start[i], s.Step[i], s.Size[i]
		// What is left of the dimension, in the step's direction, bounds the
		// size without computing the last index, which could overflow.
		room := d - 1 - start
		if step < 0 {
			room = start
		}
		if start < 0 || start >= d || step == 0 || size < 1 || size > d || step < -maxDim || size-1 > room/max(step, -step) {
			return nil, errorf(s, "dimension %[4]d of shape %[5]s does not have %[1]d elements from %[2]d on by steps of %[3]d", size, start, step, i, dims(x...))
		}
	}
	return result(s, slices.Clone(s.Size)...)
}

func (s *Slice) Bind(_ *Tier, in [][]int, params []Param) (Op, error) {
	out, err := s.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	from := 0
	step := strides(in[0])
	for i := range step {
		from += s.Start[i] * step[i]
		step[i] *= s.Step[i]
	}
	size := [2]int{volume(in[0]), volume(out[0])}
	return &copyOp{moves: []move{
		newMove(0, 0, size, [2]int{from, 0}, newNest(s.Size, step, strides(s.Size))),
	}}, nil
}
