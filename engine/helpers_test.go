package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// portable is the tier that every processor has.
var portable = kernels.Tiers()[0]

// newTestModel makes a Model of a net built in memory.
func newTestModel(t testing.TB, net *weights.Net, tier *kernels.Tier) *Model {
	t.Helper()
	m, err := newModel(net, tier, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newTestSession(t testing.TB, m *Model, o SessionOptions) *Session {
	t.Helper()
	s, err := m.NewSession(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A netBuilder puts a net together step by step.
type netBuilder struct {
	t   testing.TB
	net *weights.Net
}

func newNet(t testing.TB, batched bool) *netBuilder {
	return &netBuilder{t: t, net: &weights.Net{Batched: batched}}
}

func (b *netBuilder) value(t tensor.Type) int {
	b.net.Values = append(b.net.Values, weights.Value{Name: fmt.Sprintf("v%d", len(b.net.Values)), Type: t})
	return len(b.net.Values) - 1
}

func (b *netBuilder) input(shape ...int) int {
	v := b.value(tensor.Floats(shape...))
	b.net.Inputs = append(b.net.Inputs, v)
	return v
}

func (b *netBuilder) output(values ...int) {
	b.net.Outputs = append(b.net.Outputs, values...)
}

// steps adds a step and returns its results.
func (b *netBuilder) steps(spec kernels.Spec, params []kernels.Param, in ...int) []int {
	b.t.Helper()
	s := weights.Step{Name: fmt.Sprintf("s%d", len(b.net.Steps)), Spec: spec, In: in}
	for _, p := range params {
		s.Params = append(s.Params, len(b.net.Params))
		b.net.Params = append(b.net.Params, p)
	}
	types, _ := b.net.Operands(weights.Step{In: in})
	out, err := spec.Infer(types, params)
	if err != nil {
		b.t.Fatalf("%s: %v", spec.Op(), err)
	}
	for _, t := range out {
		s.Out = append(s.Out, b.value(t))
	}
	b.net.Steps = append(b.net.Steps, s)
	return s.Out
}

// step adds a step with one result.
func (b *netBuilder) step(spec kernels.Spec, in ...int) int {
	b.t.Helper()
	return b.steps(spec, nil, in...)[0]
}

// mix is an operation for tests: every element of a result depends on every
// element of every operand, so that a single one that lies in the wrong place,
// or has been overwritten, shows in the results.
type mix struct {
	out   [][]int
	seed  uint64
	parts int    // into which an item falls
	run   func() // called by Run, if not nil
}

func (m *mix) Op() string           { return "Mix" }
func (m *mix) Order() kernels.Order { return kernels.RowMajor }
func (m *mix) Scratch() int         { return 4 * 3 }
func (m *mix) Tasks(n int) int      { return n * m.parts }

func (m *mix) Traits([]tensor.Type, []kernels.Param) kernels.Traits { return kernels.Traits{} }

func (m *mix) Infer([]tensor.Type, []kernels.Param) ([]tensor.Type, error) {
	var out []tensor.Type
	for _, shape := range m.out {
		out = append(out, tensor.Floats(shape...))
	}
	return out, nil
}

func (m *mix) Bind(*kernels.Tier, []tensor.Type, []kernels.Param) (kernels.Op, error) { return m, nil }

func (m *mix) Run(w *kernels.Workspace, in, out [][]byte, n, lo, hi int) {
	scratch := tensor.Slice[float32](w.Scratch)
	if m.run != nil {
		m.run()
	}
	for task := lo; task < hi; task++ {
		item, part := task/m.parts, task%m.parts
		h := m.seed
		for k, b := range in {
			x := tensor.Slice[float32](b)
			size := len(x) / n
			for _, v := range x[item*size : (item+1)*size] {
				h = (h ^ uint64(math.Float32bits(v))) * 0x9e3779b97f4a7c15
				h ^= h >> 29
			}
			// Through the scratch: nobody else may write there.
			scratch[k%3] = float32(h >> 40)
			h ^= uint64(scratch[k%3]) << 17
		}
		for _, b := range out {
			y := tensor.Slice[float32](b)
			size := len(y) / n
			y = y[item*size : (item+1)*size]
			for j := part * size / m.parts; j < (part+1)*size/m.parts; j++ {
				h := (h + uint64(j)) * 0xbf58476d1ce4e5b9
				y[j] = float32(int64(h)) / (1 << 62)
			}
		}
	}
}

// heavy are weights that make a step take a batch all at once.
var heavy = kernels.Param{Shape: []int{heavyWeights / 4}, Data: make([]byte, heavyWeights)}

// randomNet makes a net of random steps of many kinds.
func randomNet(t testing.TB, rng *rand.Rand, batched bool) *weights.Net {
	b := newNet(t, batched)
	var values []int
	shape := func() []int {
		s := []int{1, 1 + rng.IntN(4), 1 + rng.IntN(8), 1 + rng.IntN(5)}
		if rng.IntN(4) == 0 {
			s[2] *= 60 // too large for all of a batch in one chunk
		}
		return s
	}
	for range 1 + rng.IntN(2) {
		values = append(values, b.input(shape()...))
	}
	// Mostly recent values, so that others die.
	pick := func() int { return values[max(0, len(values)-1-int(rng.ExpFloat64()*2))] }
	for range rng.IntN(30) {
		v := pick()
		s := b.net.Values[v].Shape
		switch rng.IntN(9) {
		case 0:
			values = append(values, b.step(&kernels.Reshape{Shape: []int{1, s[1] * s[2], s[3], 1}}, v))
		case 1:
			// A transposition that moves something, or not.
			values = append(values, b.step(&kernels.Transpose{Perm: []int{0, 3, 1, 2}}, v))
		case 2:
			values = append(values, b.step(&kernels.Unary{Kind: kernels.Neg}, v))
		case 3:
			act := kernels.Act{Kind: kernels.Clamp, Lo: -0.25, Hi: 0.75}
			values = append(values, b.step(&kernels.Unary{Kind: kernels.Activate, Act: act}, v))
		case 4:
			w := v
			if same := slices.Collect(func(yield func(int) bool) {
				for _, w := range values {
					if slices.Equal(b.net.Values[w].Shape, s) && !yield(w) {
						return
					}
				}
			}); rng.IntN(4) > 0 {
				w = same[rng.IntN(len(same))]
			}
			values = append(values, b.step(&kernels.Binary{Kind: kernels.Sub}, v, w))
		case 5:
			// One operand is broadcast, on either side.
			w := b.step(&mix{out: [][]int{{1, 1, 1, s[3]}}, seed: rng.Uint64(), parts: 1}, v)
			in := []int{v, w}
			if rng.IntN(2) == 0 {
				slices.Reverse(in)
			}
			values = append(values, b.step(&kernels.Binary{Kind: kernels.Mul}, in...))
		default:
			m := &mix{seed: rng.Uint64(), parts: 1 + rng.IntN(5)}
			for range 1 + rng.IntN(2) {
				m.out = append(m.out, shape())
			}
			in := []int{v}
			for range rng.IntN(3) {
				in = append(in, pick())
			}
			var params []kernels.Param
			if rng.IntN(4) == 0 {
				params = []kernels.Param{heavy}
			}
			values = append(values, b.steps(m, params, in...)...)
		}
	}
	// The last value, others, and sometimes one of them twice, or an input.
	b.output(values[len(values)-1])
	for range rng.IntN(3) {
		b.output(pick())
	}
	return b.net
}

// naive computes one item of a net with memory of its own for each value.
func naive(t testing.TB, net *weights.Net, tier *kernels.Tier, in [][]float32) [][]float32 {
	t.Helper()
	values := make([][]float32, len(net.Values))
	for v := range values {
		n := net.Values[v].Shape.Volume()
		values[v] = make([]float32, n)
	}
	for i, v := range net.Inputs {
		copy(values[v], in[i])
	}
	pick := func(vs []int) [][]float32 {
		s := make([][]float32, len(vs))
		for i, v := range vs {
			s[i] = values[v]
		}
		return s
	}
	bytes := func(vs []int) [][]byte {
		s := make([][]byte, len(vs))
		for i, v := range vs {
			s[i] = tensor.Bytes(values[v])
		}
		return s
	}
	for _, s := range net.Steps {
		in, params := net.Operands(s)
		op, err := s.Spec.Bind(tier, in, params)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		w := &kernels.Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
		op.Run(w, bytes(s.In), bytes(s.Out), 1, 0, op.Tasks(1))
	}
	return pick(net.Outputs)
}

// randomItems makes n items of each input of a net.
func randomItems(net *weights.Net, rng *rand.Rand, n int) [][][]float32 {
	items := make([][][]float32, n)
	for i := range items {
		for _, v := range net.Inputs {
			size := net.Values[v].Shape.Volume()
			x := make([]float32, size)
			for j := range x {
				x[j] = rng.Float32()*2 - 1
			}
			items[i] = append(items[i], x)
		}
	}
	return items
}

// check runs items in a session and compares with wanted outputs to the bit.
func check(t testing.TB, s *Session, items, want [][][]float32) {
	t.Helper()
	for i, item := range items {
		for k, x := range item {
			copy(s.Input(k)[i*len(x):], x)
		}
	}
	if err := s.Run(len(items)); err != nil {
		t.Fatal(err)
	}
	for i := range items {
		for k, x := range items[i] {
			compare(t, fmt.Sprintf("input %d of item %d after the run", k, i), s.Input(k)[i*len(x):(i+1)*len(x)], x)
		}
		for k, y := range want[i] {
			compare(t, fmt.Sprintf("output %d of item %d of %d", k, i, len(items)), s.Output(k)[i*len(y):(i+1)*len(y)], y)
		}
	}
}

// compare reports the first element that differs in a bit.
func compare(t testing.TB, what string, got, want []float32) {
	t.Helper()
	for j := range want {
		if math.Float32bits(got[j]) != math.Float32bits(want[j]) {
			t.Errorf("%s: element %d of %d is %v, want %v", what, j, len(want), got[j], want[j])
			return
		}
	}
}
