package engine

import "sync/atomic"

// A team is a fixed set of goroutines that help the caller's with a job at a
// time. They sleep between jobs, and a job never waits for one that has not
// woken up: where processors are scarce the caller does all of it.
type team struct {
	wake chan struct{} // a token wakes a helper
	left chan struct{} // the last helper to leave a closed job says so
	size int           // helpers

	// state is open while helpers may join the job, plus helper for each that
	// works on it. The job is the caller's alone while state is 0.
	state atomic.Int64
	next  atomic.Int64 // piece of the job that nobody has taken yet
	job   job
}

const (
	open   = 1
	helper = 2
)

// A job is work that falls into pieces of chunk out of total: parts of a step,
// or items on their way through a group or, without one, through the whole net.
type job struct {
	x            *executor
	group        *group
	step         *planStep
	local        []byte // where the step's local values lie
	first, items int    // the step's items
	total, chunk int
}

func newTeam(threads []thread) *team {
	tm := &team{
		wake: make(chan struct{}, len(threads)),
		left: make(chan struct{}, 1),
		size: len(threads),
	}
	for i := range threads {
		go tm.help(&threads[i])
	}
	return tm
}

// close ends the helpers. No job may be under way.
func (tm *team) close() { close(tm.wake) }

// run does a job on the caller's goroutine and those helpers that wake up in
// time.
func (tm *team) run(caller *thread, j job) {
	tm.job = j
	tm.next.Store(0)
	tm.state.Store(open)
	pieces := (j.total + j.chunk - 1) / j.chunk
	for range min(tm.size, pieces-1) {
		select {
		case tm.wake <- struct{}{}:
		default: // tokens that late sleepers have left will do
		}
	}
	tm.work(caller)
	if tm.state.Add(-open) != 0 {
		<-tm.left
	}
}

func (tm *team) help(t *thread) {
	for range tm.wake {
		if !tm.join() {
			continue
		}
		tm.work(t)
		if tm.state.Add(-helper) == 0 {
			tm.left <- struct{}{}
		}
	}
}

// join enters the job, unless the caller has closed it.
func (tm *team) join() bool {
	for {
		s := tm.state.Load()
		if s&open == 0 {
			return false
		}
		if tm.state.CompareAndSwap(s, s+helper) {
			return true
		}
	}
}

// work takes pieces of the job until none is left.
func (tm *team) work(t *thread) {
	j := &tm.job
	for {
		lo := (int(tm.next.Add(1)) - 1) * j.chunk
		if lo >= j.total {
			return
		}
		hi := min(lo+j.chunk, j.total)
		switch {
		case j.step != nil:
			j.x.compute(t, j.step, j.local, j.first, j.items, lo, hi)
		case j.group != nil:
			j.x.pass(t, j.group, lo, hi-lo, nil)
		default:
			j.x.through(t, lo, hi-lo)
		}
	}
}
