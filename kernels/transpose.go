package kernels

import (
	"slices"

	"github.com/infer-go/infer/asm"
)

// Transpose permutes dimensions: Out's dimension i is In's dimension Perm[i].
type Transpose struct{ Perm []int }

func (*Transpose) Op() string { return "Transpose" }

func (t *Transpose) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(t, in, params, 1, 0); err != nil {
		return nil, err
	}
	x := in[0]
	out := make([]int, len(x))
	if len(t.Perm) != len(x) {
		return nil, errorf(t, "%v is no permutation of shape %s", t.Perm, dims(x...))
	}
	for i, d := range t.Perm {
		if d < 0 || d >= len(x) || slices.Contains(t.Perm[:i], d) {
			return nil, errorf(t, "%v is no permutation of shape %s", t.Perm, dims(x...))
		}
		out[i] = x[d]
	}
	return result(t, out...)
}

func (t *Transpose) Bind(tier *Tier, in [][]int, params []Param) (Op, error) {
	out, err := t.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	y := out[0]
	step := make([]int, len(y))
	for i, s := range t.Perm {
		step[i] = strides(in[0])[s]
	}
	l := newNest(y, step, strides(y))
	if pixels := volume(y) / 3; slices.Equal(l.size, []int{pixels, 3}) && slices.Equal(l.stride[0], []int{1, pixels}) && slices.Equal(l.stride[1], []int{3, 1}) {
		return &interleaveOp{kernel: find[asm.InterleaveArgs](tier, asm.Kernel{Op: "interleave"}), pixels: pixels, blocks: ceilDiv(pixels, taskSize)}, nil
	}
	size := [2]int{volume(y), volume(y)}
	return &copyOp{moves: []move{newMove(0, 0, size, [2]int{}, l)}}, nil
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

func (op *interleaveOp) Run(w *Workspace, in, out [][]float32, n, lo, hi int) {
	a := &w.interleave
	a.XPlane = op.pixels
	for task := lo; task < hi; task++ {
		item, first := task/op.blocks*3*op.pixels, task%op.blocks*taskSize
		a.X, a.Y, a.N = &in[0][item+first], &out[0][item+3*first], min(taskSize, op.pixels-first)
		op.kernel(a)
	}
}
