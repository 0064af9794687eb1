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
