package kernels

import (
	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// quantisedBinaryKernels are the variants of what is computed of quantised
// operands.
var quantisedBinaryKernels = [...]string{Add: "add", Sub: "sub", Mul: "mul"}

func quantisedBinaryKernel(k BinaryKind, result asm.Elem) asm.Kernel {
	return asm.Kernel{Op: "binary", Operand: asm.U8, Weight: asm.U8, Result: result, Variant: quantisedBinaryKernels[k]}
}

// quantisedElements is elements for quantised operands.
func (b *Binary) quantisedElements(in []tensor.Type, params []Param) (tensor.Type, error) {
	z := b.Result.Of()
	if err := computeOperands(b, b.Result, in, params, 2, 0); err != nil {
		return z, err
	}
	switch {
	case int(b.Kind) >= len(quantisedBinaryKernels):
		return z, errorf(b, "kind %d of quantised operands", b.Kind)
	case !b.Act.isClamp():
		return z, errorf(b, "activation %d of quantised operands, where only a clamp can follow", b.Act.Kind)
	}
	return z, nil
}

// bindQuantised is Bind for quantised operands.
func (b *Binary) bindQuantised(t *Tier, in []tensor.Type, out tensor.Type) (Op, error) {
	z := out.Shape
	op := &quantisedBinary{flat: flat{volume: z.Volume()}, size: out.Elem.Size(), row: loop{size: 1, stride: [2]int{1, 1}}}
	op.item = [2]int{in[0].Shape.Volume(), in[1].Shape.Volume()}
	op.outer = newNest(z, in[0].Shape.BroadcastStrides(len(z)), in[1].Shape.BroadcastStrides(len(z)))
	if rank := len(op.outer.size); rank > 0 {
		op.row = op.outer.remove(rank - 1)
	}
	op.rows = op.outer.count()
	op.kernel = findQuantised[asm.QuantisedBinaryArgs](t, quantisedBinaryKernel(b.Kind, asm.Elem(out.Elem)))
	a := &op.args
	a.XZero, a.YZero, a.Zero = in[0].Zero, in[1].Zero, out.Zero
	a.XStep, a.YStep = op.row.stride[0], op.row.stride[1]
	a.Lo, a.Hi = b.Result.limits(b.Act)
	scales := [2]float32{1, 1}
	if b.Kind == Mul {
		scales[0] = in[1].Scale
	}
	var err error
	if a.XScale, err = b.Result.multiplier(b, in[0].Scale, scales[0]); err != nil {
		return nil, err
	}
	if b.Kind != Mul {
		if a.YScale, err = b.Result.multiplier(b, in[1].Scale, 1); err != nil {
			return nil, err
		}
	}
	if out.Elem != tensor.F32 && max(a.XScale, a.YScale) > maxBinaryScale {
		op.kernel = binaryQuantised(b.Kind, asm.U8)
	}
	return op, nil
}

// maxBinaryScale is the largest scale with which the kernels' values fit an int32.
const maxBinaryScale = 1 << 15

// quantisedBinary is a Binary of quantised operands. It walks through the result
// row by row, as binaryOp does.
type quantisedBinary struct {
	flat
	outer  nest // the loops around a row
	rows   int  // of an item
	row    loop
	kernel func(*asm.QuantisedBinaryArgs)
	args   asm.QuantisedBinaryArgs // what is the same in all calls
	item   [2]int                  // elements of an item of the operands
	size   int                     // bytes of an element of the result
}

func (op *quantisedBinary) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	a := &w.quantisedBinary
	*a = op.args
	start, end := op.elements(n, lo, hi)
	for from := start; from < end; from += a.N { // a part of a row
		row, col := from/op.row.size, from%op.row.size
		c := op.outer.seek(row % op.rows)
		a.N = min(op.row.size-col, end-from, taskSize)
		a.X = &in[0][row/op.rows*op.item[0]+c.offset[0]+col*op.row.stride[0]]
		a.Y = &in[1][row/op.rows*op.item[1]+c.offset[1]+col*op.row.stride[1]]
		a.Z = &out[0][from*op.size]
		op.kernel(a)
	}
}
