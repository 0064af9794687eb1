package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"
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

// open makes all connections, once.
func (t *transport) open() error {
	for len(t.pool) < connections {
		a, err := t.connect()
		if err != nil {
			return err
		}
		t.pool = append(t.pool, a)
	}
	return nil
}

// measureCapacity keeps a few connections busy for some time.
func (t *transport) measureCapacity(each time.Duration) error {
	if err := t.open(); err != nil {
		return err
	}
	const busy = 8
	answered := make([]int, busy)
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
					answered[i]++
				}
			}
		})
	}
	wg.Wait()
	sum := 0
	for i := range busy {
		if errs[i] != nil {
			return fmt.Errorf("%s, %s: %w", t.server, t.name, errs[i])
		}
		sum += answered[i]
	}
	t.capacity = float64(sum) / time.Since(start).Seconds()
	t.capacities = append(t.capacities, t.capacity)
	return nil
}

// A serviceSeries gathers what becomes of requests on one transport under one
// load.
type serviceSeries struct {
	transport *transport
	load      float64
	same      bool

	rates            []float64
	goodputs         []float64
	samples          []float64 // of those that were answered
	rejected, failed int
	err              error // why the first one failed
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
	if err := s.transport.open(); err != nil {
		return err
	}
	arrivals := poisson(rate, each, rng)
	due := make(chan time.Duration, len(arrivals))
	outcomes := make([]outcome, connections)
	var wg sync.WaitGroup
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
	for _, at := range arrivals {
		for {
			wait := at - time.Since(start)
			if wait <= 0 {
				break
			}
			if wait > time.Millisecond {
				time.Sleep(wait - time.Millisecond)
			} else {
				runtime.Gosched()
			}
		}
		due <- at
	}
	close(due)
	wg.Wait()
	took := time.Since(start)
	answered := 0
	for _, o := range outcomes {
		s.samples = append(s.samples, o.samples...)
		s.rejected += o.rejected
		s.failed += o.failed
		if s.err == nil {
			s.err = o.err
		}
		answered += len(o.samples)
	}
	s.rates = append(s.rates, rate)
	s.goodputs = append(s.goodputs, float64(answered)/took.Seconds())
	return nil
}

func (s *serviceSeries) result() serviceResult {
	for _, x := range [][]float64{s.samples, s.rates, s.goodputs, s.transport.capacities} {
		slices.Sort(x)
	}
	r := serviceResult{
		Server: s.transport.server, Transport: s.transport.name, Load: s.load, Same: s.same,
		Rate: quantile(s.rates, 0.5), Goodput: quantile(s.goodputs, 0.5), Capacity: quantile(s.transport.capacities, 0.5),
		Requests: len(s.samples) + s.rejected + s.failed, Rejected: s.rejected, Failed: s.failed,
	}
	if len(s.samples) > 0 {
		r.P50, r.P99, r.P999 = quantile(s.samples, 0.5), quantile(s.samples, 0.99), quantile(s.samples, 0.999)
	}
	return r
}
