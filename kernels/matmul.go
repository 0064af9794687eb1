package kernels

import "github.com/infer-go/infer/tensor"

// MatMul multiplies two activations, [..., M, K] by [..., K, N], with
// numpy's broadcasting of the leading dimensions.
type MatMul struct{}

func (*MatMul) Op() string { return "MatMul" }

func (*MatMul) Order() Order { return RowMajor }

// Traits: the first of three dimensions or more is neither M, nor K, nor N.
func (m *MatMul) Traits(in []tensor.Type, _ []Param) Traits {
	a, b := in[0].Shape, in[1].Shape
	t := Traits{MixesItems: len(a) < 3 || len(a) != len(b)}
	if out, err := m.Infer(in, nil); err == nil {
		t.MACs = macs(out[0], a[len(a)-1])
	}
	return t
}

func (m *MatMul) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := floatOperands(m, in, params, 2, 0); err != nil {
		return nil, err
	}
	a, b := in[0].Shape, in[1].Shape
	if len(a) < 2 || len(b) < 2 || a[len(a)-1] != b[len(b)-2] {
		return nil, errorf(m, "%s cannot be multiplied by %s", a, b)
	}
	lead, ok := tensor.Broadcast(a[:len(a)-2], b[:len(b)-2])
	if !ok {
		return nil, errorf(m, "%s cannot be multiplied by %s", a, b)
	}
	return result(m, in[0], append(lead, a[len(a)-2], b[len(b)-1])...)
}

func (m *MatMul) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	out, err := m.Infer(in, params)
	if err != nil {
		return nil, err
	}
	a, b, y := in[0].Shape, in[1].Shape, out[0].Shape
	lead := len(y) - 2
	op := &matMulOp{
		m: y[lead], k: a[len(a)-1], n: y[lead+1],
		item: [2]int{a.Volume(), b.Volume()},
	}
	stride0 := a[:len(a)-2].BroadcastStrides(lead)
	stride1 := b[:len(b)-2].BroadcastStrides(lead)
	for i := range lead {
		stride0[i] *= op.m * op.k
		stride1[i] *= op.k * op.n
	}
	op.outer = newNest(y[:lead], stride0, stride1)
	return op, nil
}

// matMulOp is a MatMul. A task is one row of a product.
type matMulOp struct {
	scratchless
	m, k, n int
	item    [2]int // elements of an item of either operand
	outer   nest   // the leading dimensions
}

func (op *matMulOp) Tasks(n int) int { return n * op.outer.count() * op.m }

func (op *matMulOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	x, w, y := floats(in[0]), floats(in[1]), floats(out[0])
	count := op.outer.count()
	for task := lo; task < hi; task++ {
		matrix, row := task/op.m, task%op.m
		c := op.outer.seek(matrix % count)
		a := x[matrix/count*op.item[0]+c.offset[0]+row*op.k:][:op.k]
		b := w[matrix/count*op.item[1]+c.offset[1]:]
		dst := y[task*op.n:][:op.n]
		for j := 0; j < op.n; j += lanes {
			part := dst[j:min(j+lanes, op.n)]
			var sum [lanes]float64
			for k, v := range a {
				for i, u := range b[k*op.n+j:][:len(part)] {
					sum[i] += float64(v) * float64(u)
				}
			}
			for i := range part {
				part[i] = float32(sum[i])
			}
		}
	}
}
