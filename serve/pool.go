package serve

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// quantum is the least computing time that a model may use before it is
// another one's turn.
const quantum = time.Millisecond

// A pool has the permits, and the models among which they go round.
type pool struct {
	permits   int
	maxWait   time.Duration
	maxMemory int64

	mu     sync.Mutex // held for nothing that takes long
	free   int        // permits; what waits meanwhile is between enter and start
	memory int64      // of all Sessions
	models []*Model   // that are not closed
	turns  []*Model   // those for which requests wait, in the order of their turns
}

// enter queues a request. It is true if a permit is free, and start is to be called.
func (p *pool) enter(m *Model, r *Request) (free bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.refuse(r.ctx, m, r.Waited); err != nil {
		return false, err
	}
	free = p.free > 0
	r.first = free && len(p.turns) == 0
	p.queue(m, r, false)
	return free, nil
}

// start hands out permits that are free. The goroutines that can run have queued
// their requests before, as far as there are no processors for them: they share
// batches as those do that wait for a permit.
func (p *pool) start() {
	runtime.Gosched()
	p.mu.Lock()
	for p.free > 0 && p.pass() {
		p.free--
	}
	p.mu.Unlock()
}

// queue lets a request wait, at the end of its model's queue, or at its head.
func (p *pool) queue(m *Model, r *Request, head bool) {
	r.since = time.Now()
	r.state = queued
	if m.waiting == 0 {
		p.turns = append(p.turns, m)
		m.credit = 0
	}
	if head {
		m.pushHead(r)
	} else {
		m.push(r)
	}
}

// lead gives a request a permit and, if there is one, a Session.
func (m *Model) lead(r *Request) {
	r.state = leading
	r.follower = nil
	r.led = time.Now()
	r.chunk = min(r.left(), m.batch)
	r.session = m.takeSession(r.Sizes)
}

// refuse is a *BusyError if an item of m that has waited for some time would wait
// too long in all, else nil.
func (p *pool) refuse(ctx context.Context, m *Model, waited time.Duration) error {
	wait := p.wait(m)
	if deadline, ok := ctx.Deadline(); waited+wait > p.maxWait || ok && wait > time.Until(deadline) {
		return &BusyError{waited, wait}
	}
	return nil
}

// wait estimates how long an item of m that came now would wait. Until it is
// m's queue's end's turn, other models get as much time as m at most.
func (p *pool) wait(m *Model) time.Duration {
	own := time.Duration(m.waiting) * m.itemTime
	total := own
	for _, other := range p.turns {
		if other != m {
			total += min(time.Duration(other.waiting)*other.itemTime, own+m.itemTime)
		}
	}
	return total / time.Duration(p.permits)
}

// await waits until a request that was queued leads a batch, and is true, or is
// answered.
func (p *pool) await(m *Model, r *Request) (leads bool) {
	select {
	case <-r.ready:
	case <-r.ctx.Done():
		p.mu.Lock()
		if r.state == queued {
			m.remove(r)
			r.state, r.err = answered, r.ctx.Err()
			if m.waiting == 0 {
				p.endTurn(m)
			}
			p.mu.Unlock()
			return false
		}
		p.mu.Unlock()
		// Somebody reads its inputs already, or it has a permit to pass on.
		<-r.ready
	}
	return r.state == leading
}

// leave gives back a permit, and a Session unless it is nil, after a batch of n
// items was computed in some time; n is 0 if it was not. A request of which items
// are left, nil if there is none, is the next one of its model.
func (p *pool) leave(m *Model, s *session, n int, t *Times, led time.Time, unfinished *Request) {
	p.mu.Lock()
	if n > 0 {
		m.stats.batch(n, t)
		item := time.Since(led) / time.Duration(n)
		if m.itemTime == 0 {
			m.itemTime = item
		} else {
			m.itemTime += (item - m.itemTime) / 8
		}
	}
	var surplus *session
	if s != nil {
		s.used = time.Now()
		m.idle = append(m.idle, s)
		if len(m.idle) > p.permits { // of several sizes
			surplus = m.idle[0]
			m.idle = slices.Delete(m.idle, 0, 1)
			m.forget(surplus)
		}
	}
	if unfinished != nil {
		p.queue(m, unfinished, true)
	}
	if !p.pass() {
		p.free++
	}
	p.mu.Unlock()
	if surplus != nil {
		surplus.Close()
	}
}

// pass hands a permit on to the model whose turn it is. It is false if nothing
// waits.
func (p *pool) pass() bool {
	for len(p.turns) > 0 {
		m := p.turn()
		lead, share := m.shift()
		if lead != nil {
			m.lead(lead)
			m.gather(lead, share)
		}
		if m.waiting == 0 {
			p.endTurn(m)
		}
		if lead != nil {
			lead.ready <- struct{}{}
			return true
		}
	}
	return false
}

// turn is the model that computes next.
func (p *pool) turn() *Model {
	if len(p.turns) == 1 {
		p.turns[0].credit = 0 // there is nobody to whom it owes
		return p.turns[0]
	}
	most := quantum
	for _, m := range p.turns {
		most = max(most, m.itemTime)
	}
	for {
		m := p.turns[0]
		if m.credit >= m.itemTime {
			return m
		}
		m.credit += most
		p.turns = append(slices.Delete(p.turns, 0, 1), m)
	}
}

// endTurn takes a model out for which nothing waits.
func (p *pool) endTurn(m *Model) {
	if i := slices.Index(p.turns, m); i >= 0 {
		p.turns = slices.Delete(p.turns, i, i+1)
	}
}

// shift takes the first request that anybody still waits for out of the queue,
// nil if there is none, and says what is the share in items of what waited;
// requests before it are given up.
func (m *Model) shift() (r *Request, share int) {
	for m.first != nil {
		r, share = m.first, (m.waiting+m.pool.permits-1)/m.pool.permits
		m.remove(r)
		if m.pool.alive(r) {
			return r, share
		}
	}
	return nil, 0
}

// gather fills the batch that a request leads, up to a share, with those that
// wait behind it.
func (m *Model) gather(lead *Request, share int) {
	n, last := lead.chunk, lead
	for lead.use == nil && n < min(share, m.batch) && m.first != nil {
		r := m.first
		if r.use != nil || n+r.left() > m.batch || !slices.Equal(r.Sizes, lead.Sizes) {
			break
		}
		m.remove(r)
		if !m.pool.alive(r) {
			continue
		}
		r.state, r.chunk, r.follower = follows, r.left(), nil
		last.follower, last = r, r
		n += r.chunk
	}
	now := time.Now()
	for r := lead; r != nil; r = r.follower {
		r.Times.Queue += now.Sub(r.since)
	}
	m.credit -= time.Duration(n) * m.itemTime
}

// alive says whether anybody waits for a request that was taken out of the
// queue, and answers it if not.
func (p *pool) alive(r *Request) bool {
	err := r.ctx.Err()
	if err == nil && !r.first && r.done == 0 {
		// It has cost as much as an answer but for computing, and so it may wait for
		// somewhat longer than was expected.
		if waited := r.Waited + time.Since(r.since); waited > p.maxWait+p.maxWait/4 {
			err = &BusyError{Waited: waited}
		}
	}
	if err != nil {
		r.state, r.err = answered, err
		r.ready <- struct{}{}
		return false
	}
	return true
}

// push appends a request to the queue.
func (m *Model) push(r *Request) {
	r.prev, r.next = m.last, nil
	if m.last != nil {
		m.last.next = r
	} else {
		m.first = r
	}
	m.last = r
	m.waiting += r.left()
}

// pushHead puts a request before all that wait.
func (m *Model) pushHead(r *Request) {
	r.prev, r.next = nil, m.first
	if m.first != nil {
		m.first.prev = r
	} else {
		m.last = r
	}
	m.first = r
	m.waiting += r.left()
}

// remove takes a request out of the queue, wherever it stands.
func (m *Model) remove(r *Request) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		m.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		m.last = r.prev
	}
	r.prev, r.next = nil, nil
	m.waiting -= r.left()
}

// compute computes the batch that a request leads, and passes its permit on. It is
// true if items of the request are left, for which it waits.
func (p *pool) compute(m *Model, lead *Request) (again bool) {
	var t Times
	s, n, err := lead.session, 0, error(nil)
	if s == nil {
		s, err = m.newSession(lead.Sizes)
	}
	if err == nil {
		n, err = m.run(s, lead, &t)
	}
	if err != nil {
		n = 0
	}
	if s != nil && errors.Is(err, ErrComputing) {
		p.mu.Lock()
		m.forget(s)
		p.mu.Unlock()
		s.Close()
		s = nil
	}
	for r := lead; r != nil; r = r.follower {
		r.done += r.chunk
		r.err = err
		r.Times.Input += t.Input
		r.Times.Run += t.Run
		r.Times.Output += t.Output
	}
	follower, unfinished := lead.follower, (*Request)(nil)
	if again = err == nil && lead.left() > 0; again {
		unfinished = lead
	}
	p.leave(m, s, n, &t, lead.led, unfinished)
	for r := follower; r != nil; r = follower {
		follower = r.follower // r is its goroutine's own again, after this
		r.state = answered
		r.ready <- struct{}{}
	}
	return again
}

// run computes the batch that a request leads in a Session, and returns how
// many items it has.
func (m *Model) run(s *session, lead *Request, t *Times) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", ErrComputing, v)
		}
	}()
	start := time.Now()
	if lead.use != nil {
		err := lead.use(s.Session)
		t.Run = time.Since(start)
		return 1, err
	}
	for r := lead; r != nil; r = r.follower {
		for i, in := range r.Inputs {
			size := len(in) / r.Items
			copy(s.InputBytes(i)[n*size:], in[r.done*size:][:r.chunk*size])
		}
		n += r.chunk
	}
	input := time.Now()
	if lead.follower == nil {
		err = s.RunContext(lead.ctx, n)
	} else {
		err = s.Run(n) // one request's deadline is not the others'
	}
	if err != nil {
		return 0, err
	}
	ran := time.Now()
	at := 0
	for r := lead; r != nil; r = r.follower {
		r.outputs = s.outputs
		for i := range r.Outputs {
			out := s.OutputBytes(i)
			size := len(out) / n
			if r.done == 0 {
				r.Outputs[i] = slices.Grow(r.Outputs[i][:0], r.Items*size)[:r.Items*size]
			}
			copy(r.Outputs[i][r.done*size:], out[at*size:][:r.chunk*size])
		}
		at += r.chunk
	}
	t.Input, t.Run, t.Output = input.Sub(start), ran.Sub(input), time.Since(ran)
	return n, nil
}
