package engine

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/weights"
)

// TestPlanKeepsLiveValues checks on random nets that no two values that are
// needed at the same time share memory, by running them.
func TestPlanKeepsLiveValues(t *testing.T) {
	seeds := 150
	if testing.Short() {
		seeds = 50
	}
	const largest = 5
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		net := randomNet(t, rng, true)
		items := randomItems(net, rng, largest)
		var want [][][]float32
		for _, item := range items {
			want = append(want, naive(t, net, portable, item))
		}
		m := newTestModel(t, net, portable)
		for i := range m.own.program.steps {
			if rng.IntN(2) == 0 {
				m.own.program.steps[i].work = splitWork // worth dividing among threads
			}
		}
		for _, o := range []SessionOptions{{}, {Threads: 2}, {Batch: largest}, {Batch: largest, Threads: 2}, {Batch: largest, Threads: 8}} {
			s := newTestSession(t, m, o)
			for i := range s.executor.groups {
				// Smaller chunks than there is memory for, so that items are on
				// different steps in small nets too.
				if g := &s.executor.groups[i]; g.chunk > 0 {
					g.chunk = 1 + rng.IntN(g.chunk)
				}
			}
			for _, n := range []int{1, 2, largest, 1} {
				if n <= max(o.Batch, 1) {
					check(t, s, items[:n], want[:n])
				}
			}
			if t.Failed() {
				t.Fatalf("seed %d, %+v, groups %+v", seed, o, s.executor.groups)
			}
			s.Close()
		}
	}
}

// Outputs are neither each other's memory nor an input's, even where a step
// between them moves nothing.
func TestOutputsOfTheirOwn(t *testing.T) {
	b := newNet(t, true)
	x := b.input(1, 2, 3)
	y := b.step(&kernels.Reshape{Shape: []int{1, 6}}, x)
	z := b.step(&kernels.Reshape{Shape: []int{1, 3, 2}}, y)
	b.output(y, z)
	s := newTestSession(t, newTestModel(t, b.net, portable), SessionOptions{})
	for i := range s.Input(0) {
		s.Input(0)[i] = float32(i)
	}
	if err := s.Run(1); err != nil {
		t.Fatal(err)
	}
	clear(s.Input(0))
	clear(s.Output(0))
	compare(t, "second output", s.Output(1), []float32{0, 1, 2, 3, 4, 5})
}

func TestViewsAndOverwriting(t *testing.T) {
	b := newNet(t, true)
	x := b.input(1, 1, 4, 4)
	nhwc := b.step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, x) // of one channel
	v := b.step(&mix{out: [][]int{{1, 4, 4, 2}}, parts: 1}, nhwc)
	v = b.step(&kernels.Unary{Kind: kernels.Neg}, v)
	v = b.step(&kernels.Unary{Kind: kernels.Abs}, v)
	b.output(b.step(&kernels.Reshape{Shape: []int{1, 32}}, v))
	m := newTestModel(t, b.net, portable)
	if got := len(m.own.program.buffers); got != 2 {
		t.Errorf("%d buffers, want one for the input and one for the output", got)
	}
	var views []bool
	for _, s := range m.Steps() {
		views = append(views, s.View)
	}
	if want := []bool{true, false, false, false, true}; !slices.Equal(views, want) {
		t.Errorf("views are %v, want %v", views, want)
	}
}

func TestGroups(t *testing.T) {
	b := newNet(t, true)
	v := b.input(1, 28, 28, 1)
	layer := func(params []kernels.Param, shape ...int) {
		v = b.steps(&mix{out: [][]int{shape}, parts: 1}, params, v)[0]
	}
	layer(nil, 1, 14, 14, 32)
	layer(nil, 1, 7, 7, 32)
	layer([]kernels.Param{heavy}, 1, 128)
	layer([]kernels.Param{heavy}, 1, 128)
	layer(nil, 1, 10)
	b.output(v)
	p := newTestModel(t, b.net, portable).own.program

	pl, err := newPlan(p, 64)
	if err != nil {
		t.Fatal(err)
	}
	type span struct{ lo, hi, chunk int }
	var got []span
	for _, g := range pl.groups {
		got = append(got, span{g.lo, g.hi, g.chunk})
	}
	// 14·14·32 + 7·7·32 floats are 31 KB: four fit into 128 KB.
	if want := []span{{0, 2, 4}, {2, 3, 0}, {3, 4, 0}, {4, 5, 0}}; !slices.Equal(got, want) {
		t.Errorf("groups are %v, want %v", got, want)
	}
	if want := 4 * 4 * 14 * 14 * 32; pl.local != want {
		t.Errorf("local memory is %d bytes, want the %d of four items of the first map", pl.local, want)
	}
	if pl, _ := newPlan(p, 1); len(pl.groups) != 1 || pl.local != 0 {
		t.Errorf("a batch of one has the groups %v", pl.groups)
	}
}

// TestArenaSize builds the memory profiles of well-known nets, convolutions
// with activation, residual and pool fused, and compares the arena with the
// largest set of values alive at once.
func TestArenaSize(t *testing.T) {
	for name, build := range map[string]func(*profile){
		"resnet50":     resnet50,
		"mobilenet_v2": mobilenetV2,
		"squeezenet":   squeezenet,
		"unet":         unet,
	} {
		t.Run(name, func(t *testing.T) {
			p := &profile{b: newNet(t, true)}
			build(p)
			m := newTestModel(t, p.b.net, portable)
			for _, batch := range []int{1, 2, 8, 64} {
				got, err := m.Memory(batch)
				if errors.Is(err, ErrMemory) && strconv.IntSize == 32 {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				ratio := float64(got.Arena) / float64(got.Live)
				t.Logf("batch %2d: arena %6.1f MB, alive at once %6.1f MB, ratio %.3f, all %6.1f MB", batch,
					float64(got.Arena)/1e6, float64(got.Live)/1e6, ratio, float64(got.Tensors)/1e6)
				// In a batch, items that are on different steps need more at a time
				// than a step needs for all of them, if they are few.
				if ratio > 1.25 && batch == 1 || ratio > 1.4 {
					t.Errorf("the arena at batch %d is %.3f times what is alive at once", batch, ratio)
				}
			}
		})
	}
}

// A profile builds a net of square maps for its memory alone.
type profile struct{ b *netBuilder }

// conv adds a step of in's weights for a kernel of k×k that makes a side×side
// map of c channels.
func (p *profile) conv(side, c, k int, in ...int) int {
	s := p.b.net.Values[in[0]].Shape
	weights := kernels.Param{Data: make([]byte, 4*k*k*s[3]*c)}
	return p.b.steps(&mix{out: [][]int{{1, side, side, c}}, parts: 1}, []kernels.Param{weights}, in...)[0]
}

func resnet50(p *profile) {
	x := p.b.step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, p.b.input(1, 3, 224, 224))
	x = p.conv(112, 64, 7, x)
	x = p.conv(56, 64, 0, x)
	for stage, blocks := range []int{3, 4, 6, 3} {
		side, c := 56>>stage, 64<<stage
		for i := range blocks {
			y := p.conv(p.b.net.Values[x].Shape[1], c, 1, x)
			y = p.conv(side, c, 3, y)
			if i == 0 {
				x = p.conv(side, 4*c, 1, x)
			}
			x = p.conv(side, 4*c, 1, y, x)
		}
	}
	x = p.conv(1, 2048, 0, x)
	p.b.output(p.conv(1, 1000, 1, x))
}

func mobilenetV2(p *profile) {
	x := p.b.step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, p.b.input(1, 3, 224, 224))
	x = p.conv(112, 32, 3, x)
	for _, r := range []struct{ t, c, n, side int }{
		{1, 16, 1, 112}, {6, 24, 2, 56}, {6, 32, 3, 28}, {6, 64, 4, 14}, {6, 96, 3, 14}, {6, 160, 3, 7}, {6, 320, 1, 7},
	} {
		for i := range r.n {
			s := p.b.net.Values[x].Shape
			y := x
			if r.t > 1 {
				y = p.conv(s[1], r.t*s[3], 1, y)
			}
			y = p.conv(r.side, r.t*s[3], 0, y)
			if i > 0 {
				x = p.conv(r.side, r.c, 1, y, x)
			} else {
				x = p.conv(r.side, r.c, 1, y)
			}
		}
	}
	x = p.conv(7, 1280, 1, x)
	x = p.conv(1, 1280, 0, x)
	p.b.output(p.conv(1, 1000, 1, x))
}

func squeezenet(p *profile) {
	x := p.b.step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, p.b.input(1, 3, 224, 224))
	x = p.conv(111, 64, 3, x)
	side := 55
	x = p.conv(side, 64, 0, x)
	for i, c := range []int{16, 16, 32, 32, 48, 48, 64, 64} {
		if i == 2 || i == 4 {
			side /= 2
			x = p.conv(side, p.b.net.Values[x].Shape[3], 0, x)
		}
		x = p.conv(side, c, 1, x)
		a, b := p.conv(side, 4*c, 1, x), p.conv(side, 4*c, 3, x)
		x = p.b.step(&kernels.Concat{Axis: 3}, a, b)
	}
	x = p.conv(side, 1000, 1, x)
	p.b.output(p.conv(1, 1000, 0, x))
}

func unet(p *profile) {
	x := p.b.input(1, 128, 128, 3)
	var skips []int
	for i := range 5 {
		x = p.conv(128>>i, 32<<i, 3, x)
		x = p.conv(128>>i, 32<<i, 3, x)
		skips = append(skips, x)
		x = p.conv(64>>i, 32<<i, 0, x)
	}
	for i := 4; i >= 0; i-- {
		x = p.conv(128>>i, 32<<i, 2, x)
		x = p.b.step(&kernels.Concat{Axis: 3}, x, skips[i])
		x = p.conv(128>>i, 32<<i, 3, x)
		x = p.conv(128>>i, 32<<i, 3, x)
	}
	p.b.output(p.conv(128, 2, 1, x))
}

// Nets that are too large are refused, whatever their numbers.
func TestTooLarge(t *testing.T) {
	b := newNet(t, true)
	b.output(b.step(&mix{out: [][]int{{1, 1 << 27}}, parts: 1}, b.input(1, 1<<27)))
	m := newTestModel(t, b.net, portable)
	for _, o := range []SessionOptions{{Batch: 8}, {Batch: math.MaxInt}, {Batch: math.MaxInt / 8}, {MaxMemory: 1 << 29}} {
		if _, err := m.NewSession(o); !errors.Is(err, ErrMemory) {
			t.Errorf("%+v: %v, want ErrMemory", o, err)
		}
	}

	tooLarge(t, &weights.Net{Values: make([]weights.Value, limit+1)}, "values")

	// A few bytes of a file name an operand.
	b = newNet(t, true)
	x := b.input(1, 1)
	b.output(b.step(&mix{out: [][]int{{1, 1}}, parts: 1}, slices.Repeat([]int{x}, operandLimit)...))
	tooLarge(t, b.net, "operands")
}

// tooLarge checks that a net is refused with words that say why.
func tooLarge(t *testing.T, net *weights.Net, words string) {
	t.Helper()
	_, err := newModel(net, portable, nil)
	if !errors.Is(err, weights.ErrFormat) || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%v, want ErrFormat with the word %q", err, words)
	}
}

// TestApart: where values of a batch lie apart, no two shared ones overlap,
// whenever they live; and where reuse saves much, they do not.
func TestApart(t *testing.T) {
	small := &profile{b: newNet(t, true)}
	x := small.conv(8, 16, 3, small.b.input(1, 8, 8, 16))
	small.b.output(small.conv(8, 16, 3, x))
	large := &profile{b: newNet(t, true)}
	resnet50(large)
	for _, c := range []struct {
		net  *weights.Net
		want bool
	}{{small.b.net, true}, {large.b.net, false}} {
		m := newTestModel(t, c.net, portable)
		pl, err := newPlan(m.own.program, 8)
		if err != nil {
			t.Fatal(err)
		}
		if pl.apart != c.want {
			t.Errorf("a net of %d steps: apart is %v", len(c.net.Steps), pl.apart)
		}
		if !pl.apart {
			continue
		}
		seen := map[operand]bool{}
		for _, s := range pl.steps {
			for _, o := range slices.Concat(s.in, s.out) {
				if !o.local {
					seen[o] = true
				}
			}
		}
		for a := range seen {
			for b := range seen {
				if a != b && a.off < b.off+8*b.size && b.off < a.off+8*a.size {
					t.Errorf("%+v and %+v overlap", a, b)
				}
			}
		}
	}
}
