package engine

import "errors"

var (
	// ErrClosed is what a Model or a Session answers after Close.
	ErrClosed = errors.New("engine: closed")

	// ErrBusy is what a Session answers while it is at work for another
	// goroutine.
	ErrBusy = errors.New("engine: the session is at work for another goroutine")

	// ErrBatch says that a number of items is less than 1 or more than the
	// Session, or the Model, can compute in one run.
	ErrBatch = errors.New("engine: batch out of range")

	// ErrMemory says that a Session would take more memory than
	// SessionOptions.MaxMemory allows.
	ErrMemory = errors.New("engine: too much memory")
)
