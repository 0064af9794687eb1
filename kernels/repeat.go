package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Repeat concatenates Times copies of the operand along each dimension.
type Repeat struct{ Times []int }

func (*Repeat) Op() string { return "Repeat" }

func (*Repeat) Order() Order { return ByAxis }

// Moves implements Moving.
func (*Repeat) Moves() bool { return true }

func (r *Repeat) Permute(order []int) Spec { return &Repeat{Times: permuted(r.Times, order)} }

func (r *Repeat) Traits([]tensor.Type, []Param) Traits {
	return Traits{MixesItems: len(r.Times) > 0 && r.Times[0] != 1}
}

// Broadcasts reports whether only dimensions of 1 are repeated: an operation
// that broadcasts its operands then needs no Repeat.
func (r *Repeat) Broadcasts(x tensor.Shape) bool {
	for i, n := range r.Times {
		if n > 1 && x[i] > 1 {
			return false
		}
	}
	return true
}

func (r *Repeat) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(r, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0].Shape
	if len(r.Times) != len(x) {
		return nil, errorf(r, "%d numbers of copies for shape %s", len(r.Times), x)
	}
	out := slices.Clone(x)
	for i, n := range r.Times {
		if n < 1 || n > tensor.MaxDim/x[i] {
			return nil, errorf(r, "%d copies of dimension %d of shape %s", n, i, x)
		}
		out[i] *= n
	}
	return result(r, in[0], out...)
}

func (r *Repeat) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := r.Infer(in, params)
	if err != nil {
		return nil, err
	}
	x, y := in[0].Shape, out[0].Shape
	src, dst := x.Strides(), y.Strides()
	var size, from, to []int
	for i, d := range x {
		size = append(size, r.Times[i], d)
		from = append(from, 0, src[i])
		to = append(to, d*dst[i], dst[i])
	}
	return &copyOp{size: in[0].Elem.Size(), moves: []move{
		newMove(0, 0, [2]int{x.Volume(), y.Volume()}, [2]int{}, newNest(size, from, to)),
	}}, nil
}
