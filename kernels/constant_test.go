package kernels

import (
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestConstant writes constants for several items, task by task.
func TestConstant(t *testing.T) {
	for _, elem := range []tensor.Elem{tensor.Bool, tensor.U8, tensor.I16, tensor.F32, tensor.I64} {
		for _, count := range []int{1, 7, constantBytes/elem.Size() - 1, constantBytes/elem.Size() + 3} {
			p := Param{Elem: elem, Shape: tensor.Shape{1, count}, Data: tensor.AlignedBytes(count * elem.Size())}
			for i := range p.Data {
				p.Data[i] = byte(i % 2)
			}
			c := &Constant{}
			types, err := c.Infer(nil, []Param{p})
			if err != nil || !types[0].Equal(tensor.Type{Elem: elem, Shape: p.Shape}) {
				t.Fatalf("%v of %v: %v", types, elem, err)
			}
			op, err := c.Bind(Tiers()[0], nil, []Param{p})
			if err != nil {
				t.Fatal(err)
			}
			const n = 3
			got := tensor.AlignedBytes(n * len(p.Data))
			for task := op.Tasks(n) - 1; task >= 0; task-- {
				op.Run(&Workspace{}, nil, [][]byte{got}, n, task, task+1)
			}
			if want := slices.Repeat(p.Data, n); !slices.Equal(got, want) {
				t.Errorf("%d elements of %v differ", count, elem)
			}
		}
	}
	for _, p := range [][]Param{nil, {sized(FormPanels, 1, 2, 3)}, {{Elem: tensor.F32, Shape: tensor.Shape{2}, Data: make([]byte, 4)}}} {
		if _, err := (&Constant{}).Infer(nil, p); err == nil {
			t.Errorf("%v is accepted", p)
		}
	}
	if _, err := (&Constant{}).Infer([]tensor.Type{tensor.Floats(1)}, []Param{sized(FormPlain, 1)}); err == nil {
		t.Error("an operand is accepted")
	}
}
