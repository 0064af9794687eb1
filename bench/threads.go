package main

import (
	"fmt"
	"log"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/tensor"
)

func (b *bench) raceThreads() error {
	for _, path := range b.nets {
		for _, batch := range []int{1, 64} {
			r, err := raceThreadsOf(path, batch, b.rounds, b.each)
			if err != nil {
				log.Printf("%s at batch %d: %v", path, batch, err)
				continue
			}
			b.Threads = append(b.Threads, r)
		}
	}
	return nil
}

// raceThreadsOf runs a net on one thread and on two, and compares their outputs
// to the bit.
func raceThreadsOf(path string, batch, rounds int, each time.Duration) (result, error) {
	m, err := freeze(path, tensor.F32)
	if err != nil {
		return result{}, err
	}
	defer m.Close()
	var contenders []contender
	var sessions []*engine.Session
	for _, threads := range []int{1, 2} {
		s, err := m.NewSession(engine.SessionOptions{Batch: batch, Threads: threads})
		if err != nil {
			return result{}, err
		}
		defer s.Close()
		for i := range m.Inputs() {
			fill(s.Input(i))
		}
		if err := s.Run(batch); err != nil {
			return result{}, err
		}
		sessions = append(sessions, s)
		contenders = append(contenders, running(fmt.Sprintf("%d threads", threads), s, batch))
	}
	for i := range m.Outputs() {
		one, two := sessions[0].Output(i), sessions[1].Output(i)
		for j := range one {
			if one[j] != two[j] {
				return result{}, fmt.Errorf("two threads give %v, one gives %v", two[j], one[j])
			}
		}
	}
	r := result{Work: fmt.Sprintf("%s, batch %d", netName(path), batch), Items: batch, MACs: float64(batch) * float64(modelMACs(m)), Timings: race(rounds, each, contenders...)}
	one, two := r.Timings[0], r.Timings[1]
	fmt.Printf("%-28s one thread %9.2f µs an item, two %9.2f: %.2f times as fast (median %.2f)\n", r.Work,
		one.Best/1e3/float64(batch), two.Best/1e3/float64(batch), one.Best/two.Best, one.Median/two.Median)
	return r, nil
}
