package engine

import (
	"slices"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// TestOtherElements runs a net that moves bytes beside one that computes with
// float32, through the file: memory is as large as the elements are.
func TestOtherElements(t *testing.T) {
	net := &weights.Net{Batched: true}
	value := func(typ tensor.Type) int {
		net.Values = append(net.Values, weights.Value{Type: typ})
		return len(net.Values) - 1
	}
	step := func(spec kernels.Spec, in ...int) int {
		types, _ := net.Operands(weights.Step{In: in})
		out, err := spec.Infer(types, nil)
		if err != nil {
			t.Fatal(err)
		}
		v := value(out[0])
		net.Steps = append(net.Steps, weights.Step{Spec: spec, In: in, Out: []int{v}})
		return v
	}
	pixels := value(tensor.Type{Elem: tensor.U8, Shape: tensor.Shape{1, 3, 5, 7}, Scale: 0.5, Zero: 3})
	words := value(tensor.Type{Elem: tensor.I64, Shape: tensor.Shape{1, 6}})
	floats := value(tensor.Floats(1, 4))
	net.Inputs = []int{pixels, words, floats}
	net.Outputs = []int{
		step(&kernels.Transpose{Perm: []int{0, 2, 3, 1}}, pixels),
		step(&kernels.Slice{Start: []int{0, 5}, Step: []int{1, -1}, Size: []int{1, 6}}, words),
		step(&kernels.Unary{Kind: kernels.Neg}, floats),
	}
	data, err := weights.Marshal(net)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got, want := m.Inputs()[0].String(), "u8 N×3×5×7 of scale 0.5 and zero point 3"; got != want {
		t.Errorf("the first input is %s, want %s", got, want)
	}
	const n = 3
	for _, threads := range []int{1, 2} {
		s := newTestSession(t, m, SessionOptions{Batch: n, Threads: threads})
		if len(s.InputBytes(0)) != n*105 || len(s.InputBytes(1)) != n*6*8 || len(s.Input(2)) != n*4 || s.Input(0) != nil || s.Input(1) != nil {
			t.Fatalf("inputs of %d and %d bytes", len(s.InputBytes(0)), len(s.InputBytes(1)))
		}
		for i := range s.InputBytes(0) {
			s.InputBytes(0)[i] = byte(i)
		}
		longs := tensor.Slice[int64](s.InputBytes(1))
		for i := range longs {
			longs[i] = int64(i) << 40
		}
		for i := range s.Input(2) {
			s.Input(2)[i] = float32(i)
		}
		if err := s.Run(n); err != nil {
			t.Fatal(err)
		}
		for i, v := range s.OutputBytes(0) {
			item, pixel, channel := i/105, i%105/3, i%3
			if want := byte(item*105 + channel*35 + pixel); v != want {
				t.Fatalf("byte %d is %d, want %d", i, v, want)
			}
		}
		out := tensor.Slice[int64](s.OutputBytes(1))
		for item := range n {
			if got := slices.Clone(out[6*item:][:6]); !slices.IsSortedFunc(got, func(a, b int64) int { return int(b>>40 - a>>40) }) || got[0] != int64(6*item+5)<<40 {
				t.Fatalf("item %d is %v", item, got)
			}
		}
		for i, v := range s.Output(2) {
			if v != -float32(i) {
				t.Fatalf("float %d is %v", i, v)
			}
		}
		if s.Output(0) != nil || s.Output(1) != nil {
			t.Error("outputs of other elements are float32")
		}
	}
}
