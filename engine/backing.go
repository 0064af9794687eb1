package engine

import (
	"io"
	"sync"
)

// A backing is the memory in which a Model's weights lie: a mapped file, or
// bytes that were parsed. It is given back when the Model has been closed and
// all Sessions have let go of it.
type backing struct {
	mu     sync.Mutex
	closer io.Closer // nil if there is nothing to give back
	users  int       // Sessions, and the Model until it is closed
	closed bool      // the Model has been closed
}

// hold adds a user, unless the Model has been closed.
func (b *backing) hold() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.users++
	return nil
}

// release takes a user away.
func (b *backing) release() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.leave()
}

// close refuses new users and takes the Model's own use away.
func (b *backing) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.closed = true
	return b.leave()
}

// leave gives the memory back after the last user. The lock is held.
func (b *backing) leave() error {
	if b.users--; b.users > 0 || b.closer == nil {
		return nil
	}
	return b.closer.Close()
}
