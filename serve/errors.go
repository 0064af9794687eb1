package serve

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNotFound says that there is no model with this name, or that it
	// does not have this version.
	ErrNotFound = errors.New("no such model")

	// ErrNotReady says that a model is known, but could not be loaded.
	ErrNotReady = errors.New("the model is not ready")

	// ErrInput says that a Request does not fit its model.
	ErrInput = errors.New("the input does not fit the model")

	// ErrMemory says that the Sessions in use leave too little memory for
	// another one.
	ErrMemory = errors.New("too much memory is in use")

	// ErrClosed is the error of a Server after Close.
	ErrClosed = errors.New("the server is closed")

	// ErrComputing says that a model failed while computing, which is a fault
	// of this program.
	ErrComputing = errors.New("the model failed")
)

// A BusyError says that a request was refused because it would have waited too
// long.
type BusyError struct {
	Wait time.Duration // the estimated wait
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("too busy: the request would wait for %v", e.Wait.Round(time.Microsecond))
}
