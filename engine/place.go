package engine

import "github.com/infer-go/infer/kernels"

// placeConcats takes out each concatenation of channels whose operands can be
// written where they are to stand: each is the only result of a step that can
// place it, and nothing else reads it.
func (b *binder) placeConcats() {
	for i := 0; i < len(b.steps); i++ {
		s := &b.steps[i]
		concat, ok := b.net.Steps[s.index].Spec.(*kernels.Concat)
		shape := b.net.Values[b.net.Steps[s.index].Out[0]].Shape
		if !ok || len(shape) != 4 || concat.Axis != 3 {
			continue
		}
		makers := make([]*step, len(s.in))
		for k, c := range s.in {
			if makers[k] = b.maker(c); makers[k] == nil {
				break
			}
		}
		if makers[len(makers)-1] == nil {
			continue
		}
		first := 0
		for k, m := range makers {
			in := b.net.Values[b.net.Steps[s.index].In[k]].Shape
			m.op = m.op.(kernels.Placer).Place(first, shape[3])
			m.out = s.out
			b.buffers[s.in[k]].size = 0 // nothing uses it any more
			first += in[3]
		}
		b.steps = append(b.steps[:i], b.steps[i+1:]...)
		i--
	}
}

// maker returns the step that writes buffer c, if it can place its result
// elsewhere, and if one step reads c and no other writes it.
func (b *binder) maker(c int) *step {
	if b.buffers[c].pinned {
		return nil
	}
	var maker *step
	writers, readers := 0, 0
	for i := range b.steps {
		s := &b.steps[i]
		for _, o := range s.out {
			if o == c {
				maker = s
				writers++
			}
		}
		for _, o := range s.in {
			if o == c {
				readers++
			}
		}
	}
	if writers != 1 || readers != 1 || len(maker.in) != 1 || len(maker.out) != 1 {
		return nil
	}
	if _, ok := maker.op.(kernels.Placer); !ok {
		return nil
	}
	return maker
}
