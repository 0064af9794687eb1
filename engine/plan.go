package engine

import (
	"fmt"

	"github.com/infer-go/infer/tensor"
)

// A plan says, for batches of up to one size, in which order the items pass
// through the steps and where in memory their values lie.
//
// Where a step's weights are large, the items of a batch pass through it all
// together: the weights are then read from memory once for the batch. Where
// weights are small it is the activations that should stay in the cache, and
// few items at a time pass through as many steps as there are.
//
// Memory is one arena. Its shared part holds the values of all items of a
// batch; its local parts, one for each thread, hold those values that only
// the items on their way through a group of steps need.
type plan struct {
	program *program
	batch   int
	steps   []planStep
	groups  []group

	inputs, outputs []operand
	shared, local   int // bytes

	// apart says that no two values share memory of the shared part: items
	// need not wait for one another on their way through the whole net.
	apart bool
}

// A planStep is a step that knows where its operands lie.
type planStep struct {
	*step
	in, out     []operand
	fromPicture []operand // in place of in, in a run of interleaved pictures
}

// An operand is the memory of a value: that of item i begins at off + i·size
// and ends before off + (i+1)·size, in bytes from the start of the shared
// part; or, if local, from the start of the thread's own part, where items are
// counted from the first on its way.
type operand struct {
	off, size int
	local     bool
}

// A group is a run of steps through which items pass in the same way.
type group struct {
	lo, hi int // steps lo, …, hi−1

	// chunk is how many items pass through the steps at a time; 0 if they
	// pass one step after the other all together.
	chunk int

	work int64 // of all steps, for one item
}

const (
	// heavyWeights is the size in bytes of a step's weights from which on it
	// takes all items together: half of a small L2 cache.
	heavyWeights = 256 << 10

	// chunkBytes is what the operands and results of each step may take if
	// more than one item is in a chunk: they share the L2 cache with weights.
	chunkBytes = 128 << 10
)

// newPlan plans a program for batches of up to batch items.
func newPlan(p *program, batch int) (*plan, error) {
	lives := p.lives()
	total := 0
	for _, b := range lives {
		// At the size to which blocks are rounded up, and again as far as gaps
		// between blocks go.
		var ok bool
		if total, ok = plus(total, tensor.AlignUp(b.size)); ok {
			_, ok = tensor.Product(2, total, batch)
		}
		if !ok {
			return nil, fmt.Errorf("%w: batch %d, which exceeds the address space", ErrMemory, batch)
		}
	}

	pl := &plan{program: p, batch: batch, groups: p.groups(batch)}
	of := make([]*group, len(p.steps)+1) // the last for nets without steps
	of[len(p.steps)] = &group{}
	for i := range pl.groups {
		for s := pl.groups[i].lo; s < pl.groups[i].hi; s++ {
			of[s] = &pl.groups[i]
		}
	}

	// An operand's off is first its index among the blocks and then that block's.
	operands := make([]operand, len(lives))
	var shared, local []block
	for c, b := range lives {
		operands[c].size = b.size
		pinned := p.buffers[c].pinned
		if pinned {
			b.first, b.last = 0, max(len(p.steps)-1, 0)
		}
		from, to := of[b.first], of[b.last]
		if from == to && from.chunk > 0 && !pinned {
			operands[c].local = true
			operands[c].off = len(local)
			b.size *= from.chunk
			local = append(local, b)
			continue
		}
		// When the first items leave a group, the last have yet to enter it:
		// what it reads is in use to its end.
		if to.chunk > 0 {
			b.last = to.hi - 1
		}
		operands[c].off = len(shared)
		b.size *= batch
		shared = append(shared, b)
	}
	pl.shared, pl.local = assign(shared), assign(local)
	// Where reuse saves little, as with few heavy steps, it is not worth that
	// threads wait for one another at each of them.
	if size := sizes(shared); batch > 1 && size <= pl.shared+pl.shared/8 {
		pl.shared, pl.apart = layApart(shared), true
	}
	for c := range operands {
		if o := &operands[c]; o.local {
			o.off = local[o.off].off
		} else {
			o.off = shared[o.off].off
		}
	}

	pick := func(buffers []int) []operand {
		os := make([]operand, len(buffers))
		for i, c := range buffers {
			os[i] = operands[c]
		}
		return os
	}
	for _, e := range p.inputs {
		pl.inputs = append(pl.inputs, operands[e.buffer])
	}
	for _, e := range p.outputs {
		pl.outputs = append(pl.outputs, operands[e.buffer])
	}
	for i := range p.steps {
		s := &p.steps[i]
		pl.steps = append(pl.steps, planStep{step: s, in: pick(s.in), out: pick(s.out), fromPicture: pick(s.fromPicture)})
	}
	return pl, nil
}

// lives returns a block for each buffer: its size for one item, and the steps
// from the first to the last that need it. Inputs are there from the start,
// and outputs stay to the end.
func (p *program) lives() []block {
	end := max(len(p.steps)-1, 0)
	blocks := make([]block, len(p.buffers))
	for c, b := range p.buffers {
		blocks[c] = block{size: b.size, first: end}
	}
	need := func(buffers []int, step int) {
		for _, c := range buffers {
			blocks[c].first = min(blocks[c].first, step)
			blocks[c].last = max(blocks[c].last, step)
		}
	}
	for _, e := range p.inputs {
		need([]int{e.buffer}, 0)
	}
	for i, s := range p.steps {
		need(s.in, i)
		need(s.out, i)
	}
	for _, e := range p.outputs {
		need([]int{e.buffer}, end)
	}
	return blocks
}

// groups divides the steps: runs of more than one light step are passed in
// chunks, everything else, and a batch of one, all together.
func (p *program) groups(batch int) []group {
	var gs []group
	for lo := 0; lo < len(p.steps); {
		g := group{lo: lo, hi: lo}
		for g.hi < len(p.steps) && (batch == 1 || p.steps[g.hi].weights < heavyWeights) {
			g.hi++
		}
		if g.hi = max(g.hi, lo+1); batch > 1 && g.hi > lo+1 {
			g.chunk = p.chunk(lo, g.hi, batch)
		}
		for _, s := range p.steps[lo:g.hi] {
			g.work = add(g.work, s.work)
		}
		gs = append(gs, g)
		lo = g.hi
	}
	return gs
}

// chunk is the number of items, at least 1, whose values stay in the cache.
func (p *program) chunk(lo, hi, batch int) int {
	most := 1
	for _, s := range p.steps[lo:hi] {
		size := 0
		for _, c := range s.in {
			size += p.buffers[c].size
		}
		for _, c := range s.out {
			size += p.buffers[c].size
		}
		most = max(most, size)
	}
	return min(max(chunkBytes/most, 1), batch)
}
