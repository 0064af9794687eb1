package amd64

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/operand"

	"github.com/infer-go/infer/gen/function"
)

// activate emits the function that the kernel's variant names, of each element.
func activate(b *builder) {
	f := function.ByVariant[b.kernel.Variant]
	b.doc(f.What + ", element by element")
	b.note("elements", y(0))
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	b.limits()
	b.eightsMasked(n, func(masked bool) {
		if masked {
			b.VMASKMOVPS(mem(in, 0), y(15), y(0))
		} else {
			b.VMOVUPS(mem(in, 0), y(0))
		}
		result := b.evaluate(f.Body, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14)
		if masked {
			b.VMASKMOVPS(y(result), y(15), mem(out, 0))
			return
		}
		b.VMOVUPS(y(result), mem(out, 0))
		b.ADDQ(imm(32), in)
		b.ADDQ(imm(32), out)
	})
	b.VZEROUPPER()
}

// eightsMasked emits body for every 8 of n elements, then once more for those
// that are left, which Y15 selects: every element goes through the same
// instructions, wherever it stands. n is used up.
func (b *builder) eightsMasked(n reg64, body func(masked bool)) {
	rest, done := b.label("rest"), b.label("done")
	left := b.copy(n)
	b.SHRQ(imm(3), n)
	b.JEQ(operand.LabelRef(rest))
	b.loop("eight", n, func() { body(false) })
	b.Label(rest)
	b.ANDQ(imm(7), left)
	b.JEQ(operand.LabelRef(done))
	b.setMask(left)
	body(true)
	b.Label(done)
}

// An evaluation emits a function of a vector of elements, and of a second one if
// it is one of two, with Lo and Hi in registers 12 and 13.
type evaluation struct {
	*builder
	bytes    int                    // of a vector
	elements int                    // the register of the elements, before those of a second vector
	last     map[*function.Node]int // where each node is used last
	at       map[*function.Node]int // the registers of those that are computed
	free     *[]int

	// Of vectors of 64 bytes: constants that stand in registers, the mask
	// registers of comparisons, and those that are free.
	held      map[uint32]int
	masks     map[*function.Node]opmask
	freeMasks *[]opmask
}

// evaluate emits a function of the elements in Y0, and in Y1 if it is one of two,
// for which these registers are free besides, and returns the register of its
// result.
func (b *builder) evaluate(f *function.Body, free ...int) int {
	e := &evaluation{builder: b, bytes: 32, last: f.LastUse(), at: map[*function.Node]int{}, free: &free}
	for i, n := range f.Nodes {
		e.node(i, n)
	}
	return e.at[f.Result()]
}

// v is vector register r, as long as the function's vectors are.
func (e *evaluation) v(r int) vec { return wide(r, e.bytes) }

func (e *evaluation) take() int {
	free := *e.free
	if len(free) == 0 {
		panic(fmt.Sprintf("%s: no vector register is left", e.symbol))
	}
	r := free[0]
	*e.free = free[1:]
	e.note("what the function needs", e.v(r))
	return r
}

func (e *evaluation) release(r int) {
	i, found := slices.BinarySearch(*e.free, r)
	if !found {
		*e.free = slices.Insert(*e.free, i, r)
	}
}

// memory is an operand where an instruction takes one from memory.
func (e *evaluation) memory(n *function.Node) operand.Op {
	if _, held := e.held[n.Bits]; n.Op == function.Constant && !held {
		return e.constantBits(n.Bits)
	}
	return e.v(e.register(n))
}

// register is the register of an operand. A constant is loaded into one.
func (e *evaluation) register(n *function.Node) int {
	r, ok := e.at[n]
	switch {
	case ok:
		return r
	case n.Op == function.Operand:
		r = e.elements
	case n.Op == function.Second:
		r = e.elements + 1
	case n.Op == function.Lo:
		return 12
	case n.Op == function.Hi:
		return 13
	default:
		if r, held := e.held[n.Bits]; held {
			return r
		}
		r = e.take()
		if n.Bits == 0 {
			e.VXORPS(y(r), y(r), y(r))
		} else {
			e.VMOVUPS(e.constantBits(n.Bits), e.v(r))
		}
	}
	e.at[n] = r
	return r
}

// dies says that node i is the last to use x, which has a register of its own.
func (e *evaluation) dies(x *function.Node, i int) bool {
	return e.last[x] == i && x.Op != function.Lo && x.Op != function.Hi && x.Op != function.Constant
}

// retire gives the registers of operands back that node i uses last, those of
// constants too.
func (e *evaluation) retire(i int, n *function.Node) {
	for _, x := range n.In {
		if r, ok := e.at[x]; ok && (x.Op == function.Constant || e.dies(x, i)) {
			delete(e.at, x)
			e.release(r)
		}
	}
}

func (e *evaluation) node(i int, n *function.Node) {
	in := slices.Clone(n.In)
	switch n.Op {
	case function.MulAdd, function.MulSub:
		e.multiplyAdd(i, n)
		return
	case function.Add, function.Mul, function.And, function.Or, function.Xor, function.AddInt:
		if in[0].Op == function.Constant {
			in[0], in[1] = in[1], in[0]
		}
	case function.Max, function.Min:
		// The second source is what an instruction returns if either is NaN.
		in[0], in[1] = in[1], in[0]
	}
	if e.bytes == 64 && e.comparison(i, n) {
		return
	}
	// One operand may stand in memory.
	var x, z vec
	var m operand.Op
	switch len(in) {
	case 1:
		x = e.v(e.register(in[0]))
	case 2:
		x, m = e.v(e.register(in[0])), e.memory(in[1])
	case 3:
		x, m, z = e.v(e.register(in[0])), e.memory(in[1]), e.v(e.register(in[2]))
	}
	e.retire(i, n)
	e.at[n] = e.take()
	to := e.v(e.at[n])
	switch n.Op {
	case function.Add:
		e.VADDPS(m, x, to)
	case function.Sub:
		e.VSUBPS(m, x, to)
	case function.Mul:
		e.VMULPS(m, x, to)
	case function.Div:
		e.VDIVPS(m, x, to)
	case function.Max:
		e.VMAXPS(m, x, to)
	case function.Min:
		e.VMINPS(m, x, to)
	case function.Sqrt:
		e.VSQRTPS(x, to)
	case function.Nearest:
		e.round(toNearest, x, to)
	case function.Floor:
		e.round(toFloor, x, to)
	case function.Ceil:
		e.round(toCeil, x, to)
	case function.Scale:
		e.VSCALEFPS(m, x, to)
	case function.Less:
		e.VCMPPS(lessThan, m, x, to)
	case function.AtMost:
		e.VCMPPS(atMost, m, x, to)
	case function.Select:
		e.VBLENDVPS(x, m, z, to)
	case function.And:
		e.bitwise(e.VANDPS, e.VPANDD, m, x, to)
	case function.Or:
		e.bitwise(e.VORPS, e.VPORD, m, x, to)
	case function.Xor:
		e.bitwise(e.VXORPS, e.VPXORD, m, x, to)
	case function.ToInt:
		e.VCVTPS2DQ(x, to)
	case function.FromInt:
		e.VCVTDQ2PS(x, to)
	case function.AddInt:
		e.VPADDD(m, x, to)
	case function.SubInt:
		e.VPSUBD(m, x, to)
	case function.ShiftLeft:
		e.VPSLLD(imm(int(n.Bits)), x, to)
	case function.ShiftRight:
		e.VPSRAD(imm(int(n.Bits)), x, to)
	default:
		panic(fmt.Sprintf("%s: no instruction %d", e.symbol, n.Op))
	}
}

// multiplyAdd emits z ± x·y. The instruction overwrites one of the three: the
// sum's first part if nobody else needs it, else a factor, else a copy.
func (e *evaluation) multiplyAdd(i int, n *function.Node) {
	a, c, z := n.In[0], n.In[1], n.In[2]
	if a.Op == function.Constant || e.dies(c, i) && !e.dies(a, i) {
		a, c = c, a // a is the one to overwrite
	}
	to := -1
	if !e.dies(z, i) && e.dies(a, i) && a != c && a != z {
		to = e.register(a)
		factor, sum := e.v(e.register(c)), e.memory(z)
		if n.Op == function.MulAdd {
			e.VFMADD213PS(sum, factor, e.v(to))
		} else {
			e.VFNMADD213PS(sum, factor, e.v(to))
		}
	} else {
		factor, other := e.v(e.register(a)), e.memory(c)
		if e.dies(z, i) && z != a && z != c {
			to = e.register(z)
		} else {
			to = e.take()
			if z.Op == function.Constant {
				e.VMOVUPS(e.memory(z), e.v(to))
			} else {
				e.VMOVAPS(e.v(e.register(z)), e.v(to))
			}
		}
		if n.Op == function.MulAdd {
			e.VFMADD231PS(other, factor, e.v(to))
		} else {
			e.VFNMADD231PS(other, factor, e.v(to))
		}
	}
	e.retire(i, n)
	*e.free = slices.DeleteFunc(*e.free, func(r int) bool { return r == to })
	e.at[n] = to
}
