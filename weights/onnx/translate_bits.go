package onnx

import "github.com/infer-go/infer/kernels"

// checkBits checks that operand i has bits: its elements are integers.
func (c *call) checkBits(i int) {
	v, kind := c.operand(i), c.kind(i)
	if c.ready() && (kind.float() || kind == typeBool) {
		c.fail("operand %d, %q, is of %v: only integers have bits", i, v.name, kind)
	}
}

// twoBits is two for integers.
func (c *call) twoBits() (a, b *value) {
	a, b = c.two()
	c.checkBits(0)
	c.checkBits(1)
	return a, b
}

// bitwise translates BitwiseAnd, BitwiseOr and BitwiseXor.
func bitwise(kind kernels.BinaryKind) operator {
	return operator{
		since: 18,
		translate: func(c *call) []*value {
			a, b := c.twoBits()
			return []*value{c.binary(&kernels.Binary{Kind: kind}, a, b)}
		},
		fold: func(c *call) []*value {
			a, b := c.twoBits()
			return c.foldBinary(kind, a, b)
		},
	}
}

// bitwiseNot translates BitwiseNot: the bits that are not those of a number whose
// bits are all set.
func (c *call) bitwiseNot() []*value {
	c.checkBits(0)
	x := c.operand(0)
	if !c.ready() {
		return nil
	}
	all := c.number(x.typ().Elem, 0)
	all.data.setInt(0, -1)
	return []*value{c.binary(&kernels.Binary{Kind: kernels.BitXor}, x, all)}
}

// foldBitwiseNot computes BitwiseNot.
func (c *call) foldBitwiseNot() []*value {
	c.checkBits(0)
	x := c.operand(0)
	if !c.ready() {
		return nil
	}
	t := c.newTensor(x.data.kind, x.shape)
	if t == nil {
		return nil
	}
	for i, v := range x.data.ints {
		t.setInt(i, ^v)
	}
	return c.folded(t)
}

// shiftKind is the direction of BitShift.
func (c *call) shiftKind() kernels.BinaryKind {
	switch direction := c.stringAttr("direction", ""); direction {
	case "LEFT":
		return kernels.ShiftLeft
	case "RIGHT":
	default:
		c.fail("direction %q is neither LEFT nor RIGHT", direction)
	}
	return kernels.ShiftRight
}

// bitShift translates BitShift.
func (c *call) bitShift() []*value {
	a, b := c.twoBits()
	return []*value{c.binary(&kernels.Binary{Kind: c.shiftKind()}, a, b)}
}

// foldBitShift computes BitShift. Numbers of 64 bits without a sign, which are stored
// with one, are shifted to the right without it.
func (c *call) foldBitShift() []*value {
	kind := c.shiftKind()
	a, b := c.twoBits()
	out := c.foldBinary(kind, a, b)
	if !c.ready() || kind == kernels.ShiftLeft || a.data.kind != typeUint64 {
		return out
	}
	t := out[0]
	at := make([]int, len(t.shape))
	for i := range t.data.ints {
		x, by := a.data.ints[broadcastIndex(at, a.shape)], b.data.ints[broadcastIndex(at, b.shape)]
		t.data.ints[i] = int64(uint64(x) >> uint64(by))
		next(at, t.shape)
	}
	return out
}
