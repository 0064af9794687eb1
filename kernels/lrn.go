package kernels

import "slices"

// LRN is local response normalisation over channels of an NHWC map, as ONNX
// defines it:
//
//	y[c] = x[c] / (Bias + Alpha/Size · Σ x[i]²)^Beta
//
// where i runs from c − ⌊(Size−1)/2⌋ to c + ⌈(Size−1)/2⌉ inside the map.
type LRN struct {
	Size              int
	Alpha, Beta, Bias float32
}

func (*LRN) Op() string { return "LRN" }

func (l *LRN) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := featureMap(l, in, params, 1, 0); err != nil {
		return nil, err
	}
	if !inRange(l.Size, 1) {
		return nil, errorf(l, "size %d", l.Size)
	}
	if !isFinite(l.Alpha) || !isFinite(l.Beta) || !isFinite(l.Bias) {
		return nil, errorf(l, "alpha %v, beta %v, bias %v", l.Alpha, l.Beta, l.Bias)
	}
	return result(l, slices.Clone(in[0])...)
}
