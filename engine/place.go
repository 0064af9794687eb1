package engine

import "github.com/infer-go/infer/kernels"

// placeConcats takes out each concatenation of channels whose operands can be
// written where they are to stand: each is the only result of a step that can
// place it, and nothing else reads it.
func (b *binder) placeConcats() {
	readers := b.readers()
	kept := b.steps[:0]
	written := make([]writing, len(b.buffers))
	for _, s := range b.steps {
		if !s.traits.JoinsChannels || !b.placeable(kept, written, readers, s) {
			for _, c := range s.out {
				written[c].times++
				written[c].last = len(kept)
			}
			kept = append(kept, s)
			continue
		}
		concat := b.net.Steps[s.index]
		channels := b.net.Values[concat.Out[0]].Shape[3]
		first := 0
		for k, c := range s.in {
			m := &kept[written[c].last]
			m.op = m.op.(kernels.Placer).Place(first, channels)
			m.out = s.out
			b.scratch = max(b.scratch, m.op.Scratch())
			if written[c].times == 1 {
				b.buffers[c].size = 0 // nothing uses it any more
			}
			first += b.net.Values[concat.In[k]].Shape[3]
		}
	}
	b.steps = kept
}

// A writing is what the steps so far have done with a buffer.
type writing struct {
	times int
	last  int // the last writer's place among the steps that are kept
}

// readers counts, for each step of the net, the steps that read what it writes: an
// operation in place writes where another one did.
func (b *binder) readers() []int {
	readers := make([]int, len(b.net.Steps))
	last := make([]int, len(b.buffers)) // the writer, or −1 before there is one
	for c := range last {
		last[c] = -1
	}
	for _, s := range b.steps {
		for _, c := range s.in {
			if last[c] >= 0 {
				readers[last[c]]++
			}
		}
		for _, c := range s.out {
			last[c] = s.index
		}
	}
	return readers
}

// placeable says that every operand of the concatenation s can be placed; kept
// are the steps before it.
func (b *binder) placeable(kept []step, written []writing, readers []int, s step) bool {
	concat := b.net.Steps[s.index]
	for k, c := range s.in {
		if written[c].times == 0 || b.buffers[c].pinned {
			return false
		}
		m := kept[written[c].last]
		if readers[m.index] != 1 {
			return false
		}
		// A view of the result, of another shape, has the same buffer.
		if len(m.in) != 1 || b.net.Steps[m.index].Out[0] != concat.In[k] {
			return false
		}
		if _, ok := m.op.(kernels.Placer); !ok {
			return false
		}
	}
	return true
}
