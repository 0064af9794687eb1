package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

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
//
// Of quantised elements it is a table: the plain Params[0] of 256 uint8 has the
// result for each element. TableParam makes one.
type Unary struct {
	Kind        UnaryKind
	Act         Act // for Activate
	Alpha, Beta float32
	Result      Elements
}

func (*Unary) Op() string { return "Unary" }

func (*Unary) Order() Order { return AnyOrder }

func (u *Unary) ResultElements() *Elements { return &u.Result }

func (*Unary) Traits([]tensor.Type, []Param) Traits { return Traits{InPlace: true} }

func (u *Unary) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	tables := 0
	if isQuantised(in) {
		tables = 1
	}
	if err := computeOperands(u, u.Result, in, params, 1, tables); err != nil {
		return nil, err
	}
	if tables > 0 {
		if err := checkForm(u, params[0], "the table", FormPlain, 256); err != nil {
			return nil, err
		}
		if params[0].Elem != tensor.U8 || u.Result.Elem != tensor.U8 {
			return nil, errorf(u, "a table of %v for a result of %v, where both are u8", params[0].Elem, u.Result.Of())
		}
	}
	if u.Kind > ThresholdedRelu {
		return nil, errorf(u, "unknown kind %d", u.Kind)
	}
	if err := u.Act.check(u); err != nil {
		return nil, err
	}
	if tensor.IsNaN(u.Alpha) || tensor.IsNaN(u.Beta) {
		return nil, errorf(u, "parameters %v and %v, of which none may be NaN", u.Alpha, u.Beta)
	}
	return result(u, u.Result.Of(), slices.Clone(in[0].Shape)...)
}

func (u *Unary) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := u.Infer(in, params); err != nil {
		return nil, err
	}
	op := flat{volume: in[0].Shape.Volume()}
	switch {
	case isQuantised(in):
		return &tableOp{op, (*[256]byte)(params[0].Data)}, nil
	case u.Kind == Exp:
		return &elementOp{flat: op, Tier: t, kernel: find[asm.ActivateArgs](t, expKernel)}, nil
	case u.Kind == Activate && u.Act.Kind != NoActivation:
		return &elementOp{flat: op, Tier: t, kernel: t.activation(u.Act.Kind), lo: u.Act.Lo, hi: u.Act.Hi}, nil
	}
	return &unaryOp{flat: op, f: u.function()}, nil
}

// function is what Unary applies where there is no kernel. NaN fails every
// comparison and passes through.
func (u *Unary) function() func(x float32) float32 {
	alpha, beta := float64(u.Alpha), float64(u.Beta)
	switch u.Kind {
	case Activate:
		return func(x float32) float32 { return x }
	case Abs:
		return func(x float32) float32 { return float32(math.Abs(float64(x))) }
	case Neg:
		return func(x float32) float32 { return -x }
	case Sqrt:
		return func(x float32) float32 { return float32(math.Sqrt(float64(x))) }
	case Elu, Selu:
		if u.Kind == Elu {
			beta = 1
		}
		return func(x float32) float32 {
			if x < 0 {
				return float32(beta * (alpha * math.Expm1(float64(x))))
			}
			return float32(beta * float64(x))
		}
	case Softplus:
		// log(1 + exp(x)) = max(x, 0) + log(1 + exp(−|x|)), which does not overflow.
		return func(x float32) float32 {
			v := float64(x)
			return float32(max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))))
		}
	case Softsign:
		return func(x float32) float32 { return float32(float64(x) / (1 + math.Abs(float64(x)))) }
	case ThresholdedRelu:
		threshold := u.Alpha
		return func(x float32) float32 {
			if x <= threshold {
				return 0
			}
			return x
		}
	}
	return nil
}

// expKernel is the exponential function.
var expKernel = asm.Kernel{Op: "activate", Variant: "exp"}

// elementOp applies one of the tier's kernels.
type elementOp struct {
	flat
	*Tier
	kernel func(*asm.ActivateArgs)
	lo, hi float32
}

func (op *elementOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	op.eachElement(w, op.kernel, floats(out[0])[from:to], floats(in[0])[from:to], op.lo, op.hi)
}

// unaryOp applies a function.
type unaryOp struct {
	flat
	f func(float32) float32
}

func (op *unaryOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	dst := floats(out[0])[from:to]
	for i, x := range floats(in[0])[from:to] {
		dst[i] = op.f(x)
	}
}
