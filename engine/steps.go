package engine

import "github.com/infer-go/infer/tensor"

// A Step is one operation of a Model, for listings.
type Step struct {
	Name    string        // that of the nodes of the model from which it was made
	Op      string        // "Conv"
	In, Out []tensor.Type // maps in the order NHWC; −1 is the batch
	Weights int           // bytes
	MACs    int64         // multiply-adds for one item

	// Work is an estimate of the time that the step takes for one item, in
	// multiply-adds, including what pools and LRN read and what is loaded and
	// stored: about 20 of them take a nanosecond.
	Work int64

	// View says that the step moves nothing and takes no time: it gives its
	// operand another shape, joins values that other steps wrote side by side,
	// or interleaves what the next step reads as planes.
	View bool
}

// Steps lists the operations of the Model in the order in which they run, for
// the sizes in Model.Open if dimensions are open.
func (m *Model) Steps() []Step { return m.own.program.list() }

// Steps lists the operations that the Session runs. It is nil after Close.
func (s *Session) Steps() []Step {
	if s.executor == nil {
		return nil
	}
	return s.executor.program.list()
}

// list lists the operations of the net.
func (p *program) list() []Step {
	list := make([]Step, len(p.net.Steps))
	for i, s := range p.net.Steps {
		list[i] = Step{Name: s.Name, Op: s.Spec.Op(), View: true}
		for _, v := range s.In {
			list[i].In = append(list[i].In, typeOf(p.net, v))
		}
		for _, v := range s.Out {
			list[i].Out = append(list[i].Out, typeOf(p.net, v))
		}
	}
	for _, s := range p.steps {
		l := &list[s.index]
		l.View, l.Weights, l.MACs, l.Work = false, s.weights, s.traits.MACs, s.work
	}
	return list
}

// Memory is what a Session allocates for its tensors, in bytes. With n threads
// it is Arena + Scratch + (n−1)·Thread, which SessionOptions.MaxMemory limits.
type Memory struct {
	Arena   int64 // holds the tensors, for one thread
	Scratch int64 // holds temporary data of steps, for one thread
	Thread  int64 // what each further thread adds, including its scratch
	Live    int64 // the largest set of tensors needed at once, if all items were at the same step
	Tensors int64 // all of them
}

// Memory returns what the tensors of a Session for up to batch items take, at
// given sizes of the Model's open dimensions if it has any. Errors are those of
// NewSession.
func (m *Model) Memory(batch int, sizes ...int) (Memory, error) {
	pl, err := m.plan(batch, sizes)
	if err != nil {
		return Memory{}, err
	}
	return pl.memory(), nil
}

// Memory returns what the Session's tensors take. It is zero after Close.
func (s *Session) Memory() Memory {
	if s.executor == nil {
		return Memory{}
	}
	return s.executor.plan.memory()
}

func (pl *plan) memory() Memory {
	p := pl.program
	tensors := int64(0)
	for _, v := range p.net.Values {
		// A product that fits: the plan has buffers of this size. The sum need
		// not, as views of a buffer are not counted there.
		tensors = add(tensors, int64(pl.batch)*int64(v.Bytes()))
	}
	return Memory{
		Arena:   int64(pl.shared) + int64(pl.local),
		Scratch: p.scratchBytes(),
		Thread:  int64(pl.local) + p.scratchBytes(),
		Live:    int64(pl.batch) * int64(live(p.lives())),
		Tensors: tensors,
	}
}
