package kernels

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/internal/guard"
	"github.com/infer-go/infer/tensor"
)

// A layer is a convolution, or a fully connected layer, with what it should
// compute.
type layer struct {
	spec   Spec
	in     [][]int // the operands' shapes
	params []Param

	// reference returns what computes element i of the result for one item, in
	// float64; an element takes k products.
	reference func(item [][]float32) func(i int) sum
	k         int
}

func (l *layer) String() string {
	p := l.params[0]
	return fmt.Sprintf("%s%+v of %v, %v %v %v", l.spec.Op(), l.spec, l.in, p.Form, p.Elem, p.Shape)
}

// A layerTest runs layers on one tier, in guarded memory.
type layerTest struct {
	*testing.T
	generator
	*Tier
	bound  *guard.Memory // weights and scratch of the layers at hand
	passed *guard.Memory // operands and results of one run
}

// eachLayerTest runs f as a subtest for every tier.
func eachLayerTest(t *testing.T, seed uint64, f func(t *layerTest)) {
	eachTier(t, func(t *testing.T, tier *Tier) {
		f(&layerTest{t, newGenerator(seed), tier, guard.New(t), guard.New(t)})
	})
}

// A bound layer is ready to run: its Workspace is as long as it asked for, and
// full of NaN.
type boundLayer struct {
	*layer
	op     Op
	w      *Workspace
	volume int // elements of an item's result
	side   guard.Side
}

func (t *layerTest) bind(l *layer, side guard.Side) *boundLayer {
	t.Helper()
	params := slices.Clone(l.params)
	for i, p := range params {
		params[i].Data = guard.Make[byte](t.bound, len(p.Data), side)
		copy(params[i].Data, p.Data)
	}
	shapes, err := infer(l.spec, l.in, params)
	if err != nil {
		t.Fatalf("%v: %v", l, err)
	}
	op, err := bind(l.spec, t.Tier, l.in, params)
	if err != nil {
		t.Fatalf("%v: %v", l, err)
	}
	w := &Workspace{Scratch: guard.Make[byte](t.bound, op.Scratch(), side)}
	return &boundLayer{l, op, w, tensor.Shape(shapes[0]).Volume(), side}
}

// all runs all tasks for n items.
func (t *layerTest) all(b *boundLayer, in [][]float32, n int) []float32 {
	t.Helper()
	return t.run(b, in, n, 0, b.op.Tasks(n))
}

// run runs the tasks from, …, to−1 for n items; what they do not write of the
// result is unset.
func (t *layerTest) run(b *boundLayer, in [][]float32, n, from, to int) []float32 {
	t.Helper()
	guarded := make([][]float32, len(in))
	for i, x := range in {
		guarded[i] = guard.Make[float32](t.passed, len(x), b.side)
		copy(guarded[i], x)
	}
	y := guard.Make[float32](t.passed, n*b.volume, b.side)
	for i := range y {
		y[i] = math.Float32frombits(unset)
	}
	runOp(b.op, b.w, guarded, [][]float32{y}, n, from, to)
	if !sameBits(in, guarded) {
		t.Fatalf("%v: an operand was written", b)
	}
	result := slices.Clone(y)
	t.passed.Release()
	if t.Failed() {
		t.Fatalf("%v: tasks %d to %d of %d items, %v", b, from, to, n, b.side)
	}
	return result
}

// split runs tasks in random parts, and checks that no element is written by
// two of them.
func (t *layerTest) split(b *boundLayer, in [][]float32, n int) []float32 {
	t.Helper()
	var whole []float32
	for from, tasks := 0, b.op.Tasks(n); from < tasks; {
		to := from + t.between(1, max(tasks/2, 1))
		part := t.run(b, in, n, from, min(to, tasks))
		if whole == nil {
			whole = part
		}
		for i, v := range part {
			if math.Float32bits(v) == unset || from == 0 {
				continue
			}
			if math.Float32bits(whole[i]) != unset {
				t.Fatalf("%v: tasks from %d of %d on write element %d, which those before have written", b, from, tasks, i)
			}
			whole[i] = v
		}
		from = to
	}
	return whole
}

// check runs a layer on n items of the values that it is given: all at once,
// one by one, and in random parts. All must give the same bits, and the first
// is compared with the reference.
func (t *layerTest) check(l *layer, n int, values func(n int) []float32) {
	t.Helper()
	in := make([][]float32, len(l.in))
	for i, shape := range l.in {
		in[i] = values(n * tensor.Shape(shape).Volume())
	}
	item := func(i int) [][]float32 {
		one := make([][]float32, len(in))
		for j, x := range in {
			v := len(x) / n
			one[j] = x[i*v : (i+1)*v]
		}
		return one
	}
	b := t.bind(l, guard.End)
	whole := t.all(b, in, n)
	if i := firstDifference(whole, t.split(b, in, n)); i >= 0 {
		t.Fatalf("%v: %d items at once and in parts of %d tasks differ at %d", l, n, b.op.Tasks(n), i)
	}

	// One by one, with other scratch, and other ends of the buffers guarded.
	alone := t.bind(l, guard.Start)
	for i := range n {
		y := t.all(alone, item(i), 1)
		if j := firstDifference(whole[i*b.volume:(i+1)*b.volume], y); j >= 0 {
			t.Fatalf("%v: item %d of %d differs from the same alone at %d: %v, %v", l, i, n, j, whole[i*b.volume+j], y[j])
		}
	}

	for _, i := range t.someOf(n, 8) {
		want := l.reference(item(i))
		for _, j := range t.someOf(b.volume, max(32, trials(500_000)/l.k)) {
			s := want(j)
			if err := s.check(whole[i*b.volume+j]); err != nil {
				t.Fatalf("%v: item %d of %d, element %d %v", l, i, n, j, err)
			}
		}
	}
	for i, v := range whole {
		if math.Float32bits(v) == unset {
			t.Fatalf("%v: element %d of %d items was not written", l, i, n)
		}
	}
	t.bound.Release()
}

// someOf are the numbers below n, or so many of them at random.
func (g generator) someOf(n, most int) []int {
	if n <= most {
		return g.Perm(n)
	}
	x := make([]int, most)
	for i := range x {
		x[i] = g.IntN(n)
	}
	return x
}

// firstDifference is the first element whose bits differ, or −1.
func firstDifference(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}

// uniform are n numbers from −1 to 1.
func (g generator) uniform(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 2*g.Float32() - 1
	}
	return x
}

// sprinkled are uniform but for a few of the values given.
func (g generator) sprinkled(values ...float32) func(n int) []float32 {
	return func(n int) []float32 {
		x := g.uniform(n)
		for range g.between(1, 3) {
			x[g.IntN(n)] = values[g.IntN(len(values))]
		}
		return x
	}
}

// act applies an activation. None is steeper than 1.5, and each rounds once or
// twice itself.
func (s *sum) act(a Act) {
	s.value = refAct(a, s.value)
	if !a.isClamp() {
		s.bound = 1.5*s.bound + 0x1p-22*math.Abs(s.value)
	}
}

// weightsOf are groups of k by n random weights, as they are after rounding to
// e, and biases.
func (g generator) weightsOf(e tensor.Elem, groups, k, n int) (weights, bias []float32) {
	weights, bias = g.uniform(groups*k*n), g.uniform(groups*n)
	if e == tensor.F16 {
		for i, w := range weights {
			weights[i] = tensor.Float32(tensor.Float16(w))
		}
	}
	return weights, bias
}

// panelsOf packs them.
func panelsOf(e tensor.Elem, groups, k, n int, weights, bias []float32) Param {
	return PanelsParam(Panels{e, groups, k, n},
		func(g, row, col int) float32 { return weights[(g*k+row)*n+col] },
		func(g, col int) float32 { return bias[g*n+col] })
}

func (g generator) elem() tensor.Elem { return tensor.Elem(g.IntN(2)) }
