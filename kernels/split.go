package kernels

import "slices"

// Split cuts In[0] along Axis into the Out values, in order, of Sizes along
// Axis.
type Split struct {
	Axis  int
	Sizes []int
}

func (*Split) Op() string { return "Split" }

func (s *Split) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(s, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0]
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
	out := make([][]int, len(s.Sizes))
	for i, size := range s.Sizes {
		out[i] = slices.Clone(x)
		out[i][s.Axis] = size
	}
	return out, nil
}

func (s *Split) Bind(_ *Tier, in [][]int, params []Param) (Op, error) {
	out, err := s.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	var op copyOp
	from := 0
	step := strides(in[0])
	for i, y := range out {
		op.moves = append(op.moves, newMove(0, i, [2]int{volume(in[0]), volume(y)}, [2]int{from, 0}, newNest(y, step, strides(y))))
		from += y[s.Axis] * step[s.Axis]
	}
	return &op, nil
}
