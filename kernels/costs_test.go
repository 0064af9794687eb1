package kernels

import (
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestFastest pins what is chosen with the costs of the tiers that there are:
// another choice would change the bits of every net that has such a layer.
func TestFastest(t *testing.T) {
	for _, c := range []struct {
		cin, cout, size int // of the map before pooling
		pool            bool
		allowed         Winograd
		want, portable  Winograd
	}{
		{64, 64, 32, false, WinogradF4, WinogradF4, WinogradF4},
		{64, 64, 32, false, WinogradF2, WinogradF2, WinogradF2},
		{64, 64, 32, false, NoWinograd, NoWinograd, NoWinograd},
		{32, 32, 14, true, WinogradF4, WinogradF4, NoWinograd},   // digits' second
		{1, 64, 32, false, WinogradF4, NoWinograd, NoWinograd},   // transforms are all there is
		{64, 1, 32, false, WinogradF4, NoWinograd, NoWinograd},   //
		{64, 64, 1, false, WinogradF4, NoWinograd, NoWinograd},   // one pixel
		{512, 512, 7, false, WinogradF4, WinogradF2, WinogradF4}, // ResNet's last
		{512, 512, 2, false, WinogradF4, NoWinograd, WinogradF2}, // weights from afar for four pixels
	} {
		eachTier(t, func(t *testing.T, tier *Tier) {
			conv := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: c.cout, Pool: c.pool, Winograd: c.allowed}
			p := sized(FormPanels, 1, 9*c.cin, c.cout)
			size, _ := p.Bytes()
			p.Data = tensor.AlignedBytes(size)
			op, err := conv.Bind(tier, []tensor.Type{tensor.Floats(1, c.size, c.size, c.cin)}, []Param{p})
			if err != nil {
				t.Fatal(err)
			}
			got := NoWinograd
			if w, ok := op.(*winogradConv); ok {
				got = Winograd(w.m / 2)
			}
			want := c.want
			if tier == portable {
				want = c.portable
			}
			if got != want {
				t.Errorf("%+v: algorithm %d", c, got)
			}
		})
	}
}
