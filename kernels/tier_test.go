package kernels

import "testing"

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
		"avx2": `kernels "avx2" need AVX2, FMA, not all of which this processor has; for this processor there are portable, slow`,
		"avx3": `no kernels "avx3"; for this processor there are portable, slow`,
		"":     `no kernels ""; for this processor there are portable, slow`,
	} {
		if _, err := ByName(name); err == nil || err.Error() != want {
			t.Errorf("the error of %q is %v, want %s", name, err, want)
		}
	}
}
