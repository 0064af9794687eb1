package kernels

import (
	"math"
	"strings"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// normalPanels are panels of int8 of normal numbers, as a quantiser makes them.
func (g *generator) normalPanels(k, n int) Param {
	w, most := make([]float64, k*n), make([]float64, n)
	for i := range w {
		w[i] = g.NormFloat64()
		most[i%n] = max(most[i%n], math.Abs(w[i]))
	}
	return QuantisedPanelsParam(Panels{Groups: 1, K: k, N: n},
		func(_, i, j int) int8 { return int8(math.Round(w[i*n+j] / most[j] * 127)) },
		func(_, _ int) float32 { return 0.01 }, func(_, _ int) int32 { return 0 })
}

// TestQuantisedWinogradChoice pins what is chosen: for the tiers that nets are frozen
// for, for avx2 alone, and for neondot.
func TestQuantisedWinogradChoice(t *testing.T) {
	g := newGenerator(17)
	for _, c := range []struct {
		size, cin, cout int
		all, avx2       bool
	}{
		{56, 64, 64, true, true},
		{28, 128, 128, true, true},
		{14, 256, 256, true, true},
		{7, 512, 512, false, true}, // weights serve four tiles
		{7, 256, 256, false, true},
		{7, 64, 64, true, true},    // weights are near
		{14, 32, 32, true, true},   //
		{14, 16, 16, false, true},  // transforms are too much of it
		{28, 16, 16, true, true},   //
		{28, 15, 16, false, false}, // too few channels
		{28, 16, 15, false, false}, //
		{13, 64, 256, false, true}, // tiles that stand out of the map
		{1, 64, 64, false, false},  // one pixel
	} {
		if brief() && c.cin > 64 {
			continue
		}
		conv := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: c.cout}
		in := []tensor.Type{Elements{tensor.U8, 0.02, 0}.Of(1, c.size, c.size, c.cin)}
		params := []Param{g.normalPanels(9*c.cin, c.cout)}
		for _, of := range []struct {
			tiers []string
			want  bool
		}{{FreezeTiers, c.all}, {[]string{"avx2"}, c.avx2}, {append([]string{"neondot"}, FreezeTiers...), false}} {
			if got := conv.QuantisedWinograd(in, params, of.tiers); (got == WinogradF4) != of.want || got == WinogradF2 {
				t.Errorf("%+v on %v: algorithm %d", c, of.tiers, got)
			}
		}
	}
	// What it cannot be for.
	in, params := []tensor.Type{Elements{tensor.U8, 0.02, 0}.Of(1, 56, 56, 64)}, []Param{g.normalPanels(9*64, 64)}
	for what, conv := range map[string]*Conv{
		"stride 2":   {Window: square(3, 2, 1), Groups: 1, Channels: 64},
		"no int8":    {Window: square(3, 1, 1), Groups: 1, Channels: 64, Act: Act{Kind: ActTanh}},
		"other size": {Window: square(3, 1, 1), Groups: 1, Channels: 63},
	} {
		if got := conv.QuantisedWinograd(in, params, FreezeTiers); got != NoWinograd {
			t.Errorf("%s: algorithm %d", what, got)
		}
	}
	conv := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: 64}
	if got := conv.QuantisedWinograd([]tensor.Type{tensor.Floats(1, 56, 56, 64)}, params, FreezeTiers); got != NoWinograd {
		t.Errorf("operands of f32: algorithm %d", got)
	}
	if got := (&Conv{Window: square(3, 1, 1), Groups: 1, Channels: 64, Pool: true}).QuantisedWinograd(in, params, FreezeTiers); got != WinogradF4 {
		t.Errorf("with a pool: algorithm %d", got)
	}
}

// TestFreezeTiers sees that all tiers have costs, and that those which nets are
// frozen for exist somewhere.
func TestFreezeTiers(t *testing.T) {
	for _, tier := range Tiers() {
		if wordCosts[tier.Name].product == 0 {
			t.Errorf("no costs of %s", tier.Name)
		}
	}
	if err := CheckFreezeTiers(append([]string{"neondot"}, FreezeTiers...)); err != nil {
		t.Error(err)
	}
	if err := CheckFreezeTiers([]string{"avx2", "sse2"}); err == nil || !strings.Contains(err.Error(), `"sse2"`) {
		t.Errorf("a tier that does not exist: %v", err)
	}
}

// TestRoundingShare has layers that round little enough, and one that does not.
// TestQuantisedWinogradError compares the estimate with errors.
func TestRoundingShare(t *testing.T) {
	g := newGenerator(18)
	for _, c := range []struct {
		cin  int
		zero int32
		want bool
	}{{64, 0, true}, {64, 128, true}, {512, 0, true}, {3000, 128, false}} {
		if brief() && c.cin > 64 {
			continue
		}
		p := g.normalPanels(9*c.cin, 16)
		share := roundingShare(p.Panels(), p.Data, c.cin, c.zero)
		t.Logf("%d channels, zero point %d: %.3g", c.cin, c.zero, share)
		if (share <= mostRoundingShare) != c.want {
			t.Errorf("%+v: %v", c, share)
		}
	}
}
