package kernels

import (
	"slices"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// Transpose permutes dimensions: Out's dimension i is In's dimension Perm[i].
type Transpose struct{ Perm []int }

func (*Transpose) Op() string { return "Transpose" }

func (*Transpose) Order() Order { return RowMajor }

// Moves implements Moving.
func (*Transpose) Moves() bool { return true }

// Traits considers only dimensions of more than one element, except that moving
// dimension 0, the batch, always mixes items.
func (t *Transpose) Traits(in []tensor.Type, _ []Param) Traits {
	x := in[0].Shape
	moved := slices.DeleteFunc(slices.Clone(t.Perm), func(d int) bool { return x[d] == 1 })
	traits := Traits{
		MixesItems: len(t.Perm) > 0 && t.Perm[0] != 0,
		Rearranges: true,
		View:       slices.IsSorted(moved),
	}
	if last := len(moved) - 1; last > 0 && slices.IsSorted(moved[:last]) && moved[last] < moved[0] {
		traits.Interleaves = x[moved[last]]
	}
	return traits
}

// Carries makes it Carrying.
func (t *Transpose) Carries(_, _ tensor.Shape, from, to int) bool { return t.Perm[to] == from }

func (t *Transpose) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(t, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0].Shape
	out := make([]int, len(x))
	if len(t.Perm) != len(x) {
		return nil, errorf(t, "%v is not a permutation of shape %s", t.Perm, x)
	}
	for i, d := range t.Perm {
		if d < 0 || d >= len(x) || slices.Contains(t.Perm[:i], d) {
			return nil, errorf(t, "%v is not a permutation of shape %s", t.Perm, x)
		}
		out[i] = x[d]
	}
	return result(t, in[0], out...)
}

func (t *Transpose) Bind(tier *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := t.Infer(in, params)
	if err != nil {
		return nil, err
	}
	x, y, size := in[0].Shape, out[0].Shape, in[0].Elem.Size()
	l := newNest(y, permuted(x.Strides(), t.Perm), y.Strides())
	if pixels := y.Volume() / 3; size == 4 && slices.Equal(l.size, []int{pixels, 3}) && slices.Equal(l.stride[0], []int{1, pixels}) && slices.Equal(l.stride[1], []int{3, 1}) {
		return &interleaveOp{kernel: find[asm.InterleaveArgs](tier, asm.Kernel{Op: "interleave"}), pixels: pixels, blocks: ceilDiv(pixels, taskSize)}, nil
	}
	item := [2]int{y.Volume(), y.Volume()}
	op := &copyOp{size: size, moves: []move{newMove(0, 0, item, [2]int{}, l)}}
	if size == 4 && op.moves[0].transposes() {
		op.transpose = find[asm.TransposeArgs](tier, asm.Kernel{Op: "transpose"})
	}
	return op, nil
}

// interleaveOp is a Transpose of three planes to pixels of three channels, as
// a picture's is. A task is taskSize pixels.
type interleaveOp struct {
	scratchless
	kernel func(*asm.InterleaveArgs)
	pixels int // of an item
	blocks int // tasks in an item
}

func (op *interleaveOp) Tasks(n int) int { return n * op.blocks }

func (op *interleaveOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, y := floats(in[0]), floats(out[0])
	a := &w.interleave
	a.XPlane = 4 * op.pixels
	for task := lo; task < hi; task++ {
		item, first := task/op.blocks*3*op.pixels, task%op.blocks*taskSize
		a.X, a.Y, a.N = &x[item+first], &y[item+3*first], min(taskSize, op.pixels-first)
		op.kernel(a)
	}
}
