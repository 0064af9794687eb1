package engine

import (
	"errors"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// TestFaults runs a net that looks indices up and divides by them: what has no
// result is an error of that run alone.
func TestFaults(t *testing.T) {
	places := tensor.Type{Elem: tensor.I64, Shape: tensor.Shape{1, 3}}
	table := kernels.Param{Elem: tensor.I64, Shape: tensor.Shape{4}, Data: tensor.Bytes([]int64{5, 6, 0, 8})}
	net := &weights.Net{
		Batched: true,
		Values:  []weights.Value{{Name: "x", Type: places}, {Name: "row", Type: places}, {Name: "y", Type: places}},
		Inputs:  []int{0}, Outputs: []int{2},
		Params: []kernels.Param{table},
		Steps: []weights.Step{
			{Name: "row", Spec: &kernels.Gather{}, In: []int{0}, Out: []int{1}, Params: []int{0}},
			{Name: "y", Spec: &kernels.Binary{Kind: kernels.Div}, In: []int{0, 1}, Out: []int{2}},
		},
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
	s := newTestSession(t, m, SessionOptions{Batch: 2, Threads: 2})
	for _, c := range []struct {
		x    []int64
		want error
	}{
		{[]int64{0, 1, -1, 3, 3, -4}, nil},
		{[]int64{0, 1, 4, 3, 3, -4}, kernels.ErrIndex},
		{[]int64{0, 1, 3, 3, -5, 0}, kernels.ErrIndex},
		{[]int64{0, 1, 3, 3, 2, 0}, kernels.ErrDivision},
		{[]int64{3, 3, 3, 3, 0, 0}, nil},
	} {
		copy(tensor.Slice[int64](s.InputBytes(0)), c.x)
		err := s.Run(2)
		if !errors.Is(err, c.want) || errors.Is(err, ErrFault) != (c.want != nil) {
			t.Errorf("%v: %v, want %v", c.x, err, c.want)
		}
	}
}
