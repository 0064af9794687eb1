package amd64

import (
	"slices"
	"strings"
	"testing"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/infer-go/infer/gen/spec"
)

// TestFeatures plants instructions in a kernel: those of AVX-512 are refused in
// the avx2 tier, by their own names or by their registers alone, and in the
// avx512 tier those of extensions that it does not ask for.
func TestFeatures(t *testing.T) {
	raw := func(isa ...string) func(*builder) {
		return func(b *builder) {
			b.Instruction(&ir.Instruction{Opcode: "VPDPBUSD", Operands: []operand.Op{reg.Y0, reg.Y1, reg.Y2}, ISA: isa})
		}
	}
	for _, c := range []struct {
		name string
		emit func(b *builder)
		want string // in avx2's error; "" is none
		wide string // in avx512's
	}{
		{"of the tier", func(b *builder) { b.VFMADD231PS(y(0), y(1), y(2)); b.VCVTPH2PS(x(0), y(3)) }, "", ""},
		{"512 bits", func(b *builder) { b.VADDPS(reg.Z0, reg.Z1, reg.Z2) }, "needs AVX512F", ""},
		{"its FMA", func(b *builder) { b.VFMADD231PS(reg.Z0, reg.Z1, reg.Z2) }, "needs AVX512F", ""},
		{"Y16", func(b *builder) { b.VFMADD231PS(reg.Y16, reg.Y1, reg.Y2) }, "needs AVX512F", ""},
		{"X31", func(b *builder) { b.VADDPS(reg.X0, reg.X1, reg.X31) }, "needs AVX512F", ""},
		{"a mask", func(b *builder) { b.VADDPS(reg.Y0, reg.Y1, reg.K1, reg.Y2) }, "needs AVX512F", ""},
		{"a mask register alone", func(b *builder) { b.KMOVW(b.GP32(), reg.K1) }, "needs AVX512F", ""},
		{"bytes", func(b *builder) { b.VPERMW(reg.Y0, reg.Y1, reg.Y2) }, "needs AVX512BW", ""},
		{"what avo does not know", raw("AVX512VNNI"), "needs AVX512VNNI", ""},
		{"what says nothing", raw(), "VPDPBUSD: which CPU feature", "VPDPBUSD: which CPU feature"},
		{"another extension", func(b *builder) { b.VAESENC(x(0), x(1), x(2)) }, "needs AES", "needs AES"},
		{"bits of bytes", func(b *builder) { b.VPOPCNTB(reg.Y0, reg.Y1) }, "needs AVX512BITALG", "needs AVX512BITALG"},
	} {
		planted := Emitters{"clamp_f32": func(b *builder) {
			b.note("planted", reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y16, reg.X31)
			b.noteMask("planted", reg.K1)
			c.emit(b)
		}}
		for i, want := range []string{c.want, c.wide} {
			f, err := planted.File(Targets[i], []spec.Kernel{{Op: "clamp"}})
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			err = Targets.CheckFeatures(Targets[i], f.Functions()[0])
			if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s in %s: the error is %v, want %q", c.name, Targets[i].Name, err, want)
			}
		}
	}
}

// TestFeaturesNeeded sees that no tier asks for a feature that none of its
// kernels needs.
func TestFeaturesNeeded(t *testing.T) {
	for _, target := range Targets {
		own, _, err := Targets.Kernels(target)
		if err != nil {
			t.Fatal(err)
		}
		f, err := target.Emitter.File(target, own)
		if err != nil {
			t.Fatal(err)
		}
		var needed []string
		for _, fn := range f.Functions() {
			needs, err := target.Emitter.Needs(fn)
			if err != nil {
				t.Fatal(err)
			}
			needed = append(needed, needs...)
		}
		for _, feature := range target.Features {
			if !slices.Contains(needed, feature) {
				t.Errorf("no kernel of %s needs %s", target.Name, feature)
			}
		}
	}
}

// TestRegisterMap uses a register that no note is of.
func TestRegisterMap(t *testing.T) {
	silent := Emitters{"clamp_f32": func(b *builder) {
		b.note("a sum", y(2))
		b.VADDPS(y(2), y(2), y(2))
		b.VXORPS(x(13), x(13), x(13))
	}}
	if _, err := silent.File(Targets[0], []spec.Kernel{{Op: "clamp"}}); err == nil || !strings.Contains(err.Error(), "says nothing of Y13") {
		t.Errorf("the error is %v", err)
	}
}
