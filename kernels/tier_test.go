package kernels

import (
	"runtime"
	"testing"

	"github.com/klauspost/cpuid/v2"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// wrapped is a tier whose kernels are what wrap makes of those of another one.
func wrapped(t *Tier, wrap func(k asm.Kernel, run any) any) *Tier {
	a := asm.Tier{Name: t.Name, Features: t.Features, Rows: t.MR, Panels: 1}
	for _, e := range t.kernels {
		e.Run = wrap(e.Kernel, e.Run)
		a.Kernels = append(a.Kernels, e)
	}
	return newTier(a, t.Supported)
}

// TestElems compares the names that kernels have for types of elements.
func TestElems(t *testing.T) {
	for e := asm.F32; e <= asm.I32; e++ {
		if want := tensor.Elem(e).String(); e.String() != want {
			t.Errorf("%v is %s for kernels", want, e)
		}
	}
}

// TestSupported asks a processor of which nothing is known: it has ASIMD if it
// is a 64-bit ARM, and what all its tiers ask for must be words that cpuid
// knows.
func TestSupported(t *testing.T) {
	var unknown cpuid.CPUInfo
	arm := runtime.GOARCH == "arm64"
	if got := supported(unknown, []string{"ASIMD"}); got != arm {
		t.Errorf("ASIMD is supported: %v", got)
	}
	for _, tier := range Tiers()[1:] {
		if got := supported(unknown, tier.Features); got != (tier.Name == "neon") {
			t.Errorf("%s is supported: %v", tier.Name, got)
		}
		for _, f := range tier.Features {
			if id := cpuid.ParseFeature(f); id == cpuid.UNKNOWN || id.String() != f {
				t.Errorf("%s: cpuid knows no %q", tier.Name, f)
			}
		}
	}
}

// TestByName asks a processor without AVX2 for what it has, for what it lacks,
// and for what no processor has.
func TestByName(t *testing.T) {
	defer func(all []*Tier) { tiers = all }(tiers)
	slow := &Tier{Name: "slow", Supported: true}
	tiers = []*Tier{portable, slow, {Name: "avx2", Features: []string{"AVX2", "FMA"}}}
	if tier, err := ByName("slow"); tier != slow || err != nil {
		t.Errorf("the tier is %v, the error %v", tier, err)
	}
	for name, want := range map[string]string{
		"avx2": `tier "avx2" needs AVX2, FMA, not all of which this processor has; this processor supports portable, slow`,
		"avx3": `unknown tier "avx3"; this processor supports portable, slow`,
		"":     `unknown tier ""; this processor supports portable, slow`,
	} {
		if _, err := ByName(name); err == nil || err.Error() != want {
			t.Errorf("the error of %q is %v, want %s", name, err, want)
		}
	}
}
