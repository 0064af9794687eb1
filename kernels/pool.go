package kernels

// PoolKind is what a pool keeps of its window.
type PoolKind uint8

const (
	MaxPool           PoolKind = iota
	AveragePool                // of the elements inside the map
	AveragePoolPadded          // of the whole window, padding counted as zeros
)

// Pool reduces windows of an NHWC map. Ceil rounds the output's size up;
// windows are then cut off at the padded map's edge. A global pool is one
// whose Kernel is the whole map.
type Pool struct {
	Window
	Kind PoolKind
	Ceil bool
}

func (*Pool) Op() string { return "Pool" }

func (p *Pool) Shapes(in [][]int, params []Param) ([][]int, error) {
	if err := featureMap(p, in, params, 1, 0); err != nil {
		return nil, err
	}
	if p.Kind > AveragePoolPadded {
		return nil, errorf(p, "unknown kind %d", p.Kind)
	}
	x := in[0]
	n, err := p.count(p, x[1], x[2], p.Ceil)
	if err != nil {
		return nil, err
	}
	for i, pad := range p.Pad {
		// A window of padding alone would have no maximum and no average.
		if int64(pad) >= p.extent(i%2) {
			return nil, errorf(p, "padding %v is not smaller than the kernel %s with dilation %s",
				p.Pad, dims(p.Kernel[:]...), dims(p.Dilation[:]...))
		}
	}
	return result64(p, x[0], n, x[3])
}
