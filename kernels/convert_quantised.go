package kernels

import (
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
	kernel func(*asm.QuantiseArgs)
	args   asm.QuantiseArgs // what is the same in all calls
	signed bool
}

var quantiseKernel = asm.Kernel{Op: "quantise", Result: asm.U8}

func newQuantise(t *Tier, f flat, to Elements) *quantiseOp {
	op := &quantiseOp{flat: f, kernel: findQuantised[asm.QuantiseArgs](t, quantiseKernel), signed: to.Elem == tensor.I8}
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
	if a.NaN != 0 {
		w.Fault = ErrNaN
	}
	if op.signed {
		for i := range y {
			y[i] ^= signBit
		}
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

// tableOp looks bytes up: any function of one quantised element.
type tableOp struct {
	flat
	kernel   func(*asm.TableArgs)
	table    *[256]byte
	channels int // the last dimension
}

var tableKernel = asm.Kernel{Op: "table", Operand: asm.U8, Weight: asm.U8, Result: asm.U8}

func newTable(t *Tier, x tensor.Shape, table *[256]byte) *tableOp {
	op := &tableOp{flat{volume: x.Volume()}, findQuantised[asm.TableArgs](t, tableKernel), table, 1}
	if len(x) > 0 {
		op.channels = x[len(x)-1]
	}
	return op
}

func (op *tableOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	op.look(w, in[0][from:to], out[0][from:to])
}

// look writes what becomes of x to y.
func (op *tableOp) look(w *Workspace, x, y []byte) {
	a := &w.table
	a.Table = &op.table[0]
	for done := 0; done < len(x); done += taskSize {
		a.X, a.Y, a.N = &x[done], &y[done], min(taskSize, len(x)-done)
		op.kernel(a)
	}
}

// Place makes op a Placer.
func (op *tableOp) Place(first, channels int) Op {
	return &placedTable{*op, first, channels}
}

// placedTable is a tableOp whose result's channels begin at channel first of
// pixels of so many.
type placedTable struct {
	tableOp
	first, pixel int
}

func (*placedTable) Scratch() int { return taskSize }

func (op *placedTable) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	for from < to {
		found := w.Scratch[:min(taskSize, to-from)]
		op.look(w, in[0][from:from+len(found)], found)
		pixel, channel := from/op.channels, from%op.channels
		from += len(found)
		for len(found) > 0 {
			some := min(op.channels-channel, len(found))
			copy(out[0][pixel*op.pixel+op.first+channel:], found[:some])
			found, pixel, channel = found[some:], pixel+1, 0
		}
	}
}
