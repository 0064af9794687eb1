package kernels

import "slices"

// Reshape gives the same elements another shape. It moves nothing: whoever
// can, gives result and operand the same storage instead of running it.
type Reshape struct{ Shape []int }

func (*Reshape) Op() string { return "Reshape" }

func (r *Reshape) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(r, in, params, 1, 0); err != nil {
		return nil, err
	}
	out, err := result(r, slices.Clone(r.Shape)...)
	if err != nil {
		return nil, err
	}
	if volume(in[0]) != volume(r.Shape) {
		return nil, errorf(r, "%s has not as many elements as %s", dims(in[0]...), dims(r.Shape...))
	}
	return out, nil
}

func (r *Reshape) Bind(_ *Tier, in [][]int, params []Param) (Op, error) {
	if _, err := r.Shapes(in, params); err != nil {
		return nil, err
	}
	size := [2]int{volume(in[0]), volume(in[0])}
	step := strides(in[0])
	return &copyOp{moves: []move{newMove(0, 0, size, [2]int{}, newNest(in[0], step, step))}}, nil
}
