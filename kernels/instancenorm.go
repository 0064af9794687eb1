package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/tensor"
)

// InstanceNorm normalises each channel of each item of an NHWC map over its
// pixels:
//
//	y = scale·(x − mean)/√(variance + Epsilon) + shift
//
// Params[0] is plain [2, C], scale and shift.
type InstanceNorm struct{ Epsilon float32 }

func (*InstanceNorm) Op() string { return "InstanceNorm" }

func (*InstanceNorm) Order() Order { return Maps }

func (*InstanceNorm) Traits([]tensor.Type, []Param) Traits { return Traits{} }

func (n *InstanceNorm) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := featureMap(n, in, params, 1, 1); err != nil {
		return nil, err
	}
	if !tensor.IsFinite(n.Epsilon) || n.Epsilon < 0 {
		return nil, errorf(n, "epsilon %v is negative or not finite", n.Epsilon)
	}
	if err := checkParam(n, params[0], "scale and shift", FormPlain, 2, in[0].Shape[3]); err != nil {
		return nil, err
	}
	return result(n, in[0], slices.Clone(in[0].Shape)...)
}

func (n *InstanceNorm) Bind(_ *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := n.Infer(in, params); err != nil {
		return nil, err
	}
	x := in[0].Shape
	p := params[0].Floats()
	return &instanceNormOp{
		maps:     x[0],
		pixels:   x[1] * x[2],
		channels: x[3],
		blocks:   ceilDiv(x[3], lanes),
		scale:    p[:x[3]],
		shift:    p[x[3]:],
		epsilon:  float64(n.Epsilon),
	}, nil
}

// instanceNormOp is an InstanceNorm. A task is up to lanes channels of a map.
type instanceNormOp struct {
	scratchless
	maps, pixels, channels int
	blocks                 int // tasks in a map
	scale, shift           []float32
	epsilon                float64
}

func (op *instanceNormOp) Tasks(n int) int { return n * op.maps * op.blocks }

func (op *instanceNormOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	x, y := floats(in[0]), floats(out[0])
	size := op.pixels * op.channels
	for task := lo; task < hi; task++ {
		m, first := task/op.blocks, task%op.blocks*lanes
		op.normalise(y[m*size:][:size], x[m*size:][:size], first, min(lanes, op.channels-first))
	}
}

// normalise does width channels from first on. The variance is taken in a
// second pass, around the mean, since that of a difference of sums would
// cancel.
func (op *instanceNormOp) normalise(dst, src []float32, first, width int) {
	var mean, variance [lanes]float64
	sumRows(&mean, src[first:], op.channels, op.pixels, width)
	for i := range width {
		mean[i] /= float64(op.pixels)
	}
	for at := first; at < len(src); at += op.channels {
		for i, v := range src[at:][:width] {
			d := float64(v) - mean[i]
			variance[i] += float64(d * d)
		}
	}
	var scale [lanes]float64
	for i := range width {
		scale[i] = float64(op.scale[first+i]) / math.Sqrt(variance[i]/float64(op.pixels)+op.epsilon)
	}
	for at := first; at < len(src); at += op.channels {
		y := dst[at:][:width]
		for i, v := range src[at:][:width] {
			y[i] = float32(float64((float64(v)-mean[i])*scale[i]) + float64(op.shift[first+i]))
		}
	}
}
