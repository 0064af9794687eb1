package engine

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"
	"sync/atomic"
	"time"

	"github.com/infer-go/infer/tensor"
)

// A Session runs a Model in its own memory. It serves one goroutine at a time:
// a call during another call returns ErrBusy.
type Session struct {
	busy     atomic.Bool // a call is under way
	executor *executor   // nil once closed
	cleanup  runtime.Cleanup
	sizes    []int  // of the Model's open dimensions
	cleared  []bool // of each input: its memory has been cleared, or set
	items    int    // of the last run
	pictures []bool // of each item: it has been set, in the order of the second step
}

// SessionOptions say how a Session computes. The zero value means one item at a
// time on the caller's goroutine. The results do not depend on the options, to
// the last bit.
type SessionOptions struct {
	// Batch is the largest number of items that one run computes; 0 means 1.
	Batch int

	// Threads is the number of goroutines that share a run, the caller's
	// included; 0 means 1. The others sleep between runs.
	Threads int

	// MaxMemory is the largest number of bytes that the Session may allocate
	// for its tensors, as Model.Memory counts them; 0 means 4 GiB. A small
	// hostile file can ask for any amount.
	MaxMemory int64

	// Sizes are the sizes of the Model's open dimensions, in the order of
	// Model.Open; Model.Sizes and Model.PictureSizes find them. Use nil for a
	// Model that has none.
	Sizes []int
}

const (
	defaultMemory = 4 << 30
	maxThreads    = 1024

	// addressable is more than any processor that Go knows can allocate.
	addressable = min(math.MaxInt, 1<<47)
)

// NewSession makes a Session. It plans and allocates the memory for all
// tensors; runs allocate nothing.
//
// A Model with open dimensions caches what it has planned for the sizes used
// most recently: at most 32 of them, and at most 64 MiB in addition to the
// weights, which all sizes share. A Session for cached sizes takes no more time
// than the allocation of its memory.
//
// Errors are ErrClosed; ErrMemory; ErrBatch if the batch is negative, or more
// than 1 for a Model that can only compute one item at a time; ErrSize if the
// Model cannot be computed at these sizes. Threads must be from 0 to 1,024.
func (m *Model) NewSession(o SessionOptions) (*Session, error) {
	if o.Threads < 0 || o.Threads > maxThreads {
		return nil, fmt.Errorf("engine: %d threads, where 1 to %d are possible", o.Threads, maxThreads)
	}
	threads := max(o.Threads, 1)
	pl, err := m.plan(o.Batch, o.Sizes)
	if err != nil {
		return nil, err
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = defaultMemory
	}
	// In float64, as the product may not fit an int.
	bytes := float64(pl.shared) + float64(threads)*(float64(pl.local)+float64(pl.program.scratchBytes()))
	if most := min(o.MaxMemory, addressable); bytes > float64(most) {
		return nil, fmt.Errorf("%w: %.0f bytes, where %d are allowed", ErrMemory, bytes, most)
	}
	if err := m.backing.hold(); err != nil {
		return nil, err
	}
	s := &Session{executor: newExecutor(pl, threads, m.backing), sizes: slices.Clone(o.Sizes), cleared: make([]bool, len(pl.inputs)), pictures: make([]bool, pl.batch)}
	// A Session that nobody closed is closed when nobody can use it any more.
	s.cleanup = runtime.AddCleanup(s, func(x *executor) { x.close() }, s.executor)
	return s, nil
}

// plan plans batches of up to batch items, 0 for 1.
func (m *Model) plan(batch int, sizes []int) (*plan, error) {
	switch {
	case batch < 0:
		return nil, fmt.Errorf("%w: %d", ErrBatch, batch)
	case batch > 1 && !m.net.Batched:
		return nil, fmt.Errorf("%w: %d, but the model computes one item at a time", ErrBatch, batch)
	}
	s, err := m.sized(sizes)
	if err != nil {
		return nil, err
	}
	return s.plan(max(batch, 1))
}

// Close ends the Session's goroutines and releases the Model. Afterwards Run
// returns ErrClosed, and Input and Output return nil; slices that they returned
// before stay valid. A second Close returns ErrClosed. A Close during a run
// returns ErrBusy and has no effect.
func (s *Session) Close() error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	s.cleanup.Stop()
	err := s.executor.close()
	s.executor = nil
	return err
}

// enter begins a call that no other may overlap: two runs in the same memory
// would give wrong numbers, and nobody would know.
func (s *Session) enter() error {
	if !s.busy.CompareAndSwap(false, true) {
		return ErrBusy
	}
	if s.executor == nil {
		s.leave()
		return ErrClosed
	}
	return nil
}

// leave ends the call that enter began. Until then s is in use, so that its
// cleanup cannot close the executor during the call.
func (s *Session) leave() { s.busy.Store(false) }

// Input returns the memory of input i of the Model: row-major float32 of the
// shape that Model.Inputs gives, for as many items as the Session's batch, one
// after the other. It is the same memory every time, zero at first, and runs do
// not change it. It is nil for an input of another element type.
func (s *Session) Input(i int) []float32 {
	if s.executor == nil || s.executor.program.inputs[i].elem != tensor.F32 {
		return nil
	}
	return tensor.Slice[float32](s.InputBytes(i))
}

// InputBytes is Input as bytes, little-endian, for any element type.
func (s *Session) InputBytes(i int) []byte {
	if s.executor == nil {
		return nil
	}
	s.asTensors()
	s.clear(i)
	return s.executor.inputs[i].bytes(s.executor.shared, nil, 0, s.executor.batch)
}

// clear makes an input zero before it is first looked at, set or read: not when
// the Session is made, which is to take no time.
func (s *Session) clear(i int) {
	if s.cleared[i] {
		return
	}
	s.cleared[i] = true
	clear(s.executor.inputs[i].bytes(s.executor.shared, nil, 0, s.executor.batch))
}

// Output returns the memory of output i of the Model, for as many items as the
// last run computed, one after the other. It must not be written to, and the
// next run overwrites it. It is nil for an output of an element type other than
// float32.
func (s *Session) Output(i int) []float32 {
	if s.executor == nil || s.executor.program.outputs[i].elem != tensor.F32 {
		return nil
	}
	return tensor.Slice[float32](s.OutputBytes(i))
}

// OutputBytes is Output as bytes, little-endian, for any element type.
func (s *Session) OutputBytes(i int) []byte {
	if s.executor == nil {
		return nil
	}
	return s.executor.outputs[i].bytes(s.executor.shared, nil, 0, s.items)
}

// Rows returns how many rows of output i are valid after the last run. An
// output whose number of rows depends on the inputs, as that of ONNX's
// NonMaxSuppression does, has memory for as many rows as there can be, and the
// valid ones come first. For other outputs it is dimension 0, for all items, or
// 1 if there is none.
func (s *Session) Rows(i int) int {
	if s.executor == nil {
		return 0
	}
	e := &s.executor.program.outputs[i]
	shape := s.executor.program.net.Values[s.executor.program.net.Outputs[i]].Shape
	switch {
	case e.counted:
		// They end with the first that begins with a negative number.
		data := s.OutputBytes(i)
		return sort.Search(len(data)/e.row, func(k int) bool { return data[k*e.row+e.elem.Size()-1]&0x80 != 0 })
	case len(shape) == 0:
		return 1
	}
	return s.items * shape[0]
}

// Run computes the first n items of the inputs. It allocates nothing and, with
// one thread, takes no lock and switches to no other goroutine.
//
// Errors are ErrClosed; ErrBusy; ErrBatch if n is less than 1 or more than the
// Session's batch; and ErrFault if an index in the inputs, or one that was
// computed, is out of range, or an integer was divided by zero. NaN and
// infinities in an input are not errors: they follow the rules of IEEE
// arithmetic, and NaN never turns into a number. Where float32 is quantised,
// however, an infinity becomes the largest or smallest value, and NaN gives
// ErrNaN. After ErrFault and ErrNaN the outputs are undefined.
func (s *Session) Run(n int) error { return s.run(nil, n) }

// RunContext is Run with a context, which is checked before each step and about
// once a millisecond within long steps. If it is done, the error is ctx.Err()
// and the outputs are undefined.
func (s *Session) RunContext(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.run(ctx.Done(), n); err != nil {
		return err
	}
	return ctx.Err()
}

func (s *Session) run(done <-chan struct{}, n int) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return s.compute(done, n)
}

// compute runs n items. The caller has entered the Session.
func (s *Session) compute(done <-chan struct{}, n int) error {
	x := s.executor
	if n < 1 || n > x.batch {
		return fmt.Errorf("%w: %d of 1 to %d", ErrBatch, n, x.batch)
	}
	for i := range s.cleared {
		s.clear(i)
	}
	s.items = n
	x.done, x.pictures = done, s.takePictures(n)
	x.run(n)
	x.done = nil
	return x.fault()
}

// Profile runs n items, only on the caller's goroutine, and returns the time
// that each of Model.Steps took. Errors are those of Run.
func (s *Session) Profile(n int) ([]time.Duration, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	x := s.executor
	caller := &x.threads[0]
	caller.times = make([]time.Duration, len(x.program.net.Steps))
	team := x.team
	x.team = nil
	defer func() { caller.times, x.team = nil, team }()
	if err := s.compute(nil, n); err != nil {
		return nil, err
	}
	return caller.times, nil
}
