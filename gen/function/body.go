// Package function describes the functions of one element, and those of two
// that take more than one instruction. Each is described once, for all tiers,
// as a graph of simple vector instructions from which the emitters make
// kernels, so that it is computed by the same formula everywhere.
package function

import "math"

// An Op is an instruction on vectors of float32, or of int32 in the same
// registers.
type Op uint8

const (
	Operand  Op = iota // the elements
	Second             // those of the other operand
	Lo                 // the parameters, the same in every lane
	Hi                 //
	Constant           // Bits in every lane

	Add    // x + y
	Sub    // x − y
	Mul    // x·y
	Div    // x / y
	MulAdd // x·y + z, rounded once
	MulSub // z − x·y, rounded once
	Scale  // x·2ʸ for a whole number y, rounded once; where a tier Scales
	Max    // the larger of x and a bound y, x if that is NaN
	Min    // the smaller of them
	Sqrt
	Nearest // whole number, ties to even
	Floor
	Ceil

	Less   // all ones where x < y, else 0
	AtMost // all ones where x ≤ y, else 0
	Select // y where x is all ones, z where it is 0
	And
	Or
	Xor

	ToInt   // a whole number as an int32
	FromInt // and back
	AddInt
	SubInt
	ShiftLeft  // by Bits
	ShiftRight // by Bits, of signed numbers
)

// A Node is an instruction and its operands, or what they begin with.
type Node struct {
	Op   Op
	In   []*Node
	Bits uint32
}

// A Body is what a function does: its nodes in the order of execution, of which
// the last is the result.
type Body struct {
	Nodes []*Node

	scales bool // Scale may be one of them
}

// LastUse is, for each node, the index of the last one that has it as an
// operand.
func (f *Body) LastUse() map[*Node]int {
	last := map[*Node]int{}
	for i, n := range f.Nodes {
		for _, x := range n.In {
			last[x] = i
		}
	}
	last[f.Result()] = len(f.Nodes)
	return last
}

// Peak is the most nodes, of those that count, of which the results are needed at
// a time. The result of a node may take the place of what it is the last to read.
func (f *Body) Peak(counts func(*Node) bool) int {
	at := map[*Node]int{} // the operands are there from the beginning
	for i, n := range f.Nodes {
		at[n] = i + 1
	}
	most, last := 0, f.LastUse()
	for i := range f.Nodes {
		needed := 0
		for n, use := range last {
			if counts(n) && at[n] <= i && use >= i {
				needed++
			}
		}
		most = max(most, needed)
	}
	return most
}

// Result is the node of the result.
func (f *Body) Result() *Node { return f.Nodes[len(f.Nodes)-1] }

func (f *Body) add(n *Node) *Node {
	f.Nodes = append(f.Nodes, n)
	return n
}

func (f *Body) op(op Op, in ...*Node) *Node { return f.add(&Node{Op: op, In: in}) }

func (f *Body) shift(op Op, x *Node, bits uint32) *Node {
	return f.add(&Node{Op: op, In: []*Node{x}, Bits: bits})
}

// bits is a constant by its representation. It is no node of its own in the
// order of execution: emitters load it where they need it.
func bits(b uint32) *Node { return &Node{Op: Constant, Bits: b} }

func number(x float32) *Node { return bits(math.Float32bits(x)) }

// polynomial is the polynomial of x with these coefficients, that of the
// highest power first.
func (f *Body) polynomial(x *Node, coefficients ...float32) *Node {
	p := number(coefficients[0])
	for _, c := range coefficients[1:] {
		p = f.op(MulAdd, p, x, number(c))
	}
	return p
}
