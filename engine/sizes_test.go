package engine

import (
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// openNet is a net whose height and width are open, in multiples of 2: classes,
// and a row for each pixel. Its sides are 16 and 24 in the file.
func openNet(t testing.TB, elem tensor.Elem) *weights.Net {
	l := newLayers(t, elem)
	x := l.step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, l.input(1, 3, 16, 24))
	x = l.conv(kernels.Conv{Groups: 1, Channels: 16, Act: relu}, 3, 1, x)
	x = l.conv(kernels.Conv{Groups: 1, Channels: 32, Act: relu, Winograd: kernels.WinogradF4}, 3, 1, x)
	y := l.conv(kernels.Conv{Groups: 32, Channels: 32}, 3, 2, x)
	y = l.step(&kernels.Resize{Mode: kernels.Linear, Scale: [2]float32{2, 2}, Size: [2]int{16, 24}}, y)
	resize := len(l.net.Steps) - 1
	x = l.step(&kernels.Binary{Kind: kernels.Add}, x, y)
	ones := [2]int{1, 1}
	y = l.step(&kernels.Pool{Window: kernels.Window{Kernel: [2]int{16, 24}, Stride: ones, Dilation: ones}, Kind: kernels.AveragePool}, x)
	pool := len(l.net.Steps) - 1
	l.output(l.fully(5, kernels.Act{}, l.step(&kernels.Reshape{Shape: []int{1, 32}}, y)))
	l.output(l.step(&kernels.Softmax{Axis: 2}, l.step(&kernels.Reshape{Shape: []int{1, 16 * 24, 32}}, x)))
	reshape := len(l.net.Steps) - 2
	l.net.Open = []weights.OpenDim{
		{Name: "height", At: []weights.Axis{{Dim: 2}}, Size: 16, Multiple: 2, Least: 4, Most: 1 << 14},
		{Name: "width", At: []weights.Axis{{Dim: 3}}, Size: 24, Multiple: 2, Least: 4, Most: 1 << 14},
	}
	l.net.Growth = []weights.Growth{
		{Step: resize, Extent: 0, By: []int{2, 0, 0}}, {Step: resize, Extent: 1, By: []int{0, 2, 0}},
		{Step: pool, Extent: 0, By: []int{2, 0, 0}}, {Step: pool, Extent: 1, By: []int{0, 2, 0}},
		{Step: reshape, Extent: 1, By: []int{2 * 24, 2 * 16, 4}},
	}
	return l.net
}

// lineNet has one dimension, which is open.
func lineNet(t testing.TB) *weights.Net {
	b := newNet(t, true)
	b.output(b.step(&kernels.Unary{Kind: kernels.Abs}, b.input(1, 10)))
	b.net.Open = []weights.OpenDim{{Name: "length", At: []weights.Axis{{Dim: 1}}, Size: 10, Multiple: 1, Least: 1, Most: 100}}
	return b.net
}

// openPicture is openNet with pictures as its input.
func openPicture(t testing.TB) *weights.Net {
	net := openNet(t, tensor.F32)
	net.Meta.Preparation = weights.Preparation{Kind: weights.Photo, Order: weights.RGB, Fit: weights.Stretch, Scale: 1, Std: [3]float32{255, 255, 255}}
	return net
}

// TestSizes compares one model at many sizes with models of one size each.
func TestSizes(t *testing.T) {
	for _, tier := range kernels.Tiers() {
		for _, elem := range []tensor.Elem{tensor.F32, tensor.F16} {
			if !tier.Supported {
				continue
			}
			net := openNet(t, elem)
			m := newTestModel(t, net, tier)
			rng := rand.New(rand.NewPCG(1, 2))
			for i := range 24 {
				sizes := [][]int{{4, 4}, {16, 24}, {4, 60}, {2 * (2 + rng.IntN(20)), 2 * (2 + rng.IntN(20))}}[min(i, 3)]
				fixed, err := net.Sized(sizes)
				if err != nil {
					t.Fatal(err)
				}
				alone := newTestModel(t, fixed, tier)
				batch := 1 + i%3
				items := randomItems(fixed, rng, batch)
				s := newTestSession(t, alone, SessionOptions{Batch: batch})
				want := make([][][]float32, batch)
				for j := range items {
					copy(s.Input(0), items[j][0])
					if err := s.Run(1); err != nil {
						t.Fatal(err)
					}
					for k := range fixed.Outputs {
						want[j] = append(want[j], slices.Clone(s.Output(k)))
					}
				}
				o := SessionOptions{Batch: batch, Threads: 1 + i%2, Sizes: sizes}
				open := newTestSession(t, m, o)
				poison(open)
				check(t, open, items, want)

				memory, err := m.Memory(batch, sizes...)
				if err != nil {
					t.Fatal(err)
				}
				same, _ := alone.Memory(batch)
				if memory != same || open.Memory() != memory {
					t.Errorf("%v: memory %+v, in a session %+v, of a model of this size %+v", sizes, memory, open.Memory(), same)
				}
				if got, want := fmt.Sprint(open.Steps(), open.Inputs(), open.Outputs()), fmt.Sprint(alone.Steps(), alone.Inputs(), alone.Outputs()); got != want {
					t.Errorf("%v: the session is %s, want %s", sizes, got, want)
				}
			}
		}
	}
}

// poison fills the memory of a new session with what nothing may depend on.
func poison(s *Session) {
	fill := func(b []byte) {
		for i := range b {
			b[i] = 0xff // NaN, as float32
		}
	}
	fill(s.executor.shared)
	for i := range s.executor.threads {
		fill(s.executor.threads[i].local)
		fill(s.executor.threads[i].workspace.Scratch)
	}
}

// TestInputsAreZero looks at the inputs of sessions in dirty memory, or computes
// without a look.
func TestInputsAreZero(t *testing.T) {
	m := newTestModel(t, openPicture(t), portable)
	o := SessionOptions{Batch: 2, Sizes: []int{8, 10}}
	looked, blind, shown := newTestSession(t, m, o), newTestSession(t, m, o), newTestSession(t, m, o)
	for _, s := range []*Session{looked, blind, shown} {
		poison(s)
	}
	if _, err := shown.SetPicture(1, image.NewGray(image.Rect(0, 0, 10, 8))); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Session{looked, shown} {
		if x := s.Input(0); slices.ContainsFunc(x[:len(x)/2], func(v float32) bool { return v != 0 }) {
			t.Errorf("an input begins with %v", x[:4])
		}
	}
	for _, s := range []*Session{looked, blind} {
		if err := s.Run(2); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, "the output for zeros that nobody looked at", blind.Output(0), looked.Output(0))
}

func TestOpenShapes(t *testing.T) {
	m := newTestModel(t, openNet(t, tensor.F32), portable)
	if got := m.Inputs()[0]; got.Dims() != "N×3×height×width" || !got.Shape.Equal(tensor.Shape{-1, 3, -1, -1}) {
		t.Errorf("input %s, %v", got.Dims(), got.Shape)
	}
	for i, want := range []string{"N×5", "N×?×32"} {
		if got := m.Outputs()[i].Dims(); got != want {
			t.Errorf("output %d is %s, want %s", i, got, want)
		}
	}
	if open := m.Open(); len(open) != 2 || open[0].Name != "height" || open[1].Multiple != 2 {
		t.Errorf("open: %+v", open)
	}
	if sizes, err := m.Sizes(tensor.Shape{7, 3, 30, 40}); err != nil || !slices.Equal(sizes, []int{30, 40}) {
		t.Errorf("sizes %v, %v", sizes, err)
	}
	if m.Classes() != 5 {
		t.Errorf("%d classes", m.Classes())
	}
	if m := newTestModel(t, lineNet(t), portable); m.Classes() != 0 {
		t.Errorf("%d classes, one for each element", m.Classes())
	}
	closed := newTestModel(t, digitNet(t, tensor.F32), portable)
	if got := closed.Inputs()[0].Dims(); got != "N×1×28×28" || len(closed.Open()) != 0 {
		t.Errorf("input %s, %d open dimensions", got, len(closed.Open()))
	}
	if sizes, err := closed.Sizes(tensor.Shape{1, 1, 28, 28}); err != nil || len(sizes) != 0 {
		t.Errorf("sizes %v, %v", sizes, err)
	}
}

func TestSizeErrors(t *testing.T) {
	m := newTestModel(t, openPicture(t), portable)
	closed := newTestModel(t, digitNet(t, tensor.F32), portable)
	for _, c := range []struct {
		m     *Model
		sizes []int
		want  string
	}{
		{m, nil, `leaves "height", "width" open, and no sizes are given`},
		{m, []int{16}, `1 sizes are given for the open dimensions "height", "width"`},
		{m, []int{16, 25}, `"width" is 25: only multiples of 2`},
		{m, []int{2, 24}, `"height" is 2: at least 4`},
		{m, []int{-16, 24}, `"height" is -16: at least 4`},
		{m, []int{16, 16386}, `"width" is 16386: at most 16384`},
		{m, []int{16384, 16384}, "is too large"},
		{closed, []int{28, 28}, "no dimension is open"},
	} {
		_, err := c.m.NewSession(SessionOptions{Sizes: c.sizes})
		if !errors.Is(err, ErrSize) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.sizes, err, c.want)
		}
		if _, err := c.m.Memory(1, c.sizes...); !errors.Is(err, ErrSize) {
			t.Errorf("memory at %v: %v", c.sizes, err)
		}
	}
	if _, err := m.NewSession(SessionOptions{Sizes: []int{64, 64}, MaxMemory: 1 << 10}); !errors.Is(err, ErrMemory) {
		t.Errorf("a session within 1 KiB: %v", err)
	}
	for _, shapes := range [][]tensor.Shape{nil, {{1, 3, 16}}, {{1, 4, 16, 24}}, {{1, 3, 16, 24}, {1}}, {{1, 3, 16, 23}}} {
		if _, err := m.Sizes(shapes...); !errors.Is(err, ErrSize) {
			t.Errorf("sizes for %v: %v", shapes, err)
		}
	}
	if err := m.Prepare(make([]float32, 3*16*24), image.NewGray(image.Rect(0, 0, 9, 9))); !errors.Is(err, ErrSize) {
		t.Errorf("Prepare: %v", err)
	}
	if len(m.others.list) > 2 {
		t.Errorf("%d entries are left of sizes that are refused", len(m.others.list))
	}
	m.Close()
	if _, err := m.NewSession(SessionOptions{Sizes: []int{32, 32}}); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed model: %v", err)
	}
}

// TestPictureSizes classifies pictures of several sizes, each at its own.
func TestPictureSizes(t *testing.T) {
	m := newTestModel(t, openPicture(t), portable)
	for _, c := range []struct{ w, h, width, height int }{
		{24, 16, 24, 16}, {1, 1, 4, 4}, {31, 33, 32, 34}, {40, 3, 40, 4},
	} {
		img := image.NewNRGBA(image.Rect(-3, 5, c.w-3, c.h+5))
		for i := range img.Pix {
			img.Pix[i] = byte(31*i) | 1
		}
		sizes, err := m.PictureSizes(img.Bounds())
		if err != nil || !slices.Equal(sizes, []int{c.height, c.width}) {
			t.Errorf("%d×%d: sizes %v, %v", c.w, c.h, sizes, err)
			continue
		}
		got, err := m.Classify(img, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := newTestSession(t, m, SessionOptions{Sizes: sizes})
		if _, err := s.SetPicture(0, img); err != nil {
			t.Fatal(err)
		}
		if err := s.Run(1); err != nil {
			t.Fatal(err)
		}
		if want, err := m.Top(s.Output(0), 0); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d×%d: %v, want %v, %v", c.w, c.h, got, want, err)
		}
	}
	for _, c := range []struct {
		bounds image.Rectangle
		want   error
	}{
		{image.Rectangle{}, ErrEmpty},
		{image.Rect(0, 0, 16385, 16), ErrSize},
	} {
		if _, err := m.PictureSizes(c.bounds); !errors.Is(err, c.want) {
			t.Errorf("%v: %v, want %v", c.bounds, err, c.want)
		}
	}
	if _, err := newTestModel(t, openNet(t, tensor.F32), portable).PictureSizes(image.Rect(0, 0, 9, 9)); !errors.Is(err, ErrNoPicture) {
		t.Errorf("a model without pictures: %v", err)
	}
}

// TestSizedCache uses more sizes than are kept.
func TestSizedCache(t *testing.T) {
	m := newTestModel(t, openNet(t, tensor.F32), portable)
	at := func(height int) *sized {
		t.Helper()
		s, err := m.sized([]int{height, 10})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := at(4)
	for i := range 3 * maxSized {
		if at(4) != first {
			t.Fatalf("the size used last is made anew after %d others", i)
		}
		if once, again := at(6+2*i), at(6+2*i); once != again {
			t.Fatal("a size is made twice")
		}
		if n := len(m.others.list); n > maxSized {
			t.Fatalf("%d sizes are kept", n)
		}
	}
	for i := range maxSized + 1 {
		at(1000 + 2*i)
	}
	if at(4) == first {
		t.Error("a size is kept for ever")
	}
	if a, b := m.own, m.others.list; slices.Contains(b, a) {
		t.Error("the size of the file is among the others")
	}
	total := int64(0)
	for _, s := range m.others.list {
		total += s.bytes.Load()
	}
	if total > maxSizedBytes || total < 1<<10 {
		t.Errorf("%d bytes are kept", total)
	}

	// Entries that are large push the others out.
	c := &sizedCache{}
	for i := range 5 {
		s := c.get([]int{i})
		s.bytes.Store(maxSizedBytes / 2)
		c.settle(s)
	}
	if len(c.list) != 2 || c.list[0].sizes[0] != 4 {
		t.Errorf("%d large entries are kept", len(c.list))
	}
	s := c.get([]int{9})
	s.bytes.Store(maxSizedBytes + 1)
	if c.settle(s); len(c.list) != 0 {
		t.Errorf("%d entries are kept, one of them too large", len(c.list))
	}

	plans := at(4)
	for _, batch := range []int{1, 2, 3, 4, 5, 6} {
		if _, err := plans.plan(batch); err != nil {
			t.Fatal(err)
		}
		a, _ := plans.plan(1)
		b, _ := plans.plan(1)
		if a != b || len(plans.plans) > maxPlans {
			t.Errorf("batch %d: %d plans", batch, len(plans.plans))
		}
	}
}

// TestKnownSize makes sessions for a size that is known: they find the same
// plan. How long that takes is shown, and decides nothing.
func TestKnownSize(t *testing.T) {
	m := newTestModel(t, openNet(t, tensor.F32), portable)
	o := SessionOptions{Sizes: []int{320, 320}}
	first := newTestSession(t, m, o)
	least := time.Hour
	for range 20 {
		begin := time.Now()
		s, err := m.NewSession(o)
		if err != nil {
			t.Fatal(err)
		}
		least = min(least, time.Since(begin))
		if s.executor.plan != first.executor.plan {
			t.Error("another plan")
		}
		s.Close()
	}
	t.Logf("a session for a known size takes %v", least)
}

// TestSizesAtOnce makes and runs sessions of few and many sizes in many
// goroutines.
func TestSizesAtOnce(t *testing.T) {
	net := openPicture(t)
	m := newTestModel(t, net, portable)
	want := map[int]float32{}
	for height := 4; height < 60; height += 2 {
		fixed, err := net.Sized([]int{height, 8})
		if err != nil {
			t.Fatal(err)
		}
		s := newTestSession(t, newTestModel(t, fixed, portable), SessionOptions{})
		if err := s.Run(1); err != nil {
			t.Fatal(err)
		}
		want[height] = s.Output(0)[0]
	}
	var group sync.WaitGroup
	for g := range 8 {
		rng := rand.New(rand.NewPCG(uint64(g), 1))
		group.Go(func() {
			for range 15 {
				height := 4 + 2*rng.IntN([]int{2, 28}[g%2])
				s, err := m.NewSession(SessionOptions{Sizes: []int{height, 8}})
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Run(1); err != nil || s.Output(0)[0] != want[height] {
					t.Errorf("height %d: %v, %v", height, s.Output(0)[0], err)
				}
				s.Close()
				if _, err := m.Classify(image.NewGray(image.Rect(0, 0, 8, height)), 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	m.Close()
}
