package arm64

import (
	"fmt"
	"math"
	"slices"

	"github.com/infer-go/infer/gen/function"
)

// activate emits the function that the kernel's variant names, of each element.
// Every element goes through the same instructions, wherever it stands.
func activate(b *builder) {
	f := function.ByVariant[b.kernel.Variant]
	b.doc(f.What + ", element by element")
	in, out, n := b.load("X"), b.load("Y"), b.load("N")
	e := b.evaluation(f.Body)
	b.pieces(n, 8, func(p piece) {
		x := b.v.takeAll(p.vectors(), "elements")
		b.loadPiece(p, in, x)
		b.storePiece(p, e.evaluate(map[function.Op][]vec{function.Operand: x}), out)
	})
}

// An evaluation emits a function of n vectors at a time: each instruction for
// all of them before the next, so that none waits for its own result.
type evaluation struct {
	*builder
	n    int
	body *function.Body
	last map[*function.Node]int   // where each node is used last
	at   map[*function.Node][]vec // the registers of those that are computed

	parameter map[function.Op]vec // what stands still: Lo and Hi, where the function has them
	whole     map[uint32]vec      // constants that fill a register
	lanes     table               // the others
}

// evaluation prepares for emitting a function: its parameters and constants are
// loaded.
func (b *builder) evaluation(f *function.Body) *evaluation {
	e := &evaluation{builder: b, body: f, last: f.LastUse()}
	e.parameters()
	e.constants()
	return e
}

// wholeConstants is how many constants a function may have for all of them to
// fill a register each; if it has more, they stand in lanes.
const wholeConstants = 8

// parameters loads those that the function has.
func (e *evaluation) parameters() {
	e.parameter = map[function.Op]vec{}
	for _, n := range e.body.Nodes {
		for _, x := range n.In {
			switch _, loaded := e.parameter[x.Op]; {
			case loaded:
			case x.Op == function.Lo:
				e.parameter[x.Op] = e.broadcast("Lo")
			case x.Op == function.Hi:
				e.parameter[x.Op] = e.broadcast("Hi")
			}
		}
	}
}

// constants loads the function's constants.
func (e *evaluation) constants() {
	var all []uint32
	for _, n := range e.body.Nodes {
		for _, x := range n.In {
			if x.Op == function.Constant && !slices.Contains(all, x.Bits) {
				all = append(all, x.Bits)
			}
		}
	}
	if len(all) > wholeConstants {
		e.lanes = e.table(all)
		return
	}
	e.whole = map[uint32]vec{}
	for _, bits := range all {
		e.whole[bits] = e.constant(math.Float32frombits(bits), "constants")
	}
}

// A table is some constants in the lanes of registers.
type table struct {
	constants []uint32
	registers []vec
}

// table loads constants into the lanes of registers.
func (b *builder) table(constants []uint32) table {
	t := table{constants, b.v.takeAll((len(constants)+3)/4, "constants in lanes")}
	b.scope(func() {
		bits := b.r.take("a constant")
		for i, x := range constants {
			b.MOVD(bitsOf(math.Float32frombits(x)), bits)
			b.insert(bits, i%4, t.registers[i/4])
		}
	})
	return t
}

// lane is the register and the lane of a constant, if it has one.
func (t table) lane(n *function.Node) (v vec, lane int, ok bool) {
	if n.Op != function.Constant {
		return 0, 0, false
	}
	i := slices.Index(t.constants, n.Bits)
	if i < 0 {
		return 0, 0, false
	}
	return t.registers[i/4], i % 4, true
}

// evaluate emits the function of operands, which it may overwrite, and returns
// the registers of its result.
func (e *evaluation) evaluate(operands map[function.Op][]vec) []vec {
	for _, x := range operands {
		e.n = len(x)
	}
	e.at = map[*function.Node][]vec{}
	for _, n := range e.body.Nodes {
		for _, operand := range n.In {
			if x, ok := operands[operand.Op]; ok {
				e.at[operand] = x
			}
		}
	}
	for i, n := range e.body.Nodes {
		e.node(i, n)
	}
	return e.at[e.body.Result()]
}

func (e *evaluation) take() []vec { return e.v.takeAll(e.n, "what the function needs") }

// each emits an instruction for each vector.
func (e *evaluation) each(f func(i int)) {
	for i := range e.n {
		f(i)
	}
}

// registers are those of an operand, for each vector. A constant in a lane is
// copied to a register, the same for all, which spare is to be given back.
func (e *evaluation) registers(n *function.Node) (vs []vec, spare []vec) {
	if vs, ok := e.at[n]; ok {
		return vs, nil
	}
	if from, lane, ok := e.lanes.lane(n); ok {
		v := e.v.take("a constant")
		e.VDUP(from.lane("S", lane), v)
		return slices.Repeat([]vec{v}, e.n), []vec{v}
	}
	v, ok := e.parameter[n.Op]
	if n.Op == function.Constant {
		v, ok = e.whole[n.Bits]
	}
	if !ok {
		panic(fmt.Sprintf("node %d has no register", n.Op))
	}
	return slices.Repeat([]vec{v}, e.n), nil
}

// dies says that node i is the last to use x, which has registers of its own.
func (e *evaluation) dies(x *function.Node, i int) bool {
	_, ok := e.at[x]
	return ok && e.last[x] == i
}

// retire gives back the registers of operands that node i uses last, but for
// those that are kept.
func (e *evaluation) retire(i int, n *function.Node, keep []vec) {
	for _, x := range n.In {
		if e.dies(x, i) {
			vs := e.at[x]
			delete(e.at, x)
			if !slices.Equal(vs, keep) {
				e.v.release(vs...)
			}
		}
	}
}

func (e *evaluation) node(i int, n *function.Node) {
	switch n.Op {
	case function.MulAdd, function.MulSub, function.Select:
		e.accumulate(i, n)
		return
	case function.Mul:
		if e.timesLane(i, n) {
			return
		}
	}
	var in [2][]vec
	var spare []vec
	for k, x := range n.In {
		vs, s := e.registers(x)
		in[k], spare = vs, append(spare, s...)
	}
	// The result may take the place of an operand that nobody else needs.
	var to []vec
	for _, x := range n.In {
		if to == nil && e.dies(x, i) {
			to = e.at[x]
		}
	}
	if to == nil {
		to = e.take()
	}
	x, y := in[0], in[1]
	e.each(func(k int) {
		switch n.Op {
		case function.Add:
			e.FADD(y[k], x[k], to[k])
		case function.Sub:
			e.FSUB(y[k], x[k], to[k])
		case function.Mul:
			e.FMUL(y[k], x[k], to[k])
		case function.Div:
			e.FDIV(y[k], x[k], to[k])
		case function.Max:
			e.FMAX(y[k], x[k], to[k])
		case function.Min:
			e.FMIN(y[k], x[k], to[k])
		case function.Sqrt:
			e.FSQRT(x[k], to[k])
		case function.Nearest:
			e.FRINTN(x[k], to[k])
		case function.Floor:
			e.FRINTM(x[k], to[k])
		case function.Ceil:
			e.FRINTP(x[k], to[k])
		case function.Less:
			e.FCMGT(x[k], y[k], to[k])
		case function.AtMost:
			e.FCMGE(x[k], y[k], to[k])
		case function.And:
			e.VAND(y[k], x[k], to[k])
		case function.Or:
			e.VORR(y[k], x[k], to[k])
		case function.Xor:
			e.VEOR(y[k], x[k], to[k])
		case function.ToInt:
			e.FCVTNS(x[k], to[k])
		case function.FromInt:
			e.SCVTF(x[k], to[k])
		case function.AddInt:
			e.VADD(y[k], x[k], to[k])
		case function.SubInt:
			e.VSUB(y[k], x[k], to[k])
		case function.ShiftLeft:
			e.VSHL(int(n.Bits), x[k], to[k])
		case function.ShiftRight:
			e.SSHR(int(n.Bits), x[k], to[k])
		default:
			panic(fmt.Sprintf("no instruction %d", n.Op))
		}
	})
	e.v.release(spare...)
	e.retire(i, n, to)
	e.at[n] = to
}

// timesLane emits a product with a constant in a lane, if one factor is that.
func (e *evaluation) timesLane(i int, n *function.Node) bool {
	for k, c := range n.In {
		from, lane, ok := e.lanes.lane(c)
		if !ok {
			continue
		}
		x, spare := e.registers(n.In[1-k])
		to := x
		if !e.dies(n.In[1-k], i) {
			to = e.take()
		}
		e.each(func(k int) { e.FMULElement(from, lane, x[k], to[k]) })
		e.v.release(spare...)
		e.retire(i, n, to)
		e.at[n] = to
		return true
	}
	return false
}

// accumulate emits an instruction that changes its last operand: a sum with a
// product, or a selection. The operand is copied if somebody else needs it.
func (e *evaluation) accumulate(i int, n *function.Node) {
	z := n.In[2]
	var to []vec
	if e.dies(z, i) && n.In[0] != z && n.In[1] != z {
		to = e.at[z]
	} else {
		to = e.take()
		if from, lane, ok := e.lanes.lane(z); ok {
			e.each(func(k int) { e.VDUP(from.lane("S", lane), to[k]) })
		} else {
			from, _ := e.registers(z)
			e.each(func(k int) { e.VMOV(from[k], to[k]) })
		}
	}
	x, y := n.In[0], n.In[1]
	if _, _, ok := e.lanes.lane(x); ok && n.Op != function.Select {
		x, y = y, x
	}
	left, spare := e.registers(x)
	if from, lane, ok := e.lanes.lane(y); ok && n.Op != function.Select {
		e.each(func(k int) {
			if n.Op == function.MulAdd {
				e.FMLAElement(from, lane, left[k], to[k])
			} else {
				e.FMLSElement(from, lane, left[k], to[k])
			}
		})
	} else {
		right, more := e.registers(y)
		spare = append(spare, more...)
		e.each(func(k int) {
			switch n.Op {
			case function.MulAdd:
				e.VFMLA(right[k], left[k], to[k])
			case function.MulSub:
				e.FMLS(right[k], left[k], to[k])
			case function.Select:
				e.VBIT(left[k], right[k], to[k])
			}
		})
	}
	e.v.release(spare...)
	e.retire(i, n, to)
	e.at[n] = to
}
