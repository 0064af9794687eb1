package kernels

import (
	"fmt"
	"slices"
)

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
	var out [][]int
	for i, size := range s.Sizes {
		if size < 1 || size > rest {
			return nil, errorf(s, "sizes %v do not add up to %d", s.Sizes, x[s.Axis])
		}
		rest -= size
		shape := slices.Clone(x)
		shape[s.Axis] = size
		if err := checkShape(s, fmt.Sprintf("result %d", i), shape); err != nil {
			return nil, err
		}
		out = append(out, shape)
	}
	if rest != 0 {
		return nil, errorf(s, "sizes %v do not add up to %d", s.Sizes, x[s.Axis])
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
