package engine

import (
	"runtime"
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

// borrow returns a Session, which goes back by giveBack.
func (m *Model) borrow() (*Session, error) {
	p := &m.pool
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if last := len(p.idle) - 1; last >= 0 {
		s := p.idle[last]
		p.idle[last], p.idle = nil, p.idle[:last]
		p.mu.Unlock()
		return s, nil
	}
	p.mu.Unlock()
	return m.NewSession(SessionOptions{})
}

// giveBack takes a borrowed Session back.
func (m *Model) giveBack(s *Session) {
	if !m.pool.put(s) {
		s.Close()
	}
}

// put keeps a Session, unless the pool is full or closed.
func (p *pool) put(s *Session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= runtime.GOMAXPROCS(0) {
		return false
	}
	p.idle = append(p.idle, s)
	return true
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
