package main

import (
	"strings"
	"testing"

	"github.com/mmcloughlin/avo/ir"

	"github.com/infer-go/infer/gen/amd64"
	"github.com/infer-go/infer/gen/spec"
)

// some is an emitter of a few families: it writes what the avx2 tier has.
type some struct {
	spec.Emitter
	families []string
}

func (s some) Emits(k spec.Kernel) bool {
	for _, f := range s.families {
		if k.Family() == f {
			return true
		}
	}
	return false
}

// TestBase generates a tier that overrides one family of its base: that has a
// file of its own, the table names the base's functions for all others, and
// the base's features count.
func TestBase(t *testing.T) {
	avx2 := amd64.Targets[0]
	derived := spec.Target{
		Name: "derived", GOARCH: "amd64", Base: "avx2", Features: []string{"AVX512F"}, Rows: 4, Panels: 1,
		Emitter: some{avx2.Emitter, []string{"gemm_f32"}},
	}
	files, err := generate(spec.Targets{avx2, derived})
	if err != nil {
		t.Fatal(err)
	}
	table := string(files["tiers_amd64.go"])
	for _, want := range []string{
		`[]string{"AVX2", "FMA3", "F16C", "AVX512F"}`,
		`{Kernel{Op: "gemm", Rows: 4, Panels: 1}, "derived", gemm_f32_4x16_derived}`,
	} {
		if strings.Count(table, want) != 1 {
			t.Errorf("the table has no %s", want)
		}
	}
	if inherited := `{Kernel{Op: "product", Rows: 4, Panels: 1}, "avx2", product_f32_4x16_avx2}`; strings.Count(table, inherited) != 2 {
		t.Errorf("the table has not twice %s", inherited)
	}
	for name := range files {
		if strings.Contains(name, "derived") && !strings.HasPrefix(name, "gemm_derived_amd64.") {
			t.Errorf("there is %s", name)
		}
	}
}

// TestNoEmitter asks for kernels that nothing emits, and for bases that are
// none.
func TestNoEmitter(t *testing.T) {
	avx2 := amd64.Targets[0]
	for _, c := range []struct {
		want   string
		change func(t *spec.Target)
	}{
		{"no emitter for gemm_f32_6x16_other", func(t *spec.Target) { t.Emitter = some{} }},
		{"no emitter for product_f32_7x16_other", func(t *spec.Target) {
			t.Base, t.Rows, t.Emitter = "avx2", 7, some{avx2.Emitter, []string{"gemm_f32"}}
		}},
		{`no tier "neon" of amd64 stands before it`, func(t *spec.Target) { t.Base = "neon" }},
		{`no tier "other" of amd64 stands before it`, func(t *spec.Target) { t.Base = "other" }},
		{"clamp_f32_other needs SSE4, and other asks for no more than AVX2", func(t *spec.Target) {
			t.Base, t.Emitter = "avx2", needy{some{avx2.Emitter, []string{"clamp_f32"}}}
		}},
	} {
		other := avx2
		other.Name = "other"
		c.change(&other)
		if _, err := generate(spec.Targets{avx2, other}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, want %s", err, c.want)
		}
	}
}

// needy says that each of its functions needs SSE4.
type needy struct{ spec.Emitter }

func (needy) Needs(*ir.Function) ([]string, error) { return []string{"SSE4"}, nil }
