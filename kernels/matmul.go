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
	lead, ok := broadcast(a[:len(a)-2], b[:len(b)-2])
	if !ok {
		return nil, errorf(m, "%s cannot be multiplied by %s", dims(a...), dims(b...))
	}
	return result(m, append(lead, a[len(a)-2], b[len(b)-1])...)
}
