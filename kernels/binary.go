package kernels

import (
	"math"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

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
	Pow   // xʸ, as IEEE 754 defines it
	Mod   // of integers: the remainder with the sign of the divisor
	Fmod  // the remainder with the sign of the dividend
	And   // of Booleans, as Or and Xor are
	Or
	Xor
	Equal       // this and the following two are Bool, whatever the operands are
	Less        // false if an operand is NaN
	LessOrEqual // the same
	BitAnd      // of integers, as all that follow
	BitOr
	BitXor
	ShiftLeft  // x·2ʸ; of a y that is negative or too large no bit of x is left
	ShiftRight // x/2ʸ, rounded down; of such a y no bit but the sign is left

	// LastBinary is the kind with the largest value.
	LastBinary = ShiftRight
)

// Compares reports whether the results of a kind are Bool.
func (k BinaryKind) Compares() bool { return k >= Equal && k <= LessOrEqual }

// activates says whether a kind applies an activation, to float32.
func (k BinaryKind) activates() bool { return k <= Pow }

// takes says whether a kind has operands of an element type.
func (k BinaryKind) takes(e tensor.Elem) bool {
	switch e {
	case tensor.F32:
		return k <= Pow || k == Fmod || k.Compares()
	case tensor.Bool:
		return k >= And && k <= Equal
	case tensor.F16:
		return false
	}
	return k < PRelu || k == Mod || k == Fmod || k >= Equal && k <= LastBinary
}

// Binary applies a function to pairs of elements of one type, with numpy's
// broadcasting. Integers wrap around, and dividing one by 0 is a fault of the
// run, see Workspace.Fault; Act is for float32 only. The operands are In[0] and
// In[1]; or, if Params is not empty, In[0] and the plain Params[0], whose shape
// broadcasts (in the other order if Swap is set).
//
// Quantised operands are always two, of any scales; Kind is then Add, Sub or
// Mul, and Act a Clamp or none.
type Binary struct {
	Kind   BinaryKind
	Act    Act
	Swap   bool
	Result Elements
}

func (*Binary) Op() string { return "Binary" }

func (*Binary) Order() Order { return AnyOrder }

// Activation returns nil for kinds that apply none.
func (b *Binary) Activation() *Act {
	if !b.Kind.activates() {
		return nil
	}
	return &b.Act
}

func (b *Binary) ResultElements(x tensor.Type) *Elements { return ifQuantised(x, &b.Result) }

// Traits sets MixesItems where broadcasting would move a batch: the batch of an
// operand of lower rank, or, with a param of higher rank, that of the operand.
func (b *Binary) Traits(in []tensor.Type, params []Param) Traits {
	rank := len(in[0].Shape)
	return Traits{
		InPlace:       true,
		MixesItems:    len(in) == 2 && rank != len(in[1].Shape) || len(params) == 1 && len(params[0].Shape) > rank,
		Probabilities: b.Kind.activates() && b.Act.probable(),
	}
}

func (b *Binary) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	wantIn := 2
	if len(params) > 0 {
		wantIn = 1
	}
	if err := operands(b, in, params, wantIn, 2-wantIn); err != nil {
		return nil, err
	}
	if b.Swap && len(params) == 0 {
		return nil, errorf(b, "only a param can be the first operand")
	}
	if b.Kind > LastBinary {
		return nil, errorf(b, "unknown kind %d", b.Kind)
	}
	if err := b.Act.check(b); err != nil {
		return nil, err
	}
	elements, err := b.elements(in, params)
	if err != nil {
		return nil, err
	}
	x := in[0].Shape
	y := in[len(in)-1].Shape
	if len(params) == 1 {
		p := params[0]
		if err := checkPlain(b, p, "the param", in[0].Elem); err != nil {
			return nil, err
		}
		y = p.Shape
	}
	out, ok := tensor.Broadcast(x, y)
	if !ok {
		return nil, errorf(b, "%s and %s do not broadcast", x, y)
	}
	return result(b, elements, out...)
}

// elements are those of the result; an error if what is computed is not computed
// of such operands.
func (b *Binary) elements(in []tensor.Type, params []Param) (tensor.Type, error) {
	if isQuantised(in) {
		return b.quantisedElements(in, params)
	}
	x := in[0]
	switch {
	case b.Result != Elements{}:
		return x, errorf(b, "a result of %v, where operands are not quantised", b.Result.Of())
	case !x.SameElements(in[len(in)-1]):
		return x, errorf(b, "operands of %v and of %v", x.Elem, in[1].Elem)
	case !b.Kind.takes(x.Elem) || x.Quantised():
		return x, errorf(b, "kind %d is not supported for %v", b.Kind, x.Elem)
	case b.Act.Kind != NoActivation && (x.Elem != tensor.F32 || !b.Kind.activates()):
		return x, errorf(b, "an activation of %v by kind %d", x.Elem, b.Kind)
	case b.Kind.Compares():
		return tensor.Type{Elem: tensor.Bool}, nil
	}
	return x, nil
}

func (b *Binary) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := b.Infer(in, params)
	if err != nil {
		return nil, err
	}
	if isQuantised(in) {
		return b.bindQuantised(t, in, out[0])
	}
	if in[0].Elem != tensor.F32 || b.Kind > Pow {
		return newBroadcastOp(out[0], in, params, []bool{len(params) == 1 && b.Swap, len(params) == 1 && !b.Swap}, b.rowFunc(t, in[0].Elem)), nil
	}
	z := out[0].Shape
	op := &binaryOp{flat: flat{volume: z.Volume()}, channels: z[max(len(z)-1, 0):].Volume(), Tier: t, kernel: t.binary(b.Kind), act: b.Act}
	var shapes [2]tensor.Shape
	for i := range 2 {
		switch {
		case len(params) == 0:
			shapes[i], op.item[i] = in[i].Shape, in[i].Shape.Volume()
		case (i == 0) == b.Swap:
			shapes[i], op.param[i] = params[0].Shape, params[0].Floats()
		default:
			shapes[i], op.item[i] = in[0].Shape, in[0].Shape.Volume()
		}
	}
	if len(params) == 0 {
		op.second = 1
	}
	op.outer = newNest(z, shapes[0].BroadcastStrides(len(z)), shapes[1].BroadcastStrides(len(z)))
	op.row, op.rows = loop{size: 1, stride: [2]int{1, 1}}, loop{size: 1}
	if rank := len(op.outer.size); rank > 0 {
		op.row = op.outer.remove(rank - 1)
	}
	if rank := len(op.outer.size); rank > 0 {
		op.rows = op.outer.remove(rank - 1)
	}
	op.planes, op.pixel = op.outer.count(), op.row.size
	return op, nil
}

// Place makes op a Placer: of two operands of the result's shape, pixel by
// pixel.
func (op *binaryOp) Place(first, channels int) Op {
	whole := op.row == loop{op.volume, [2]int{1, 1}}
	if !whole || op.param[0] != nil || op.param[1] != nil || !op.act.isClamp() {
		return nil
	}
	placed := *op
	placed.row.size = op.channels
	placed.rows = loop{op.volume / op.channels, [2]int{op.channels, op.channels}}
	placed.offset, placed.pixel = first, channels
	return &placed
}

// binary is the kernel of a function.
func (t *Tier) binary(k BinaryKind) func(*asm.BinaryArgs) { return t.binaryKernels[k] }

var binaryKernels = [...]asm.Kernel{
	Add:   {Op: "binary", Variant: "add"},
	Sub:   {Op: "binary", Variant: "sub"},
	Mul:   {Op: "binary", Variant: "mul"},
	Div:   {Op: "binary", Variant: "div"},
	Max:   {Op: "binary", Variant: "max"},
	Min:   {Op: "binary", Variant: "min"},
	PRelu: {Op: "binary", Variant: "prelu"},
	Pow:   {Op: "binary", Variant: "pow"},
}

// binaryOp walks through the result, plane by plane of rows. Along a row an
// operand moves on by 1, or stands still; from row to row by any number of
// elements: per-channel and scalar operands are no special cases.
type binaryOp struct {
	flat
	*Tier
	kernel func(*asm.BinaryArgs)
	act    Act
	param  [2][]float32 // the operands that are constant
	item   [2]int       // elements of an item of the others
	second int          // which In the second operand is, if it is not constant
	outer  nest         // the loops around a plane
	planes int          // of an item
	rows   loop         // of a plane
	row    loop

	// Rows begin at element offset of the result's, which are pixel elements
	// apart: 0 and their size, unless rows are pixels of a map that is placed in
	// one of more channels.
	offset, pixel int
	channels      int // the last dimension of the result
}

func (op *binaryOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, y, z := op.param[0], op.param[1], floats(out[0])
	if x == nil {
		x = floats(in[0])
	}
	if y == nil {
		y = floats(in[op.second])
	}
	a := &w.binary
	a.XRow, a.YRow, a.ZRow = 4*op.rows.stride[0], 4*op.rows.stride[1], 4*op.pixel
	a.XStep, a.YStep = 4*op.row.stride[0], 4*op.row.stride[1]
	a.Lo, a.Hi = op.act.limits()
	start, end := op.elements(n, lo, hi)
	for from := start; from < end; { // a part of a row, or some whole rows
		row, col := from/op.row.size, from%op.row.size
		plane, r := row/op.rows.size, row%op.rows.size
		c := op.outer.seek(plane % op.planes)
		item := plane / op.planes
		a.Rows, a.N = 1, min(op.row.size-col, end-from, taskSize)
		if col == 0 && a.N == op.row.size {
			a.Rows = max(1, min(op.rows.size-r, (end-from)/a.N, taskSize/a.N))
		}
		a.X = &x[item*op.item[0]+c.offset[0]+r*op.rows.stride[0]+col*op.row.stride[0]]
		a.Y = &y[item*op.item[1]+c.offset[1]+r*op.rows.stride[1]+col*op.row.stride[1]]
		a.Z = &z[row*op.pixel+op.offset+col]
		op.kernel(a)
		from += a.Rows * a.N
	}
	if !op.act.isClamp() {
		part := z[start:end]
		op.activate(w, op.act, part, part)
	}
}

// add adds x to y.
func (t *Tier) add(w *Workspace, y, x []float32) {
	a := &w.binary
	a.XStep, a.YStep, a.Rows = 4, 4, 1
	a.Lo, a.Hi = Act{}.limits()
	for from := 0; from < len(y); from += taskSize {
		a.X, a.Y, a.Z, a.N = &y[from], &x[from], &y[from], min(taskSize, len(y)-from)
		t.binaryKernels[Add](a)
	}
}

// OfElement returns the function of one operand that remains if the other is
// the number c, for TableParam; nil if it is not a function of floats.
func (b *Binary) OfElement(c float32) func(x float64) float64 {
	switch {
	case b.Kind > Pow:
		return nil
	case b.Swap:
		return func(x float64) float64 { return float64(b.Kind.apply(c, float32(x))) }
	}
	return func(x float64) float64 { return float64(b.Kind.apply(float32(x), c)) }
}

// apply returns the function of two elements. The product of PRelu is only
// looked at where the comparison says so, and NaN fails it.
func (k BinaryKind) apply(x, y float32) float32 {
	switch k {
	case Add:
		return x + y
	case Sub:
		return x - y
	case Mul:
		return x * y
	case Div:
		return x / y
	case Max:
		return max(x, y)
	case Min:
		return min(x, y)
	case Pow:
		return float32(math.Pow(float64(x), float64(y)))
	}
	if x < 0 {
		return x * y
	}
	return x
}

// Float64 is the function of two numbers, of Add, Sub, Mul, Div, Max, Min and
// Fmod, for those who compute what is the same in all runs.
func (k BinaryKind) Float64(x, y float64) float64 {
	switch k {
	case Add:
		return x + y
	case Sub:
		return x - y
	case Mul:
		return x * y
	case Div:
		return x / y
	case Max:
		return max(x, y)
	case Fmod:
		return math.Mod(x, y)
	}
	return min(x, y)
}
