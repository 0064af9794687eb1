package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// PadMode says what the padding contains.
type PadMode uint8

const (
	PadConstant PadMode = iota
	PadReflect          // the map mirrored at its first and last element, which are not repeated
	PadEdge             // the first and the last element
	PadWrap             // the map repeated periodically, at most once on each side
)

// Most is the most padding that one side of a dimension of size d can have.
func (m PadMode) Most(d int) int {
	switch m {
	case PadReflect:
		return d - 1
	case PadWrap:
		return d
	}
	return tensor.MaxDim
}

// Padding adds Before and After elements to each dimension. Value is what
// PadConstant writes there. The other modes pad at most maxPadded dimensions.
type Padding struct {
	Mode          PadMode
	Before, After []int
	Value         float32
}

// maxPadded bounds the boxes that a result is cut into, three for each padded
// dimension, one in the other: 81 of them.
const maxPadded = 4

func (*Padding) Op() string { return "Pad" }

func (*Padding) Order() Order { return ByAxis }

// Moves implements Moving.
func (*Padding) Moves() bool { return true }

// Fill implements Filling.
func (p *Padding) Fill() (float32, bool) { return p.Value, p.Mode == PadConstant }

func (p *Padding) Permute(order []int) Spec {
	return &Padding{Mode: p.Mode, Before: permuted(p.Before, order), After: permuted(p.After, order), Value: p.Value}
}

func (p *Padding) Extents() []int { return slices.Concat(p.Before, p.After) }

func (p *Padding) WithExtents(extents []int) Spec {
	n := len(p.Before)
	return &Padding{Mode: p.Mode, Before: extents[:n], After: extents[n:], Value: p.Value}
}

// Traits need not say that padding along dimension 0 mixes items: the result's
// shape shows it.
func (p *Padding) Traits(in []tensor.Type, _ []Param) Traits {
	rank := len(in[0].Shape)
	boxes := 2*rank + 1
	if p.Mode != PadConstant {
		boxes = 1
		for i := range rank {
			if p.Before[i]+p.After[i] > 0 {
				boxes *= 3
			}
		}
	}
	return Traits{TableEntries: boxEntries * boxes}
}

// boxEntries is how many entries of a table a box of a Padding takes.
const boxEntries = 4

func (p *Padding) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(p, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0].Shape
	if p.Mode > PadWrap {
		return nil, errorf(p, "unknown mode %d", p.Mode)
	}
	if len(p.Before) != len(x) || len(p.After) != len(x) {
		return nil, errorf(p, "%d paddings before and %d after for shape %s", len(p.Before), len(p.After), x)
	}
	out := make([]int, len(x))
	padded := 0
	for i, d := range x {
		before, after := p.Before[i], p.After[i]
		most := p.Mode.Most(d)
		if before < 0 || before > most || after < 0 || after > most {
			return nil, errorf(p, "padding %d and %d in dimension %d of shape %s, where each can be 0 to %d", before, after, i, x, most)
		}
		sum := int64(before) + int64(d) + int64(after)
		if sum > tensor.MaxDim {
			return nil, errorf(p, "padding %d and %d in dimension %d of shape %s is too large", before, after, i, x)
		}
		out[i] = int(sum)
		if out[i] != d {
			padded++
		}
	}
	if p.Mode != PadConstant && padded > maxPadded {
		return nil, errorf(p, "%d dimensions are padded: more than %d can only be padded with a constant", padded, maxPadded)
	}
	if _, err := in[0].Encode(p.Value); err != nil && p.Mode == PadConstant {
		return nil, errorf(p, "the constant %w", err)
	}
	return result(p, in[0], out...)
}

// Bind cuts the result into boxes.
func (p *Padding) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := p.Infer(in, params)
	if err != nil {
		return nil, err
	}
	x, y := in[0].Shape, out[0].Shape
	c := &padder{Padding: p, x: x, src: x.Strides(), dst: y.Strides(), item: [2]int{x.Volume(), y.Volume()}}
	c.op.size = in[0].Elem.Size()
	if p.Mode == PadConstant {
		c.op.fill, _ = in[0].Encode(p.Value)
		c.cutSlabs(y)
	} else {
		c.cutBoxes(0, [2]int{}, make([]int, len(x)), make([]int, len(x)))
	}
	return &c.op, nil
}

// A padder makes the moves of a Padding.
type padder struct {
	*Padding
	op       copyOp
	x        tensor.Shape // of the operand
	src, dst []int        // strides
	item     [2]int
}

// cutSlabs cuts the result, of shape y, into the operand and slabs of a
// constant: dimension by dimension, what stands before and after that which is
// left, whose sides become the operand's.
func (c *padder) cutSlabs(y tensor.Shape) {
	box, still := slices.Clone(y), make([]int, len(y))
	at := 0 // where what is left begins
	for dim, size := range c.x {
		slab := func(from, n int) {
			if n > 0 {
				box[dim] = n
				c.op.moves = append(c.op.moves, newMove(fillOperand, 0, [2]int{0, c.item[1]}, [2]int{0, at + from*c.dst[dim]}, newNest(box, still, c.dst)))
			}
		}
		slab(0, c.Before[dim])
		slab(c.Before[dim]+size, c.After[dim])
		box[dim] = size
		at += c.Before[dim] * c.dst[dim]
	}
	c.op.moves = append(c.op.moves, newMove(0, 0, c.item, [2]int{0, at}, newNest(box, c.src, c.dst)))
}

// cutBoxes cuts the result, from dimension dim on, into what stands before the
// operand, the operand, and what stands after it. The operand is walked
// through with a stride of 0 where its edge is repeated, and backwards where
// it is mirrored.
func (c *padder) cutBoxes(dim int, from [2]int, box, step []int) {
	if dim == len(c.x) {
		c.op.moves = append(c.op.moves, newMove(0, 0, c.item, from, newNest(box, step, c.dst)))
		return
	}
	part := func(size, first, at, stride int) {
		if size > 0 {
			box[dim], step[dim] = size, stride*c.src[dim]
			c.cutBoxes(dim+1, [2]int{from[0] + first*c.src[dim], from[1] + at*c.dst[dim]}, box, step)
		}
	}
	before, size, after := c.Before[dim], c.x[dim], c.After[dim]
	switch c.Mode {
	case PadReflect:
		part(before, before, 0, -1)
		part(after, size-2, before+size, -1)
	case PadWrap:
		part(before, size-before, 0, 1)
		part(after, 0, before+size, 1)
	default:
		part(before, 0, 0, 0)
		part(after, size-1, before+size, 0)
	}
	part(size, 0, before, 1)
}
