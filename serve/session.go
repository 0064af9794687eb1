package serve

import (
	"fmt"
	"slices"
	"time"

	"github.com/infer-go/infer/engine"
)

// A session is a Session of a model that the pool keeps.
type session struct {
	*engine.Session
	sizes   []int
	batch   int
	outputs []engine.Tensor
	bytes   int64
	used    time.Time
}

// newSession makes a Session for a caller that has a permit. It closes Sessions
// that nobody uses where memory is short.
func (m *Model) newSession(sizes []int) (*session, error) {
	batch := m.batch
	mem, err := m.model.Memory(batch, sizes...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	bytes := mem.Arena + mem.Scratch
	p := m.pool
	if bytes > p.maxMemory {
		return nil, fmt.Errorf("%w: a session of %q takes %d bytes, where %d are allowed", ErrInput, m.Name, bytes, p.maxMemory)
	}
	p.mu.Lock()
	var closing []*session
	for p.memory+bytes > p.maxMemory {
		s := p.evict()
		if s == nil {
			break
		}
		closing = append(closing, s)
	}
	if p.memory+bytes > p.maxMemory {
		err = fmt.Errorf("%w: a session of %q takes %d bytes", ErrMemory, m.Name, bytes)
	} else {
		p.memory += bytes
		m.memory += bytes
	}
	p.mu.Unlock()
	closeAll(closing)
	if err != nil {
		return nil, err
	}
	es, err := m.model.NewSession(engine.SessionOptions{Batch: batch, Sizes: sizes, MaxMemory: p.maxMemory})
	if err != nil {
		p.mu.Lock()
		p.memory -= bytes
		m.memory -= bytes
		p.mu.Unlock()
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	return &session{Session: es, sizes: slices.Clone(sizes), batch: batch, outputs: es.Outputs(), bytes: bytes}, nil
}

// takeSession takes a Session for these sizes out of those that are idle, nil if
// there is none. The caller holds the pool's lock.
func (m *Model) takeSession(sizes []int) *session {
	for i := len(m.idle) - 1; i >= 0; i-- { // the last one used is in the caches
		if s := m.idle[i]; slices.Equal(s.sizes, sizes) {
			m.idle = slices.Delete(m.idle, i, i+1)
			return s
		}
	}
	return nil
}

// forget says that a Session is about to be closed. The caller holds the pool's
// lock.
func (m *Model) forget(s *session) {
	m.memory -= s.bytes
	m.pool.memory -= s.bytes
}

// evict takes the idle Session out that was not used for longest, nil if there
// is none. The caller holds the lock, and closes the Session after it.
func (p *pool) evict() *session {
	var oldest *Model
	for _, m := range p.models {
		if len(m.idle) > 0 && (oldest == nil || m.idle[0].used.Before(oldest.idle[0].used)) {
			oldest = m
		}
	}
	if oldest == nil {
		return nil
	}
	s := oldest.idle[0]
	oldest.idle = slices.Delete(oldest.idle, 0, 1)
	oldest.forget(s)
	return s
}

// reap closes Sessions that have been idle since a time.
func (p *pool) reap(since time.Time) {
	var closing []*session
	p.mu.Lock()
	for _, m := range p.models {
		for len(m.idle) > 0 && m.idle[0].used.Before(since) {
			closing = append(closing, m.idle[0])
			m.forget(m.idle[0])
			m.idle = slices.Delete(m.idle, 0, 1)
		}
	}
	p.mu.Unlock()
	closeAll(closing)
}

func closeAll(list []*session) {
	for _, s := range list {
		s.Close()
	}
}
