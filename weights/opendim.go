package weights

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// An OpenDim is a dimension that a Net leaves open in its inputs, such as
// the height of a picture.
type OpenDim struct {
	Name string // the model's own: "height"
	At   []Axis // where it occurs, at least once

	// Size is the size in the Net's shapes. Like every other size that the
	// dimension may have, it is a multiple of Multiple, from Least to Most.
	Size                  int
	Multiple, Least, Most int
}

// An Axis is dimension Dim of the value Net.Inputs[Input].
type Axis struct{ Input, Dim int }

// A Growth says how the extent Extent of step Step, whose Spec is a
// kernels.Elastic, depends on the open dimensions. At sizes S it is larger
// than in the Net by
//
//	Σ By[A−1] · Π (S[k] − Open[k].Size) / Open[k].Multiple
//
// where A runs through the non-empty sets of open dimensions, written as the
// bits of a number, and k through the dimensions in A. With one open
// dimension this is a linear function. With two, By has a third number, for
// both together, so that an extent can be the number of a map's pixels.
//
// Without By, the extent is the size of dimension Dim of value Value, which
// is an input or is written by an earlier step. This is for windows as large
// as a map whose size has been divided by strides, and rounded.
type Growth struct {
	Step, Extent int
	By           []int // 2ⁿ − 1, for n open dimensions
	Value, Dim   int   // 0 if there is By
}

// MaxOpen is the largest number of open dimensions. A Growth therefore has
// at most 15 numbers.
const MaxOpen = 4

// checkOpen checks what a Net says of open dimensions, whose inputs and steps
// have been checked.
func (n *Net) checkOpen() error {
	if len(n.Open) > MaxOpen {
		return fmt.Errorf("%d open dimensions are more than %d", len(n.Open), MaxOpen)
	}
	taken := map[Axis]bool{}
	for i, d := range n.Open {
		if err := n.checkOpenDim(d, taken); err != nil {
			return fmt.Errorf("open dimension %d (%s): %w", i, quote(d.Name), err)
		}
	}
	written := n.writers()
	for i, g := range n.Growth {
		if i > 0 {
			if p := n.Growth[i-1]; g.Step < p.Step || g.Step == p.Step && g.Extent <= p.Extent {
				return fmt.Errorf("growth %d is out of order", i)
			}
		}
		if err := n.checkGrowth(g, written); err != nil {
			return fmt.Errorf("growth %d: %w", i, err)
		}
	}
	if len(n.Grids) > 0 && len(n.Open) == 0 {
		return errors.New("grids are given, but no dimension is open")
	}
	return n.checkGrids()
}

func (n *Net) checkOpenDim(d OpenDim, taken map[Axis]bool) error {
	if len(d.At) == 0 {
		return errors.New("no input has it")
	}
	for _, at := range d.At {
		switch {
		case at.Input < 0 || at.Input >= len(n.Inputs):
			return fmt.Errorf("there is no input %d", at.Input)
		case taken[at]:
			return fmt.Errorf("dimension %d of input %d is named twice", at.Dim, at.Input)
		case at.Dim == 0 && n.Batched:
			return fmt.Errorf("dimension 0 of input %d can only be open as a batch", at.Input)
		}
		taken[at] = true
		shape := n.Values[n.Inputs[at.Input]].Shape
		if at.Dim < 0 || at.Dim >= len(shape) || shape[at.Dim] != d.Size {
			return fmt.Errorf("dimension %d of input %d, of shape %s, is not %d", at.Dim, at.Input, shape, d.Size)
		}
	}
	if d.Multiple < 1 || d.Least < 1 || d.Least > d.Size || d.Size > d.Most || d.Most > tensor.MaxDim ||
		d.Least%d.Multiple != 0 || d.Size%d.Multiple != 0 || d.Most%d.Multiple != 0 {
		return fmt.Errorf("%d to %d, and %d, are not multiples of %d in this order", d.Least, d.Most, d.Size, d.Multiple)
	}
	return nil
}

// writers are the steps that write the values, −1 for inputs.
func (n *Net) writers() []int {
	writers := make([]int, len(n.Values))
	for _, v := range n.Inputs {
		writers[v] = -1
	}
	for i, s := range n.Steps {
		for _, v := range s.Out {
			writers[v] = i
		}
	}
	return writers
}

func (n *Net) checkGrowth(g Growth, writers []int) error {
	if g.Step < 0 || g.Step >= len(n.Steps) {
		return fmt.Errorf("there is no step %d", g.Step)
	}
	s := n.Steps[g.Step]
	spec, ok := s.Spec.(kernels.Elastic)
	if !ok || g.Extent < 0 || g.Extent >= len(spec.Extents()) {
		return fmt.Errorf("%s of step %d (%s) has no extent %d", s.Spec.Op(), g.Step, quote(s.Name), g.Extent)
	}
	if len(g.By) == 0 {
		switch {
		case len(n.Open) == 0:
			return errors.New("no dimension is open")
		case g.Value < 0 || g.Value >= len(n.Values) || writers[g.Value] >= g.Step:
			return fmt.Errorf("there is no value %d before step %d", g.Value, g.Step)
		case g.Dim < 0 || g.Dim >= len(n.Values[g.Value].Shape) || n.Values[g.Value].Shape[g.Dim] != spec.Extents()[g.Extent]:
			return fmt.Errorf("dimension %d of %s, of shape %s, is not %d", g.Dim, n.valueName(g.Value), n.Values[g.Value].Shape, spec.Extents()[g.Extent])
		}
		return nil
	}
	if g.Value != 0 || g.Dim != 0 {
		return errors.New("it has both a value and numbers")
	}
	if len(g.By) != 1<<len(n.Open)-1 {
		return fmt.Errorf("%d numbers for %d open dimensions", len(g.By), len(n.Open))
	}
	if !slices.ContainsFunc(g.By, func(by int) bool { return by != 0 }) {
		return errors.New("all its numbers are 0")
	}
	return nil
}

// OpenNames returns the names of the open dimensions, in their order.
func (n *Net) OpenNames() string {
	names := make([]string, len(n.Open))
	for i, d := range n.Open {
		names[i] = quote(d.Name)
	}
	return strings.Join(names, ", ")
}

// CheckSizes checks that Open allows these sizes of the open dimensions, in the
// order of Open. Sized also checks that the steps can be computed at them.
func (n *Net) CheckSizes(sizes []int) error {
	if len(sizes) != len(n.Open) {
		if len(n.Open) == 0 {
			return fmt.Errorf("%d sizes are given, but no dimension is open", len(sizes))
		}
		return fmt.Errorf("%d sizes are given for the open dimensions %s", len(sizes), n.OpenNames())
	}
	for i, d := range n.Open {
		switch size := sizes[i]; {
		case size < d.Least:
			return fmt.Errorf("%s is %d: at least %d are needed", quote(d.Name), size, d.Least)
		case size > d.Most:
			return fmt.Errorf("%s is %d: at most %d are possible", quote(d.Name), size, d.Most)
		case size%d.Multiple != 0:
			return fmt.Errorf("%s is %d: only multiples of %d are possible", quote(d.Name), size, d.Multiple)
		}
	}
	return nil
}

// Sized returns the Net for these sizes of the open dimensions, in the order
// of Open. The result has no open dimensions, shares the params but those of
// Grids, and passes Check. Errors name the step that cannot be computed at these sizes.
func (n *Net) Sized(sizes []int) (*Net, error) {
	if err := n.CheckSizes(sizes); err != nil {
		return nil, err
	}
	m, err := n.Shaped(sizes)
	if err != nil {
		return nil, err
	}
	return m, m.checkGraph()
}

// Shaped is Sized without checks, for Nets that may be unfinished and of
// which only the shapes are needed.
func (n *Net) Shaped(sizes []int) (*Net, error) {
	m := *n
	m.Open, m.Growth, m.Grids = nil, nil, nil
	m.Values, m.Steps = slices.Clone(n.Values), slices.Clone(n.Steps)
	for _, v := range n.Inputs {
		m.Values[v].Shape = slices.Clone(m.Values[v].Shape)
	}
	for k, d := range n.Open {
		for _, at := range d.At {
			m.Values[n.Inputs[at.Input]].Shape[at.Dim] = sizes[k]
		}
	}
	m.Meta.Preparation = n.preparationAt(sizes)
	if err := m.computeGrids(n.Grids, n.Open, sizes); err != nil {
		return nil, err
	}
	grown := n.Growth
	for i := range m.Steps {
		s := &m.Steps[i]
		here := 0
		for here < len(grown) && grown[here].Step == i {
			here++
		}
		err := m.grow(s, grown[:here], n.Open, sizes)
		grown = grown[here:]
		if err == nil {
			err = m.infer(s)
		}
		if err != nil {
			return nil, fmt.Errorf("step %d (%s): %w", i, quote(s.Name), err)
		}
	}
	return &m, nil
}

// infer sets the Types of a step's results.
func (n *Net) infer(s *Step) error {
	types, err := s.Spec.Infer(n.Operands(*s))
	if err != nil {
		return err
	}
	for i, v := range s.Out {
		n.Values[v].Type = types[i]
	}
	return nil
}

// grow gives a step of its own the extents that it has at these sizes, which the
// values in front of it have already.
func (n *Net) grow(s *Step, growth []Growth, open []OpenDim, sizes []int) error {
	if len(growth) == 0 {
		return nil
	}
	spec := s.Spec.(kernels.Elastic)
	extents := slices.Clone(spec.Extents())
	for _, g := range growth {
		if len(g.By) == 0 {
			shape := n.Values[g.Value].Shape
			if g.Dim >= len(shape) {
				return fmt.Errorf("%s: value %d has no dimension %d at this size", s.Spec.Op(), g.Value, g.Dim)
			}
			extents[g.Extent] = shape[g.Dim]
			continue
		}
		size, ok := extentAt(extents[g.Extent], g.By, open, sizes)
		if !ok {
			return fmt.Errorf("%s: it would be too large", s.Spec.Op())
		}
		extents[g.Extent] = size
	}
	s.Spec = spec.WithExtents(extents)
	return nil
}

// extentAt is what an extent becomes, by the formula of Growth. False says that
// it is out of an int32's range, or a term is far out of it.
func extentAt(extent int, by []int, open []OpenDim, sizes []int) (int, bool) {
	const far = 1 << 52 // exact in float64, and so are its sums in int64
	sum := int64(extent)
	for i, b := range by {
		term := float64(b)
		for k, d := range open {
			if (i+1)>>k&1 != 0 {
				term *= float64((sizes[k] - d.Size) / d.Multiple)
			}
		}
		if math.Abs(term) > far {
			return 0, false
		}
		sum += int64(term)
	}
	return int(sum), sum >= math.MinInt32 && sum <= math.MaxInt32
}

// openAxis returns the open dimension at an axis, −1 if it is not open.
func (n *Net) openAxis(at Axis) int {
	return slices.IndexFunc(n.Open, func(d OpenDim) bool { return slices.Contains(d.At, at) })
}

// preparationAt is how a picture becomes the first input at these sizes: its
// height and width, where they are open, are 0 in the Net's own.
func (n *Net) preparationAt(sizes []int) Preparation {
	p := n.Meta.Preparation
	if p.Kind == NoPicture {
		return p
	}
	for dim, side := range map[int]*int{2: &p.Height, 3: &p.Width} {
		if k := n.openAxis(Axis{0, dim}); k >= 0 {
			*side = sizes[k]
		}
	}
	return p
}

// checkOpenPicture checks that a preparation leaves open what the first input
// does.
func (n *Net) checkOpenPicture() error {
	p := &n.Meta.Preparation
	if p.Kind == NoPicture {
		return nil
	}
	for i, d := range n.Open {
		for _, at := range d.At {
			if at.Input != 0 {
				continue
			}
			if len(n.Values[n.Inputs[0]].Shape) != 4 || at.Dim < 2 {
				return fmt.Errorf("dimension %d of the first input is open (%s): no picture fits it", at.Dim, quote(n.Open[i].Name))
			}
			if side := [2]int{p.Height, p.Width}[at.Dim-2]; side != 0 {
				return fmt.Errorf("a side of %d where dimension %d of the first input is open", side, at.Dim)
			}
		}
	}
	return nil
}

// follows says whether a value has another number of elements where an open
// dimension is a multiple larger, or smaller.
func (n *Net) follows(value int) bool {
	for k, d := range n.Open {
		sizes := n.sizes()
		if sizes[k] += d.Multiple; sizes[k] > d.Most {
			sizes[k] = d.Size - d.Multiple
		}
		if sizes[k] < d.Least {
			continue // it has one size only
		}
		if m, err := n.Shaped(sizes); err == nil && m.Values[value].Shape.Volume() != n.Values[value].Shape.Volume() {
			return true
		}
	}
	return false
}

// sizes are those that the Net's shapes have.
func (n *Net) sizes() []int {
	list := make([]int, len(n.Open))
	for i, d := range n.Open {
		list[i] = d.Size
	}
	return list
}
