package weights

import (
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// The least number of bytes that an item of a list takes.
const (
	stringSize = 4
	valueSize  = stringSize + 1 + 4 + 4 + 4
	paramSize  = 1 + 1 + 4
	stepSize   = stringSize + 1 + 4 + 4 + 4 + 4
	openSize   = stringSize + 4 + 4*4
	axisSize   = 2 * 4
	growthSize = 4*4 + 4
	lengthSize = 2 * 4
	termSize   = 3 + 5*4 + lengthSize + 2*4
	gridSize   = 2 * 4
)

// meta codes the META section.
func (c *coder) meta(v *Meta) {
	c.string(&v.Name)
	c.string(&v.Source)
	c.string(&v.Producer)
	c.string(&v.Note)
	list(c, "label", &v.Labels, stringSize, (*coder).string)
	c.preparation(&v.Preparation)
	c.answer(&v.Answer)
	c.int(&v.Nodes)
	c.int(&v.Parameters)
}

func (c *coder) answer(v *Answer) {
	enum(c, &v.Kind, Picture)
	if v.Kind == Boxes {
		c.string(&v.Head)
		c.float(&v.Least)
		c.float(&v.Overlap)
		c.int(&v.Most)
	}
}

func (c *coder) preparation(v *Preparation) {
	enum(c, &v.Kind, Digit)
	enum(c, &v.Order, BGR)
	enum(c, &v.Fit, Pad)
	c.int(&v.Width)
	c.int(&v.Height)
	c.int(&v.Resize)
	c.float(&v.Scale)
	for i := range v.Mean {
		c.float(&v.Mean[i])
	}
	for i := range v.Std {
		c.float(&v.Std[i])
	}
}

// graph codes the GRAPH section: all of a Net but its Meta and the data of
// its Params.
func (c *coder) graph(v *Net) {
	isOpen, isMoved, hasGrids := len(v.Open) > 0, len(v.BatchDims) > 0, len(v.Grids) > 0
	c.flags(&v.Batched, &isOpen, &isMoved, &hasGrids)
	if isOpen {
		c.openDims(v)
	}
	if hasGrids {
		c.grids(v)
	}
	list(c, "value", &v.Values, valueSize, (*coder).value)
	list(c, "input", &v.Inputs, 4, (*coder).int)
	list(c, "output", &v.Outputs, 4, (*coder).int)
	if isMoved {
		list(c, "batch dimension", &v.BatchDims, 4, (*coder).int)
	}
	list(c, "param", &v.Params, paramSize, (*coder).param)
	list(c, "step", &v.Steps, stepSize, (*coder).step)
	if c.reading && c.err == nil {
		v.setResults()
	}
}

// setResults tells each Spec the elements of its result, which in the file stand
// with the value that its step writes. Indices have not been checked yet.
func (v *Net) setResults() {
	value := func(numbers []int) *Value {
		if len(numbers) == 0 || numbers[0] < 0 || numbers[0] >= len(v.Values) {
			return nil
		}
		return &v.Values[numbers[0]]
	}
	for _, s := range v.Steps {
		q, ok := s.Spec.(kernels.Quantising)
		x, y := value(s.In), value(s.Out)
		if !ok || x == nil || y == nil {
			continue
		}
		if e := q.ResultElements(x.Type); e != nil {
			*e = kernels.ElementsOf(y.Type)
		}
	}
}

// openDims codes what a Net with open dimensions says of them.
func (c *coder) openDims(v *Net) {
	list(c, "open dimension", &v.Open, openSize, (*coder).openDim)
	list(c, "growth", &v.Growth, growthSize, (*coder).growth)
	if c.reading && len(v.Open) == 0 {
		c.fail("no dimension is open, where some should be")
	}
}

func (c *coder) openDim(v *OpenDim) {
	c.string(&v.Name)
	list(c, "axis", &v.At, axisSize, (*coder).axis)
	c.int(&v.Size)
	c.int(&v.Multiple)
	c.int(&v.Least)
	c.int(&v.Most)
}

func (c *coder) axis(v *Axis) {
	c.int(&v.Input)
	c.int(&v.Dim)
}

func (c *coder) growth(v *Growth) {
	c.int(&v.Step)
	c.int(&v.Extent)
	c.intList(&v.By)
	c.int(&v.Value)
	c.int(&v.Dim)
}

// grids codes the params that depend on the open dimensions.
func (c *coder) grids(v *Net) {
	list(c, "grid", &v.Grids, gridSize, (*coder).grid)
	if c.reading && (len(v.Grids) == 0 || len(v.Open) == 0) {
		c.fail("%d grids for %d open dimensions", len(v.Grids), len(v.Open))
	}
}

func (c *coder) grid(v *Grid) {
	c.int(&v.Param)
	list(c, "term", &v.Terms, termSize, (*coder).term)
}

func (c *coder) term(v *Term) {
	enum(c, &v.Kind, lastTerm)
	c.bool(&v.Whole)
	c.intList(&v.Of)
	list(c, "dimension", &v.Dims, lengthSize, (*coder).length)
	c.int(&v.Axis)
	c.length(&v.Start)
	c.float(&v.Offset)
	c.float(&v.Step)
	list(c, "element", &v.Values, 4, (*coder).float)
	c.intList(&v.Perm)
	enum(c, &v.Binary, kernels.Min)
}

func (c *coder) length(v *Length) {
	c.int(&v.At)
	c.intList(&v.By)
}

func (c *coder) value(v *Value) {
	c.string(&v.Name)
	enum(c, &v.Elem, tensor.LastElem)
	c.intList((*[]int)(&v.Shape))
	c.float(&v.Scale)
	c.int32(&v.Zero)
}

func (c *coder) param(v *kernels.Param) {
	enum(c, &v.Form, kernels.FormTaps)
	enum(c, &v.Elem, tensor.LastElem)
	c.intList((*[]int)(&v.Shape))
}

func (c *coder) step(v *Step) {
	c.string(&v.Name)
	c.spec(&v.Spec)
	c.intList(&v.In)
	c.intList(&v.Out)
	c.intList(&v.Params)
}
