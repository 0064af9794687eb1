package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Concat joins its operands along Axis.
type Concat struct{ Axis int }

func (*Concat) Op() string { return "Concat" }

func (*Concat) Order() Order { return ByAxis }

// Moves implements Moving.
func (*Concat) Moves() bool { return true }

func (c *Concat) Permute(order []int) Spec { return &Concat{Axis: slices.Index(order, c.Axis)} }

func (c *Concat) Traits(in []tensor.Type, _ []Param) Traits {
	return Traits{MixesItems: c.Axis == 0, JoinsChannels: len(in[0].Shape) == 4 && c.Axis == 3}
}

func (c *Concat) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(c, in, params, max(len(in), 1), 0); err != nil {
		return nil, err
	}
	out := slices.Clone(in[0].Shape)
	if err := checkAxis(c, c.Axis, out); err != nil {
		return nil, err
	}
	sum := int64(out[c.Axis])
	for i, t := range in[1:] {
		if !t.SameElements(in[0]) {
			return nil, errorf(c, "operand %d of %v cannot be joined to one of %v", i+1, t, in[0])
		}
		x := t.Shape
		if len(x) != len(out) || !slices.Equal(x[:c.Axis], out[:c.Axis]) || !slices.Equal(x[c.Axis+1:], out[c.Axis+1:]) {
			return nil, errorf(c, "%s and %s cannot be joined along axis %d", in[0].Shape, x, c.Axis)
		}
		if sum += int64(x[c.Axis]); sum > tensor.MaxDim {
			return nil, errorf(c, "the result is too large along axis %d", c.Axis)
		}
	}
	out[c.Axis] = int(sum)
	return result(c, in[0], out...)
}

func (c *Concat) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := c.Infer(in, params)
	if err != nil {
		return nil, err
	}
	op := concatOp{copyOp{size: out[0].Elem.Size()}}
	to := 0
	y := out[0].Shape
	step := y.Strides()
	for i, t := range in {
		x := t.Shape
		op.moves = append(op.moves, newMove(i, 0, [2]int{x.Volume(), y.Volume()}, [2]int{0, to}, newNest(x, x.Strides(), step)))
		to += x[c.Axis] * step[c.Axis]
	}
	return &op, nil
}

// concatOp is a Concat.
type concatOp struct{ copyOp }

// Without makes op a Joiner.
func (op *concatOp) Without(placed []bool) Op {
	others := concatOp{copyOp{size: op.size}}
	for _, m := range op.moves {
		if !placed[m.in] {
			m.in = len(others.moves)
			others.moves = append(others.moves, m)
		}
	}
	return &others
}
