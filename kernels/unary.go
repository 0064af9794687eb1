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
	Log
	Sin
	Cos
	Erf
	Sign // −1, 0 or 1
	Floor
	Ceil
	Round // to the nearest whole number, ties to even
	Asin  // NaN outside of −1 … 1, as Acos is
	Acos
	Atan

	// LastUnary is the kind with the largest value.
	LastUnary = Atan
)

// Unary applies a function to each element. All kinds map NaN to NaN.
//
// On quantised elements it is a table: the plain Params[0] of 256 uint8 holds
// the result for each element. TableParam makes it.
type Unary struct {
	Kind   UnaryKind
	Act    Act // for Activate
	Result Elements
}

func (*Unary) Op() string { return "Unary" }

func (*Unary) Order() Order { return AnyOrder }

func (u *Unary) ResultElements(x tensor.Type) *Elements { return ifQuantised(x, &u.Result) }

func (u *Unary) Traits([]tensor.Type, []Param) Traits {
	return Traits{InPlace: true, Probabilities: u.Kind == Activate && u.Act.probable()}
}

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
	if u.Kind > LastUnary {
		return nil, errorf(u, "unknown kind %d", u.Kind)
	}
	if err := u.Act.check(u); err != nil {
		return nil, err
	}
	return result(u, u.Result.Of(), slices.Clone(in[0].Shape)...)
}

// Of returns the function's value at x, for TableParam.
func (u *Unary) Of(x float64) float64 {
	if u.Kind == Activate {
		return float64(u.Act.apply(float32(x)))
	}
	return unaryFunctions[u.Kind].of(x)
}

func (u *Unary) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := u.Infer(in, params); err != nil {
		return nil, err
	}
	op := flat{volume: in[0].Shape.Volume()}
	if isQuantised(in) {
		return newTable(t, in[0].Shape, (*[256]byte)(params[0].Data)), nil
	}
	if u.Kind == Activate {
		return &activateOp{flat: op, Tier: t, act: u.Act}, nil
	}
	f := &unaryFunctions[u.Kind]
	e := elementOp{flat: op, Tier: t, kernel: find[asm.ActivateArgs](t, f.kernel())}
	if u.Kind == Sin || u.Kind == Cos {
		return &angleOp{e, f.of}, nil
	}
	return &e, nil
}

// A unaryFunction is what a kind of Unary computes: the variant of its kernel,
// and the function.
type unaryFunction struct {
	variant string
	of      func(x float64) float64
}

func (f *unaryFunction) kernel() asm.Kernel { return asm.Kernel{Op: "activate", Variant: f.variant} }

var unaryFunctions = [...]unaryFunction{
	Abs:   {"abs", math.Abs},
	Neg:   {"neg", func(x float64) float64 { return -x }},
	Exp:   {"exp", math.Exp},
	Sqrt:  {"sqrt", math.Sqrt},
	Log:   {"log", math.Log},
	Sin:   {"sin", math.Sin},
	Cos:   {"cos", math.Cos},
	Erf:   {"erf", math.Erf},
	Sign:  {"sign", sign},
	Floor: {"floor", math.Floor},
	Ceil:  {"ceil", math.Ceil},
	Round: {"round", math.RoundToEven},
	Asin:  {"asin", math.Asin},
	Acos:  {"acos", math.Acos},
	Atan:  {"atan", math.Atan},
}

// expKernel is the exponential function.
var expKernel = unaryFunctions[Exp].kernel()

func sign(x float64) float64 {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return x
}

// activateOp applies an activation.
type activateOp struct {
	flat
	*Tier
	act Act
}

func (op *activateOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	op.activate(w, op.act, floats(out[0])[from:to], floats(in[0])[from:to])
}

// elementOp applies one of the tier's kernels.
type elementOp struct {
	flat
	*Tier
	kernel func(*asm.ActivateArgs)
}

func (op *elementOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	op.eachElement(w, op.kernel, floats(out[0])[from:to], floats(in[0])[from:to], 0, 0)
}

// maxAngle is the largest operand of the kernels of sine and cosine.
const maxAngle = 8192

// angleOp is an elementOp whose kernel takes numbers up to maxAngle alone. What
// is larger, or NaN, is computed by itself.
type angleOp struct {
	elementOp
	of func(float64) float64
}

func (op *angleOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	src, dst := floats(in[0])[from:to], floats(out[0])[from:to]
	for len(src) > 0 {
		within := slices.IndexFunc(src, func(x float32) bool { return !(x >= -maxAngle && x <= maxAngle) })
		if within < 0 {
			within = len(src)
		}
		op.eachElement(w, op.kernel, dst[:within], src[:within], 0, 0)
		if within < len(src) {
			dst[within] = float32(op.of(float64(src[within])))
			within++
		}
		src, dst = src[within:], dst[within:]
	}
}
