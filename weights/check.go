package weights

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// Check checks that a Net can be written, read and run:
//
//   - indices are in range, steps are in order, each value is written once and
//     before it is read, and each param is used once;
//   - every shape is the one that the steps' Specs imply, and every param is as
//     long as its shape implies;
//   - weights in panels and taps are finite, and the padding of panels is zero;
//   - if the Net is Batched, its inputs and outputs begin with a batch of 1, and
//     no step numbers the items; BatchDims are dimensions of the outputs;
//   - labels fit the outputs, and the preparation fits the inputs;
//   - open dimensions are dimensions of inputs, and everything that depends on
//     them is an extent of a step, or a param that a Grid can compute.
//
// Errors name the place.
func (n *Net) Check() error {
	if err := n.checkGraph(); err != nil {
		return err
	}
	for i, p := range n.Params {
		if err := p.CheckData(0, p.Data); err != nil {
			return n.inParam(i, err)
		}
	}
	return nil
}

// checkGraph is Check without a look at the params' elements.
func (n *Net) checkGraph() error {
	for i, v := range n.Values {
		if err := v.Type.Check(); err != nil {
			return fmt.Errorf("%s %w", n.valueName(i), err)
		}
	}
	if len(n.Inputs) == 0 {
		return fmt.Errorf("there is no input")
	}
	if len(n.Outputs) == 0 {
		return fmt.Errorf("there is no output")
	}
	c := checker{net: n, written: make([]bool, len(n.Values)), used: make([]bool, len(n.Params))}
	for i, v := range n.Inputs {
		if err := c.write(v); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
		if err := n.checkItem(v); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	for i, s := range n.Steps {
		if err := c.step(s); err != nil {
			return fmt.Errorf("step %d (%s): %w", i, quote(s.Name), err)
		}
	}
	for i, v := range n.Outputs {
		if err := c.read(v); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
		if err := n.checkItem(v); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	if err := n.checkBatchDims(); err != nil {
		return err
	}
	if i := slices.Index(c.written, false); i >= 0 {
		return fmt.Errorf("%s: nothing writes it", n.valueName(i))
	}
	if i := slices.Index(c.used, false); i >= 0 {
		return fmt.Errorf("param %d: no step uses it", i)
	}
	if err := n.checkOpen(); err != nil {
		return err
	}
	return n.checkMeta()
}

// checkItem says whether an input or output v is one item, if the Net is Batched.
func (n *Net) checkItem(v int) error {
	if shape := n.Values[v].Shape; n.Batched && (len(shape) == 0 || shape[0] != 1) {
		return fmt.Errorf("%s of shape %s does not begin with a batch of 1", n.valueName(v), shape)
	}
	return nil
}

// checkBatchDims checks where outputs have the batch in the model.
func (n *Net) checkBatchDims() error {
	if len(n.BatchDims) == 0 {
		return nil
	}
	if !n.Batched || len(n.BatchDims) != len(n.Outputs) {
		return fmt.Errorf("%d batch dimensions for %d outputs", len(n.BatchDims), len(n.Outputs))
	}
	elsewhere := false
	for i, d := range n.BatchDims {
		if rank := len(n.Values[n.Outputs[i]].Shape); d < 0 || d >= rank {
			return fmt.Errorf("output %d: the batch is dimension %d of %d", i, d, rank)
		}
		elsewhere = elsewhere || d > 0
	}
	if !elsewhere {
		return errors.New("batch dimensions are given although all are 0")
	}
	return nil
}

// A checker goes through the steps of a Net in order.
type checker struct {
	net     *Net
	written []bool // of each value: it is an input, or a step was seen that writes it
	used    []bool // of each param: a step was seen that uses it

	// The operands of the step at hand.
	in     []tensor.Type
	params []kernels.Param
}

func (c *checker) step(s Step) error {
	c.in, c.params = c.in[:0], c.params[:0]
	for _, v := range s.In {
		if err := c.read(v); err != nil {
			return err
		}
		c.in = append(c.in, c.net.Values[v].Type)
	}
	for _, p := range s.Params {
		if err := c.use(p); err != nil {
			return err
		}
		c.params = append(c.params, c.net.Params[p])
	}
	if codeOfSpec(s.Spec) < 0 {
		return fmt.Errorf("%T is not an operation", s.Spec)
	}
	// Before Infer makes a Type for each of them.
	if n := kernels.Results(s.Spec); n != len(s.Out) {
		return fmt.Errorf("%s has %d results instead of %d", s.Spec.Op(), len(s.Out), n)
	}
	types, err := s.Spec.Infer(c.in, c.params)
	if err != nil {
		return err
	}
	for i, v := range s.Out {
		if err := c.write(v); err != nil {
			return err
		}
		if have := c.net.Values[v].Type; !have.Equal(types[i]) {
			return fmt.Errorf("%s gives %s the type %v instead of %v", s.Spec.Op(), c.net.valueName(v), types[i], have)
		}
	}
	if c.net.Batched && s.Spec.Traits(c.in, c.params).NumbersItems {
		return fmt.Errorf("%s numbers the items of a batch, which are run one by one", s.Spec.Op())
	}
	return nil
}

// read says whether the value v may be read.
func (c *checker) read(v int) error {
	if v < 0 || v >= len(c.written) {
		return fmt.Errorf("there is no value %d", v)
	}
	if !c.written[v] {
		return fmt.Errorf("%s is read before it is written", c.net.valueName(v))
	}
	return nil
}

// write marks the value v as written, which it must not be yet.
func (c *checker) write(v int) error {
	if v < 0 || v >= len(c.written) {
		return fmt.Errorf("there is no value %d", v)
	}
	if c.written[v] {
		return fmt.Errorf("%s is written twice", c.net.valueName(v))
	}
	c.written[v] = true
	return nil
}

// use marks the param p as used, which it must not be yet.
func (c *checker) use(p int) error {
	if p < 0 || p >= len(c.used) {
		return fmt.Errorf("there is no param %d", p)
	}
	if c.used[p] {
		return fmt.Errorf("param %d is used twice", p)
	}
	c.used[p] = true
	return nil
}

func (n *Net) checkMeta() error {
	m := &n.Meta
	if m.Nodes < 0 || m.Parameters < 0 {
		return fmt.Errorf("%d nodes and %d parameters", m.Nodes, m.Parameters)
	}
	out := n.Values[n.Outputs[0]].Type
	if err := m.Answer.check(out); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if classes, known := m.Answer.Classes(out); known && len(m.Labels) > 0 && len(m.Labels) != classes {
		return fmt.Errorf("%d labels for %d classes of the first output", len(m.Labels), classes)
	}
	if len(m.Labels) > 0 && n.follows(n.Outputs[0]) {
		return fmt.Errorf("%d labels for the first output, whose size follows the open dimensions %s", len(m.Labels), n.OpenNames())
	}
	in := n.Values[n.Inputs[0]]
	if err := n.checkOpenPicture(); err != nil {
		return fmt.Errorf("preparation: %w", err)
	}
	preparation := n.preparationAt(n.sizes())
	if err := preparation.check(in.Shape); err != nil {
		return fmt.Errorf("preparation: %w", err)
	}
	if m.Preparation.Kind != NoPicture && in.Elem != tensor.F32 {
		return fmt.Errorf("preparation: a picture becomes f32, and the first input is %v", in.Elem)
	}
	return nil
}

// maxSide is the largest width or height to which a picture is brought. Scaling
// takes memory for each, even of a picture of a single row.
const maxSide = 1 << 16

// zero says whether all bits of a preparation are zero: a −0 has an encoding of
// its own.
func (p *Preparation) zero() bool {
	bits := math.Float32bits(p.Scale)
	for c := range p.Mean {
		bits |= math.Float32bits(p.Mean[c]) | math.Float32bits(p.Std[c])
	}
	return bits == 0 && *p == (Preparation{})
}

// check checks a preparation for an input of that shape.
func (p *Preparation) check(input tensor.Shape) error {
	if p.Kind > Digit || p.Order > BGR || p.Fit > Pad {
		return fmt.Errorf("unknown kind %d, order %d or fit %d", p.Kind, p.Order, p.Fit)
	}
	if p.Kind == NoPicture {
		if !p.zero() {
			return fmt.Errorf("fields are set, although the input is not a picture")
		}
		return nil
	}
	channels := p.Order.Channels()
	if min(p.Width, p.Height) < 1 || max(p.Width, p.Height) > maxSide || int64(p.Width)*int64(p.Height)*int64(channels) > math.MaxInt32 {
		return fmt.Errorf("a picture of %d×%d is empty, or too large: its sides can be %d each", p.Width, p.Height, maxSide)
	}
	if p.Resize < 0 || int64(p.Resize) > math.MaxInt32 {
		return fmt.Errorf("the shorter side is resized to %d, which is negative, or too large", p.Resize)
	}
	if want := (tensor.Shape{1, channels, p.Height, p.Width}); len(input) == 4 && !input.Equal(want) || input.Volume() != want.Volume() {
		return fmt.Errorf("a picture of shape %s does not fit the first input's %s", want, input)
	}
	if p.Kind == Digit {
		if p.Order != Gray || p.Width != 28 || p.Height != 28 {
			return fmt.Errorf("a digit is a gray picture of 28×28, not %d channels of %d×%d", channels, p.Width, p.Height)
		}
	}
	if !tensor.IsFinite(p.Scale) || p.Scale == 0 {
		return fmt.Errorf("scale %v is zero, or not finite", p.Scale)
	}
	for c := range channels {
		if !tensor.IsFinite(p.Mean[c]) || !tensor.IsFinite(p.Std[c]) || p.Std[c] == 0 {
			return fmt.Errorf("channel %d has mean %v and standard deviation %v, which are not finite, or divide by zero", c, p.Mean[c], p.Std[c])
		}
	}
	return nil
}

// valueName names a value in an error.
func (n *Net) valueName(i int) string {
	return fmt.Sprintf("value %d (%s)", i, quote(n.Values[i].Name))
}

// quote makes a name from a file fit for an error: of one line, and short.
func quote(name string) string {
	const most = 80
	if len(name) > most {
		end := most
		for end > most-utf8.UTFMax && !utf8.RuneStart(name[end]) {
			end--
		}
		name = name[:end] + "…"
	}
	return strconv.Quote(name)
}

// inParam adds to an error in a param's data which param it is.
func (n *Net) inParam(i int, err error) error {
	for j, s := range n.Steps {
		if slices.Contains(s.Params, i) {
			return fmt.Errorf("step %d (%s): param %d: %w", j, quote(s.Name), i, err)
		}
	}
	return fmt.Errorf("param %d: %w", i, err)
}
