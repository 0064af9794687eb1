package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A transport is a way of asking a server.
type transport struct {
	server, name string
	loaded       bool // it is put under load
	compared     bool // with others at the same rate
	connect      func() (asker, error)

	capacity   float64 // requests a second, as was measured last
	capacities []float64
	pool       []asker
}

// An asker asks on a connection of its own, one request at a time, and is
// answered with a status of HTTP.
type asker interface {
	ask() (status int, err error)
	close()
}

// connections is how many requests may be under way: more than the server lets
// wait.
const connections = 256

// open makes connections, so many of them once.
func (t *transport) open(n int) error {
	for len(t.pool) < n {
		a, err := t.connect()
		if err != nil {
			return err
		}
		t.pool = append(t.pool, a)
	}
	return nil
}

// keepBusy asks on a few connections for some time, and returns how many requests
// were answered. They are fewer than the server lets wait, however long it takes
// for one.
func (t *transport) keepBusy(each time.Duration) (answered int, took time.Duration, err error) {
	const busy = 4
	if err := t.open(busy); err != nil {
		return 0, 0, err
	}
	counts := make([]int, busy)
	errs := make([]error, busy)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range busy {
		wg.Go(func() {
			for time.Since(start) < each && errs[i] == nil {
				status, err := t.pool[i].ask()
				if err == nil && status != http.StatusOK && status != http.StatusServiceUnavailable {
					err = fmt.Errorf("status %d", status)
				}
				errs[i] = err
				if status == http.StatusOK {
					counts[i]++
				}
			}
		})
	}
	wg.Wait()
	took = time.Since(start)
	for i := range busy {
		if errs[i] != nil {
			return 0, 0, fmt.Errorf("%s, %s: %w", t.server, t.name, errs[i])
		}
		answered += counts[i]
	}
	return answered, took, nil
}

// measureCapacity keeps the server busy for some time.
func (t *transport) measureCapacity(each time.Duration) error {
	answered, took, err := t.keepBusy(each)
	if err != nil {
		return err
	}
	t.capacity = float64(answered) / took.Seconds()
	t.capacities = append(t.capacities, t.capacity)
	return nil
}

// A serviceSeries gathers what becomes of requests on one transport under one
// load.
type serviceSeries struct {
	transport *transport
	load      float64
	same      bool

	// Of each round:
	rates, goodputs []float64
	asking          []float64 // parts of the time that this process has computed
	p50, p99, p999  []float64 // of those that were answered

	answered, rejected, failed int
	err                        error // why the first one failed
}

// An outcome is what became of the requests of one connection in a round.
type outcome struct {
	samples          []float64
	rejected, failed int
	err              error
}

func (o *outcome) fail(err error) {
	o.failed++
	if o.err == nil {
		o.err = err
	}
}

// round offers requests for a stretch of time, and waits for all answers.
func (s *serviceSeries) round(rate float64, each time.Duration, rng *rand.Rand) error {
	if err := s.transport.open(connections); err != nil {
		return err
	}
	arrivals := poisson(rate, each, rng)
	due := make(chan time.Duration, len(arrivals))
	outcomes := make([]outcome, connections)
	for i := range outcomes {
		outcomes[i].samples = make([]float64, 0, len(arrivals)/8)
	}
	// The collector's work here would be the server's latency.
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var wg sync.WaitGroup
	before := ownCPU()
	start := time.Now()
	for i := range connections {
		wg.Go(func() {
			o := &outcomes[i]
			for at := range due {
				status, err := s.transport.pool[i].ask()
				switch {
				case err != nil:
					o.fail(err)
				case status == http.StatusOK:
					o.samples = append(o.samples, float64(time.Since(start)-at))
				case status == http.StatusServiceUnavailable:
					o.rejected++
				default:
					o.fail(fmt.Errorf("status %d", status))
				}
			}
		})
	}
	wg.Go(func() {
		arrive(arrivals, start, due)
		close(due)
	})
	wg.Wait()
	took := time.Since(start)
	s.asking = append(s.asking, (ownCPU()-before).Seconds()/took.Seconds())
	s.add(rate, took, outcomes)
	return nil
}

// ownCPU is the time that this process has computed.
func ownCPU() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}

// arrive sends requests at their times. It sleeps in the system, on a thread of
// its own: a goroutine that went round until the next arrival would keep the
// scheduler from looking at the network, for up to 10 ms, and Go's timers are as
// coarse as a millisecond.
func arrive(arrivals []time.Duration, start time.Time, due chan<- time.Duration) {
	runtime.LockOSThread() // and end it, as it wakes up more precisely than others
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	for _, at := range arrivals {
		for {
			wait := at - time.Since(start)
			if wait <= 0 {
				break
			}
			t := unix.NsecToTimespec(int64(wait))
			unix.Nanosleep(&t, nil)
		}
		due <- at
	}
}

// add adds a round.
func (s *serviceSeries) add(rate float64, took time.Duration, outcomes []outcome) {
	var samples []float64
	for _, o := range outcomes {
		samples = append(samples, o.samples...)
		s.rejected += o.rejected
		s.failed += o.failed
		if s.err == nil {
			s.err = o.err
		}
	}
	s.answered += len(samples)
	s.rates = append(s.rates, rate)
	s.goodputs = append(s.goodputs, float64(len(samples))/took.Seconds())
	if len(samples) > 0 {
		slices.Sort(samples)
		s.p50 = append(s.p50, quantile(samples, 0.5))
		s.p99 = append(s.p99, quantile(samples, 0.99))
		s.p999 = append(s.p999, quantile(samples, 0.999))
	}
}

// result has the medians of the rounds.
func (s *serviceSeries) result() serviceResult {
	return serviceResult{
		Server: s.transport.server, Transport: s.transport.name, Load: s.load, Same: s.same,
		Rate: median(s.rates), Goodput: median(s.goodputs), Capacity: median(s.transport.capacities),
		Requests: s.answered + s.rejected + s.failed, Rejected: s.rejected, Failed: s.failed,
		Asking: median(s.asking) / float64(max(1, runtime.NumCPU()-serverCPUs())),
		P50:    median(s.p50), P99: median(s.p99), P999: median(s.p999),
	}
}

// median is 0 of nothing.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	return quantile(slices.Sorted(slices.Values(x)), 0.5)
}
