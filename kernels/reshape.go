package kernels

import (
	"slices"

	"github.com/infer-go/infer/tensor"
)

// Reshape gives the same elements another shape. It moves nothing: where
// possible, result and operand share memory and it is not run.
type Reshape struct{ Shape []int }

func (*Reshape) Op() string { return "Reshape" }

func (*Reshape) Order() Order { return RowMajor }

// Moves implements Moving.
func (*Reshape) Moves() bool { return true }

func (r *Reshape) Sizeless() Spec { return &Reshape{} }

func (r *Reshape) Extents() []int { return r.Shape }

func (r *Reshape) WithExtents(extents []int) Spec { return &Reshape{Shape: extents} }

func (r *Reshape) Traits([]tensor.Type, []Param) Traits { return Traits{Rearranges: true, View: true} }

// Carries makes it Carrying: what lies in front of the items, and repeats for
// each of them, must not change.
func (*Reshape) Carries(x, y tensor.Shape, from, to int) bool {
	return x[:from].Volume() == y[:to].Volume()
}

func (r *Reshape) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(r, in, params, 1, 0); err != nil {
		return nil, err
	}
	out, err := result(r, in[0], slices.Clone(r.Shape)...)
	if err != nil {
		return nil, err
	}
	if in[0].Shape.Volume() != out[0].Shape.Volume() {
		return nil, errorf(r, "%s does not have as many elements as %s", in[0].Shape, out[0].Shape)
	}
	return out, nil
}

func (r *Reshape) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := r.Infer(in, params); err != nil {
		return nil, err
	}
	x := in[0].Shape
	item, step := [2]int{x.Volume(), x.Volume()}, x.Strides()
	return &copyOp{size: in[0].Elem.Size(), moves: []move{newMove(0, 0, item, [2]int{}, newNest(x, step, step))}}, nil
}
