package kernels

// BinaryKind is an element-wise function of two operands.
type BinaryKind uint8

const (
	Add BinaryKind = iota
	Sub
	Mul
	Div
	Max
	Min
	PRelu // x < 0 ? slope·x : x, with the slope as second operand
)

// Binary applies a function to pairs of elements, with numpy's broadcasting.
// The operands are In[0] and In[1]; or, if Params is not empty, In[0] and the
// Plain Params[0], whose shape broadcasts (in the other order if Swap is set).
type Binary struct {
	Kind BinaryKind
	Act  Act
	Swap bool
}

func (*Binary) Op() string { return "Binary" }

func (b *Binary) Shapes(in [][]int, params []Param) ([][]int, error) {
	if len(params) == 0 {
		if err := arity(b, in, params, 2, 0); err != nil {
			return nil, err
		}
		if b.Swap {
			return nil, errorf(b, "only a param can be the first operand")
		}
	} else if err := arity(b, in, params, 1, 1); err != nil {
		return nil, err
	}
	if b.Kind > PRelu {
		return nil, errorf(b, "unknown kind %d", b.Kind)
	}
	if err := b.Act.check(b); err != nil {
		return nil, err
	}
	x := in[0]
	y := in[len(in)-1]
	if len(params) == 1 {
		p := params[0]
		if err := checkShape(b, "the param", p.Shape); err != nil {
			return nil, err
		}
		if err := checkParam(b, p, "the param's elements", Plain, p.Shape...); err != nil {
			return nil, err
		}
		y = p.Shape
	}
	out, ok := broadcast(x, y)
	if !ok {
		return nil, errorf(b, "%s and %s do not broadcast", dims(x...), dims(y...))
	}
	return result(b, out...)
}

func (b *Binary) Bind(_ *Tier, in [][]int, params []Param) (Op, error) {
	out, err := b.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	op := &binaryOp{flat: flat{volume: volume(out[0])}, kind: b.Kind, act: b.Act}
	var shapes [2][]int
	for i := range 2 {
		switch {
		case len(params) == 0:
			shapes[i], op.item[i] = in[i], volume(in[i])
		case (i == 0) == b.Swap:
			shapes[i], op.param[i] = params[0].Shape, params[0].Floats()
		default:
			shapes[i], op.item[i] = in[0], volume(in[0])
		}
	}
	if len(params) == 0 {
		op.second = 1
	}
	rank := len(out[0])
	op.outer = newNest(out[0], broadcastStrides(shapes[0], rank), broadcastStrides(shapes[1], rank))
	op.row = loop{size: 1}
	if rank := len(op.outer.size); rank > 0 {
		op.row = op.outer.remove(rank - 1)
	}
	op.rows = op.outer.count()
	return op, nil
}

// binaryOp walks through the result, which is contiguous, row by row. Along a
// row an operand moves on by 1, or stands still: per-channel and scalar
// operands are no special cases.
type binaryOp struct {
	flat
	kind   BinaryKind
	act    Act
	param  [2][]float32 // the operands that are constant
	item   [2]int       // elements of an item of the others
	second int          // which In the second operand is, if it is not constant
	outer  nest
	row    loop
	rows   int
}

func (op *binaryOp) Run(_ *Workspace, in, out [][]float32, n, lo, hi int) {
	x, y := op.param[0], op.param[1]
	if x == nil {
		x = in[0]
	}
	if y == nil {
		y = in[op.second]
	}
	from, to := op.elements(n, lo, hi)
	row, col := from/op.row.size, from%op.row.size
	item := row / op.rows
	row %= op.rows
	c := op.outer.seek(row)
	for from < to {
		dst := out[0][from:min(from+op.row.size-col, to)]
		xs := item*op.item[0] + c.offset[0] + col*op.row.stride[0]
		ys := item*op.item[1] + c.offset[1] + col*op.row.stride[1]
		op.do(dst, x[xs:], y[ys:])
		from += len(dst)
		col = 0
		op.outer.next(&c)
		if row++; row == op.rows {
			row = 0
			item++
		}
	}
}

// do computes a part of a row.
func (op *binaryOp) do(dst, x, y []float32) {
	switch {
	case op.row.stride[0] == op.row.stride[1]: // both move on, or the row is one element
		op.kind.apply(dst, x, y)
	case op.row.stride[0] == 0:
		still := spread(x[0], len(dst))
		for i := 0; i < len(dst); i += len(still) {
			op.kind.apply(dst[i:min(i+len(still), len(dst))], still[:], y[i:])
		}
	default:
		still := spread(y[0], len(dst))
		for i := 0; i < len(dst); i += len(still) {
			op.kind.apply(dst[i:min(i+len(still), len(dst))], x[i:], still[:])
		}
	}
	if op.act.Kind != NoActivation {
		op.act.applySlice(dst, dst)
	}
}

// spread repeats x at least n times, or as often as there is room: an operand
// that stands still can then be computed with as one that moves on.
func spread(x float32, n int) (still [64]float32) {
	for i := range min(n, len(still)) {
		still[i] = x
	}
	return still
}

// apply computes dst from as many elements of x and y.
func (k BinaryKind) apply(dst, x, y []float32) {
	x, y = x[:len(dst)], y[:len(dst)]
	switch k {
	case Add:
		for i := range dst {
			dst[i] = x[i] + y[i]
		}
	case Sub:
		for i := range dst {
			dst[i] = x[i] - y[i]
		}
	case Mul:
		for i := range dst {
			dst[i] = x[i] * y[i]
		}
	case Div:
		for i := range dst {
			dst[i] = x[i] / y[i]
		}
	case Max:
		for i := range dst {
			dst[i] = max(x[i], y[i])
		}
	case Min:
		for i := range dst {
			dst[i] = min(x[i], y[i])
		}
	case PRelu:
		for i := range dst {
			v := x[i]
			if v < 0 {
				v *= y[i]
			}
			dst[i] = v
		}
	}
}
