package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// soak is how long a test under load runs. INFER_SOAK=60s is for a long look.
func soak(t testing.TB) time.Duration {
	text, ok := os.LookupEnv("INFER_SOAK")
	switch {
	case ok:
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("INFER_SOAK: %v", err)
		}
		return d
	case testing.Short():
		return 500 * time.Millisecond
	}
	return 2 * time.Second
}

// A service is what a program around a Model does: many goroutines with
// requests of all sizes, Sessions in pools, requests that are given up, and a
// Model that is replaced while it is in use. Every answer is compared with
// that of one item computed alone, to the bit.
type service struct {
	path        string
	model       atomic.Pointer[Model]
	items, want [][][]float32

	singles sync.Pool // of *Session, of any of the models that there were

	runs, computed, cancelled, replaced atomic.Int64
}

const largestRequest = 6

func newService(t *testing.T, net *weights.Net) *service {
	tier, err := kernels.Default()
	if err != nil {
		t.Fatal(err)
	}
	s := &service{path: saveNet(t, net), items: randomItems(net, rand.New(rand.NewPCG(3, 3)), 24)}
	for _, item := range s.items {
		s.want = append(s.want, naive(t, net, tier, item))
	}
	if err := s.replace(); err != nil {
		t.Fatal(err)
	}
	return s
}

// replace opens the file once more, and closes the Model that served so far.
func (s *service) replace() error {
	m, err := Open(s.path)
	if err != nil {
		return err
	}
	if old := s.model.Swap(m); old != nil {
		s.replaced.Add(1)
		return old.Close()
	}
	return nil
}

// session makes a Session of the Model of the day.
func (s *service) session(o SessionOptions) (*Session, error) {
	for {
		x, err := s.model.Load().NewSession(o)
		if !errors.Is(err, ErrClosed) { // or the Model has been replaced since
			return x, err
		}
	}
}

// request computes n of the items, from some one on, and compares.
func (s *service) request(ctx context.Context, x *Session, rng *rand.Rand, n int) error {
	at := rng.IntN(len(s.items) - n + 1)
	for i, item := range s.items[at : at+n] {
		for k, v := range item {
			copy(x.Input(k)[i*len(v):], v)
		}
	}
	s.runs.Add(1)
	if err := x.RunContext(ctx, n); err != nil {
		if errors.Is(err, ctx.Err()) {
			s.cancelled.Add(1)
			return nil
		}
		return err
	}
	for i, want := range s.want[at : at+n] {
		for k, y := range want {
			for j, v := range x.Output(k)[i*len(y) : (i+1)*len(y)] {
				if math.Float32bits(v) != math.Float32bits(y[j]) {
					return fmt.Errorf("item %d of %d, output %d, element %d: %v, want %v", i, n, k, j, v, y[j])
				}
			}
		}
	}
	s.computed.Add(int64(n))
	return nil
}

// serve makes requests of one goroutine until the deadline, and one at least:
// on a machine that is busy with other things, the deadline may come first.
func (s *service) serve(deadline time.Time, rng *rand.Rand) error {
	for first := true; first || time.Now().Before(deadline); first = false {
		serve := s.serveOne
		if rng.IntN(2) == 0 {
			serve = s.serveMany
		}
		if err := serve(rng); err != nil {
			return err
		}
	}
	return nil
}

// serveOne computes an item in a Session from the pool.
func (s *service) serveOne(rng *rand.Rand) error {
	x, ok := s.singles.Get().(*Session)
	if !ok {
		var err error
		if x, err = s.session(SessionOptions{}); err != nil {
			return err
		}
	}
	defer s.singles.Put(x)
	return s.request(context.Background(), x, rng, 1)
}

// serveMany computes a batch in a Session of its own, once in a hurry, and
// then as it should be. Some Sessions are forgotten.
func (s *service) serveMany(rng *rand.Rand) error {
	batch := 1 + rng.IntN(largestRequest)
	x, err := s.session(SessionOptions{Batch: batch, Threads: 1 + rng.IntN(3)})
	if err != nil {
		return err
	}
	hurried, cancel := context.WithTimeout(context.Background(), time.Duration(rng.IntN(300))*time.Microsecond)
	err = s.request(hurried, x, rng, batch)
	cancel()
	if err != nil {
		return err
	}
	if err := s.request(context.Background(), x, rng, 1+rng.IntN(batch)); err != nil {
		return err
	}
	if rng.IntN(4) == 0 {
		return nil
	}
	return x.Close()
}

// load puts a service under the load of 64 goroutines for about d.
func (s *service) load(t *testing.T, d time.Duration) {
	t.Helper()
	deadline := time.Now().Add(d)
	var group sync.WaitGroup
	for g := range 64 {
		group.Go(func() {
			if err := s.serve(deadline, rand.New(rand.NewPCG(uint64(g), 11))); err != nil {
				t.Error(err)
			}
		})
	}
	for time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
		if err := s.replace(); err != nil {
			t.Error(err)
			break
		}
	}
	group.Wait()
	t.Logf("%d runs, %d of them given up, %d items compared; the model was replaced %d times",
		s.runs.Load(), s.cancelled.Load(), s.computed.Load(), s.replaced.Load())
	if s.computed.Load() == 0 {
		t.Error("nothing was compared")
	}
}

// TestLoad: under load, on one processor, and with a garbage collection after
// every few allocations, all answers are right, and afterwards neither
// goroutines nor mapped files are left.
func TestLoad(t *testing.T) {
	for name, build := range testNets {
		for _, c := range []struct {
			name  string
			part  time.Duration // of the time for one net
			setUp func() (undo func())
		}{
			{"plain", 2, func() func() { return func() {} }},
			{"GOMAXPROCS=1", 4, func() func() {
				n := runtime.GOMAXPROCS(1)
				return func() { runtime.GOMAXPROCS(n) }
			}},
			{"GOGC=1", 4, func() func() {
				n := debug.SetGCPercent(1)
				return func() { debug.SetGCPercent(n) }
			}},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				defer c.setUp()()
				before := goroutines()
				s := newService(t, build(t, tensor.F16))
				s.load(t, soak(t)/time.Duration(len(testNets))/c.part)
				s.leavesNothing(t, before)
			})
		}
	}
}

// leavesNothing closes the service's model and waits until the garbage
// collector has found all of its sessions.
func (s *service) leavesNothing(t *testing.T, before map[string]goroutine) {
	t.Helper()
	if err := s.model.Load().Close(); err != nil {
		t.Error(err)
	}
	if !eventually(func() bool { return len(startedSince(before)) == 0 && !s.mapped() }) {
		t.Errorf("goroutines are left: %v; the file is mapped: %v", startedSince(before), s.mapped())
	}
}

// mapped says whether the file is still mapped into memory, as far as the
// system lets one know.
func (s *service) mapped() bool {
	maps, err := os.ReadFile("/proc/self/maps")
	return err == nil && strings.Contains(string(maps), s.path)
}
