package kernels

import (
	"sync"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestMemo binds convolutions for several sizes: with a memory for params they
// share what is made of them, without one they do not, and another param is
// another.
func TestMemo(t *testing.T) {
	g := newGenerator(90)
	panels := func(e tensor.Elem) Param {
		weight := func(int, int, int) float32 { return g.Float32() }
		return PanelsParam(Panels{Elem: e, Groups: 1, K: 9 * 32, N: 32}, weight, func(int, int) float32 { return 1 })
	}
	// made is where the Op keeps what was made of the param.
	made := func(op Op) *byte {
		switch op := op.(type) {
		case *winogradConv:
			return &tensor.Bytes(op.freqs)[0]
		case *direct:
			return &op.weights[0]
		}
		t.Fatalf("bound as %T", op)
		return nil
	}
	plain := Tiers()[0]
	for _, c := range []struct {
		name  string
		spec  Conv
		param Param
		way   Winograd
	}{
		{"F(4×4)", Conv{Window: square(3, 1, 1), Groups: 1, Channels: 32, Winograd: WinogradF4}, panels(tensor.F32), WinogradF4},
		{"F(2×2)", Conv{Window: square(3, 1, 1), Groups: 1, Channels: 32, Winograd: WinogradF4}, panels(tensor.F16), WinogradF2},
		{"float16", Conv{Window: square(3, 2, 1), Groups: 1, Channels: 32}, panels(tensor.F16), NoWinograd},
	} {
		bind := func(tier *Tier, size int, p Param) *byte {
			t.Helper()
			choose := func(*convMap) Winograd { return c.way }
			op, err := c.spec.bindBy(choose, tier, types([][]int{{1, size, size + 1, 32}}), []Param{p})
			if err != nil {
				t.Fatal(err)
			}
			return made(op)
		}
		with := plain.WithMemo()
		first := bind(with, 8, c.param)
		var group sync.WaitGroup
		for size := range 16 {
			group.Go(func() {
				if bind(with, 9+size, c.param) != first {
					t.Errorf("%s: made again for a size of %d", c.name, 9+size)
				}
			})
		}
		group.Wait()
		if bind(with, 8, panels(c.param.Elem)) == first {
			t.Errorf("%s: two params are one", c.name)
		}
		if bind(plain.WithMemo(), 8, c.param) == first {
			t.Errorf("%s: two tiers share a param", c.name)
		}
		if bind(plain, 8, c.param) == first {
			t.Errorf("%s: a tier without a memory has one", c.name)
		}
	}
	if with := plain.WithMemo(); plain.memo != nil || with.Name != plain.Name || with.memo == nil {
		t.Error("WithMemo changes the tier itself")
	}
}

// TestMemoOfQuantised does as TestMemo with quantised operands: what is made of
// params depends on the elements of operand and result too.
func TestMemoOfQuantised(t *testing.T) {
	g := newGenerator(91)
	x, y := Elements{tensor.U8, 0.1, 3}, Elements{tensor.U8, 0.2, 5}
	for _, c := range []struct {
		name  string
		spec  Conv
		param Param
	}{
		{"panels", Conv{Window: square(3, 1, 1), Groups: 1, Channels: 20, Result: y}, g.quantisedWeights(9*6, 20).panels(1, 9*6, 20)},
		{"Winograd", Conv{Window: square(3, 1, 1), Groups: 1, Channels: 20, Result: y, Winograd: WinogradF4}, g.quantisedWeights(9*6, 20).panels(1, 9*6, 20)},
		{"taps", Conv{Window: square(3, 1, 1), Groups: 6, Channels: 6, Result: y}, g.quantisedWeights(9, 6).taps(9, 6)},
	} {
		bind := func(tier *Tier, size int, x, y Elements) any {
			t.Helper()
			spec := c.spec
			spec.Result = y
			op, err := spec.Bind(tier, []tensor.Type{x.Of(1, size, size+1, 6)}, []Param{c.param})
			if err != nil {
				t.Fatal(err)
			}
			switch op := op.(type) {
			case *quantisedConv:
				return &op.bias[0]
			case *quantisedWinograd:
				return op.weights
			case *quantisedDepthwise:
				return op.args.Bias
			}
			t.Fatalf("bound as %T", op)
			return nil
		}
		with := portable.WithMemo()
		first := bind(with, 8, x, y)
		for size := 9; size < 12; size++ {
			if bind(with, size, x, y) != first {
				t.Errorf("%s: made again for a size of %d", c.name, size)
			}
		}
		if bind(with, 8, y, y) == first || bind(with, 8, x, x) == first {
			t.Errorf("%s: other elements share what is made", c.name)
		}
		if bind(portable, 8, x, y) == first {
			t.Errorf("%s: a tier without a memory has one", c.name)
		}
	}
}
