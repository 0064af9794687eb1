package kernels

import (
	"slices"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// Convert gives elements another type, quantised or not: each becomes the
// element next to the real number that it stands for, ties to even, clamped to
// the least and the largest one. Float32, uint8 and int8 can be converted, each
// to float32 and to quantised uint8 and int8.
//
// Of float32 x, an element is clamp(rne(x / scale) + zero), the quotient rounded
// to float32; what Elements says holds for all others. So int8 q of zero point z
// and uint8 q+128 of zero point z+128 and the same scale are converted to one
// another exactly. A NaN has no element next to it: it becomes the zero point,
// and Workspace.NaN tells.
type Convert struct{ Result Elements }

func (*Convert) Op() string { return "Convert" }

func (*Convert) Order() Order { return AnyOrder }

func (c *Convert) ResultElements() *Elements { return &c.Result }

func (*Convert) Traits([]tensor.Type, []Param) Traits { return Traits{InPlace: true} }

func (c *Convert) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(c, in, params, 1, 0); err != nil {
		return nil, err
	}
	switch in[0].Elem {
	case tensor.F32, tensor.U8, tensor.I8:
	default:
		return nil, errorf(c, "operand 0 is %v, where f32, u8 and i8 can be converted", in[0])
	}
	out, err := result(c, c.Result.Of(), slices.Clone(in[0].Shape)...)
	if err != nil {
		return nil, err
	}
	if err := out[0].Check(); err != nil {
		return nil, errorf(c, "the result %w", err)
	}
	if c.Result.Elem != tensor.F32 && c.Result.Scale == 0 {
		return nil, errorf(c, "the result is %v, which is not quantised", out[0])
	}
	if c.Result.Elem != tensor.F32 && in[0].Elem != tensor.F32 {
		if _, err := c.Result.multiplier(c, ElementsOf(in[0]).step(), 1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *Convert) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := c.Infer(in, params); err != nil {
		return nil, err
	}
	op := flat{volume: in[0].Shape.Volume()}
	from := ElementsOf(in[0])
	switch {
	case from.Elem == tensor.F32 && c.Result.Elem == tensor.F32:
		return &copyElements{op, 4}, nil
	case from.Elem == tensor.F32:
		return newQuantise(t, op, c.Result), nil
	case c.Result.Elem == tensor.F32:
		d := &dequantiseOp{flat: op}
		from.each(func(b byte, q int32) { d.table[b] = from.decode(q) })
		return d, nil
	}
	table := new([256]byte)
	m, _ := c.Result.multiplier(c, from.step(), 1)
	lo, hi := c.Result.limits(Act{})
	from.each(func(b byte, q int32) {
		table[b] = byte(int32(roundEven(clamp(float32(q-from.Zero)*m, lo, hi))) + c.Result.Zero)
	})
	return &tableOp{op, table}, nil
}

// each calls f with each element of a quantised type and the byte that holds it.
func (e Elements) each(f func(b byte, q int32)) {
	lo, hi := e.ends()
	for q := lo; q <= hi; q++ {
		f(byte(q), q)
	}
}

// copyElements is a Convert that changes nothing.
type copyElements struct {
	flat
	size int
}

func (op *copyElements) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	copy(out[0][from*op.size:to*op.size], in[0][from*op.size:to*op.size])
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
		w.NaN = true
	}
	if op.signed {
		for i := range y {
			y[i] ^= signBit
		}
	}
}

// dequantiseOp makes float32 of integers.
type dequantiseOp struct {
	flat
	table [256]float32
}

func (op *dequantiseOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	dst := floats(out[0])[from:to]
	for i, b := range in[0][from:to] {
		dst[i] = op.table[b]
	}
}

// tableOp looks bytes up: any function of one quantised element.
type tableOp struct {
	flat
	table *[256]byte
}

func (op *tableOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	from, to := op.elements(n, lo, hi)
	dst := out[0][from:to]
	for i, b := range in[0][from:to] {
		dst[i] = op.table[b]
	}
}
