package kernels

func (f *FullyConnected) Bind(*Tier, [][]int, []Param) (Op, error) {
	return nil, errorf(f, "not bound yet")
}
