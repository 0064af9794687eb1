package kernels

import "slices"

// FullyConnected is y = act(x·W + b) over the last dimension of x: In[0] is
// [..., K], Out[0] [..., N], Params[0] Panels [1, K, N].
type FullyConnected struct {
	Channels int // N
	Act      Act
}

func (*FullyConnected) Op() string { return "FullyConnected" }

func (f *FullyConnected) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(f, in, params, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) == 0 {
		return nil, errorf(f, "a scalar has no last dimension")
	}
	if err := f.Act.check(f); err != nil {
		return nil, err
	}
	last := len(x) - 1
	if err := checkParam(f, params[0], "the weights", Panels, 1, x[last], f.Channels); err != nil {
		return nil, err
	}
	out := slices.Clone(x)
	out[last] = f.Channels
	return result(f, out...)
}
