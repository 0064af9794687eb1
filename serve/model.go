package serve

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
)

// A Model is a loaded version of a model. Acquire returns it, and Release must
// be called for it.
type Model struct {
	Name    string
	Version int64

	model   *engine.Model
	pool    *pool
	version string
	inputs  []engine.Tensor
	outputs []engine.Tensor
	bytes   []int // of an item of each input; nil if dimensions are open
	batch   int   // items of a run at most
	batched bool
	refs    atomic.Int64 // the Server's, and one for each who has acquired it

	// What follows is the pool's.
	first, last *Request
	waiting     int           // items in the queue
	credit      time.Duration // computing time that it may use in its turn
	itemTime    time.Duration // smoothed
	idle        []*session    // the one that was used last at the end
	memory      int64
	stats       Stats
}

// newModel makes a Model, which belongs to no Server yet.
func newModel(p *pool, name string, version int64, data []byte, batch int, kernels string) (*Model, error) {
	em, err := engine.Options{Kernels: kernels}.Parse(data)
	if err != nil {
		return nil, err
	}
	m := &Model{Name: name, Version: version, model: em, pool: p, version: strconv.FormatInt(version, 10), inputs: em.Inputs(), outputs: em.Outputs(), batch: 1}
	if m.batched = m.inputs[0].Batched(); m.batched {
		m.batch = batch
	}
	if len(em.Open()) == 0 {
		m.bytes = make([]int, len(m.inputs))
		for i, in := range m.inputs {
			m.bytes[i] = itemBytes(in.Type)
		}
	}
	m.stats.Batches = make([]BatchTotal, m.batch)
	for i := range m.stats.Batches {
		m.stats.Batches[i].Size = i + 1
	}
	m.refs.Store(1)
	return m, nil
}

// itemBytes is the size of one item of a tensor.
func itemBytes(t tensor.Type) int {
	n := t.Elem.Size()
	for _, d := range t.Shape {
		if d != -1 {
			n *= d
		}
	}
	return n
}

// warmUp computes batches of zeros, so that the first request finds a Session
// and code that has run. A model with open dimensions is warm as it is.
func (m *Model) warmUp() error {
	if m.bytes == nil {
		return nil
	}
	s, err := m.newSession(nil)
	if err != nil {
		return err
	}
	start := time.Now()
	for _, n := range [...]int{m.batch, 1} {
		start = time.Now()
		if err := s.Run(n); err != nil {
			m.idle = append(m.idle, s) // for Release
			return err
		}
	}
	s.used = time.Now()
	m.itemTime = s.used.Sub(start)
	m.idle = append(m.idle, s)
	return nil
}

// Engine returns the model as a Model of package engine.
func (m *Model) Engine() *engine.Model { return m.model }

// VersionName returns the version as text.
func (m *Model) VersionName() string { return m.version }

// Inputs returns the model's inputs. The slice is shared and must not be
// changed.
func (m *Model) Inputs() []engine.Tensor { return m.inputs }

// Outputs returns the model's outputs. The slice is shared and must not be
// changed.
func (m *Model) Outputs() []engine.Tensor { return m.outputs }

// Batched reports whether dimension 0 of inputs and outputs is the batch.
func (m *Model) Batched() bool { return m.batched }

// Batch returns the largest number of items in one run.
func (m *Model) Batch() int { return m.batch }

// acquire takes a reference, unless the last one is gone.
func (m *Model) acquire() bool {
	for {
		n := m.refs.Load()
		if n == 0 {
			return false
		}
		if m.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release ends the use of a Model that was acquired.
func (m *Model) Release() {
	if m.refs.Add(-1) > 0 {
		return
	}
	p := m.pool
	p.mu.Lock()
	idle := m.idle
	m.idle = nil
	for _, s := range idle {
		m.forget(s)
	}
	p.drop(m)
	p.mu.Unlock()
	closeAll(idle)
	m.model.Close()
}

// Infer computes a Request. It allocates nothing if the Session that it uses
// exists already, and the Request has been used for the same number of items
// before. The answers have the same bits as those of a Session of package
// engine for the same items, whatever else is in the batch.
//
// Errors are ErrInput, a *BusyError, ErrMemory, ctx.Err(), and ErrComputing.
func (m *Model) Infer(ctx context.Context, r *Request) error {
	r.use = nil
	r.begin(ctx, len(m.outputs))
	return m.serve(r, m.check(r))
}

// Use calls f with a Session for the given sizes of the model's open
// dimensions, scheduled as by Infer. It is for pictures, and for answers other
// than tensors. f must not keep the Session. Errors are those of Infer and of
// f.
func (m *Model) Use(ctx context.Context, sizes []int, f func(*engine.Session) error) error {
	r := &Request{Items: 1, Sizes: sizes, use: f}
	r.begin(ctx, 0)
	return m.serve(r, nil)
}

// Admit returns the *BusyError that Infer would return now for a request that has
// waited for some time; nil if it would let the request in. It is for transports,
// to refuse a request before they have read it, which is counted as rejected.
func (m *Model) Admit(ctx context.Context, waited time.Duration) error {
	p := m.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.refuse(ctx, m, waited)
	if err != nil {
		m.stats.InFlight++
		m.stats.request(time.Now(), 0, 0, err)
	}
	return err
}

// serve sees a Request through the pool, unless it is refused already.
func (m *Model) serve(r *Request, err error) error {
	start := time.Now()
	p := m.pool
	p.mu.Lock()
	m.stats.InFlight++
	p.mu.Unlock()
	if err == nil {
		err = r.ctx.Err()
	}
	free := false
	if err == nil {
		free, err = p.enter(m, r)
	}
	if free {
		p.start()
	}
	for again := err == nil; again; {
		again = p.await(m, r) && p.compute(m, r)
		if !again {
			err = r.err
		}
	}
	now := time.Now()
	p.mu.Lock()
	m.stats.request(now, now.Sub(start), r.Times.Queue, err)
	p.mu.Unlock()
	r.ctx, r.use = nil, nil
	return err
}

// check says whether a Request fits the model.
func (m *Model) check(r *Request) error {
	switch {
	case r.Items < 1:
		return fmt.Errorf("%w: %d items", ErrInput, r.Items)
	case r.Items > 1 && !m.batched:
		return fmt.Errorf("%w: %d items, where the model computes one at a time", ErrInput, r.Items)
	case len(r.Inputs) != len(m.inputs):
		return fmt.Errorf("%w: %d inputs, where it has %d", ErrInput, len(r.Inputs), len(m.inputs))
	case m.bytes != nil && len(r.Sizes) > 0:
		return fmt.Errorf("%w: sizes are given, where no dimension is open", ErrInput)
	}
	for i := range r.Inputs {
		want := 0
		if m.bytes != nil {
			want = m.bytes[i]
		} else {
			var err error
			if want, err = m.sizedBytes(i, r.Sizes); err != nil {
				return err
			}
		}
		if n, ok := tensor.Product(want, r.Items); !ok || len(r.Inputs[i]) != n {
			return fmt.Errorf("%w: input %q has %d bytes, where %d items of %d are expected", ErrInput, m.inputs[i].Name, len(r.Inputs[i]), r.Items, want)
		}
	}
	return nil
}

var errSizes = errors.New("a size is wrong, or missing")

// sizedBytes is the size of an item of input i at sizes of the open dimensions.
func (m *Model) sizedBytes(i int, sizes []int) (int, error) {
	open := m.model.Open()
	if len(sizes) != len(open) {
		return 0, fmt.Errorf("%w: %w", ErrInput, errSizes)
	}
	shape := append(tensor.Shape(nil), m.inputs[i].Shape...)
	if m.batched {
		shape[0] = 1
	}
	for k, d := range open {
		for _, at := range d.At {
			if at.Input == i {
				shape[at.Dim] = sizes[k]
			}
		}
	}
	n, ok := shape.Elements()
	if !ok || n == 0 {
		return 0, fmt.Errorf("%w: %w", ErrInput, errSizes)
	}
	return n * m.inputs[i].Elem.Size(), nil
}
