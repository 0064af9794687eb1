package kernels

// MatMul multiplies two activations, [..., M, K] by [..., K, N], with
// numpy's broadcasting of the leading dimensions.
type MatMul struct{}

func (*MatMul) Op() string { return "MatMul" }

func (m *MatMul) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := arity(m, in, params, 2, 0); err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	if len(a) < 2 || len(b) < 2 || a[len(a)-1] != b[len(b)-2] {
		return nil, errorf(m, "%s cannot be multiplied by %s", dims(a...), dims(b...))
	}
	lead, ok := Broadcast(a[:len(a)-2], b[:len(b)-2])
	if !ok {
		return nil, errorf(m, "%s cannot be multiplied by %s", dims(a...), dims(b...))
	}
	return result(m, append(lead, a[len(a)-2], b[len(b)-1])...)
}

func (m *MatMul) Bind(_ *Tier, in [][]int, params []Param) (Op, error) {
	out, err := m.Shapes(in, params)
	if err != nil {
		return nil, err
	}
	a, b, y := in[0], in[1], out[0]
	lead := len(y) - 2
	op := &matMulOp{
		m: y[lead], k: a[len(a)-1], n: y[lead+1],
		item: [2]int{volume(a), volume(b)},
	}
	stride0 := broadcastStrides(a[:len(a)-2], lead)
	stride1 := broadcastStrides(b[:len(b)-2], lead)
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

func (op *matMulOp) Run(_ *Workspace, in, out [][]float32, n, lo, hi int) {
	count := op.outer.count()
	for task := lo; task < hi; task++ {
		matrix, row := task/op.m, task%op.m
		c := op.outer.seek(matrix % count)
		a := in[0][matrix/count*op.item[0]+c.offset[0]+row*op.k:][:op.k]
		b := in[1][matrix/count*op.item[1]+c.offset[1]:]
		dst := out[0][task*op.n:][:op.n]
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
