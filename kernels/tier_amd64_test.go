//go:build !purego

package kernels

import (
	"testing"

	"golang.org/x/sys/cpu"
)

// TestTierAVX2 asks another library than the tier does: every processor with
// AVX2 and FMA has F16C as well.
func TestTierAVX2(t *testing.T) {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		t.Skip("this processor lacks AVX2 or FMA")
	}
	if _, err := ByName("avx2"); err != nil {
		t.Error(err)
	}
}

// TestTierAVX512 does the same for AVX-512.
func TestTierAVX512(t *testing.T) {
	if !cpu.X86.HasAVX512F || !cpu.X86.HasAVX512VL {
		t.Skip("this processor lacks AVX-512 F or VL")
	}
	if _, err := ByName("avx512"); err != nil {
		t.Error(err)
	}
}
