package amd64

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/infer-go/infer/gen/function"
)

// activateWide emits the function that the kernel's variant names by vectors of
// 64 bytes, some at a time, so that no instruction waits for the one before it.
// Constants stand in the registers that vectors of 32 bytes do not have.
func activateWide(b *builder) {
	f := function.ByVariant[b.kernel.Variant]
	body := f.Scaled
	b.doc(f.What + ", element by element")
	b.constantLanes = 16
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	b.note("Lo", z(12))
	b.note("Hi", z(13))
	b.VBROADCASTSS(b.field("Lo"), z(12))
	b.VBROADCASTSS(b.field("Hi"), z(13))
	held, free := b.hold(body)
	b.sixteensMasked(n, together(body, len(free)), func(vectors int, masked bool) {
		es := b.evaluations(body, vectors, held, free)
		for i, e := range es {
			if masked {
				b.VMOVUPS_Z(mem(in, 0), reg.K1, z(e.elements))
			} else {
				b.VMOVUPS(mem(in, 64*i), z(e.elements))
			}
		}
		for i, result := range evaluateAll(es, body) {
			if masked {
				b.VMOVUPS(z(result), reg.K1, mem(out, 0))
			} else {
				b.VMOVUPS(z(result), mem(out, 64*i))
			}
		}
		if !masked {
			b.ADDQ(imm(64*vectors), in)
			b.ADDQ(imm(64*vectors), out)
		}
	})
	b.VZEROUPPER()
}

// evaluations are those of a function of so many vectors of 64 bytes, with
// registers for their elements.
func (b *builder) evaluations(f *function.Body, vectors int, held map[uint32]int, free []int) []*evaluation {
	free, masks := slices.Clone(free), slices.Clone(freeMasks)
	es := make([]*evaluation, vectors)
	for i := range es {
		es[i] = &evaluation{builder: b, bytes: 64, last: f.LastUse(), at: map[*function.Node]int{}, free: &free,
			held: held, masks: map[*function.Node]opmask{}, freeMasks: &masks}
		es[i].elements = es[i].take()
		b.note("elements", z(es[i].elements))
	}
	return es
}

// evaluateAll emits a function, each instruction for all vectors before the next,
// and returns the registers of the results.
func evaluateAll(es []*evaluation, f *function.Body) []int {
	for i, n := range f.Nodes {
		for _, e := range es {
			e.node(i, n)
		}
	}
	results := make([]int, len(es))
	for i, e := range es {
		results[i] = e.at[f.Result()]
	}
	return results
}

// hold loads the function's constants into registers from 16 on, the first that
// occur, and says where they are, and which registers are left for others.
func (b *builder) hold(f *function.Body) (held map[uint32]int, free []int) {
	held, free = map[uint32]int{}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15}
	next := 16
	for _, n := range f.Nodes {
		for _, x := range n.In {
			if _, known := held[x.Bits]; x.Op != function.Constant || known || next > 31 {
				continue
			}
			held[x.Bits] = next
			b.note("constants", z(next))
			b.VMOVUPS(b.constantBits(x.Bits), z(next))
			next++
		}
	}
	for ; next <= 31; next++ {
		free = append(free, next)
	}
	return held, free
}

// freeMasks are the mask registers for comparisons.
var freeMasks = []opmask{reg.K2, reg.K3, reg.K4, reg.K5, reg.K6, reg.K7}

func isComparison(n *function.Node) bool { return n.Op == function.Less || n.Op == function.AtMost }

// together is how many vectors the registers are enough for, four at most. One
// may be taken by a constant for which there was none, and a mask register by a
// choice that no comparison makes.
func together(f *function.Body, registers int) int {
	vectors := f.Peak(func(n *function.Node) bool {
		switch n.Op {
		case function.Constant, function.Lo, function.Hi:
			return false
		}
		return !isComparison(n)
	})
	return max(1, min((registers-1)/vectors, (len(freeMasks)-1)/max(1, f.Peak(isComparison)), 4))
}

// sixteensMasked emits body for every 16·vectors of n elements, for every 16 of
// those that are left, and for the last, which K1 selects. n is used up.
func (b *builder) sixteensMasked(n reg64, vectors int, body func(vectors int, masked bool)) {
	left := b.copy(n)
	for _, v := range slices.Compact([]int{vectors, 1}) {
		top, fewer := b.label("vectors"), b.label("fewer")
		b.Label(top)
		b.CMPQ(left, imm(16*v))
		b.JLT(operand.LabelRef(fewer))
		body(v, false)
		b.SUBQ(imm(16*v), left)
		b.JMP(operand.LabelRef(top))
		b.Label(fewer)
	}
	done := b.label("done")
	b.TESTQ(left, left)
	b.JEQ(operand.LabelRef(done))
	b.columnMask(left)
	body(1, true)
	b.Label(done)
}

// comparison emits node i if it is a comparison, a choice, or reads a comparison
// otherwise, and says so: comparisons of vectors of 64 bytes set mask registers,
// and so do the choices that no comparison makes, of all ones and of 0.
func (e *evaluation) comparison(i int, n *function.Node) bool {
	var selects opmask
	ofMask := -1
	for j, x := range n.In {
		if k, ok := e.masks[x]; ok {
			selects, ofMask = k, j
		}
	}
	switch {
	case isComparison(n):
		predicate := lessThan
		if n.Op == function.AtMost {
			predicate = atMost
		}
		k := e.takeMask()
		e.VCMPPS(predicate, e.memory(n.In[1]), e.v(e.register(n.In[0])), k)
		e.retire(i, n)
		e.masks[n] = k
	case n.Op == function.Select:
		x, y := e.v(e.register(n.In[2])), e.memory(n.In[1])
		if ofMask != 0 {
			selects = (*e.freeMasks)[0]
			e.noteMask("choices", selects)
			c := e.v(e.register(n.In[0]))
			e.VPTESTMD(c, c, selects)
		}
		e.retire(i, n)
		e.at[n] = e.take()
		e.VBLENDMPS(y, x, selects, e.v(e.at[n]))
	case n.Op == function.And && ofMask >= 0:
		x := e.memory(n.In[1-ofMask])
		e.retire(i, n)
		e.at[n] = e.take()
		e.VMOVUPS_Z(x, selects, e.v(e.at[n]))
	case ofMask >= 0:
		panic(e.symbol + ": a comparison is read as bits")
	default:
		return false
	}
	for _, x := range n.In {
		if k, ok := e.masks[x]; ok && e.last[x] == i {
			delete(e.masks, x)
			*e.freeMasks = append(*e.freeMasks, k)
		}
	}
	return true
}

func (e *evaluation) takeMask() opmask {
	free := *e.freeMasks
	if len(free) == 0 {
		panic(e.symbol + ": no mask register is left")
	}
	*e.freeMasks = free[1:]
	e.noteMask("comparisons", free[0])
	return free[0]
}

// round emits the rounding to a whole number.
func (e *evaluation) round(how operand.Op, x, to vec) {
	if e.bytes == 64 {
		e.VRNDSCALEPS(how, x, to)
		return
	}
	e.VROUNDPS(how, x, to)
}

// bitwise emits one of two instructions, since those of float32 need a further
// feature where vectors have 64 bytes.
func (e *evaluation) bitwise(narrow, wide func(ops ...operand.Op), m operand.Op, x, to vec) {
	if e.bytes == 64 {
		wide(m, x, to)
		return
	}
	narrow(m, x, to)
}
