package kernels

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// A array is what the references compute with: row-major float64.
type array struct {
	shape []int
	data  []float64
}

func newArray(shape ...int) array { return array{shape, make([]float64, tensor.Shape(shape).Volume())} }

// place is where an element stands in data.
func (x array) place(index []int) int {
	at := 0
	for i, d := range x.shape {
		at = at*d + index[i]
	}
	return at
}

func (x array) at(index ...int) float64      { return x.data[x.place(index)] }
func (x array) set(v float64, index ...int)  { x.data[x.place(index)] = v }
func (x array) floats() []float32            { return convert[float32](x.data) }
func (x array) indices() iter.Seq[[]int]     { return indices(x.shape) }
func arrayOf(shape []int, x []float32) array { return array{shape, convert[float64](x)} }
func (x array) inside(index ...int) bool {
	for i, d := range x.shape {
		if index[i] < 0 || index[i] >= d {
			return false
		}
	}
	return true
}

func convert[To, From float32 | float64](x []From) []To {
	y := make([]To, len(x))
	for i, v := range x {
		y[i] = To(v)
	}
	return y
}

// indices yields all index tuples of a shape, in row-major order.
func indices(shape []int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		index := make([]int, len(shape))
		for range tensor.Shape(shape).Volume() {
			if !yield(index) {
				return
			}
			for i := len(shape) - 1; i >= 0; i-- {
				if index[i]++; index[i] < shape[i] {
					break
				}
				index[i] = 0
			}
		}
	}
}

// A generator makes test cases; the same ones on every run.
type generator struct {
	*rand.Rand
	special bool // now and then NaN, infinities, −0 and denormals
	huge    bool // and among them the largest numbers: where sums have one order only
}

func newGenerator(seed uint64) generator { return generator{Rand: rand.New(rand.NewPCG(seed, 0))} }

// between is a number from lo to hi, both included.
func (g generator) between(lo, hi int) int { return lo + g.IntN(hi-lo+1) }

func (g generator) shape(rank, most int) []int {
	shape := make([]int, rank)
	for i := range shape {
		shape[i] = g.between(1, most)
	}
	return shape
}

var specials = []float32{
	float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.Copysign(0, -1)), 0,
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 1e-39,
	math.MaxFloat32, -math.MaxFloat32, // huge
}

func (g generator) floats(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(g.NormFloat64())
		if g.special && g.IntN(12) == 0 {
			n := len(specials)
			if !g.huge {
				n -= 2
			}
			x[i] = specials[g.IntN(n)]
		}
	}
	return x
}

func (g generator) act() Act {
	a := Act{Kind: Activation(g.IntN(int(LastActivation) + 1)), Lo: 0, Hi: float32(math.Inf(1))}
	switch a.Kind {
	case Clamp:
		a.Lo, a.Hi = -g.Float32(), g.Float32()
	case ActLeakyRelu:
		a.Lo = g.Float32()
	case ActHardSigmoid:
		a.Lo, a.Hi = 0.2, 0.5
	case ActElu, ActCelu, ActThresholdedRelu, ActShrink:
		a.Lo, a.Hi = 0.25+g.Float32(), 1+g.Float32()
	}
	return a
}

// refAct is an Act by the formulas of its documentation.
func refAct(a Act, x float64) float64 {
	lo, hi := float64(a.Lo), float64(a.Hi)
	switch a.Kind {
	case Clamp:
		return math.Min(math.Max(x, lo), hi)
	case ActLeakyRelu:
		return math.Max(x, 0) + lo*math.Min(x, 0)
	case ActHardSwish:
		return x * math.Min(math.Max(x/6+0.5, 0), 1)
	case ActHardSigmoid:
		return math.Min(math.Max(lo*x+hi, 0), 1)
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
		return refSoftplus(x)
	case ActSoftsign:
		return x / (1 + math.Abs(x))
	case ActMish:
		return x * math.Tanh(refSoftplus(x))
	case ActGelu:
		return x / 2 * (1 + math.Erf(x/math.Sqrt2))
	case ActGeluTanh:
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	case ActThresholdedRelu:
		if x <= lo {
			return 0
		}
	case ActShrink:
		switch {
		case x < -lo:
			return x + hi
		case x > lo:
			return x - hi
		}
		return 0 * x
	}
	return x
}

func refSoftplus(x float64) float64 {
	if x > 700 {
		return x // where exp overflows
	}
	return math.Log1p(math.Exp(x))
}

// A trial is one operation, its operands' shapes and its params, against a
// reference that works on one item.
type trial struct {
	spec   Spec
	in     [][]int
	params []Param
	ref    func(in, out []array)
	exact  bool // results are copies

	// bounds, if it has elements, is what those of the result may be off: ref
	// sets it.
	bounds *array
	slack  int // how many times as far off as usual they may be, where sums are long; 0 is once
}

// run runs the operation on a few items: in one go, and in parts of any size
// in any order. All must give the same bits; the first is compared with the
// reference, item by item.
func (tr trial) run(t *testing.T, g generator) {
	t.Helper()
	// Most operations are the same on every tier; over many trials those that
	// are not meet all of them.
	var supported []*Tier
	for _, tier := range Tiers() {
		if tier.Supported {
			supported = append(supported, tier)
		}
	}
	tr.runOn(t, g, supported[g.IntN(len(supported))])
}

func (tr trial) runOn(t *testing.T, g generator, tier *Tier) {
	t.Helper()
	name := fmt.Sprintf("%s: %s%+v of %v", tier.Name, tr.spec.Op(), tr.spec, tr.in)
	shapes, err := infer(tr.spec, tr.in, tr.params)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	op, err := bind(tr.spec, tier, tr.in, tr.params)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	n := g.between(1, 3)
	in := make([][]float32, len(tr.in))
	for i, shape := range tr.in {
		in[i] = g.floats(n * tensor.Shape(shape).Volume())
	}
	results := func() [][]float32 {
		out := make([][]float32, len(shapes))
		for i, shape := range shapes {
			out[i] = make([]float32, n*tensor.Shape(shape).Volume())
			for j := range out[i] {
				out[i][j] = 12345 // what no operation yields by chance
			}
		}
		return out
	}
	w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
	before := cloneAll(in)
	got := results()
	tasks := op.Tasks(n)
	runOp(op, w, in, got, n, 0, tasks)
	if !sameBits(before, in) {
		t.Fatalf("%s: an operand was written", name)
	}

	var cuts []int
	for at := 0; at < tasks; at += g.between(1, max(tasks/3, 1)) {
		cuts = append(cuts, at)
	}
	parts := results()
	for _, i := range g.Perm(len(cuts)) {
		hi := tasks
		if i+1 < len(cuts) {
			hi = cuts[i+1]
		}
		runOp(op, w, in, parts, n, cuts[i], hi)
	}
	if !sameBits(got, parts) {
		t.Fatalf("%s: %d tasks cut at %v differ from the whole", name, tasks, cuts)
	}

	for item := range n {
		refIn := make([]array, len(in))
		for i, shape := range tr.in {
			v := tensor.Shape(shape).Volume()
			refIn[i] = arrayOf(shape, in[i][item*v:][:v])
		}
		refOut := make([]array, len(shapes))
		for i, shape := range shapes {
			refOut[i] = newArray(shape...)
		}
		tr.ref(refIn, refOut)
		for i, want := range refOut {
			for j, v := range want.floats() {
				x := got[i][item*len(want.data)+j]
				if tr.bounds != nil && math.Abs(float64(x)-want.data[j]) <= tr.bounds.data[j] {
					continue
				}
				if !within(x, v, tr.exact, max(1, tr.slack)) {
					t.Fatalf("%s: result %d, item %d of %d, element %d is %v, want %v", name, i, item, n, j, x, v)
				}
			}
		}
	}
}

// near allows a few roundings of a float32.
func near(got, want float32, exact bool) bool { return within(got, want, exact, 1) }

// within is near for sums that are so many times as far off.
func within(got, want float32, exact bool, slack int) bool {
	switch {
	case tensor.IsNaN(want) || tensor.IsNaN(got):
		return tensor.IsNaN(want) && tensor.IsNaN(got)
	case exact:
		return math.Float32bits(got) == math.Float32bits(want)
	case got == want:
		return true
	}
	return math.Abs(float64(got)-float64(want)) <= float64(slack)*4e-7*max(math.Abs(float64(want)), 0.5)
}

func cloneAll(x [][]float32) [][]float32 {
	y := make([][]float32, len(x))
	for i := range x {
		y[i] = slices.Clone(x[i])
	}
	return y
}

func sameBits(a, b [][]float32) bool {
	return slices.EqualFunc(a, b, func(a, b []float32) bool {
		return slices.EqualFunc(a, b, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
	})
}

// types are float32 of these shapes.
func types(shapes [][]int) []tensor.Type {
	t := make([]tensor.Type, len(shapes))
	for i, shape := range shapes {
		t[i] = tensor.Floats(shape...)
	}
	return t
}

// infer is Spec.Infer for float32.
func infer(s Spec, in [][]int, params []Param) ([][]int, error) {
	out, err := s.Infer(types(in), params)
	if err != nil {
		return nil, err
	}
	shapes := make([][]int, len(out))
	for i, t := range out {
		shapes[i] = t.Shape
	}
	return shapes, nil
}

// bind is Spec.Bind for float32. A convolution is computed by the algorithm that
// the Spec allows, whatever it costs.
func bind(s Spec, t *Tier, in [][]int, params []Param) (Op, error) {
	if c, ok := s.(*Conv); ok {
		return c.bindBy(func(m *convMap) Winograd { return m.Winograd }, t, types(in), params)
	}
	return s.Bind(t, types(in), params)
}

// allBytes looks at operands or results as an Op does.
func allBytes(x [][]float32) [][]byte {
	b := make([][]byte, len(x))
	for i := range x {
		b[i] = tensor.Bytes(x[i])
	}
	return b
}

// runOp is Op.Run for float32.
func runOp(op Op, w *Workspace, in, out [][]float32, n, lo, hi int) {
	op.Run(w, allBytes(in), allBytes(out), n, lo, hi)
}
