package kernels

func (s *ConvTranspose) Bind(*Tier, [][]int, []Param) (Op, error) {
	return nil, errorf(s, "not bound yet")
}
func (s *MatMul) Bind(*Tier, [][]int, []Param) (Op, error)    { return nil, errorf(s, "not bound yet") }
func (s *Pool) Bind(*Tier, [][]int, []Param) (Op, error)      { return nil, errorf(s, "not bound yet") }
func (s *Unary) Bind(*Tier, [][]int, []Param) (Op, error)     { return nil, errorf(s, "not bound yet") }
func (s *Binary) Bind(*Tier, [][]int, []Param) (Op, error)    { return nil, errorf(s, "not bound yet") }
func (s *Concat) Bind(*Tier, [][]int, []Param) (Op, error)    { return nil, errorf(s, "not bound yet") }
func (s *Slice) Bind(*Tier, [][]int, []Param) (Op, error)     { return nil, errorf(s, "not bound yet") }
func (s *Split) Bind(*Tier, [][]int, []Param) (Op, error)     { return nil, errorf(s, "not bound yet") }
func (s *Padding) Bind(*Tier, [][]int, []Param) (Op, error)   { return nil, errorf(s, "not bound yet") }
func (s *Transpose) Bind(*Tier, [][]int, []Param) (Op, error) { return nil, errorf(s, "not bound yet") }
func (s *Reshape) Bind(*Tier, [][]int, []Param) (Op, error)   { return nil, errorf(s, "not bound yet") }
func (s *Softmax) Bind(*Tier, [][]int, []Param) (Op, error)   { return nil, errorf(s, "not bound yet") }
func (s *ReduceMean) Bind(*Tier, [][]int, []Param) (Op, error) {
	return nil, errorf(s, "not bound yet")
}
func (s *InstanceNorm) Bind(*Tier, [][]int, []Param) (Op, error) {
	return nil, errorf(s, "not bound yet")
}
func (s *LRN) Bind(*Tier, [][]int, []Param) (Op, error)    { return nil, errorf(s, "not bound yet") }
func (s *Resize) Bind(*Tier, [][]int, []Param) (Op, error) { return nil, errorf(s, "not bound yet") }
