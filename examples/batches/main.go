// Batches shows how goroutines share a session for several items at a time: they
// send tensors over a channel, and one goroutine computes what waits there as one
// batch. Nobody waits for a batch to fill.
//
//	go run ./examples/batches
package main

import (
	"fmt"
	"log"
	"slices"
	"sync"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights/digits"
)

func main() {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	b, err := newBatcher(m, 8)
	if err != nil {
		log.Fatal(err)
	}
	defer b.close()

	var clients sync.WaitGroup
	for i := range 32 {
		clients.Go(func() {
			input := make([]float32, 28*28) // 0 is the ground, 1 is ink
			for y := 4; y < 24; y++ {
				input[28*y+10+i%8] = 1 // an upright stroke
			}
			scores, err := b.compute(input)
			if err != nil {
				log.Fatal(err)
			}
			classes, err := m.Top(scores, 1)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("client %d: %s\n", i, classes[0].Label)
		})
	}
	clients.Wait()
}

// A batcher computes the requests of many goroutines in one session.
type batcher struct {
	session  *engine.Session
	batch    int // the most items of a run
	requests chan request
	done     chan struct{}
}

// A request is an item, and where its answer goes.
type request struct {
	input  []float32
	answer chan<- answer
}

type answer struct {
	scores []float32
	err    error
}

func newBatcher(m *engine.Model, batch int) (*batcher, error) {
	s, err := m.NewSession(engine.SessionOptions{Batch: batch})
	if err != nil {
		return nil, err
	}
	b := &batcher{s, batch, make(chan request, batch), make(chan struct{})}
	go b.serve()
	return b, nil
}

// compute returns the scores of one item. Any number of goroutines may call it.
func (b *batcher) compute(input []float32) ([]float32, error) {
	answers := make(chan answer, 1)
	b.requests <- request{input, answers}
	a := <-answers
	return a.scores, a.err
}

// close waits for what was asked, and ends the batcher.
func (b *batcher) close() {
	close(b.requests)
	<-b.done
	b.session.Close()
}

func (b *batcher) serve() {
	defer close(b.done)
	waiting := make([]request, 0, b.batch)
	for first := range b.requests {
		waiting = append(waiting[:0], first)
	more:
		for len(waiting) < b.batch {
			select {
			case r, ok := <-b.requests:
				if !ok {
					break more
				}
				waiting = append(waiting, r)
			default: // nobody else waits
				break more
			}
		}
		b.run(waiting)
	}
}

// run computes a batch. An item's bits do not depend on what else is in it.
func (b *batcher) run(batch []request) {
	input := b.session.Input(0)
	n := len(input) / b.batch // elements of an item
	for i, r := range batch {
		copy(input[i*n:(i+1)*n], r.input)
	}
	err := b.session.Run(len(batch))
	scores := b.session.Output(0)
	k := len(scores) / len(batch)
	for i, r := range batch {
		if err != nil {
			r.answer <- answer{err: err}
			continue
		}
		r.answer <- answer{scores: slices.Clone(scores[i*k : (i+1)*k])} // the next run overwrites them
	}
}
