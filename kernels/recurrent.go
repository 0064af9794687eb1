package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// RecurrentKind is the cell of a recurrent layer: how it computes its state from
// x, the input's contribution at one time, and from the state h of the time
// before.
//
// Each gate has its own matrix R and bias, σ is the logistic function, and · is
// element by element. The formulas are those of ONNX's LSTM, GRU and RNN with their
// default activations, or with Relu.
type RecurrentKind uint8

const (
	// LSTM has the gates i, o, f and g, and a second state, the cell c:
	//
	//	i, o, f = σ(x + h·R + b)   g = tanh(x + h·R + b)
	//	c = f·c + i·g              h = o·tanh(c)
	LSTM RecurrentKind = iota

	// GRU has the gates z, r and n, and resets the state before the product:
	//
	//	z, r = σ(x + h·R + b)      n = tanh(x + (r·h)·R + b)
	//	h = (1 − z)·n + z·h
	GRU

	// GRUResetAfter resets the product instead, n = tanh(x + r·(h·R + b)).
	GRUResetAfter

	// RNN has one gate, which is h = tanh(x + h·R + b).
	RNN

	// RNNRelu is an RNN with max(…, 0) in the place of tanh.
	RNNRelu

	// LastRecurrent is the kind with the largest value.
	LastRecurrent = RNNRelu
)

// gates is the number of gates of a cell.
func (k RecurrentKind) gates() int {
	switch k {
	case LSTM:
		return 4
	case GRU, GRUResetAfter:
		return 3
	}
	return 1
}

// states is the number of states that go from one time to the next.
func (k RecurrentKind) states() int {
	if k == LSTM {
		return 2
	}
	return 1
}

// Recurrent is one direction of a recurrent layer over sequences of equal
// length. In[0] is [N, T, G·H], the products of the inputs with the weights of
// all G gates, biases included: a fully connected layer computes them for all
// times at once. In[1] and, for an LSTM, In[2] are the initial states h and c,
// [N, H]. Without them, the initial states are Params[1], plain [states, H],
// the same for all sequences, or else zero. Params[0] is panels [G, H, H] of
// the gates' matrices R.
//
// Out[0] is h at every time, [N, T, H]; Out[1] is the last h and, for an LSTM,
// Out[2] the last c, [N, H].
type Recurrent struct {
	Kind    RecurrentKind
	Reverse bool // from the last time to the first
}

func (*Recurrent) Op() string { return "Recurrent" }

func (*Recurrent) Order() Order { return RowMajor }

// Results counts h at every time and the last states.
func (r *Recurrent) Results() int { return 1 + r.Kind.states() }

// Traits counts about 20 multiply-adds for each gate's function.
func (r *Recurrent) Traits(in []tensor.Type, _ []Param) Traits {
	return Traits{
		MACs:  macs(in[0], in[0].Shape[2]/r.Kind.gates()),
		Extra: macs(in[0], 20),
	}
}

func (r *Recurrent) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if r.Kind > LastRecurrent {
		return nil, errorf(r, "unknown kind %d", r.Kind)
	}
	states := r.Kind.states()
	wantIn, wantParams := 1, 1
	switch {
	case len(in) > 1:
		wantIn += states
	case len(params) > 1:
		wantParams = 2
	}
	if err := floatOperands(r, in, params, wantIn, wantParams); err != nil {
		return nil, err
	}
	x, gates := in[0].Shape, r.Kind.gates()
	if len(x) != 3 || x[2]%gates != 0 {
		return nil, errorf(r, "operand 0 of shape %s is not a sequence for %d gates", x, gates)
	}
	hidden := x[2] / gates
	state := tensor.Shape{x[0], hidden}
	for _, t := range in[1:] {
		if !t.Shape.Equal(state) {
			return nil, errorf(r, "a first state of shape %s where there should be %s", t.Shape, state)
		}
	}
	if err := checkParam(r, params[0], "the matrices", FormPanels, gates, hidden, hidden); err != nil {
		return nil, err
	}
	if wantParams == 2 {
		if err := checkParam(r, params[1], "the first states", FormPlain, states, hidden); err != nil {
			return nil, err
		}
	}
	out := []tensor.Type{in[0].Of(x[0], x[1], hidden)}
	for range states {
		out = append(out, in[0].Of(state...))
	}
	return out, nil
}

func (r *Recurrent) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := r.Infer(in, params); err != nil {
		return nil, err
	}
	x, p := in[0].Shape, params[0].Panels()
	op := &recurrentOp{Tier: t, Recurrent: *r, sequences: x[0], times: x[1], hidden: p.K}
	// Panels of neighbouring gates follow one another, so that where they have no
	// columns to spare several gates are one matrix.
	gates := func(from, to int) gateProduct {
		q := Panels{Elem: p.Elem, Groups: 1, K: p.K, N: (to - from) * p.N}
		size := p.PerGroup() * p.Size()
		return gateProduct{from, newFully(t, q, 1, params[0].Data[from*size:][:(to-from)*size])}
	}
	for g := range p.Groups {
		op.gates = append(op.gates, gates(g, g+1))
	}
	op.early = slices.Clone(op.gates)
	if r.Kind == GRU {
		op.early = op.early[:2]
	}
	if p.N%NR == 0 {
		op.early = []gateProduct{gates(0, len(op.early))}
	}
	op.first = make([]float32, 2*op.hidden)
	if len(params) == 2 {
		copy(op.first, params[1].Floats())
	}
	return op, nil
}

// A gateProduct multiplies states by the matrices of some gates, from the first on.
type gateProduct struct {
	first int
	*fullyOp
}

// recurrentOp is a Recurrent. A task is one sequence or, if there are many, up to
// sequencesPerTask, which read the weights together.
type recurrentOp struct {
	*Tier
	Recurrent
	sequences, times, hidden int
	gates                    []gateProduct // of one gate each, for several sequences
	early                    []gateProduct // of the gates that need nothing but h, for one sequence
	first                    []float32     // h and c where they are no operands
}

// sequencesPerTask is how many sequences are computed side by side at most.
const sequencesPerTask = 8

// Scratch is that of the products; then, of each sequence of a task, the gates, a
// vector more, and h.
func (op *recurrentOp) Scratch() int {
	return op.products() + 4*(len(op.gates)+2)*op.hidden*op.most()
}

// products is the scratch of the products in bytes.
func (op *recurrentOp) products() int { return max(op.gates[0].Scratch(), op.early[0].Scratch()) }

// most is how many sequences are a task at most.
func (op *recurrentOp) most() int {
	if op.hidden >= deep {
		return 1
	}
	return sequencesPerTask
}

// perTask is how many sequences of n items are a task.
func (op *recurrentOp) perTask(n int) int {
	total := n * op.sequences
	return ceilDiv(total, ceilDiv(total, op.most()))
}

func (op *recurrentOp) Tasks(n int) int { return ceilDiv(n*op.sequences, op.perTask(n)) }

func (op *recurrentOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	size := op.perTask(n)
	for task := lo; task < hi; task++ {
		first := task * size
		op.run(w, in, out, first, min(size, n*op.sequences-first))
	}
}

// run computes some sequences, from the first on, time by time.
func (op *recurrentOp) run(w *Workspace, in, out [][]byte, first, rows int) {
	size := rows * op.hidden
	scratch := w.floats()[op.products()/4:]
	c := recurrentCell{
		recurrentOp: op, rows: rows,
		gates: scratch[:len(op.gates)*size], spare: scratch[len(op.gates)*size:][:size],
		h:    scratch[(len(op.gates)+1)*size:][:size],
		xRow: op.times * len(op.gates) * op.hidden,
	}
	for i := range rows {
		copy(c.h[i*op.hidden:][:op.hidden], op.firstState(in, first+i, 0))
	}
	if op.Kind == LSTM {
		c.c = floats(out[2])[first*op.hidden:][:size]
		for i := range rows {
			copy(c.c[i*op.hidden:][:op.hidden], op.firstState(in, first+i, 1))
		}
	}
	x, y := floats(in[0])[first*c.xRow:], floats(out[0])[first*op.times*op.hidden:]
	for i := range op.times {
		at := i
		if op.Reverse {
			at = op.times - 1 - i
		}
		c.x = x[at*len(op.gates)*op.hidden:]
		switch op.Kind {
		case LSTM:
			c.lstm(w)
		case GRU, GRUResetAfter:
			c.gru(w)
		default:
			c.rnn(w)
		}
		for r := range rows {
			copy(y[(r*op.times+at)*op.hidden:][:op.hidden], c.h[r*op.hidden:])
		}
	}
	copy(floats(out[1])[first*op.hidden:][:size], c.h)
}

// firstState is state i with which sequence s begins.
func (op *recurrentOp) firstState(in [][]byte, s, i int) []float32 {
	if len(in) > 1 {
		return floats(in[1+i])[s*op.hidden:][:op.hidden]
	}
	return op.first[i*op.hidden:][:op.hidden]
}

// A recurrentCell is the state of rows sequences at a time. Their vectors follow
// one another, those of each gate after those of the gate before.
type recurrentCell struct {
	*recurrentOp
	rows        int
	x           []float32 // the inputs' contribution: of sequence r from r·xRow on
	xRow        int
	gates       []float32
	spare, h, c []float32 // a vector of each sequence; c only of an LSTM
}

// gate is the elements of the gates from, …, to−1.
func (c *recurrentCell) gate(from, to int) []float32 {
	size := c.rows * c.hidden
	return c.gates[from*size : to*size]
}

// multiply makes gates of the products with h.
func (c *recurrentCell) multiply(w *Workspace, h []float32, ps []gateProduct) {
	for _, p := range ps {
		z := c.gate(p.first, p.first+p.n/c.hidden)
		if c.rows == 1 {
			p.gemvRows(w, h, z, 0, p.Count())
		} else {
			p.gemmRows(w, h, z, 0, p.Count())
		}
	}
}

// makeEarly makes the gates that need nothing but h.
func (c *recurrentCell) makeEarly(w *Workspace) {
	ps := c.early
	if c.rows > 1 {
		count := 0
		for _, p := range ps {
			count += p.n / c.hidden
		}
		ps = c.recurrentOp.gates[:count]
	}
	c.multiply(w, c.h, ps)
}

// addInput adds the inputs' contribution to the gates from, …, to−1.
func (c *recurrentCell) addInput(w *Workspace, from, to int) {
	if c.rows == 1 {
		z := c.gate(from, to)
		c.combine(w, Add, z, z, c.x[from*c.hidden:to*c.hidden])
		return
	}
	for g := from; g < to; g++ {
		z := c.gate(g, g+1)
		for r := range c.rows {
			row := z[r*c.hidden:][:c.hidden]
			c.combine(w, Add, row, row, c.x[r*c.xRow+g*c.hidden:][:c.hidden])
		}
	}
}

// lstm makes the next h and c of an LSTM.
func (c *recurrentCell) lstm(w *Workspace) {
	c.makeEarly(w)
	c.addInput(w, 0, 4)
	i, o, f, g, t := c.gate(0, 1), c.gate(1, 2), c.gate(2, 3), c.gate(3, 4), c.spare
	c.activate(w, Act{Kind: ActSigmoid}, c.gate(0, 3), c.gate(0, 3))
	c.activate(w, Act{Kind: ActTanh}, g, g)
	c.combine(w, Mul, c.c, f, c.c)
	c.combine(w, Mul, t, i, g)
	c.combine(w, Add, c.c, c.c, t)
	c.activate(w, Act{Kind: ActTanh}, t, c.c)
	c.combine(w, Mul, c.h, o, t)
}

// gru makes the next h of a GRU: n + z·(h − n).
func (c *recurrentCell) gru(w *Workspace) {
	c.makeEarly(w)
	c.addInput(w, 0, 2)
	c.activate(w, Act{Kind: ActSigmoid}, c.gate(0, 2), c.gate(0, 2))
	z, r, n, t := c.gate(0, 1), c.gate(1, 2), c.gate(2, 3), c.spare
	if c.Kind == GRU {
		c.combine(w, Mul, t, r, c.h)
		c.multiply(w, t, c.recurrentOp.gates[2:])
	} else {
		c.combine(w, Mul, n, r, n)
	}
	c.addInput(w, 2, 3)
	c.activate(w, Act{Kind: ActTanh}, n, n)
	c.combine(w, Sub, t, c.h, n)
	c.combine(w, Mul, t, z, t)
	c.combine(w, Add, c.h, n, t)
}

// rnn makes the next h of an RNN.
func (c *recurrentCell) rnn(w *Workspace) {
	act := Act{Kind: ActTanh}
	if c.Kind == RNNRelu {
		act = Act{Kind: Clamp, Hi: float32(math.Inf(1))}
	}
	c.makeEarly(w)
	c.addInput(w, 0, 1)
	c.activate(w, act, c.h, c.gate(0, 1))
}

// combine sets dst[i] to a function of x[i] and y[i]; dst may be either.
func (t *Tier) combine(w *Workspace, kind BinaryKind, dst, x, y []float32) {
	a := &w.binary
	a.XStep, a.YStep, a.Rows = 4, 4, 1
	a.Lo, a.Hi = Act{}.limits()
	for from := 0; from < len(dst); from += taskSize {
		a.X, a.Y, a.Z, a.N = &x[from], &y[from], &dst[from], min(taskSize, len(dst)-from)
		t.binaryKernels[kind](a)
	}
}
