package kernels

// PadMode is what stands in the padding.
type PadMode uint8

const (
	PadConstant PadMode = iota
	PadReflect          // the map mirrored at its first and last element, which are not repeated
	PadEdge             // the first and the last element
)

// Padding adds Before and After elements to each dimension. Value is what
// PadConstant puts there.
type Padding struct {
	Mode          PadMode
	Before, After []int
	Value         float32
}

func (*Padding) Op() string { return "Pad" }

func (p *Padding) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(p, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0]
	if p.Mode > PadEdge {
		return nil, errorf(p, "unknown mode %d", p.Mode)
	}
	if len(p.Before) != len(x) || len(p.After) != len(x) {
		return nil, errorf(p, "%d paddings before and %d after for shape %s", len(p.Before), len(p.After), dims(x...))
	}
	out := make([]int, len(x))
	for i, d := range x {
		before, after := p.Before[i], p.After[i]
		most := maxDim
		if p.Mode == PadReflect {
			most = d - 1
		}
		if before < 0 || before > most || after < 0 || after > most {
			return nil, errorf(p, "padding %d and %d in dimension %d of shape %s", before, after, i, dims(x...))
		}
		sum := int64(before) + int64(d) + int64(after)
		if sum > maxDim {
			return nil, errorf(p, "padding %d and %d in dimension %d of shape %s is too large", before, after, i, dims(x...))
		}
		out[i] = int(sum)
	}
	return result(p, out...)
}

// Bind cuts the result into boxes, along each dimension what stands before the
// operand, the operand, and what stands after it. The operand is walked
// through with a stride of 0 where its edge is repeated, and backwards where
// it is mirrored.
func (p *Padding) Bind(_ *Tier, in [][]int, params []Param) (Op, error) {
	out, err := p.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	x, y := in[0], out[0]
	op := &copyOp{fill: []float32{p.Value}}
	src, dst := strides(x), strides(y)
	box := make([]int, len(x))
	step := make([]int, len(x))
	var cut func(dim int, from [2]int, inside bool)
	cut = func(dim int, from [2]int, inside bool) {
		if dim == len(x) {
			m := newMove(0, 0, [2]int{volume(x), volume(y)}, from, newNest(box, step, dst))
			if !inside && p.Mode == PadConstant {
				still := make([]int, len(x))
				m = newMove(fillOperand, 0, [2]int{0, volume(y)}, [2]int{0, from[1]}, newNest(box, still, dst))
			}
			op.moves = append(op.moves, m)
			return
		}
		part := func(size, first, at, stride int, inside bool) {
			if size > 0 {
				box[dim], step[dim] = size, stride*src[dim]
				cut(dim+1, [2]int{from[0] + first*src[dim], from[1] + at*dst[dim]}, inside)
			}
		}
		before, size, after := p.Before[dim], x[dim], p.After[dim]
		if p.Mode == PadReflect {
			part(before, before, 0, -1, false)
			part(after, size-2, before+size, -1, false)
		} else {
			part(before, 0, 0, 0, false)
			part(after, size-1, before+size, 0, false)
		}
		part(size, 0, before, 1, inside)
	}
	cut(0, [2]int{}, true)
	return op, nil
}
