package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// FullyConnected is y = act(x·W + b) over the last dimension of x: In[0] is
// [..., K], Out[0] [..., N], Params[0] panels [1, K, N].
//
// If x is quantised, the weights are int8, and Act is a Clamp or none.
type FullyConnected struct {
	Channels int // N
	Act      Act
	Result   Elements
}

func (*FullyConnected) Op() string { return "FullyConnected" }

// Order is RowMajor, although only the position of the last dimension matters:
// the importer handles that itself.
func (*FullyConnected) Order() Order { return RowMajor }

func (f *FullyConnected) Activation() *Act { return &f.Act }

func (f *FullyConnected) ResultElements(x tensor.Type) *Elements { return ifQuantised(x, &f.Result) }

func (f *FullyConnected) Traits(in []tensor.Type, _ []Param) Traits {
	return Traits{MACs: macs(in[0], f.Channels), MixesItems: len(in[0].Shape) < 2, Probabilities: f.Act.probable()}
}

// Carries makes it Carrying: rows do not know of each other.
func (*FullyConnected) Carries(x, y tensor.Shape, from, to int) bool {
	return from == to && from < len(x)-1 && x[from] == y[to]
}

func (f *FullyConnected) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := computeOperands(f, f.Result, in, params, 1, 1); err != nil {
		return nil, err
	}
	x := in[0].Shape
	if len(x) == 0 {
		return nil, errorf(f, "a scalar has no last dimension")
	}
	if err := f.Act.check(f); err != nil {
		return nil, err
	}
	if err := checkWeights(f, in[0], params[0], f.Act); err != nil {
		return nil, err
	}
	last := len(x) - 1
	if err := checkForm(f, params[0], "the weights", FormPanels, 1, x[last], f.Channels); err != nil {
		return nil, err
	}
	out := slices.Clone(x)
	out[last] = f.Channels
	return result(f, f.Result.Of(), out...)
}
