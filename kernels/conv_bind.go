package kernels

func (c *Conv) Bind(*Tier, [][]int, []Param) (Op, error) {
	return nil, errorf(c, "not bound yet")
}
