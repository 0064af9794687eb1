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
	Waited time.Duration // so far
	Wait   time.Duration // as is estimated, from now on
}

func (e *BusyError) Error() string {
	waited, wait := e.Waited.Round(time.Microsecond), e.Wait.Round(time.Microsecond)
	switch {
	case waited == 0:
		return fmt.Sprintf("too busy: the request would wait for %v", wait)
	case wait == 0:
		return fmt.Sprintf("too busy: the request has waited for %v", waited)
	}
	return fmt.Sprintf("too busy: the request has waited for %v, and would wait for %v more", waited, wait)
}
