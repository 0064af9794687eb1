package engine

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// chain makes a batched net of equal steps with the given weights.
func chain(t testing.TB, steps int, params ...kernels.Param) *weights.Net {
	b := newNet(t, true)
	v := b.input(1, 100)
	for i := range steps {
		v = b.steps(&mix{out: [][]int{{1, 100}}, seed: uint64(i), parts: 4}, params, v)[0]
	}
	b.output(v)
	return b.net
}

func TestRunRange(t *testing.T) {
	m := newTestModel(t, chain(t, 2), portable)
	s := newTestSession(t, m, SessionOptions{Batch: 3})
	for _, n := range []int{-1, 0, 4, math.MaxInt} {
		if err := s.Run(n); !errors.Is(err, ErrBatch) {
			t.Errorf("Run(%d): %v, want ErrBatch", n, err)
		}
		if _, err := s.Profile(n); !errors.Is(err, ErrBatch) {
			t.Errorf("Profile(%d): %v, want ErrBatch", n, err)
		}
	}
	for n := 1; n <= 3; n++ {
		if err := s.Run(n); err != nil || len(s.Output(0)) != n*100 {
			t.Errorf("Run(%d): %v, %d numbers", n, err, len(s.Output(0)))
		}
	}
	if got := len(s.Input(0)); got != 300 {
		t.Errorf("the input has %d numbers, want 300", got)
	}
}

func TestSessionOptions(t *testing.T) {
	m := newTestModel(t, chain(t, 2), portable)
	for _, o := range []SessionOptions{{Threads: -1}, {Threads: maxThreads + 1}} {
		if _, err := m.NewSession(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	if _, err := m.NewSession(SessionOptions{Batch: -1}); !errors.Is(err, ErrBatch) {
		t.Errorf("negative batch: %v, want ErrBatch", err)
	}
	if _, err := m.NewSession(SessionOptions{MaxMemory: 100}); !errors.Is(err, ErrMemory) {
		t.Errorf("no memory: %v, want ErrMemory", err)
	}

	whole := chain(t, 2)
	whole.Batched = false
	m = newTestModel(t, whole, portable)
	if _, err := m.NewSession(SessionOptions{Batch: 2}); !errors.Is(err, ErrBatch) {
		t.Errorf("batch of a net that has none: %v, want ErrBatch", err)
	}
	if _, err := m.Memory(2); !errors.Is(err, ErrBatch) {
		t.Errorf("memory of a batch of a net that has none: %v, want ErrBatch", err)
	}
	if err := newTestSession(t, m, SessionOptions{Batch: 1}).Run(1); err != nil {
		t.Error(err)
	}
}

func TestTensors(t *testing.T) {
	b := newNet(t, true)
	x, y := b.input(1, 3, 8, 8), b.input(1, 5)
	b.output(b.step(&mix{out: [][]int{{1, 7}}, parts: 1}, x, y), y)
	m := newTestModel(t, b.net, portable)
	in, out := m.Inputs(), m.Outputs()
	if len(in) != 2 || in[0].Name != "v0" || !slices.Equal(in[0].Shape, []int{-1, 3, 8, 8}) || !slices.Equal(in[1].Shape, []int{-1, 5}) {
		t.Errorf("inputs %+v", in)
	}
	if len(out) != 2 || !slices.Equal(out[0].Shape, []int{-1, 7}) || !slices.Equal(out[1].Shape, []int{-1, 5}) {
		t.Errorf("outputs %+v", out)
	}
	in[0].Shape[1] = 99
	if got := m.Inputs()[0].Shape[1]; got != 3 {
		t.Errorf("the caller has changed the model's shape to %d", got)
	}
}

func TestAllocations(t *testing.T) {
	for _, params := range [][]kernels.Param{nil, {heavy}} {
		m := newTestModel(t, chain(t, 6, params...), portable)
		for i := range m.own.program.steps {
			m.own.program.steps[i].work = splitWork
		}
		for _, o := range []SessionOptions{{}, {Batch: 8}, {Threads: 2}, {Batch: 8, Threads: 2}, {Batch: 8, Threads: 3}} {
			s := newTestSession(t, m, o)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n := max(o.Batch, 1)
			if got := testing.AllocsPerRun(100, func() {
				if s.Run(n) != nil || s.Run(1) != nil || s.RunContext(ctx, n) != nil {
					t.Fail()
				}
			}); got != 0 {
				t.Errorf("%+v: %v allocations", o, got)
			}
		}
	}
}

func TestCancel(t *testing.T) {
	for _, o := range []SessionOptions{{}, {Batch: 4}, {Batch: 4, Threads: 2}} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var ran atomic.Int64
		net := chain(t, 50)
		for i, s := range net.Steps {
			s.Spec.(*mix).run = func() {
				ran.Add(1)
				if i == 9 {
					cancel()
				}
			}
		}
		m := newTestModel(t, net, portable)
		for i := range m.own.program.steps {
			m.own.program.steps[i].work = splitWork
		}
		s := newTestSession(t, m, o)
		n := max(o.Batch, 1)
		if err := s.RunContext(ctx, n); !errors.Is(err, context.Canceled) {
			t.Errorf("%+v: %v, want context.Canceled", o, err)
		}
		// Each thread may be some steps behind or ahead of the one that cancels.
		if got := ran.Load(); got < 10 || got > int64(50*n)/2 {
			t.Errorf("%+v: %d calls before the run stopped", o, got)
		}
		ran.Store(0)
		if err := s.RunContext(ctx, n); !errors.Is(err, context.Canceled) || ran.Load() != 0 {
			t.Errorf("%+v: %v after %d calls, want context.Canceled at once", o, err, ran.Load())
		}
		if err := s.Run(n); err != nil {
			t.Errorf("%+v: a run after a cancelled one: %v", o, err)
		}
		late, cancelLate := context.WithTimeout(t.Context(), time.Hour)
		if err := s.RunContext(late, n); err != nil {
			t.Errorf("%+v: a context that is not done: %v", o, err)
		}
		cancelLate()
	}
}

// A context is looked at between the parts of a step that takes long.
func TestCancelWithinStep(t *testing.T) {
	const parts = 60
	for _, threads := range []int{1, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		// No part begins while another one cancels, or the other threads could
		// do any number of parts meanwhile.
		var mu sync.Mutex
		ran := 0
		b := newNet(t, false)
		x := b.input(1, 100)
		b.output(b.step(&mix{out: [][]int{{1, 100}}, parts: parts, run: func() {
			mu.Lock()
			defer mu.Unlock()
			if ran++; ran == 5 {
				cancel()
			}
		}}, x))
		m := newTestModel(t, b.net, portable)
		m.own.program.steps[0].work = parts * 2 * pieceWork
		s := newTestSession(t, m, SessionOptions{Threads: threads})
		if err := s.RunContext(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("%d threads: %v, want context.Canceled", threads, err)
		}
		// A team gets two pieces for each thread, and does at most one part
		// more of each but the one in which it was cancelled.
		most := 5
		if threads > 1 {
			most += 2*threads - 1
		}
		if ran < 5 || ran > most {
			t.Errorf("%d threads: %d of %d parts ran, want 5 to %d", threads, ran, parts, most)
		}
	}
}

// closer counts calls of Close.
type closer struct{ calls atomic.Int64 }

func (c *closer) Close() error { c.calls.Add(1); return nil }

func TestClose(t *testing.T) {
	var file closer
	m, err := newModel(chain(t, 2), portable, &file)
	if err != nil {
		t.Fatal(err)
	}
	s := newTestSession(t, m, SessionOptions{Threads: 2})
	out := s.Output(0)
	borrowed, err := m.borrow(nil)
	if err != nil {
		t.Fatal(err)
	}
	idle, err := m.borrow(nil)
	if err != nil {
		t.Fatal(err)
	}
	m.giveBack(idle)

	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.NewSession(SessionOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("NewSession of a closed model: %v, want ErrClosed", err)
	}
	if _, err := m.borrow(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("borrow from a closed model: %v, want ErrClosed", err)
	}
	if err := m.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v, want ErrClosed", err)
	}
	if err := s.Run(1); err != nil {
		t.Errorf("a session that is open when the model is closed: %v", err)
	}
	if file.calls.Load() != 0 {
		t.Error("the weights are gone while sessions use them")
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(1); !errors.Is(err, ErrClosed) {
		t.Errorf("Run of a closed session: %v, want ErrClosed", err)
	}
	if _, err := s.Profile(1); !errors.Is(err, ErrClosed) {
		t.Errorf("Profile of a closed session: %v, want ErrClosed", err)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close of a session: %v, want ErrClosed", err)
	}
	if s.Input(0) != nil || s.Output(0) != nil {
		t.Error("a closed session has memory")
	}
	clear(out) // still there
	m.giveBack(borrowed)
	if got := file.calls.Load(); got != 1 {
		t.Errorf("the file was closed %d times, want once, with the last session", got)
	}
}

// Another goroutine's call during a run is refused, and the run's numbers stay
// what they are.
func TestBusy(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	wait := true
	b := newNet(t, true)
	x := b.input(1, 100)
	b.output(b.step(&mix{out: [][]int{{1, 100}}, parts: 1, run: func() {
		if wait {
			close(begun)
			<-end
		}
	}}, x))
	m := newTestModel(t, b.net, portable)
	s := newTestSession(t, m, SessionOptions{Batch: 2})
	result := make(chan error)
	go func() { result <- s.Run(1) }()
	<-begun
	profile := func() error { _, err := s.Profile(1); return err }
	for name, call := range map[string]func() error{
		"Run":        func() error { return s.Run(2) },
		"RunContext": func() error { return s.RunContext(t.Context(), 2) },
		"Profile":    profile,
		"Close":      s.Close,
	} {
		if err := call(); !errors.Is(err, ErrBusy) {
			t.Errorf("%s during a run: %v, want ErrBusy", name, err)
		}
	}
	close(end)
	if err := <-result; err != nil {
		t.Errorf("the run that was not to be disturbed: %v", err)
	}
	wait = false
	if got := len(s.Output(0)); got != 100 {
		t.Errorf("the run of one item left %d numbers, want 100", got)
	}
	for _, call := range []func() error{func() error { return s.Run(2) }, profile, s.Close} {
		if err := call(); err != nil {
			t.Errorf("after the run: %v", err)
		}
	}
}

// Sessions that are given back while the Model is closed are closed too: none
// is left in the pool to hold the file.
func TestCloseWhileGivingBack(t *testing.T) {
	for range 200 {
		var file closer
		m, err := newModel(chain(t, 1), portable, &file)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			s, err := m.borrow(nil)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() { m.giveBack(s) })
		}
		wg.Go(func() { m.Close() })
		wg.Wait()
		if got := file.calls.Load(); got != 1 {
			t.Fatalf("the file was closed %d times, want once, with the last session", got)
		}
	}
}

// One Model serves many goroutines, each with sessions of its own.
func TestManyGoroutines(t *testing.T) {
	const largest = 4
	rng := rand.New(rand.NewPCG(5, 6))
	var net *weights.Net
	for net == nil || len(net.Steps) < 15 {
		net = randomNet(t, rng, true)
	}
	m := newTestModel(t, net, portable)
	items := randomItems(net, rng, 20)
	var want [][][]float32
	for _, item := range items {
		want = append(want, naive(t, net, portable, item))
	}
	var group sync.WaitGroup
	for g := range 64 {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 7))
			batched, err := m.NewSession(SessionOptions{Batch: largest, Threads: 1 + g%3})
			if err != nil {
				t.Error(err)
				return
			}
			defer batched.Close()
			for range 5 {
				at, n := rng.IntN(len(items)-largest), 1+rng.IntN(largest)
				check(t, batched, items[at:at+n], want[at:at+n])

				single, err := m.borrow(nil)
				if err != nil {
					t.Error(err)
					return
				}
				check(t, single, items[at:at+1], want[at:at+1])
				m.giveBack(single)
			}
		})
	}
	group.Wait()
}

// On a clock that moves only while a step sleeps, each step takes what it
// sleeps, and no other step is charged for it.
func TestProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := chain(t, 3)
		var calls [3]time.Duration
		for i, s := range net.Steps {
			s.Spec.(*mix).run = func() {
				calls[i]++
				time.Sleep(time.Duration(i) * time.Millisecond)
			}
		}
		m := newTestModel(t, net, portable)
		for i := range m.own.program.steps {
			m.own.program.steps[i].work = splitWork // a team would divide it
		}
		s := newTestSession(t, m, SessionOptions{Batch: 2, Threads: 2})
		times, err := s.Profile(2)
		if err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, calls[1] * time.Millisecond, 2 * calls[2] * time.Millisecond}
		if calls[1] == 0 || calls[2] == 0 || len(m.Steps()) != 3 || !slices.Equal(times, want) {
			t.Errorf("times %v, want %v", times, want)
		}
		for _, s := range net.Steps {
			s.Spec.(*mix).run = nil // a team's threads would share the counts
		}
		if err := s.Run(2); err != nil {
			t.Error(err)
		}
		if s.executor.threads[0].times != nil || s.executor.team == nil {
			t.Error("the session goes on measuring")
		}
	})
}

// What Memory tells is what MaxMemory bounds.
func TestMemoryTellsBeforehand(t *testing.T) {
	m := newTestModel(t, digitNet(t, tensor.F16), portable)
	for _, o := range []SessionOptions{{Batch: 1, Threads: 1}, {Batch: 1, Threads: 3}, {Batch: 8, Threads: 1}, {Batch: 8, Threads: 5}} {
		got, err := m.Memory(o.Batch)
		if err != nil {
			t.Fatal(err)
		}
		if got.Scratch <= 0 || got.Thread < got.Scratch {
			t.Errorf("memory %+v", got)
		}
		o.MaxMemory = got.Arena + got.Scratch + int64(o.Threads-1)*got.Thread
		newTestSession(t, m, o)
		o.MaxMemory--
		if _, err := m.NewSession(o); !errors.Is(err, ErrMemory) {
			t.Errorf("%+v: %v, want ErrMemory", o, err)
		}
	}
}

// What no processor can allocate is refused, whatever is allowed.
func TestAddressableMemory(t *testing.T) {
	b := newNet(t, true)
	b.output(b.step(&kernels.Unary{}, b.input(1, 1<<20)))
	m := newTestModel(t, b.net, portable)
	if _, err := m.NewSession(SessionOptions{Batch: 1 << 26, MaxMemory: math.MaxInt64}); !errors.Is(err, ErrMemory) {
		t.Errorf("%v, want ErrMemory", err)
	}
}
