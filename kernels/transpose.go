package kernels

import "slices"

// Transpose permutes dimensions: Out's dimension i is In's dimension Perm[i].
type Transpose struct{ Perm []int }

func (*Transpose) Op() string { return "Transpose" }

func (t *Transpose) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(t, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0]
	out := make([]int, len(x))
	if len(t.Perm) != len(x) {
		return nil, errorf(t, "%v is no permutation of shape %s", t.Perm, dims(x...))
	}
	for i, d := range t.Perm {
		if d < 0 || d >= len(x) || slices.Contains(t.Perm[:i], d) {
			return nil, errorf(t, "%v is no permutation of shape %s", t.Perm, dims(x...))
		}
		out[i] = x[d]
	}
	return result(t, out...)
}

func (t *Transpose) Bind(_ *Tier, in [][]int, params []Param) (Op, error) {
	out, err := t.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	y := out[0]
	step := make([]int, len(y))
	for i, s := range t.Perm {
		step[i] = strides(in[0])[s]
	}
	size := [2]int{volume(y), volume(y)}
	return &copyOp{moves: []move{newMove(0, 0, size, [2]int{}, newNest(y, step, strides(y)))}}, nil
}
