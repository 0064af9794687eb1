package kernels

import "github.com/infer-go/infer/tensor"

// Constant has no operand: its result is its plain param, once for each item.
type Constant struct{}

func (*Constant) Op() string { return "Constant" }

func (*Constant) Order() Order { return RowMajor }

func (*Constant) Traits([]tensor.Type, []Param) Traits { return Traits{} }

func (c *Constant) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := operands(c, in, params, 0, 1); err != nil {
		return nil, err
	}
	p := params[0]
	if err := checkPlain(c, p, "the param", p.Elem); err != nil {
		return nil, err
	}
	return result(c, tensor.Type{Elem: p.Elem}, p.Shape...)
}

func (c *Constant) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := c.Infer(in, params); err != nil {
		return nil, err
	}
	return &constantOp{data: params[0].Data, tasks: ceilDiv(len(params[0].Data), constantBytes)}, nil
}

// constantBytes is how many bytes a task of a constantOp copies.
const constantBytes = 4 * taskSize

// constantOp is a Constant. A task is a part of an item.
type constantOp struct {
	scratchless
	data  []byte
	tasks int
}

func (op *constantOp) Tasks(n int) int { return n * op.tasks }

func (op *constantOp) Run(_ *Workspace, _, out [][]byte, n, lo, hi int) {
	for task := lo; task < hi; task++ {
		item, from := task/op.tasks, task%op.tasks*constantBytes
		to := min(from+constantBytes, len(op.data))
		copy(out[0][item*len(op.data)+from:item*len(op.data)+to], op.data[from:to])
	}
}
