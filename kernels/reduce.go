package kernels

import "slices"

// ReduceMean averages over Axes, which keep a dimension of 1 or, without
// Keep, vanish.
type ReduceMean struct {
	Axes []int
	Keep bool
}

func (*ReduceMean) Op() string { return "ReduceMean" }

func (r *ReduceMean) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(r, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0]
	for i, axis := range r.Axes {
		if err := checkAxis(r, axis, x); err != nil {
			return nil, err
		}
		if slices.Contains(r.Axes[:i], axis) {
			return nil, errorf(r, "axis %d occurs twice", axis)
		}
	}
	var out []int
	for i, d := range x {
		switch {
		case !slices.Contains(r.Axes, i):
			out = append(out, d)
		case r.Keep:
			out = append(out, 1)
		}
	}
	return result(r, out...)
}
