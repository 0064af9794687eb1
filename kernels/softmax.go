package kernels

import "slices"

// Softmax normalises over one axis; Log takes the logarithm.
type Softmax struct {
	Axis int
	Log  bool
}

func (*Softmax) Op() string { return "Softmax" }

func (s *Softmax) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(s, in, params, 1, 0); err != nil {
		return nil, err
	}
	if err := checkAxis(s, s.Axis, in[0]); err != nil {
		return nil, err
	}
	return result(s, slices.Clone(in[0])...)
}
