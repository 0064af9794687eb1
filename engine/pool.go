package engine

import (
	"runtime"
	"slices"
	"sync"
)

// A pool keeps Sessions for one item on one thread, for calls that need none
// of their own, until its Model is closed. It is no sync.Pool, which cannot be
// emptied: what other processors have put there stays out of reach, and would
// hold the Model's backing.
type pool struct {
	mu     sync.Mutex
	idle   []*Session // at most one for each processor
	closed bool
}

// borrow returns a Session for these sizes, which goes back by giveBack.
func (m *Model) borrow(sizes []int) (*Session, error) {
	p := &m.pool
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	for i, s := range slices.Backward(p.idle) {
		if slices.Equal(s.sizes, sizes) {
			p.idle = slices.Delete(p.idle, i, i+1)
			p.mu.Unlock()
			return s, nil
		}
	}
	p.mu.Unlock()
	return m.NewSession(SessionOptions{Sizes: sizes})
}

// giveBack takes a borrowed Session back.
func (m *Model) giveBack(s *Session) {
	if s = m.pool.put(s); s != nil {
		s.Close()
	}
}

// put keeps a Session, unless the pool is closed. It returns one that has to go:
// that one, or the one that has waited longest in a full pool.
func (p *pool) put(s *Session) (gone *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return s
	}
	if len(p.idle) >= runtime.GOMAXPROCS(0) {
		gone = p.idle[0]
		p.idle = slices.Delete(p.idle, 0, 1)
	}
	p.idle = append(p.idle, s)
	return gone
}

// close closes the Sessions that are in the pool, and keeps others out.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, s := range idle {
		s.Close()
	}
}
