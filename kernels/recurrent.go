package kernels

import "github.com/infer-go/infer/tensor"

// RecurrentKind is the cell of a recurrent layer: how it computes its state from
// x, the input's contribution at one time, and from the state h of the time
// before.
//
// Each gate has its own matrix R and bias, σ is the logistic function, and · is
// element by element. The formulas are those of ONNX's LSTM and GRU with their
// default activations.
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
)

// gates is the number of gates of a cell.
func (k RecurrentKind) gates() int {
	if k == LSTM {
		return 4
	}
	return 3
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
	if r.Kind > GRUResetAfter {
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
	gate := Panels{Elem: p.Elem, Groups: 1, K: p.K, N: p.N}
	for g := range p.Groups {
		size := gate.Count() * gate.Size()
		op.gates = append(op.gates, newFully(t, gate, 1, params[0].Data[g*size:][:size]))
	}
	op.first = make([]float32, 2*op.hidden)
	if len(params) == 2 {
		copy(op.first, params[1].Floats())
	}
	return op, nil
}

// recurrentOp is a Recurrent. A task is a sequence.
type recurrentOp struct {
	*Tier
	Recurrent
	sequences, times, hidden int
	gates                    []*fullyOp
	first                    []float32 // h and c where they are no operands
}

// Scratch is that of the products, then the gates and one vector more.
func (op *recurrentOp) Scratch() int { return op.gates[0].Scratch() + 4*(len(op.gates)+1)*op.hidden }

func (op *recurrentOp) Tasks(n int) int { return n * op.sequences }

func (op *recurrentOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	size := op.hidden
	x, y := floats(in[0]), floats(out[0])
	gates := w.floats()[op.gates[0].Scratch()/4:]
	for s := lo; s < hi; s++ {
		h := op.firstState(in, s, 0)
		var c []float32
		if op.Kind == LSTM {
			c = floats(out[2])[s*size:][:size]
			copy(c, op.firstState(in, s, 1))
		}
		for i := range op.times {
			at := s*op.times + i
			if op.Reverse {
				at = s*op.times + op.times - 1 - i
			}
			share, next := x[at*len(op.gates)*size:][:len(op.gates)*size], y[at*size:][:size]
			if op.Kind == LSTM {
				op.lstm(w, gates, share, h, c, next)
			} else {
				op.gru(w, gates, share, h, next)
			}
			h = next
		}
		copy(floats(out[1])[s*size:][:size], h)
	}
}

// firstState is state i with which sequence s begins.
func (op *recurrentOp) firstState(in [][]byte, s, i int) []float32 {
	if len(in) > 1 {
		return floats(in[1+i])[s*op.hidden:][:op.hidden]
	}
	return op.first[i*op.hidden:][:op.hidden]
}

// lstm makes the next h of an LSTM, and changes c.
func (op *recurrentOp) lstm(w *Workspace, gates, x, h, c, next []float32) {
	n := op.hidden
	for g, fully := range op.gates {
		fully.gemvRows(w, h, gates[g*n:][:n], 0, fully.Count())
	}
	op.combine(w, Add, gates[:4*n], gates[:4*n], x)
	i, o, f, g, t := gates[:n], gates[n:2*n], gates[2*n:3*n], gates[3*n:4*n], gates[4*n:5*n]
	op.activate(w, Act{Kind: ActSigmoid}, gates[:3*n], gates[:3*n])
	op.activate(w, Act{Kind: ActTanh}, g, g)
	op.combine(w, Mul, c, f, c)
	op.combine(w, Mul, t, i, g)
	op.combine(w, Add, c, c, t)
	op.activate(w, Act{Kind: ActTanh}, t, c)
	op.combine(w, Mul, next, o, t)
}

// gru makes the next h of a GRU: n + z·(h − n).
func (op *recurrentOp) gru(w *Workspace, gates, x, h, next []float32) {
	size := op.hidden
	for g, fully := range op.gates[:2] {
		fully.gemvRows(w, h, gates[g*size:][:size], 0, fully.Count())
	}
	op.combine(w, Add, gates[:2*size], gates[:2*size], x[:2*size])
	op.activate(w, Act{Kind: ActSigmoid}, gates[:2*size], gates[:2*size])
	z, r, n, t := gates[:size], gates[size:2*size], gates[2*size:3*size], gates[3*size:4*size]
	last := op.gates[2]
	if op.Kind == GRU {
		op.combine(w, Mul, t, r, h)
		last.gemvRows(w, t, n, 0, last.Count())
	} else {
		last.gemvRows(w, h, n, 0, last.Count())
		op.combine(w, Mul, n, r, n)
	}
	op.combine(w, Add, n, n, x[2*size:])
	op.activate(w, Act{Kind: ActTanh}, n, n)
	op.combine(w, Sub, t, h, n)
	op.combine(w, Mul, t, z, t)
	op.combine(w, Add, next, n, t)
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
