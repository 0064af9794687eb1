package inferbeam

import (
	"context"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/infer-go/infer/internal/score"
)

// A classifier is what the DoFns of Classify have in common. Threads of its own
// compute; everything is emitted on the caller's goroutine, as Beam wants it.
type classifier struct {
	Options Options

	// Across says that pictures of several elements are computed together, and
	// answered in a later call.
	Across bool

	pool *score.Pool

	// In a bundle: pictures that no thread has yet, each with its time; and what
	// threads have, in order.
	pictures []score.Picture
	times    []beam.EventTime
	begun    []begun
}

type begun struct {
	*score.Batch
	times []beam.EventTime
}

// together is how many pictures a thread takes at a time.
const together = 64

// Setup opens the model, once for the process, and makes threads and sessions.
func (c *classifier) Setup(ctx context.Context) error {
	m, err := model(ctx, c.Options.Model)
	if err != nil {
		return err
	}
	if err := score.Check(m); err != nil {
		return fmt.Errorf("inferbeam.Classify: %s: %w", c.Options.Model, err)
	}
	c.pool = score.NewPool(m, c.Options.threads(), max(1, c.Options.Top))
	return nil
}

// StartBundle forgets a bundle that was cut off: its elements come again.
func (c *classifier) StartBundle(context.Context, answerEmitter, badEmitter) {
	c.pictures, c.times, c.begun = nil, nil, nil
}

// take answers the pictures of an element, or puts them by.
func (c *classifier) take(ctx context.Context, emit answerEmitter, bad badEmitter, at beam.EventTime, pictures ...score.Picture) error {
	for _, p := range pictures {
		c.pictures, c.times = append(c.pictures, p), append(c.times, at)
		if len(c.pictures) == c.share(len(pictures)) {
			c.begin()
		}
	}
	if !c.Across {
		return c.FinishBundle(ctx, emit, bad)
	}
	// No more waits than keeps all threads at work.
	for len(c.begun) > 0 && (c.begun[0].Done() || len(c.begun) > 2*c.Options.threads()) {
		if err := c.emit(ctx, emit, bad); err != nil {
			return err
		}
	}
	return nil
}

// share is how many pictures a thread gets, of an element that has n.
func (c *classifier) share(n int) int {
	if c.Across {
		return together
	}
	return min(together, (n-1)/c.Options.threads()+1)
}

// begin gives the pictures that have been put by to a thread.
func (c *classifier) begin() {
	if len(c.pictures) > 0 {
		c.begun = append(c.begun, begun{c.pool.Begin(c.pictures), c.times})
		c.pictures, c.times = nil, nil
	}
}

// emit waits for the first of what threads have, and emits it.
func (c *classifier) emit(ctx context.Context, emit answerEmitter, bad badEmitter) error {
	b := c.begun[0]
	c.begun = c.begun[1:]
	answers, err := b.Wait()
	if err != nil {
		return err
	}
	failures := int64(0)
	for i, a := range answers {
		if name := b.Pictures[i].Name; a.Err != nil {
			failures++
			bad(b.times[i], Bad{name, a.Err.Error(), a.Line})
		} else {
			emit(b.times[i], Answer{name, a.Line})
		}
	}
	pictureCount.Inc(ctx, int64(len(answers)))
	failureCount.Inc(ctx, failures)
	pictureTime.Update(ctx, b.Took().Nanoseconds()/int64(len(answers)))
	return nil
}

// FinishBundle answers what has been put by.
func (c *classifier) FinishBundle(ctx context.Context, emit answerEmitter, bad badEmitter) error {
	c.begin()
	for len(c.begun) > 0 {
		if err := c.emit(ctx, emit, bad); err != nil {
			return err
		}
	}
	return nil
}

// Teardown ends the threads.
func (c *classifier) Teardown() {
	if c.pool != nil {
		c.pool.Close()
	}
}
