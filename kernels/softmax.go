package kernels

import (
	"math"
	"slices"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// Softmax normalises over one axis; Log takes the logarithm.
type Softmax struct {
	Axis int
	Log  bool
}

func (*Softmax) Op() string { return "Softmax" }

func (*Softmax) Order() Order { return ByAxis }

func (s *Softmax) Permute(order []int) Spec {
	return &Softmax{Axis: slices.Index(order, s.Axis), Log: s.Log}
}

func (s *Softmax) Traits([]tensor.Type, []Param) Traits {
	return Traits{MixesItems: s.Axis == 0, SumsToOne: !s.Log}
}

func (s *Softmax) Infer(in []tensor.Type, params []Param) ([]tensor.Type, error) {
	if err := floatOperands(s, in, params, 1, 0); err != nil {
		return nil, err
	}
	if err := checkAxis(s, s.Axis, in[0].Shape); err != nil {
		return nil, err
	}
	return result(s, in[0], slices.Clone(in[0].Shape)...)
}

func (s *Softmax) Bind(t *Tier, in []tensor.Type, params []Param) (Op, error) {
	if _, err := s.Infer(in, params); err != nil {
		return nil, err
	}
	x := in[0].Shape
	op := &softmaxOp{
		Tier:  t,
		outer: x[:s.Axis].Volume(),
		size:  x[s.Axis],
		inner: x[s.Axis+1:].Volume(),
		log:   s.Log,
		exp:   find[asm.ActivateArgs](t, expKernel),
	}
	op.blocks = ceilDiv(op.inner, lanes)
	return op, nil
}

// softmaxOp is a Softmax over the middle of three dimensions. A task is up to
// lanes neighbours of the last one.
type softmaxOp struct {
	scratchless
	*Tier
	outer, size, inner int
	blocks             int // tasks along the last dimension
	log                bool
	exp                func(*asm.ActivateArgs)
}

func (op *softmaxOp) Tasks(n int) int { return n * op.outer * op.blocks }

func (op *softmaxOp) Run(w *Workspace, in, out [][]byte, n, lo, hi int) {
	x, y := floats(in[0]), floats(out[0])
	for task := lo; task < hi; task++ {
		if op.inner == 1 && !op.log {
			at := task * op.size
			op.row(w, y[at:at+op.size], x[at:at+op.size])
			continue
		}
		first := task % op.blocks * lanes
		at := task/op.blocks*op.size*op.inner + first
		op.columns(y, x, at, min(lanes, op.inner-first))
	}
}

// row normalises the last axis by the tier's exponential function. The largest
// element is taken away first, so that nothing overflows.
func (op *softmaxOp) row(w *Workspace, dst, src []float32) {
	most := src[0]
	for _, v := range src[1:] {
		most = max(most, v)
	}
	for i, v := range src {
		dst[i] = v - most
	}
	op.eachElement(w, op.exp, dst, dst, 0, 0)
	sum := 0.0
	for _, v := range dst {
		sum += float64(v)
	}
	scale := 1 / sum
	for i, v := range dst {
		dst[i] = float32(float64(v) * scale)
	}
}

// columns normalises width columns, the first element of the first at src[at],
// as row does.
func (op *softmaxOp) columns(dst, src []float32, at, width int) {
	var most [lanes]float32
	var sum [lanes]float64
	copy(most[:width], src[at:])
	for k := range op.size {
		for i, v := range src[at+k*op.inner:][:width] {
			most[i] = max(most[i], v)
		}
	}
	for k := range op.size {
		y := dst[at+k*op.inner:][:width]
		for i, v := range src[at+k*op.inner:][:width] {
			d := float64(v) - float64(most[i])
			e := math.Exp(d)
			sum[i] += e
			if op.log {
				y[i] = float32(d)
			} else {
				y[i] = float32(e)
			}
		}
	}
	if op.log {
		for i, s := range sum[:width] {
			sum[i] = math.Log(s)
		}
	}
	for k := range op.size {
		y := dst[at+k*op.inner:][:width]
		for i, v := range y {
			if op.log {
				y[i] = float32(float64(v) - sum[i])
			} else {
				y[i] = float32(float64(v) / sum[i])
			}
		}
	}
}
