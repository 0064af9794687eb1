package engine

import (
	"io"
	"sync"
)

// A file is the memory of a Model's weights. It is given back when the Model
// has been closed and all Sessions have let go of it.
type file struct {
	mu     sync.Mutex
	closer io.Closer // nil if there is nothing to give back
	users  int       // Sessions, and the Model until it is closed
	closed bool      // the Model has been closed
}

// hold adds a user, unless the Model has been closed.
func (f *file) hold() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	f.users++
	return nil
}

// release takes a user away.
func (f *file) release() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.leave()
}

// close refuses new users and takes the Model's own use away.
func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	f.closed = true
	return f.leave()
}

// leave gives the memory back after the last user. The lock is held.
func (f *file) leave() error {
	if f.users--; f.users > 0 || f.closer == nil {
		return nil
	}
	return f.closer.Close()
}
