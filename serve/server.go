package serve

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how a Server works. The zero value is what most programs want.
type Options struct {
	// Permits is the number of goroutines that compute at a time; 0 means
	// GOMAXPROCS.
	Permits int

	// Batch is the largest number of items in one run; 0 means 8.
	Batch int

	// MaxQueueDelay is the longest time that a request may have waited, and be
	// expected to wait further, when it is admitted; 0 means 100 ms. One that
	// waits a quarter longer after all is refused as well.
	MaxQueueDelay time.Duration

	// MaxMemory is the number of bytes that all Sessions together may take;
	// 0 means 4 GiB.
	MaxMemory int64

	// MaxInFlight is the number of bytes that all requests in progress may
	// take, as counted by Charge; 0 means 1 GiB.
	MaxInFlight int64

	// Idle is how long an unused Session is kept; 0 means a minute.
	Idle time.Duration

	// Kernels names a tier, as in package engine's Options.
	Kernels string
}

// Newest means the highest version of a model that is ready.
const Newest = ""

// A Server is a registry of models, and the permits that they share. Any number
// of goroutines may use it.
type Server struct {
	options Options
	pool    pool
	stop    chan struct{}

	draining atomic.Bool
	inFlight atomic.Int64 // bytes

	mu     sync.Mutex // of those who change the table
	closed bool
	table  atomic.Pointer[table]
}

// A table is what a Server has loaded. It is never changed, but replaced.
type table map[string]*entry

// An entry has the versions of a model, the lowest first.
type entry struct{ versions []slot }

// A slot is a version, which may be ready, and what went wrong last.
type slot struct {
	number int64
	model  *Model // nil if it is not ready
	reason error
}

// New makes a Server without models.
func New(o Options) *Server {
	o.Permits = cmp.Or(o.Permits, runtime.GOMAXPROCS(0))
	o.Batch = cmp.Or(o.Batch, 8)
	o.MaxQueueDelay = cmp.Or(o.MaxQueueDelay, 100*time.Millisecond)
	o.MaxMemory = cmp.Or(o.MaxMemory, 4<<30)
	o.MaxInFlight = cmp.Or(o.MaxInFlight, 1<<30)
	o.Idle = cmp.Or(o.Idle, time.Minute)
	s := &Server{options: o, stop: make(chan struct{})}
	s.pool.permits, s.pool.free = o.Permits, o.Permits
	s.pool.maxWait, s.pool.maxMemory = o.MaxQueueDelay, o.MaxMemory
	s.table.Store(&table{})
	go s.reap()
	return s
}

// reap closes Sessions that have been idle for too long, until Close.
func (s *Server) reap() {
	tick := time.NewTicker(max(s.options.Idle/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			s.pool.reap(now.Add(-s.options.Idle))
		case <-s.stop:
			return
		}
	}
}

// Options returns the Options in use, with the defaults filled in.
func (s *Server) Options() Options { return s.options }

// Drain makes the Server report that it is not ready, so that load balancers
// send no further requests. It continues to answer requests.
func (s *Server) Drain() { s.draining.Store(true) }

// Draining reports whether Drain was called.
func (s *Server) Draining() bool { return s.draining.Load() }

// Ready reports whether at least one model is ready and the Server is not
// draining. A broken model does not make the others unready.
func (s *Server) Ready() bool {
	return !s.Draining() && slices.ContainsFunc(s.Index(), func(m Status) bool { return m.Ready })
}

// Charge counts bytes that a request takes for its body and its tensors,
// until Discharge. If the limit would be exceeded, it counts nothing and
// returns ErrMemory.
func (s *Server) Charge(n int64) error {
	if s.inFlight.Add(n) > s.options.MaxInFlight {
		s.inFlight.Add(-n)
		return fmt.Errorf("%w: requests have more than %d bytes together", ErrMemory, s.options.MaxInFlight)
	}
	return nil
}

// Discharge subtracts bytes that Charge counted.
func (s *Server) Discharge(n int64) { s.inFlight.Add(-n) }

// InFlight returns the number of bytes that Charge has counted.
func (s *Server) InFlight() int64 { return s.inFlight.Load() }

// Close unloads all models. Requests in progress are still answered.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.closed = true
	close(s.stop)
	old := *s.table.Swap(&table{})
	for _, e := range old {
		e.release()
	}
	return nil
}

func (e *entry) release() {
	for _, v := range e.versions {
		if v.model != nil {
			v.model.Release()
		}
	}
}

// Load loads a version of a model, 1 or more, from the bytes of its file, which
// must not change afterwards. It runs the model once, and then replaces the
// previous one of that version. After an error, which is one of package
// engine's Parse or NewSession, nothing has changed, and Index reports the
// error.
func (s *Server) Load(name string, version int64, data []byte) error {
	if name == "" || version < 1 {
		return fmt.Errorf("a model needs a name and a version of at least 1, not %q and %d", name, version)
	}
	m, err := newModel(&s.pool, name, version, data, s.options.Batch, s.options.Kernels)
	if err == nil {
		if err = m.warmUp(); err != nil {
			m.Release()
		}
	}
	if err != nil {
		s.Fail(name, version, err)
		return err
	}
	if !s.put(name, slot{number: version, model: m}) {
		m.Release()
		return ErrClosed
	}
	return nil
}

// Fail records why a version of a model could not be loaded. A version that is
// ready, from an earlier file, stays ready.
func (s *Server) Fail(name string, version int64, reason error) {
	s.put(name, slot{number: version, reason: reason})
}

// put enters a slot. It is false after Close.
func (s *Server) put(name string, v slot) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	next := maps.Clone(*s.table.Load())
	var versions []slot
	if e := next[name]; e != nil {
		versions = slices.Clone(e.versions)
	}
	i, found := slices.BinarySearchFunc(versions, v.number, func(v slot, n int64) int { return cmp.Compare(v.number, n) })
	var old *Model
	switch {
	case !found:
		versions = slices.Insert(versions, i, v)
	case v.model == nil:
		versions[i].reason = v.reason
	default:
		old, versions[i] = versions[i].model, v
	}
	next[name] = &entry{versions}
	if v.model != nil {
		s.pool.mu.Lock()
		s.pool.models = append(s.pool.models, v.model)
		s.pool.mu.Unlock()
	}
	s.table.Store(&next)
	if old != nil {
		old.Release()
	}
	return true
}

// drop takes a model out that is closed. The caller holds the pool's lock.
func (p *pool) drop(m *Model) {
	if i := slices.Index(p.models, m); i >= 0 {
		p.models = slices.Delete(p.models, i, i+1)
	}
}

// Unload removes a version of a model, or all of them if version is 0. Those
// who have acquired it keep it until Release. The error is ErrNotFound.
func (s *Server) Unload(name string, version int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(*s.table.Load())
	e := next[name]
	if e == nil {
		return ErrNotFound
	}
	out, rest := &entry{}, &entry{}
	for _, v := range e.versions {
		if version == 0 || v.number == version {
			out.versions = append(out.versions, v)
		} else {
			rest.versions = append(rest.versions, v)
		}
	}
	if len(out.versions) == 0 {
		return ErrNotFound
	}
	if next[name] = rest; len(rest.versions) == 0 {
		delete(next, name)
	}
	s.table.Store(&next)
	out.release()
	return nil
}

// Acquire finds a model by name and version, or its Newest version. The caller
// must call Release. Errors are ErrNotFound, and ErrNotReady with the reason.
func (s *Server) Acquire(name, version string) (*Model, error) {
	for {
		m, err := s.table.Load().find(name, version)
		if err != nil {
			return nil, err
		}
		if m.acquire() {
			return m, nil
		}
		// It was replaced in between.
	}
}

func (t *table) find(name, version string) (*Model, error) {
	e := (*t)[name]
	if e == nil {
		return nil, fmt.Errorf("%w: %.100q", ErrNotFound, name)
	}
	var reason error
	for _, v := range slices.Backward(e.versions) {
		if version != Newest {
			if strconv.FormatInt(v.number, 10) != version {
				continue
			}
		}
		if v.model != nil {
			return v.model, nil
		}
		reason = fmt.Errorf("%w: %w", ErrNotReady, v.reason)
		if version != Newest {
			break
		}
	}
	if reason == nil {
		reason = fmt.Errorf("%w: %.100q has no version %.20q", ErrNotFound, name, version)
	}
	return nil, reason
}

// A Status is the state of a version of a model.
type Status struct {
	Name    string
	Version int64
	Ready   bool
	Reason  error // why the last attempt to load it failed, nil if it did not
}

// Index lists the versions of all models, by name and number.
func (s *Server) Index() []Status {
	var list []Status
	t := *s.table.Load()
	for _, name := range slices.Sorted(maps.Keys(t)) {
		for _, v := range t[name].versions {
			list = append(list, Status{name, v.number, v.model != nil, v.reason})
		}
	}
	return list
}
