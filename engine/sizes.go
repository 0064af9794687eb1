package engine

import (
	"fmt"
	"image"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// Open lists the dimensions of inputs that the Model leaves open. A Session is
// made for one size of each, a multiple of Multiple between Least and Most;
// SessionOptions.Sizes has the same order. Size is the one at which the model
// was frozen, and for which Steps lists the operations. At.Input is an index of
// Inputs.
func (m *Model) Open() []weights.OpenDim {
	list := slices.Clone(m.net.Open)
	for i := range list {
		list[i].At = slices.Clone(list[i].At)
	}
	return list
}

// Sizes returns the sizes of the open dimensions for inputs of these shapes,
// which are in the order of Inputs. If dimension 0 is the batch, any value is
// accepted for it. Errors wrap ErrSize.
func (m *Model) Sizes(shapes ...tensor.Shape) ([]int, error) {
	inputs := m.Inputs()
	if len(shapes) != len(inputs) {
		return nil, fmt.Errorf("%w: %d shapes are given for %d inputs", ErrSize, len(shapes), len(inputs))
	}
	for i, in := range inputs {
		same := len(shapes[i]) == len(in.Shape)
		for d := 0; same && d < len(in.Shape); d++ {
			same = shapes[i][d] == in.Shape[d] || in.Shape[d] == -1
		}
		if !same {
			return nil, fmt.Errorf("%w: a shape of %s, where input %q takes %s", ErrSize, shapes[i], in.Name, in.Dims())
		}
	}
	sizes := ownSizes(m.net)
	for k, d := range m.net.Open {
		for i, at := range d.At {
			size := shapes[at.Input][at.Dim]
			if i > 0 && size != sizes[k] {
				return nil, fmt.Errorf("%w: %q is %d in one input and %d in another", ErrSize, d.Name, sizes[k], size)
			}
			sizes[k] = size
		}
	}
	return sizes, m.checkSizes(sizes)
}

// PictureSizes returns the sizes of the open dimensions for a picture at its
// own size, with each side rounded up to the next possible one. The first input
// must be the picture, and only its height and width may be open. Errors wrap
// ErrNoPicture, ErrEmpty and ErrSize.
func (m *Model) PictureSizes(bounds image.Rectangle) ([]int, error) {
	if bounds.Empty() {
		return nil, ErrEmpty
	}
	if m.net.Meta.Preparation.Kind == weights.NoPicture {
		return nil, ErrNoPicture
	}
	sizes := make([]int, len(m.net.Open))
	for k, d := range m.net.Open {
		side := -1
		for _, at := range d.At {
			if at.Input == 0 {
				side = at.Dim - 2
			}
		}
		if side < 0 {
			return nil, fmt.Errorf("%w: %q is not a side of a picture", ErrSize, d.Name)
		}
		size := [2]int{bounds.Dy(), bounds.Dx()}[side]
		up := (size-1)/d.Multiple + 1
		sizes[k] = max(d.Least, up*d.Multiple)
	}
	return sizes, m.checkSizes(sizes)
}

// checkSizes wraps what the net says of sizes.
func (m *Model) checkSizes(sizes []int) error {
	if len(sizes) == 0 && len(m.net.Open) > 0 {
		return fmt.Errorf("%w: the model leaves %s open, and no sizes are given", ErrSize, m.net.OpenNames())
	}
	if err := m.net.CheckSizes(sizes); err != nil {
		return fmt.Errorf("%w: %w", ErrSize, err)
	}
	return nil
}

// ownSizes are those that the net's shapes have.
func ownSizes(net *weights.Net) []int {
	var sizes []int
	for _, d := range net.Open {
		sizes = append(sizes, d.Size)
	}
	return sizes
}

// varying names, for each value, the dimensions that follow open ones: with the
// open one's name if they are the same, else with a question mark. It is nil if
// none is open.
func varying(net *weights.Net) [][]string {
	if len(net.Open) == 0 {
		return nil
	}
	names := make([][]string, len(net.Values))
	for v := range names {
		names[v] = make([]string, len(net.Values[v].Shape))
	}
	for k, d := range net.Open {
		for _, at := range d.At {
			names[net.Inputs[at.Input]][at.Dim] = d.Name
		}
		sizes := ownSizes(net)
		if sizes[k] += d.Multiple; sizes[k] > d.Most {
			sizes[k] = d.Size - d.Multiple
		}
		other, err := net.Sized(sizes)
		if err != nil {
			continue // it is not as open as it says
		}
		for v, value := range net.Values {
			for i, size := range value.Shape {
				switch at := other.Values[v].Shape[i]; {
				case at == size:
				case names[v][i] == "" && size == d.Size && at == sizes[k]:
					names[v][i] = d.Name
				case names[v][i] != d.Name:
					names[v][i] = "?"
				}
			}
		}
	}
	return names
}

// What a Model keeps for sizes of open dimensions.
const (
	maxSized      = 32       // as many sizes
	maxSizedBytes = 64 << 20 // for all of them
	maxPlans      = 4        // batches of each
)

// A sized is what a Model finds out for one size of each open dimension.
type sized struct {
	sizes []int

	once    sync.Once
	program *program
	err     error
	bytes   atomic.Int64 // about what it takes beside the weights

	mu    sync.Mutex
	plans []*plan // the one used last in front
}

// sized returns what there is for these sizes, from the cache if it has it.
func (m *Model) sized(sizes []int) (*sized, error) {
	if err := m.checkSizes(sizes); err != nil {
		return nil, err
	}
	if slices.Equal(sizes, m.own.sizes) {
		return m.own, nil
	}
	s := m.others.get(sizes)
	s.once.Do(func() {
		// The params must stay while they are bound.
		if s.err = m.backing.hold(); s.err != nil {
			return
		}
		defer m.backing.release()
		net, err := m.net.Sized(sizes)
		if err == nil {
			if err = s.bind(net, m.tier); err == nil {
				for _, g := range m.net.Grids {
					s.bytes.Add(int64(len(net.Params[g.Param].Data)))
				}
			}
		}
		if err != nil {
			s.err = fmt.Errorf("%w: %w", ErrSize, err)
		}
	})
	m.others.settle(s)
	if s.err != nil {
		return nil, s.err
	}
	return s, nil
}

// bind makes the program of a net.
func (s *sized) bind(net *weights.Net, tier *kernels.Tier) error {
	p, err := bind(net, tier)
	if err != nil {
		return err
	}
	s.program = p
	s.bytes.Store(p.bytes())
	return nil
}

// plan plans batches of up to batch items.
func (s *sized) plan(batch int) (*plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.plans, func(pl *plan) bool { return pl.batch == batch })
	if i < 0 {
		pl, err := newPlan(s.program, batch)
		if err != nil {
			return nil, err
		}
		s.plans = append(s.plans[:min(len(s.plans), maxPlans-1)], pl)
		i = len(s.plans) - 1
	}
	pl := s.plans[i]
	copy(s.plans[1:i+1], s.plans[:i])
	s.plans[0] = pl
	return pl, nil
}

// bytes is about what a program and its plans take, beside the params in the
// forms that all programs of a Model share.
func (p *program) bytes() int64 {
	const step, value, operand, entry = 2 << 10, 256, 64, 100
	n := 0
	for _, s := range p.steps {
		n += step + (1+maxPlans)*operand*(len(s.in)+len(s.out)) + entry*s.traits.TableEntries
	}
	return int64(n + (1+maxPlans)*value*len(p.net.Values))
}

// A sizedCache keeps what was used last.
type sizedCache struct {
	mu   sync.Mutex
	list []*sized // the one used last in front
}

// get returns the entry for these sizes, a new one if there is none.
func (c *sizedCache) get(sizes []int) *sized {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.list, func(s *sized) bool { return slices.Equal(s.sizes, sizes) })
	if i < 0 {
		c.list = append(c.list, &sized{sizes: slices.Clone(sizes)})
		i = len(c.list) - 1
	}
	s := c.list[i]
	copy(c.list[1:i+1], c.list[:i])
	c.list[0] = s
	return s
}

// settle takes an entry out again that came to nothing, and those that were not
// used for longest while there are too many, or they take too much.
func (c *sizedCache) settle(s *sized) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.err != nil {
		c.list = slices.DeleteFunc(c.list, func(x *sized) bool { return x == s })
	}
	total := int64(0)
	for i, x := range c.list {
		total += x.bytes.Load() // 0 while it is being made
		if i >= maxSized || total > maxSizedBytes {
			clear(c.list[i:])
			c.list = c.list[:i]
			return
		}
	}
}
