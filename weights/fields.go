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
	stepSize   = stringSize + 1 + 4 + 4 + 4
)

// meta codes the META section.
func (c *coder) meta(v *Meta) {
	c.string(&v.Name)
	c.string(&v.Source)
	c.string(&v.Producer)
	c.string(&v.Note)
	list(c, "label", &v.Labels, stringSize, (*coder).string)
	c.preparation(&v.Preparation)
	c.bool(&v.Probabilities)
	c.int(&v.Nodes)
	c.int(&v.Parameters)
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
	c.bool(&v.Batched)
	list(c, "value", &v.Values, valueSize, (*coder).value)
	list(c, "input", &v.Inputs, 4, (*coder).int)
	list(c, "output", &v.Outputs, 4, (*coder).int)
	list(c, "param", &v.Params, paramSize, (*coder).param)
	list(c, "step", &v.Steps, stepSize, (*coder).step)
	if c.reading && c.err == nil {
		v.setResults()
	}
}

// setResults tells each Spec the elements of its result, which in the file stand
// with the value that its step writes. Indices have not been checked yet.
func (v *Net) setResults() {
	for _, s := range v.Steps {
		if q, ok := s.Spec.(kernels.Quantising); ok && len(s.Out) == 1 && s.Out[0] >= 0 && s.Out[0] < len(v.Values) {
			*q.ResultElements() = kernels.ElementsOf(v.Values[s.Out[0]].Type)
		}
	}
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
