package serve

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights/digits"
)

// newServer is a Server with the digits.
func newServer(t testing.TB, o Options) *Server {
	t.Helper()
	s := New(o)
	t.Cleanup(func() { s.Close() })
	if err := s.Load("digits", 1, digits.Data); err != nil {
		t.Fatal(err)
	}
	return s
}

func acquire(t testing.TB, s *Server, name string) *Model {
	t.Helper()
	m, err := s.Acquire(name, Newest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Release)
	return m
}

// pictures are items for the digits, the same for the same seed.
func pictures(items int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, items*28*28)
	for i := range x {
		x[i] = r.Float32()
	}
	return tensor.Bytes(x)
}

// alone is what package engine computes of items, one by one.
func alone(t testing.TB, data []byte, items int) []byte {
	t.Helper()
	m, err := engine.Parse(digits.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession(engine.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out []byte
	for i := range items {
		size := len(data) / items
		copy(s.InputBytes(0), data[i*size:][:size])
		if err := s.Run(1); err != nil {
			t.Fatal(err)
		}
		out = append(out, s.OutputBytes(0)...)
	}
	return out
}

// occupy takes permits until the returned function gives them back.
func occupy(t testing.TB, m *Model, n int) (release func()) {
	t.Helper()
	end := make(chan struct{})
	var started, ended sync.WaitGroup
	for range n {
		started.Add(1)
		ended.Go(func() {
			err := m.Use(context.Background(), nil, func(*engine.Session) error {
				started.Done()
				<-end
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	started.Wait()
	return sync.OnceFunc(func() {
		close(end)
		ended.Wait()
	})
}

// waitQueued waits until so many items wait for a model.
func waitQueued(t testing.TB, m *Model, items int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); m.Stats().Queued != items; time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("%d items wait, not %d", m.Stats().Queued, items)
		}
	}
}

// Requests of many sizes that come while others compute are batched, and have
// the bits that they have alone.
func TestBatchesHaveTheSameBits(t *testing.T) {
	s := newServer(t, Options{Permits: 2, MaxQueueDelay: time.Hour})
	m := acquire(t, s, "digits")
	release := occupy(t, m, 2)
	defer release()
	sizes := []int{1, 2, 3, 1, 1, 20, 1, 8, 5, 1, 1, 1, 9}
	items := 0
	var wg sync.WaitGroup
	for i, n := range sizes {
		in := pictures(n, uint64(i))
		want := alone(t, in, n)
		items += n
		wg.Go(func() {
			r := Request{Items: n, Inputs: [][]byte{in}}
			if err := m.Infer(context.Background(), &r); err != nil {
				t.Error(err)
			} else if !bytes.Equal(r.Outputs[0], want) {
				t.Errorf("request %d of %d items has other bits than alone", i, n)
			} else if got := r.OutputShape(0); !slices.Equal(got, []int{n, 10}) {
				t.Errorf("shape %v of %d items", got, n)
			}
		})
		waitQueued(t, m, items)
	}
	release()
	wg.Wait()
	st := m.Stats()
	if st.Items != uint64(items)+2 || st.Queued != 0 || st.InFlight != 0 {
		t.Errorf("%d items counted of %d, %d queued, %d in flight", st.Items, items+2, st.Queued, st.InFlight)
	}
	if st.Executions() >= uint64(len(sizes)) {
		t.Errorf("%d batches for %d requests: nothing was batched", st.Executions(), len(sizes))
	}
	if n := st.Batches[len(st.Batches)-1].Size; n != 8 {
		t.Errorf("the largest batch has %d items", n)
	}
	if st.Outcomes[OK] != uint64(len(sizes))+2 || st.RequestTime.Count() != uint64(len(sizes))+2 {
		t.Errorf("outcomes %v", st.Outcomes)
	}
}

// A request of several batches is finished before those that came after it, which
// have room in its last batch only.
func TestFirstComesFirst(t *testing.T) {
	s := newServer(t, Options{Permits: 1, MaxQueueDelay: time.Hour})
	m := acquire(t, s, "digits")
	release := occupy(t, m, 1)
	defer release()
	var wg sync.WaitGroup
	for i, n := range []int{20, 1, 1} {
		in := pictures(n, uint64(i))
		wg.Go(func() {
			if err := m.Infer(context.Background(), &Request{Items: n, Inputs: [][]byte{in}}); err != nil {
				t.Error(err)
			}
		})
		waitQueued(t, m, 20+i)
	}
	release()
	wg.Wait()
	var sizes []int
	for _, b := range m.Stats().Batches {
		for range b.Run.Count {
			sizes = append(sizes, b.Size)
		}
	}
	if !slices.Equal(sizes, []int{1, 6, 8, 8}) { // the first one is occupy's
		t.Errorf("batches of %v", sizes)
	}
}

// A permit that is given back takes its share, not everything.
func TestShare(t *testing.T) {
	s := newServer(t, Options{Permits: 2, MaxQueueDelay: time.Hour})
	m := acquire(t, s, "digits")
	release := occupy(t, m, 2)
	var wg sync.WaitGroup
	in := pictures(1, 1)
	for i := range 4 {
		wg.Go(func() {
			if err := m.Infer(context.Background(), &Request{Items: 1, Inputs: [][]byte{in}}); err != nil {
				t.Error(err)
			}
		})
		waitQueued(t, m, i+1)
	}
	release()
	wg.Wait()
	for _, b := range m.Stats().Batches {
		if b.Size > 2 {
			t.Errorf("a batch of %d, where 4 items waited for 2 permits", b.Size)
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	s := newServer(t, Options{Permits: 1})
	m := acquire(t, s, "digits")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx.Done() // makes its channel
	r := Request{Items: 1, Inputs: [][]byte{pictures(1, 1)}}
	infer := func() {
		if err := m.Infer(ctx, &r); err != nil {
			t.Fatal(err)
		}
	}
	infer()
	if n := testing.AllocsPerRun(200, infer); n != 0 {
		t.Errorf("%v allocations for a request", n)
	}
	if n := testing.AllocsPerRun(200, func() {
		m, err := s.Acquire("digits", Newest)
		if err != nil {
			t.Fatal(err)
		}
		m.Release()
	}); n != 0 {
		t.Errorf("%v allocations to acquire a model", n)
	}
}

func TestTooBusy(t *testing.T) {
	s := newServer(t, Options{Permits: 1, MaxQueueDelay: time.Hour})
	m := acquire(t, s, "digits")
	release := occupy(t, m, 1)
	defer release()
	s.pool.mu.Lock()
	s.pool.maxWait, m.itemTime = 10*time.Millisecond, time.Millisecond
	s.pool.mu.Unlock()
	in := pictures(1, 1)
	var busy *BusyError
	var wg sync.WaitGroup
	for i := range 11 {
		wg.Go(func() { m.Infer(context.Background(), &Request{Items: 1, Inputs: [][]byte{in}}) })
		waitQueued(t, m, i+1)
	}
	err := m.Infer(context.Background(), &Request{Items: 1, Inputs: [][]byte{in}})
	if !errors.As(err, &busy) || busy.Wait != 11*time.Millisecond {
		t.Errorf("behind 11 ms: %v", err)
	}
	if err := m.Admit(t.Context(), 0); !errors.As(err, &busy) || busy.Wait != 11*time.Millisecond {
		t.Errorf("before it is read: %v", err)
	}
	// A deadline that is nearer than the wait.
	s.pool.mu.Lock()
	s.pool.maxWait, m.itemTime = time.Hour, time.Minute
	s.pool.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := m.Infer(ctx, &Request{Items: 1, Inputs: [][]byte{in}}); !errors.As(err, &busy) {
		t.Errorf("a deadline of a second, a wait of minutes: %v", err)
	}
	release()
	wg.Wait()
	if n := m.Stats().Outcomes[Rejected]; n != 3 {
		t.Errorf("%d rejected", n)
	}
	if err := m.Admit(t.Context(), 0); err != nil || m.Stats().InFlight != 0 {
		t.Errorf("when nothing waits: %v, %d in flight", err, m.Stats().InFlight)
	}
}

// Who does not wait any more is not computed, and leaves the queue at once.
func TestCancelled(t *testing.T) {
	s := newServer(t, Options{Permits: 1, MaxQueueDelay: time.Hour})
	m := acquire(t, s, "digits")
	release := occupy(t, m, 1)
	defer release()
	in := pictures(1, 1)
	ctx, cancel := context.WithCancel(context.Background())
	timed, cancelTimed := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancelTimed()
	errs := make(chan error, 3)
	for i, ctx := range []context.Context{ctx, timed, context.Background()} {
		go func() { errs <- m.Infer(ctx, &Request{Items: 1, Inputs: [][]byte{in}}) }()
		if i != 1 {
			time.Sleep(time.Millisecond)
		}
	}
	if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at the deadline: %v", err)
	}
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	waitQueued(t, m, 1)
	release()
	if err := <-errs; err != nil {
		t.Errorf("the one that waited on: %v", err)
	}
	st := m.Stats()
	if st.Items != 2 || st.Outcomes[Expired] != 1 || st.Outcomes[Cancelled] != 1 {
		t.Errorf("%d items computed, outcomes %v", st.Items, st.Outcomes)
	}
	if err := m.Infer(ctx, &Request{Items: 1, Inputs: [][]byte{in}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
}

// Under load from many sides, with requests that are given up and a model that
// is replaced and unloaded all the while, whoever is admitted is answered, and
// right.
func TestReplaceUnderLoad(t *testing.T) {
	s := newServer(t, Options{Permits: 2, MaxQueueDelay: time.Hour})
	in := pictures(3, 7)
	want := alone(t, in, 3)
	var stop atomic.Bool
	var answered atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			var r Request
			for !stop.Load() {
				m, err := s.Acquire("digits", Newest)
				if err != nil {
					t.Error(err)
					return
				}
				ctx, cancel := context.Background(), context.CancelFunc(func() {})
				if g == 0 {
					ctx, cancel = context.WithTimeout(ctx, 100*time.Microsecond)
				}
				r.Items, r.Inputs = 3, [][]byte{in}
				err = m.Infer(ctx, &r)
				var busy *BusyError
				switch {
				case err == nil && !bytes.Equal(r.Outputs[0], want):
					t.Error("other bits")
				case err == nil:
					answered.Add(1)
				case g != 0 || !errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &busy):
					t.Error(err)
				}
				cancel()
				m.Release()
			}
		})
	}
	reloads := 100
	if testing.Short() {
		reloads = 10
	}
	for i := range reloads {
		if err := s.Load("digits", 1+int64(i%3), digits.Data); err != nil {
			t.Error(err)
		}
		if i%3 == 2 {
			if err := s.Unload("digits", 3); err != nil {
				t.Error(err)
			}
		}
	}
	stop.Store(true)
	wg.Wait()
	if answered.Load() == 0 {
		t.Error("nothing was answered")
	}
	if err := s.Unload("digits", 0); err != nil {
		t.Error(err)
	}
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	if s.pool.memory != 0 || len(s.pool.models) != 0 || s.pool.free != 2 || len(s.pool.turns) != 0 {
		t.Errorf("after all: %d bytes, %d models, %d permits, %d turns", s.pool.memory, len(s.pool.models), s.pool.free, len(s.pool.turns))
	}
}

// A model that cannot be loaded is told of, and hurts nobody.
func TestBadModel(t *testing.T) {
	s := newServer(t, Options{})
	if err := s.Load("bad", 1, []byte("no net")); err == nil {
		t.Error("loaded")
	}
	if err := s.Load("digits", 1, []byte("no net")); err == nil {
		t.Error("loaded")
	}
	if _, err := s.Acquire("bad", Newest); !errors.Is(err, ErrNotReady) {
		t.Errorf("bad: %v", err)
	}
	if _, err := s.Acquire("none", Newest); !errors.Is(err, ErrNotFound) {
		t.Errorf("none: %v", err)
	}
	if _, err := s.Acquire("digits", "2"); !errors.Is(err, ErrNotFound) {
		t.Errorf("version 2: %v", err)
	}
	acquire(t, s, "digits")
	list := s.Index()
	if len(list) != 2 || list[0].Ready || list[0].Reason == nil || !list[1].Ready || list[1].Reason == nil {
		t.Errorf("index %v", list)
	}
	if err := s.Load("digits", 2, digits.Data); err != nil {
		t.Fatal(err)
	}
	if m := acquire(t, s, "digits"); m.Version != 2 {
		t.Errorf("the newest is %d", m.Version)
	}
	if err := s.Unload("digits", 3); !errors.Is(err, ErrNotFound) {
		t.Errorf("unload version 3: %v", err)
	}
	for _, v := range []int64{0, -1} {
		if s.Load("x", v, digits.Data) == nil {
			t.Errorf("version %d loaded", v)
		}
	}
}

func TestInvalidRequests(t *testing.T) {
	s := newServer(t, Options{})
	m := acquire(t, s, "digits")
	in := pictures(2, 1)
	for name, r := range map[string]Request{
		"no items":         {Inputs: [][]byte{in}},
		"negative":         {Items: -1, Inputs: [][]byte{in}},
		"too few bytes":    {Items: 3, Inputs: [][]byte{in}},
		"too many bytes":   {Items: 1, Inputs: [][]byte{in}},
		"no input":         {Items: 1},
		"inputs":           {Items: 2, Inputs: [][]byte{in, in}},
		"sizes":            {Items: 2, Inputs: [][]byte{in}, Sizes: []int{28}},
		"a product so big": {Items: math.MaxInt, Inputs: [][]byte{in}},
	} {
		if err := m.Infer(context.Background(), &r); !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A panic while a Session is lent costs the Session, not the permit.
func TestPanic(t *testing.T) {
	s := newServer(t, Options{Permits: 1})
	m := acquire(t, s, "digits")
	err := m.Use(context.Background(), nil, func(*engine.Session) error { panic("oh") })
	if !errors.Is(err, ErrComputing) || !strings.Contains(err.Error(), "oh") {
		t.Errorf("panic: %v", err)
	}
	if st := m.Stats(); st.Memory != 0 {
		t.Errorf("%d bytes are left", st.Memory)
	}
	if err := m.Infer(context.Background(), &Request{Items: 1, Inputs: [][]byte{pictures(1, 1)}}); err != nil {
		t.Error(err)
	}
}

func TestMemory(t *testing.T) {
	em, err := engine.Parse(digits.Data)
	if err != nil {
		t.Fatal(err)
	}
	mem, err := em.Memory(8)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, Options{Permits: 2, MaxMemory: mem.Arena + mem.Scratch})
	a := acquire(t, s, "digits")
	// The Session that a second model needs is the first one's, which is idle.
	if err := s.Load("b", 1, digits.Data); err != nil {
		t.Fatal(err)
	}
	if a.Stats().Memory != 0 {
		t.Error("the first model still has its Session")
	}
	release := occupy(t, a, 1)
	b := acquire(t, s, "b")
	r := Request{Items: 1, Inputs: [][]byte{pictures(1, 1)}}
	if err := b.Infer(context.Background(), &r); !errors.Is(err, ErrMemory) {
		t.Errorf("without memory: %v", err)
	}
	release()
	if err := b.Infer(context.Background(), &r); err != nil {
		t.Error(err)
	}
	if s := newServer(t, Options{Idle: 4 * time.Millisecond}); s != nil {
		m := acquire(t, s, "digits")
		for end := time.Now().Add(10 * time.Second); m.Stats().Memory > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("an idle Session is kept")
			}
		}
		if err := m.Infer(context.Background(), &r); err != nil {
			t.Error(err)
		}
	}
}

// Of two models the one with short requests is not kept waiting by the one with
// long ones: permits go round by time.
func TestFair(t *testing.T) {
	s := newServer(t, Options{Permits: 1, MaxQueueDelay: time.Hour})
	if err := s.Load("long", 1, digits.Data); err != nil {
		t.Fatal(err)
	}
	short, long := acquire(t, s, "digits"), acquire(t, s, "long")
	s.pool.mu.Lock()
	short.itemTime, long.itemTime = time.Millisecond, 10*time.Millisecond
	s.pool.mu.Unlock()
	release := occupy(t, short, 1)
	var mu sync.Mutex
	var order []string
	var wg sync.WaitGroup
	queue := func(m *Model, name string, n int) {
		for i := range n {
			wg.Go(func() {
				m.Use(context.Background(), nil, func(*engine.Session) error {
					mu.Lock()
					defer mu.Unlock()
					s.pool.mu.Lock()
					short.itemTime, long.itemTime = time.Millisecond, 10*time.Millisecond
					s.pool.mu.Unlock()
					order = append(order, name)
					return nil
				})
			})
			waitQueued(t, m, i+1)
		}
	}
	queue(long, "long", 6)
	queue(short, "short", 12)
	release()
	wg.Wait()
	first := slices.Index(order, "short")
	if n := slices.Index(order[first:], "long"); first > 2 || n < 3 {
		t.Errorf("the order is %v", order)
	}
}

func TestClosedServer(t *testing.T) {
	s := newServer(t, Options{})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != ErrClosed {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := s.Acquire("digits", Newest); !errors.Is(err, ErrNotFound) {
		t.Errorf("acquire: %v", err)
	}
	if err := s.Load("digits", 1, digits.Data); err != ErrClosed {
		t.Errorf("load: %v", err)
	}
}

func BenchmarkInfer(b *testing.B) {
	s := newServer(b, Options{})
	m := acquire(b, s, "digits")
	r := Request{Items: 1, Inputs: [][]byte{pictures(1, 1)}}
	for b.Loop() {
		if err := m.Infer(context.Background(), &r); err != nil {
			b.Fatal(err)
		}
	}
}

// A request waits from its arrival on, whether or not a permit is free, and one
// that waits much longer than was expected is refused in the end.
func TestWaitsFromArrival(t *testing.T) {
	s := newServer(t, Options{Permits: 1, MaxQueueDelay: time.Minute})
	m, err := s.Acquire("digits", Newest)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	in := make([]byte, 4*28*28)
	var busy *BusyError
	for _, c := range []struct {
		waited  time.Duration
		refused bool
	}{{0, false}, {30 * time.Second, false}, {2 * time.Minute, true}} {
		if err := m.Admit(t.Context(), c.waited); errors.As(err, &busy) != c.refused {
			t.Errorf("Admit after %v: %v", c.waited, err)
		}
		err := m.Infer(t.Context(), &Request{Items: 1, Inputs: [][]byte{in}, Waited: c.waited})
		if errors.As(err, &busy) != c.refused {
			t.Errorf("Infer after %v: %v", c.waited, err)
		}
	}

	started, stop, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go m.Use(context.Background(), nil, func(*engine.Session) error { close(started); <-stop; return nil })
	<-started
	go func() { done <- m.Infer(context.Background(), &Request{Items: 1, Inputs: [][]byte{in}}) }()
	waitQueued(t, m, 1)
	s.pool.mu.Lock()
	s.pool.maxWait = time.Nanosecond // less than it has waited
	s.pool.mu.Unlock()
	close(stop)
	if err := <-done; !errors.As(err, &busy) {
		t.Errorf("after a long wait: %v", err)
	}
}
