package score

import (
	"sync"
	"time"

	"github.com/infer-go/infer/engine"
)

// A Pool answers pictures on several threads, each with a session of its own. Of
// one model, or of two with the same bytes on the same kernels, the answers have
// the same bits whatever pictures come together, and on however many threads.
type Pool struct {
	work    chan *Batch
	threads sync.WaitGroup
}

// NewPool makes a Pool whose answers have the top best classes.
func NewPool(m *engine.Model, threads, top int) *Pool {
	p := &Pool{work: make(chan *Batch, threads)}
	for range threads {
		p.threads.Go(func() {
			w := worker{m: m, top: top}
			defer w.close()
			for b := range p.work {
				begin := time.Now()
				b.answers, b.err = w.answer(b.Pictures)
				b.took = time.Since(begin)
				close(b.done)
			}
		})
	}
	return p
}

// A Batch is pictures that one thread answers.
type Batch struct {
	Pictures []Picture

	answers []Answer
	err     error
	took    time.Duration
	done    chan struct{}
}

// Begin begins to answer pictures. It waits while every thread has a batch, and
// another one to take next.
func (p *Pool) Begin(pictures []Picture) *Batch {
	b := &Batch{Pictures: pictures, done: make(chan struct{})}
	p.work <- b
	return b
}

// Done reports whether Wait would not wait.
func (b *Batch) Done() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// Wait returns the answers, one for each picture. The error is that of a Fatal: of
// none of the pictures there is an answer then.
func (b *Batch) Wait() ([]Answer, error) {
	<-b.done
	return b.answers, b.err
}

// Took is how long the thread was at it, after Wait.
func (b *Batch) Took() time.Duration { return b.took }

// Close ends the threads when what has begun is done.
func (p *Pool) Close() {
	close(p.work)
	p.threads.Wait()
}
