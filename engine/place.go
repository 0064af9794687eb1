package engine

import "github.com/infer-go/infer/kernels"

// placeConcats takes out each concatenation of channels whose operands can be
// written where they are to stand: each is the only result of a step that can
// place it, and nothing else reads it.
func (b *binder) placeConcats() {
	uses := b.uses()
	kept := b.steps[:0]
	for _, s := range b.steps {
		if !s.traits.JoinsChannels || !b.placeable(kept, uses, s) {
			for _, c := range s.out {
				uses[c].writer = len(kept)
			}
			kept = append(kept, s)
			continue
		}
		concat := b.net.Steps[s.index]
		channels := b.net.Values[concat.Out[0]].Shape[3]
		first := 0
		for k, c := range s.in {
			m := &kept[uses[c].writer]
			m.op = m.op.(kernels.Placer).Place(first, channels)
			m.out = s.out
			b.buffers[c].size = 0 // nothing uses it any more
			first += b.net.Values[concat.In[k]].Shape[3]
		}
	}
	b.steps = kept
}

// A use is what the steps do with a buffer.
type use struct {
	writers, readers int
	writer           int // the last one's place among the steps that are kept
}

// uses counts the uses of each buffer.
func (b *binder) uses() []use {
	uses := make([]use, len(b.buffers))
	for _, s := range b.steps {
		for _, c := range s.out {
			uses[c].writers++
		}
		for _, c := range s.in {
			uses[c].readers++
		}
	}
	return uses
}

// placeable says that every operand of the concatenation s can be placed; kept
// are the steps before it.
func (b *binder) placeable(kept []step, uses []use, s step) bool {
	concat := b.net.Steps[s.index]
	for k, c := range s.in {
		if uses[c].writers != 1 || uses[c].readers != 1 || b.buffers[c].pinned {
			return false
		}
		m := kept[uses[c].writer]
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
