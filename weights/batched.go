package weights

import (
	"slices"

	"github.com/infer-go/infer/kernels"
)

// MixesItems says whether an operation on operands whose dimension 0 is the
// batch lets one item's result depend on another: then it may run on a single
// item only. Shapes has accepted the operands, and operands and results begin
// with the batch; what remains are operations that do something along
// dimension 0, or that align it with another. Of params only the shapes count.
func MixesItems(s kernels.Spec, in [][]int, params []kernels.Param) bool {
	switch s := s.(type) {
	case *kernels.FullyConnected:
		return len(in[0]) < 2
	case *kernels.MatMul:
		// The first of three dimensions or more is neither M, nor K, nor N.
		return len(in[0]) < 3 || len(in[0]) != len(in[1])
	case *kernels.Binary:
		// An operand of lower rank would broadcast its batch along another
		// dimension, a param of higher rank would move the operand's.
		return len(in) == 2 && len(in[0]) != len(in[1]) ||
			len(params) == 1 && len(params[0].Shape) > len(in[0])
	case *kernels.Concat:
		return s.Axis == 0
	case *kernels.Split:
		return s.Axis == 0
	case *kernels.Slice:
		return s.Start[0] != 0 || s.Step[0] != 1
	case *kernels.Softmax:
		return s.Axis == 0
	case *kernels.ReduceMean:
		return slices.Contains(s.Axes, 0)
	case *kernels.Transpose:
		return s.Perm[0] != 0
	}
	// Padding along dimension 0 would have shown in the result's shape, and
	// the operations left over have items in dimension 0 by definition.
	return false
}
