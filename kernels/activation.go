package kernels

import (
	"math"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// Activation is the function that a step applies to each element before it is
// stored. The operand is x, after bias and residual have been added. Lo and Hi
// are the parameters in Act.
type Activation uint8

const (
	NoActivation       Activation = iota
	Clamp                         // min(max(x, Lo), Hi): ReLU is (0, +Inf), ReLU6 (0, 6)
	ActLeakyRelu                  // x < 0 ? Lo·x : x
	ActHardSwish                  // x·min(max(x/6 + 1/2, 0), 1)
	ActHardSigmoid                // min(max(Lo·x + Hi, 0), 1)
	ActSigmoid                    // 1 / (1 + exp(−x))
	ActSiLU                       // x / (1 + exp(−x))
	ActTanh                       // tanh(x)
	ActElu                        // x < 0 ? Lo·(exp(x) − 1) : Hi·x: ELU is (α, 1), SELU (γ·α, γ)
	ActCelu                       // x < 0 ? Lo·(exp(x/Lo) − 1) : x, for Lo > 0
	ActSoftplus                   // log(1 + exp(x))
	ActSoftsign                   // x / (1 + |x|)
	ActMish                       // x·tanh(log(1 + exp(x)))
	ActGelu                       // x/2·(1 + erf(x/√2))
	ActGeluTanh                   // x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
	ActThresholdedRelu            // x > Lo ? x : 0
	ActShrink                     // x < −Lo ? x + Hi : x > Lo ? x − Hi : 0

	// LastActivation is the kind with the largest value.
	LastActivation = ActShrink
)

// An Act is an activation with its parameters. All of them map NaN to NaN.
//
// The parameters are named after Clamp, whose bounds they are. For the others,
// the formulas say what they are: Lo of ActLeakyRelu is the slope below 0, and
// Lo of ActHardSigmoid is the slope and Hi the value at 0. Parameters that a
// formula does not use have no effect.
type Act struct {
	Kind   Activation
	Lo, Hi float32
}

// check refuses an activation that does not exist, and parameters that make
// none.
func (a Act) check(s Spec) error {
	switch {
	case a.Kind > LastActivation:
		return errorf(s, "unknown activation %d", a.Kind)
	case tensor.IsNaN(a.Lo) || tensor.IsNaN(a.Hi):
		return errorf(s, "activation with parameters %v and %v, which must not be NaN", a.Lo, a.Hi)
	case a.Kind == Clamp && a.Lo > a.Hi:
		return errorf(s, "activation clamps to at least %v and at most %v", a.Lo, a.Hi)
	case a.Kind == ActCelu && a.Lo <= 0:
		return errorf(s, "activation with parameter %v, which must be positive", a.Lo)
	}
	return nil
}

// probable says whether what is applied is a sigmoid, whose results are taken
// for probabilities.
func (a Act) probable() bool { return a.Kind == ActSigmoid || a.Kind == ActHardSigmoid }

// apply returns the activation of x. A comparison that NaN fails always leaves
// x as it is.
func (a Act) apply(x float32) float32 {
	switch a.Kind {
	case Clamp:
		return clamp(x, a.Lo, a.Hi)
	case ActLeakyRelu:
		if x < 0 {
			return a.Lo * x
		}
	case ActHardSwish:
		return x * hardSigmoid(x, 1./6, 0.5)
	case ActHardSigmoid:
		return hardSigmoid(x, a.Lo, a.Hi)
	case ActThresholdedRelu:
		if x <= a.Lo {
			return 0
		}
	case ActShrink:
		switch {
		case x < -a.Lo:
			return x + a.Hi
		case x <= a.Lo:
			return 0
		}
		return x - a.Hi
	case NoActivation:
	default:
		return float32(a.curve(float64(x)))
	}
	return x
}

// curve is an activation that is not made of straight lines.
func (a Act) curve(x float64) float64 {
	lo, hi := float64(a.Lo), float64(a.Hi)
	switch a.Kind {
	case ActSigmoid:
		return 1 / (1 + math.Exp(-x))
	case ActSiLU:
		return x / (1 + math.Exp(-x))
	case ActTanh:
		return math.Tanh(x)
	case ActElu:
		if x < 0 {
			return lo * math.Expm1(x)
		}
		return hi * x
	case ActCelu:
		if x < 0 {
			return lo * math.Expm1(x/lo)
		}
	case ActSoftplus:
		return softplus(x)
	case ActSoftsign:
		return x / (1 + math.Abs(x))
	case ActMish:
		return x * math.Tanh(softplus(x))
	case ActGelu:
		return x / 2 * (1 + math.Erf(x/math.Sqrt2))
	case ActGeluTanh:
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+float64(0.044715*x*x*x))))
	}
	return x
}

// softplus is log(1 + exp(x)) = max(x, 0) + log(1 + exp(−|x|)), which does not
// overflow.
func softplus(x float64) float64 {
	return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
}

// activate sets dst[i] to the activation of src[i], by the tier's kernel. The
// two are of one length, and either the same or apart.
func (t *Tier) activate(w *Workspace, a Act, dst, src []float32) {
	kernel := t.activation(a.Kind)
	if kernel == nil {
		copy(dst, src)
		return
	}
	t.eachElement(w, kernel, dst, src, a.Lo, a.Hi)
}

// activateColumns applies what a micro-kernel's epilogue leaves of an
// activation, all that is no clamp, to the columns from, …, to−1 of rows of
// width elements.
func (t *Tier) activateColumns(w *Workspace, a Act, y []float32, width, from, to int) {
	switch {
	case a.isClamp():
	case to-from == width:
		t.activate(w, a, y, y)
	case to-from < fewColumns:
		t.activateFew(w, a, y, width, from, to)
	default:
		for ; len(y) > 0; y = y[width:] {
			part := y[from:to]
			t.activate(w, a, part, part)
		}
	}
}

// fewColumns is from how many columns on a call of a kernel for each row is no
// slower than one for copies of the columns of several rows: measured with SiLU
// on AMD's Zen 4, both with AVX2 and with AVX-512.
const fewColumns = 8

// activateFew is activateColumns for a few columns: copies of them are
// activated together, since a call takes longer than a vector does.
func (t *Tier) activateFew(w *Workspace, a Act, y []float32, width, from, to int) {
	n := to - from
	together := len(w.piece) / n
	for rows := len(y) / width; rows > 0; {
		some := min(rows, together)
		piece := w.piece[:some*n]
		for r := range some {
			// So few elements are copied sooner one by one than by a call.
			for i, v := range y[r*width+from : r*width+to] {
				piece[r*n+i] = v
			}
		}
		t.activate(w, a, piece, piece)
		for r := range some {
			for i, v := range piece[r*n : (r+1)*n] {
				y[r*width+from+i] = v
			}
		}
		y, rows = y[some*width:], rows-some
	}
}

// eachElement runs a kernel on elements, some in each call, so that each is
// short.
func (t *Tier) eachElement(w *Workspace, kernel func(*asm.ActivateArgs), dst, src []float32, lo, hi float32) {
	a := &w.activate
	a.Lo, a.Hi = lo, hi
	for from := 0; from < len(src); from += taskSize {
		a.X, a.Y, a.N = &src[from], &dst[from], min(taskSize, len(src)-from)
		kernel(a)
	}
}

// activation is the kernel of an activation, nil for none.
func (t *Tier) activation(kind Activation) func(*asm.ActivateArgs) { return t.activateKernels[kind] }

var activationKernels = [...]asm.Kernel{
	Clamp:              {Op: "clamp"},
	ActLeakyRelu:       {Op: "activate", Variant: "leakyrelu"},
	ActHardSwish:       {Op: "activate", Variant: "hardswish"},
	ActHardSigmoid:     {Op: "activate", Variant: "hardsigmoid"},
	ActSigmoid:         {Op: "activate", Variant: "sigmoid"},
	ActSiLU:            {Op: "activate", Variant: "silu"},
	ActTanh:            {Op: "activate", Variant: "tanh"},
	ActElu:             {Op: "activate", Variant: "elu"},
	ActCelu:            {Op: "activate", Variant: "celu"},
	ActSoftplus:        {Op: "activate", Variant: "softplus"},
	ActSoftsign:        {Op: "activate", Variant: "softsign"},
	ActMish:            {Op: "activate", Variant: "mish"},
	ActGelu:            {Op: "activate", Variant: "gelu"},
	ActGeluTanh:        {Op: "activate", Variant: "gelutanh"},
	ActThresholdedRelu: {Op: "activate", Variant: "thresholdedrelu"},
	ActShrink:          {Op: "activate", Variant: "shrink"},
}

// hardSigmoid is min(max(slope·x + middle, 0), 1). The product is rounded
// before it is added to, on every processor.
func hardSigmoid(x, slope, middle float32) float32 {
	return clamp(float32(slope*x)+middle, 0, 1)
}

// clamp is min(max(x, lo), hi) with NaN kept, and with the zero kept that x is
// if it equals a bound.
func clamp[T float32 | float64](x, lo, hi T) T {
	if x < lo {
		return lo
	}
	if x > hi {
		return hi
	}
	return x
}
