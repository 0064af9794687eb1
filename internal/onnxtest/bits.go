package onnxtest

import "math"

// bitTypes are the types of elements whose bits are computed with.
var bitTypes = []DataType{Int32, Int64, Uint8}

// allBits bounds what any function of the bits of numbers between lo and hi is.
func allBits(lo, hi float64) (least, most float64) {
	m := math.Exp2(math.Ceil(math.Log2(max(math.Abs(lo), math.Abs(hi)) + 1)))
	if lo < 0 {
		return -m, m
	}
	return 0, m
}

// bitwise is BitwiseAnd, BitwiseOr or BitwiseXor.
func bitwise(g *grower, op string) bool {
	x := g.operand(demand{types: bitTypes, most: 5})
	if x == nil {
		return false
	}
	b, _ := g.second(x, -20, 20, true)
	lo, hi := allBits(min(x.Lo, b.lo), max(x.Hi, b.hi))
	y := g.join(x.Type, lo, hi, 1, of(x), b)
	if y == nil {
		return false
	}
	g.one(op, []string{x.Name, b.name}, y)
	return true
}

func bitwiseNot(g *grower, op string) bool {
	x := g.operand(demand{types: bitTypes, most: 5})
	if x == nil {
		return false
	}
	y := like(x, -1-x.Hi, -1-x.Lo, 1)
	if x.Type == Uint8 {
		y.Lo, y.Hi = 0, 255
	}
	g.one(op, []string{x.Name}, y)
	return true
}

// bitShift shifts bytes by fewer bits than they have.
func bitShift(g *grower, op string) bool {
	x := g.operand(demand{types: []DataType{Uint8}, most: 5})
	if x == nil {
		return false
	}
	b := g.constantOf(x, Uint8, 0, 7, true)
	direction := pick(g.r, []string{"LEFT", "RIGHT"})
	y := g.join(Uint8, 0, 255, 1, of(x), b)
	if y == nil {
		return false
	}
	if direction == "RIGHT" {
		y.Hi = x.Hi
	}
	g.one(op, []string{x.Name, b.name}, y, Attr{"direction", direction})
	return true
}
