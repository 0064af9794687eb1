package kernels

import (
	"strconv"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// checkQuantised checks that elements can become quantised ones.
func (c *Convert) checkQuantised(from Elements) error {
	switch from.Elem {
	case tensor.F32:
		return nil
	case tensor.U8, tensor.I8:
		_, err := c.Result.multiplier(c, from.step(), 1)
		return err
	}
	return errorf(c, "operand 0 is %v, where f32, u8 and i8 can be quantised", from.Elem)
}

// requantise makes quantised elements of others, of which there are 256.
func (c *Convert) requantise(t *Tier, x tensor.Shape, from Elements) *tableOp {
	table := new([256]byte)
	m, _ := c.Result.multiplier(c, from.step(), 1)
	lo, hi := c.Result.limits(Act{})
	from.each(func(b byte, q int32) {
		table[b] = byte(int32(roundEven(clamp(float32(q-from.Zero)*m, lo, hi))) + c.Result.Zero)
	})
	return newTable(t, x, table)
}

// quantiseOp makes quantised elements of float32: uint8, and int8 of these.
type quantiseOp struct {
	flat
	tier   *Tier
	kernel func(*asm.QuantiseArgs)
	args   asm.QuantiseArgs // what is the same in all calls
	signed bool
}

var quantiseKernel = asm.Kernel{Op: "quantise", Result: asm.U8}

func newQuantise(t *Tier, f flat, to Elements) *quantiseOp {
	op := &quantiseOp{flat: f, tier: t, kernel: findQuantised[asm.QuantiseArgs](t, quantiseKernel), signed: to.Elem == tensor.I8}
	op.args.Scale, op.args.Zero = to.Scale, to.Zero
	op.args.Lo, op.args.Hi = to.limits(Act{})
	if op.signed {
		op.args.Zero += signBit
	}
	return op
}

// signBit is the difference between an int8 and the uint8 that stands for the same
// number.
const signBit = 128

func (op *quantiseOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	x, y := floats(in[0])[from:to], out[0][from:to]
	a := &w.quantise
	*a = op.args
	for done := 0; done < len(x); done += taskSize {
		a.X, a.Y, a.N = &x[done], &y[done], min(taskSize, len(x)-done)
		op.kernel(a)
	}
	op.finish(w, y, a.NaN)
}

// finish makes int8 of the uint8 that a kernel has written, if results are int8.
func (op *quantiseOp) finish(w *Workspace, y []byte, nan int) {
	if nan != 0 {
		w.Fault = ErrNaN
	}
	if op.signed {
		for i := range y {
			y[i] ^= signBit
		}
	}
}

// Interleave makes op an Interleaver.
func (op *quantiseOp) Interleave(planes int) Op {
	if planes < 3 || planes > 4 || op.volume%planes != 0 {
		return nil
	}
	pixels := op.volume / planes
	return &quantisePlanes{*op, findQuantised[asm.QuantisePlanesArgs](op.tier, quantisePlanesKernel(planes)), planes, pixels, ceilDiv(pixels, taskSize)}
}

// quantisePlanes is a quantiseOp whose operand is planes, of which it makes pixels.
// A task is taskSize pixels.
type quantisePlanes struct {
	quantiseOp
	kernel         func(*asm.QuantisePlanesArgs)
	planes, pixels int // of an item
	blocks         int // tasks in an item
}

func quantisePlanesKernel(planes int) asm.Kernel {
	return asm.Kernel{Op: "quantiseplanes", Result: asm.U8, Variant: strconv.Itoa(planes)}
}

func (op *quantisePlanes) Tasks(n int) int { return n * op.blocks }

func (op *quantisePlanes) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, a := floats(in[0]), &w.quantisePlanes
	*a = asm.QuantisePlanesArgs{XPlane: 4 * op.pixels, Scale: op.args.Scale, Zero: op.args.Zero, Lo: op.args.Lo, Hi: op.args.Hi}
	for task := lo; task < hi; task++ {
		item, first := task/op.blocks*op.volume, task%op.blocks*taskSize
		a.N = min(taskSize, op.pixels-first)
		y := out[0][item+op.planes*first:][:op.planes*a.N]
		a.X, a.Y = &x[item+first], &y[0]
		op.kernel(a)
		op.finish(w, y, a.NaN)
	}
}

// dequantiseOp makes float32 of uint8 and int8.
type dequantiseOp struct {
	flat
	kernel func(*asm.DequantiseArgs)
	args   asm.DequantiseArgs // what is the same in all calls
}

var dequantiseKernel = asm.Kernel{Op: "dequantise", Operand: asm.U8, Weight: asm.U8}

func newDequantise(t *Tier, f flat, from Elements) *dequantiseOp {
	op := &dequantiseOp{flat: f, kernel: findQuantised[asm.DequantiseArgs](t, dequantiseKernel)}
	op.args.Scale, op.args.Zero = from.step(), from.Zero
	if from.Elem == tensor.I8 {
		op.args.Flip = signBit
		op.args.Zero += signBit
	}
	return op
}

func (op *dequantiseOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	x, y := in[0][from:to], floats(out[0])[from:to]
	a := &w.dequantise
	*a = op.args
	for done := 0; done < len(x); done += taskSize {
		a.X, a.Y, a.N = &x[done], &y[done], min(taskSize, len(x)-done)
		op.kernel(a)
	}
}
