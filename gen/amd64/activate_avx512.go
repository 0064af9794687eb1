package amd64

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/infer-go/infer/gen/function"
)

// activateWide emits the function that the kernel's variant names by vectors of
// 64 bytes. Its constants stand in the registers that vectors of 32 bytes do not
// have.
func activateWide(b *builder) {
	f := function.ByVariant[b.kernel.Variant]
	b.doc(f.What + ", element by element")
	b.constantLanes = 16
	b.note("elements", z(0))
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	b.note("Lo", z(12))
	b.note("Hi", z(13))
	b.VBROADCASTSS(b.field("Lo"), z(12))
	b.VBROADCASTSS(b.field("Hi"), z(13))
	held := b.hold(f.Scaled, 16, 16)
	b.sixteensMasked(n, func(masked bool) {
		if masked {
			b.VMOVUPS_Z(mem(in, 0), reg.K1, z(0))
		} else {
			b.VMOVUPS(mem(in, 0), z(0))
		}
		e := &evaluation{builder: b, bytes: 64, last: f.Scaled.LastUse(), at: map[*function.Node]int{},
			free: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15}, held: held}
		result := e.emit(f.Scaled)
		if masked {
			b.VMOVUPS(z(result), reg.K1, mem(out, 0))
			return
		}
		b.VMOVUPS(z(result), mem(out, 0))
		b.ADDQ(imm(64), in)
		b.ADDQ(imm(64), out)
	})
	b.VZEROUPPER()
}

// hold loads the function's first constants into so many registers from one on,
// and says where they are.
func (b *builder) hold(f *function.Body, first, registers int) map[uint32]int {
	held := map[uint32]int{}
	for _, n := range f.Nodes {
		for _, x := range n.In {
			if _, known := held[x.Bits]; x.Op != function.Constant || known || len(held) == registers {
				continue
			}
			r := first + len(held)
			held[x.Bits] = r
			b.note("constants", z(r))
			b.VMOVUPS(b.constantBits(x.Bits), z(r))
		}
	}
	return held
}

// sixteensMasked emits body for every 16 of n elements, then once more for those
// that are left, which K1 selects. n is used up.
func (b *builder) sixteensMasked(n reg64, body func(masked bool)) {
	rest, done := b.label("rest"), b.label("done")
	left := b.copy(n)
	b.SHRQ(imm(4), n)
	b.JEQ(operand.LabelRef(rest))
	b.loop("sixteen", n, func() { body(false) })
	b.Label(rest)
	b.ANDQ(imm(15), left)
	b.JEQ(operand.LabelRef(done))
	b.columnMask(left)
	body(true)
	b.Label(done)
}

// masks are the mask registers of comparisons that are computed.
type masks map[*function.Node]opmask

var opmasks = []opmask{reg.K2, reg.K3, reg.K4, reg.K5, reg.K6, reg.K7}

// mask is a free mask register.
func (e *evaluation) mask() opmask {
	for _, k := range opmasks {
		used := false
		for _, other := range e.masks {
			used = used || other == k
		}
		if !used {
			e.noteMask("comparisons", k)
			return k
		}
	}
	panic(e.symbol + ": no mask register is left")
}

// comparison emits node i if it is a comparison, or reads one, and says so: those
// of vectors of 64 bytes set mask registers.
func (e *evaluation) comparison(i int, n *function.Node) bool {
	var selects opmask
	ofMask := -1
	for j, x := range n.In {
		if k, ok := e.masks[x]; ok {
			selects, ofMask = k, j
		}
	}
	switch {
	case n.Op == function.Less || n.Op == function.AtMost:
		predicate := lessThan
		if n.Op == function.AtMost {
			predicate = atMost
		}
		k := e.mask()
		e.VCMPPS(predicate, e.memory(n.In[1]), e.v(e.register(n.In[0])), k)
		e.retire(i, n)
		if e.masks == nil {
			e.masks = masks{}
		}
		e.masks[n] = k
	case n.Op == function.Select:
		x, y := e.v(e.register(n.In[2])), e.memory(n.In[1])
		if ofMask != 0 {
			selects = e.mask()
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
	for x := range e.masks {
		if e.last[x] <= i {
			delete(e.masks, x)
		}
	}
	return true
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
