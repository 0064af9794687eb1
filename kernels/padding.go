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
