package weights

import (
	"fmt"
	"slices"

	"github.com/infer-go/infer/kernels"
)

// checkBatched checks that an operation on operands whose dimension 0 is the
// batch treats each item by itself, so that it may run on any number of them.
// Shapes has accepted the operands, and operands and results begin with a
// batch of 1; what remains are operations that do something along dimension
// 0, or that align it with another.
func checkBatched(s kernels.Spec, in [][]int, params []kernels.Param) error {
	switch s := s.(type) {
	case *kernels.FullyConnected:
		if len(in[0]) < 2 {
			return mixes(s)
		}
	case *kernels.MatMul:
		// The first of three dimensions or more is neither M, nor K, nor N.
		if len(in[0]) < 3 || len(in[0]) != len(in[1]) {
			return mixes(s)
		}
	case *kernels.Binary:
		if len(in) == 2 && len(in[0]) != len(in[1]) {
			return mixes(s)
		}
		if len(params) == 1 && len(params[0].Shape) > len(in[0]) {
			return mixes(s)
		}
	case *kernels.Concat:
		if s.Axis == 0 {
			return mixes(s)
		}
	case *kernels.Split:
		if s.Axis == 0 {
			return mixes(s)
		}
	case *kernels.Slice:
		if s.Start[0] != 0 || s.Step[0] != 1 {
			return mixes(s)
		}
	case *kernels.Softmax:
		if s.Axis == 0 {
			return mixes(s)
		}
	case *kernels.ReduceMean:
		if slices.Contains(s.Axes, 0) {
			return mixes(s)
		}
	case *kernels.Transpose:
		if s.Perm[0] != 0 {
			return mixes(s)
		}
	}
	// Padding along dimension 0 would have shown in the result's shape, and
	// the operations left over have items in dimension 0 by definition.
	return nil
}

func mixes(s kernels.Spec) error {
	return fmt.Errorf("%s mixes the items of a batch", s.Op())
}
