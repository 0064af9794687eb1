package engine

import (
	"fmt"
	"time"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// An executor runs a plan in memory of its own. It does not refer to the
// Session that owns it: goroutines that wait in its team would otherwise keep
// a forgotten Session alive.
type executor struct {
	*plan
	shared  []byte          // the plan's shared part
	threads []thread        // the first is the caller's
	team    *team           // the others; nil if there are none
	done    <-chan struct{} // of the run's context; nil if it cannot be cancelled
	backing *backing        // held until close

	// pictures: all items of the run have been set by SetPicture.
	pictures bool
}

// A thread is what one goroutine needs to run steps.
type thread struct {
	workspace kernels.Workspace
	local     []byte   // the plan's local part
	in, out   [][]byte // operands of the step at hand

	// times, if not nil, adds up what each step of the net takes.
	times []time.Duration
}

// newExecutor makes an executor, for which the caller has taken hold of the
// backing.
func newExecutor(pl *plan, threads int, b *backing) *executor {
	p := pl.program
	arena := tensor.DirtyBytes(pl.shared + threads*pl.local)
	x := &executor{plan: pl, shared: arena[:pl.shared], threads: make([]thread, threads), backing: b}
	for i := range x.threads {
		from := pl.shared + i*pl.local
		x.threads[i] = thread{
			workspace: kernels.Workspace{Scratch: tensor.DirtyBytes(p.scratch)},
			local:     arena[from : from+pl.local],
			in:        make([][]byte, p.operands),
			out:       make([][]byte, p.operands),
		}
	}
	if threads > 1 {
		x.team = newTeam(x.threads[1:])
	}
	return x
}

// close ends the team and lets go of the backing.
func (x *executor) close() error {
	if x.team != nil {
		x.team.close()
	}
	return x.backing.release()
}

// fault is the error of a run that met a fault, nil for others. It takes the
// fault back.
func (x *executor) fault() (err error) {
	for i := range x.threads {
		w := &x.threads[i].workspace
		switch w.Fault {
		case nil:
			continue
		case kernels.ErrNaN:
			err = fmt.Errorf("%w: %w", ErrNaN, w.Fault)
		default:
			err = fmt.Errorf("%w: %w", ErrFault, w.Fault)
		}
		w.Fault = nil
	}
	return err
}

// splitWork is the work, in multiply-adds, from which on it is divided among
// threads: some 80 µs for one of them, more than it takes to wake another.
const splitWork = 4 << 20

// run computes n items, or fewer once done is closed.
func (x *executor) run(n int) {
	caller := &x.threads[0]
	if x.byThreads(n) {
		pieces := len(x.threads)
		x.team.run(caller, job{x: x, items: n, total: n, chunk: (n + pieces - 1) / pieces})
		return
	}
	for i := range x.groups {
		g := &x.groups[i]
		chunk := g.chunk
		if chunk == 0 {
			chunk = n
		}
		if x.byItems(g, n) {
			// Many small pieces: whoever is done first waits for the last one.
			pieces := 16 * len(x.threads)
			chunk = min(chunk, (n+pieces-1)/pieces)
			x.team.run(caller, job{x: x, group: g, items: n, total: n, chunk: chunk})
			continue
		}
		for first := 0; first < n; first += chunk {
			x.pass(caller, g, first, min(chunk, n-first), x.team)
		}
	}
}

// byThreads says that each thread takes its part of the items through the
// whole net: they meet once, at the end.
func (x *executor) byThreads(n int) bool {
	if x.team == nil || !x.apart || n < 4*len(x.threads) {
		return false
	}
	work := int64(0)
	for i := range x.groups {
		work = add(work, x.groups[i].work)
	}
	return work >= splitWork/int64(n)
}

// through takes items first, …, first+n−1 through the whole net.
func (x *executor) through(t *thread, first, n int) {
	for i := range x.groups {
		g := &x.groups[i]
		chunk := g.chunk
		if chunk == 0 {
			chunk = n
		}
		for from := first; from < first+n; from += chunk {
			x.pass(t, g, from, min(chunk, first+n-from), nil)
		}
	}
}

// byItems says that threads divide the items among them on the way through a
// group, rather than the parts of each step.
func (x *executor) byItems(g *group, n int) bool {
	if x.team == nil || n == 1 || g.chunk == 0 || g.work < splitWork/int64(n) {
		return false
	}
	// With fewer items than threads some are idle: still better than dividing
	// steps that are too small for it.
	return n >= len(x.threads) || g.work/int64(g.hi-g.lo) < splitWork
}

// pass takes items first, …, first+n−1 through the steps of a group. A team,
// if there is one, helps with large steps.
func (x *executor) pass(t *thread, g *group, first, n int, helpers *team) {
	from := g.lo
	if x.pictures {
		from = max(from, x.program.first)
	}
	for i := from; i < g.hi && !x.stopped(); i++ {
		s := &x.steps[i]
		parts := x.op(s).Tasks(n)
		if helpers != nil && parts > 1 && s.work >= splitWork/int64(n) {
			// Two pieces for each thread, so that one that is held up does
			// not hold up the others for long.
			pieces := 2 * len(x.threads)
			helpers.run(t, job{x: x, step: s, local: t.local, first: first, items: n, total: parts, chunk: (parts + pieces - 1) / pieces})
			continue
		}
		if t.times == nil {
			x.compute(t, s, t.local, first, n, 0, parts)
			continue
		}
		start := time.Now()
		x.compute(t, s, t.local, first, n, 0, parts)
		t.times[s.index] += time.Since(start)
	}
}

// compute does parts lo, …, hi−1 of a step for n items from first on. Local
// values lie in local, which is another thread's if that one is being helped.
func (x *executor) compute(t *thread, s *planStep, local []byte, first, n, lo, hi int) {
	op, in := x.op(s), s.in
	if x.pictures {
		in = s.fromPicture
	}
	for k := range in {
		t.in[k] = in[k].bytes(x.shared, local, first, n)
	}
	for k := range s.out {
		t.out[k] = s.out[k].bytes(x.shared, local, first, n)
	}
	piece := hi - lo
	if x.done != nil {
		piece = s.piece(op, n)
	}
	for lo < hi {
		end := min(hi, lo+piece)
		op.Run(&t.workspace, t.in[:len(in)], t.out[:len(s.out)], n, lo, end)
		if lo = end; lo < hi && x.stopped() {
			return
		}
	}
}

// op is what a step runs.
func (x *executor) op(s *planStep) kernels.Op {
	if x.pictures {
		return s.opFromPicture
	}
	return s.op
}

// pieceWork is the work, in multiply-adds, after which a context is looked at:
// about a millisecond.
const pieceWork = 32 << 20

// piece is how many parts of a step, which runs op for n items, are of pieceWork, at
// least one.
func (s *planStep) piece(op kernels.Op, n int) int {
	parts := float64(op.Tasks(n))
	return int(max(1, min(parts, parts*pieceWork/(float64(s.work)*float64(n)+1))))
}

// bytes returns the memory of n items from first on.
func (o operand) bytes(shared, local []byte, first, n int) []byte {
	if o.local {
		return local[o.off : o.off+n*o.size : o.off+n*o.size]
	}
	from := o.off + first*o.size
	return shared[from : from+n*o.size : from+n*o.size]
}

// stopped says that the run's context is done.
func (x *executor) stopped() bool {
	select {
	case <-x.done:
		return true
	default:
		return false
	}
}
