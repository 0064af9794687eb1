package arm64

import (
	"fmt"
	"strings"
	"testing"

	"github.com/infer-go/infer/gen/spec"
)

// planted are encodings, as binutils assemble them, and the features that they
// need; "" is one that is not known.
var planted = []struct {
	code    uint32
	text    string
	feature string
}{
	{0x4e829420, "sdot v0.4s, v1.16b, v2.16b", "ASIMDDP"},
	{0x2e829420, "udot v0.2s, v1.8b, v2.8b", "ASIMDDP"},
	{0x4fa5e083, "sdot v3.4s, v4.16b, v5.4b[1]", "ASIMDDP"},
	{0x6fbeebe3, "udot v3.4s, v31.16b, v30.4b[3]", "ASIMDDP"},
	{0x4e829c20, "usdot v0.4s, v1.16b, v2.16b", "I8MM"},
	{0x4f25f083, "sudot v3.4s, v4.16b, v5.4b[1]", "I8MM"},
	{0x4e82a420, "smmla v0.4s, v1.16b, v2.16b", "I8MM"},
	{0x4e421420, "fadd v0.8h, v1.8h, v2.8h", "ASIMDHP"},
	{0x2e421c20, "fmul v0.4h, v1.4h, v2.4h", "ASIMDHP"},
	{0x4e798820, "frintn v0.8h, v1.8h", "ASIMDHP"},
	{0x4f325820, "fmls v0.8h, v1.8h, v2.h[7]", "ASIMDHP"},
	{0x4f329820, "fmul v0.8h, v1.8h, v2.h[7]", "ASIMDHP"},
	{0x6e828420, "sqrdmlah v0.4s, v1.4s, v2.4s", ""},
	{0x6e42fc20, "bfdot v0.4s, v1.8h, v2.8h", ""},
	{0x4e22ec20, "fmlal v0.4s, v1.4h, v2.4h", ""},
	{0x1ee22820, "fadd h0, h1, h2", ""},
	{0xce020c20, "eor3 v0.16b, v1.16b, v2.16b, v3.16b", ""},
	{0x0e62c020, "smull v0.4s, v1.4h, v2.4h", "ASIMD"},
	{0x0e617820, "fcvtl v0.4s, v1.4h", "ASIMD"},
	{0x4f821820, "fmla v0.4s, v1.4s, v2.s[2]", "ASIMD"},
	{0x4e020020, "tbl v0.16b, {v1.16b}, v2.16b", "ASIMD"},
}

// TestFeatures plants instructions in a kernel of the neon tier: what is
// beyond ASIMD is refused, by the name of the feature.
func TestFeatures(t *testing.T) {
	tier := Targets[0]
	kernel := spec.Kernel{Op: "clamp"}
	for _, p := range planted {
		fn, err := assembled(tier, kernel, func(b *builder) { b.word(p.code, p.text) })
		if p.feature == "" {
			if err == nil || !strings.Contains(err.Error(), p.text+": which CPU feature") {
				t.Errorf("%s: %v", p.text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", p.text, err)
			continue
		}
		want := "<nil>"
		if p.feature != "ASIMD" {
			want = "clamp_f32_neon needs " + p.feature + ", and neon asks for no more than ASIMD"
		}
		if got := fmt.Sprint(Targets.CheckFeatures(tier, fn)); got != want {
			t.Errorf("%s: %s, want %s", p.text, got, want)
		}
	}
	if _, err := assembled(tier, kernel, func(b *builder) { b.emit("VEOR3") }); err == nil {
		t.Error("VEOR3 was accepted")
	}
}
