package serve

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/infer-go/infer/engine"
)

// An Outcome is the result of a request.
type Outcome uint8

const (
	OK        Outcome = iota
	Invalid           // it did not fit the model
	Rejected          // it would have waited too long, or memory was short
	Expired           // its deadline passed
	Cancelled         // the client no longer waits for the answer
	Failed            // a fault of this program
	outcomes
)

func (o Outcome) String() string {
	return [...]string{"ok", "invalid", "rejected", "expired", "cancelled", "failed"}[o]
}

// Outcomes lists all Outcomes.
func Outcomes() []Outcome {
	list := make([]Outcome, outcomes)
	for i := range list {
		list[i] = Outcome(i)
	}
	return list
}

// OutcomeOf returns the Outcome that an error of Infer means.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return OK
	}
	var busy *BusyError // is allocated
	switch {
	case isInvalid(err):
		return Invalid
	case errors.As(err, &busy), errors.Is(err, ErrMemory):
		return Rejected
	case errors.Is(err, context.DeadlineExceeded):
		return Expired
	case errors.Is(err, context.Canceled):
		return Cancelled
	}
	return Failed
}

// isInvalid says whether an error is about what a model was given.
func isInvalid(err error) bool {
	for _, kind := range [...]error{ErrInput, engine.ErrBlank, engine.ErrEmpty, engine.ErrTooLarge, engine.ErrNoPicture, engine.ErrSize, engine.ErrNotClassifier, engine.ErrNaN} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// A Total says how often something was done, and how much time it took
// altogether.
type Total struct {
	Count uint64
	Time  time.Duration
}

func (t *Total) add(d time.Duration) {
	t.Count++
	t.Time += d
}

// A BatchTotal counts the batches of one size.
type BatchTotal struct {
	Size               int
	Input, Run, Output Total
}

// Stats are what a Model has counted since it was loaded.
type Stats struct {
	Last     time.Time        // a request was answered; zero if none was
	Items    uint64           // that were computed
	Outcomes [outcomes]uint64 // of requests
	Batches  []BatchTotal     // by size, without sizes that did not occur

	Success, Fail      Total // requests, from Infer's call to its end
	Queue              Total // requests that succeeded, and how long they waited
	Input, Run, Output Total // batches

	RequestTime, QueueTime, RunTime Histogram // of requests, requests and batches

	InFlight int   // requests within Infer
	Queued   int   // items that wait
	Memory   int64 // bytes, of the Sessions
}

// Executions returns the number of batches.
func (s *Stats) Executions() uint64 { return s.Run.Count }

// Stats returns a copy of what the Model has counted.
func (m *Model) Stats() Stats {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	s := m.stats
	s.Queued, s.Memory = m.waiting, m.memory
	s.Batches = slices.DeleteFunc(slices.Clone(s.Batches), func(b BatchTotal) bool { return b.Run.Count == 0 })
	return s
}

// batch counts a batch of n items. The caller holds the pool's lock.
func (s *Stats) batch(n int, t *Times) {
	s.Items += uint64(n)
	b := &s.Batches[n-1]
	b.Input.add(t.Input)
	b.Run.add(t.Run)
	b.Output.add(t.Output)
	s.Input.add(t.Input)
	s.Run.add(t.Run)
	s.Output.add(t.Output)
	s.RunTime.add(t.Run)
}

// request counts the end of a request. The caller holds the pool's lock.
func (s *Stats) request(now time.Time, took, queued time.Duration, err error) {
	s.InFlight--
	s.Outcomes[OutcomeOf(err)]++
	s.RequestTime.add(took)
	if err != nil {
		s.Fail.add(took)
		return
	}
	s.Last = now
	s.Success.add(took)
	s.Queue.add(queued)
	s.QueueTime.add(queued)
}
