package engine

import "github.com/infer-go/infer/kernels"

// placeConcats has operands of concatenations of channels written where they are
// to stand: those that are the only result of a step that can place it, and that
// nothing else reads. A concatenation has to copy the others; if there are none,
// it is taken out.
func (b *binder) placeConcats() {
	readers := b.readers()
	kept := b.steps[:0]
	written := make([]writing, len(b.buffers))
	for _, s := range b.steps {
		copies := true
		if s.traits.JoinsChannels {
			copies = b.placeOperands(kept, written, readers, &s)
		}
		if copies {
			for _, c := range s.out {
				written[c].times++
				written[c].last = len(kept)
			}
			kept = append(kept, s)
		}
	}
	b.steps = kept
}

// leftBytes is the size of the largest map that operands are placed in if others
// are left to copy. A larger one would leave the second-level cache in between:
// it is better written once, in order.
const leftBytes = 1 << 20

// placeOperands places the operands of the concatenation s as far as possible,
// and reports whether any are left to copy; kept are the steps before it.
func (b *binder) placeOperands(kept []step, written []writing, readers []int, s *step) bool {
	concat := b.net.Steps[s.index]
	result := b.net.Values[concat.Out[0]]
	ops := make([]kernels.Op, len(s.in)) // that place, nil for those that are copied
	placed := make([]bool, len(s.in))
	var others []int // buffers that are copied
	first := 0
	for k, c := range s.in {
		ops[k] = b.place(kept, written, readers, s, k, first, result.Shape[3])
		if placed[k] = ops[k] != nil; !placed[k] {
			others = append(others, c)
		}
		first += b.net.Values[concat.In[k]].Shape[3]
	}
	if len(others) == len(s.in) || len(others) > 0 && result.Bytes() > leftBytes {
		return true
	}
	for k, c := range s.in {
		if !placed[k] {
			continue
		}
		m := &kept[written[c].last]
		m.op, m.out = ops[k], s.out
		b.scratch = max(b.scratch, m.op.Scratch())
		if written[c].times == 1 {
			b.buffers[c].size = 0 // nothing uses it any more
		}
		to := &written[s.out[0]]
		to.times++
		to.last = written[c].last
	}
	if len(others) > 0 {
		s.op, s.in = s.op.(kernels.Joiner).Without(placed), others
	}
	return len(others) > 0
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

// place returns the Op that writes operand k of the concatenation s from channel
// first of so many on; nil if there is none.
func (b *binder) place(kept []step, written []writing, readers []int, s *step, k, first, channels int) kernels.Op {
	c := s.in[k]
	if written[c].times == 0 || b.buffers[c].pinned {
		return nil
	}
	m := &kept[written[c].last]
	// A view of the result, of another shape, has the same buffer.
	if readers[m.index] != 1 || b.net.Steps[m.index].Out[0] != b.net.Steps[s.index].In[k] {
		return nil
	}
	p, ok := m.op.(kernels.Placer)
	if !ok {
		return nil
	}
	return p.Place(first, channels)
}
