package kernels

import "slices"

// InstanceNorm normalises each channel of each item of an NHWC map over its
// pixels:
//
//	y = scale·(x − mean)/√(variance + Epsilon) + shift
//
// Params[0] is Plain [2, C], scale and shift.
type InstanceNorm struct{ Epsilon float32 }

func (*InstanceNorm) Op() string { return "InstanceNorm" }

func (n *InstanceNorm) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := featureMap(n, in, params, 1, 1); err != nil {
		return nil, err
	}
	if !isFinite(n.Epsilon) || n.Epsilon < 0 {
		return nil, errorf(n, "epsilon %v", n.Epsilon)
	}
	if err := checkParam(n, params[0], "scale and shift", Plain, 2, in[0][3]); err != nil {
		return nil, err
	}
	return result(n, slices.Clone(in[0])...)
}
