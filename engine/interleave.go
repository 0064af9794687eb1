package engine

import "github.com/infer-go/infer/kernels"

// readPlanes has steps read planes that the step before only interleaves for them,
// where they can, and takes that step out.
func (b *binder) readPlanes() {
	readers := b.readers()
	kept := b.steps[:0]
	for _, s := range b.steps {
		if last := len(kept) - 1; last >= 0 && b.interleavesFor(&kept[last], &s, readers) {
			before := kept[last]
			if op := s.op.(kernels.Interleaver).Interleave(before.traits.Interleaves); op != nil {
				b.buffers[before.out[0]].size = 0 // nothing uses it any more
				s.in, s.planes, s.interleaved, s.op = before.in, before.traits.Interleaves, s.op, op
				b.scratch = max(b.scratch, op.Scratch())
				kept = kept[:last]
			}
		}
		kept = append(kept, s)
	}
	b.steps = kept
}

// interleavesFor says that step s interleaves planes for the step next, whose Op
// might read them itself, and for nothing else.
func (b *binder) interleavesFor(s, next *step, readers []int) bool {
	if _, ok := next.op.(kernels.Interleaver); !ok || s.traits.Interleaves == 0 {
		return false
	}
	c := s.out[0]
	return len(next.in) == 1 && next.in[0] == c && readers[s.index] == 1 && !b.buffers[c].pinned
}
