package kernels

import "math"

// Activation is what a step does to each element before it stores it.
// The operand is x, after bias and residual have been added.
type Activation uint8

const (
	NoActivation   Activation = iota
	Clamp                     // min(max(x, Lo), Hi): ReLU is (0, +Inf), ReLU6 (0, 6)
	ActLeakyRelu              // x < 0 ? Lo·x : x
	ActHardSwish              // x·min(max(x/6 + 1/2, 0), 1)
	ActHardSigmoid            // min(max(Lo·x + Hi, 0), 1)
	ActSigmoid                // 1 / (1 + exp(−x))
	ActSiLU                   // x / (1 + exp(−x))
	ActTanh
)

// An Act is an activation with its parameters. NaN stays NaN in all of them.
type Act struct {
	Kind   Activation
	Lo, Hi float32
}

// check says what no activation can be.
func (a Act) check(s Spec) error {
	if a.Kind > ActTanh {
		return errorf(s, "unknown activation %d", a.Kind)
	}
	if isNaN(a.Lo) || isNaN(a.Hi) || a.Kind == Clamp && a.Lo > a.Hi {
		return errorf(s, "activation with parameters %v and %v", a.Lo, a.Hi)
	}
	return nil
}

func isNaN(x float32) bool { return x != x }

func isFinite(x float32) bool { return math.Abs(float64(x)) <= math.MaxFloat32 }
