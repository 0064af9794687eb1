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
