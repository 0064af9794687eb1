package kernels

import "slices"

// UnaryKind is an element-wise function of one operand.
type UnaryKind uint8

const (
	Activate UnaryKind = iota // Act alone
	Abs
	Neg
	Exp
	Sqrt
	Elu             // x < 0 ? Alpha·(exp(x)−1) : x
	Selu            // Beta·(x < 0 ? Alpha·(exp(x)−1) : x)
	Softplus        // log(1 + exp(x))
	Softsign        // x / (1 + |x|)
	ThresholdedRelu // x > Alpha ? x : 0
)

// Unary applies a function to each element; Alpha and Beta are its parameters.
type Unary struct {
	Kind        UnaryKind
	Act         Act // for Activate
	Alpha, Beta float32
}

func (*Unary) Op() string { return "Unary" }

func (u *Unary) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(u, in, params, 1, 0); err != nil {
		return nil, err
	}
	if u.Kind > ThresholdedRelu {
		return nil, errorf(u, "unknown kind %d", u.Kind)
	}
	if err := u.Act.check(u); err != nil {
		return nil, err
	}
	if isNaN(u.Alpha) || isNaN(u.Beta) {
		return nil, errorf(u, "parameters %v and %v", u.Alpha, u.Beta)
	}
	return result(u, slices.Clone(in[0])...)
}
