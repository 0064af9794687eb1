package weights

import (
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// TestDecide freezes convolutions of which one pays by Winograd's algorithm, and
// reads them from the file again. What is decided for float32 stays.
func TestDecide(t *testing.T) {
	b := newBuilder(t, true)
	conv := func(name string, channels int, in []int, w kernels.Winograd, p kernels.Param) []int {
		c := &kernels.Conv{Window: window(3, 1, 1), Groups: 1, Channels: channels, Winograd: w}
		if p.Elem == tensor.I8 {
			c.Result = kernels.Elements{Elem: tensor.U8, Scale: 0.5, Zero: 7}
		}
		return b.step(name, c, in, p)
	}
	x := b.input("x", 1, 28, 28, 32)
	v := conv("float", 32, []int{x}, kernels.WinogradF4, b.panels(tensor.F32, 1, 9*32, 32))
	v = b.step("quantised", &kernels.Convert{Result: kernels.Elements{Elem: tensor.U8, Scale: 0.1, Zero: 3}}, v)
	v = conv("pays", 32, v, kernels.NoWinograd, b.quantisedPanels(9*32, 32))
	b.net.Outputs = conv("does not", 8, v, kernels.WinogradF4, b.quantisedPanels(9*32, 8))

	for _, c := range []struct {
		tiers []string
		want  [3]kernels.Winograd
	}{
		{kernels.FreezeTiers, [3]kernels.Winograd{kernels.WinogradF4, kernels.WinogradF4, kernels.NoWinograd}},
		{[]string{"avx512", "neondot"}, [3]kernels.Winograd{kernels.WinogradF4, kernels.NoWinograd, kernels.NoWinograd}},
	} {
		b.net.Decide(c.tiers)
		net, err := Parse(marshal(t, b.net))
		if err != nil {
			t.Fatal(err)
		}
		for i, step := range []int{0, 2, 3} {
			if got := net.Steps[step].Spec.(*kernels.Conv).Winograd; got != c.want[i] {
				t.Errorf("%v: %s has algorithm %d, want %d", c.tiers, net.Steps[step].Name, got, c.want[i])
			}
		}
	}
}
