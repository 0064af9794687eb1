package kernels

import "slices"

// Concat joins its inputs along Axis.
type Concat struct{ Axis int }

func (*Concat) Op() string { return "Concat" }

func (c *Concat) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(c, in, params, max(len(in), 1), 0); err != nil {
		return nil, err
	}
	out := slices.Clone(in[0])
	if err := checkAxis(c, c.Axis, out); err != nil {
		return nil, err
	}
	sum := int64(out[c.Axis])
	for _, x := range in[1:] {
		if len(x) != len(out) || !slices.Equal(x[:c.Axis], out[:c.Axis]) || !slices.Equal(x[c.Axis+1:], out[c.Axis+1:]) {
			return nil, errorf(c, "%s and %s cannot be joined along axis %d", dims(in[0]...), dims(x...), c.Axis)
		}
		if sum += int64(x[c.Axis]); sum > maxDim {
			return nil, errorf(c, "the result is too large along axis %d", c.Axis)
		}
	}
	out[c.Axis] = int(sum)
	return result(c, out...)
}

func (c *Concat) Bind(_ *Tier, in [][]int, params []Param) (Op, error) {
	out, err := c.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	var op copyOp
	to := 0
	step := strides(out[0])
	for i, x := range in {
		op.moves = append(op.moves, newMove(i, 0, [2]int{volume(x), volume(out[0])}, [2]int{0, to}, newNest(x, strides(x), step)))
		to += x[c.Axis] * step[c.Axis]
	}
	return &op, nil
}
