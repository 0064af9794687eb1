//go:build !purego

package kernels

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/infer-go/infer/asm"
)

var tiers = []*Tier{portable, {
	Name:      "avx2",
	Costs:     vectors,
	Features:  []string{"AVX2", "FMA", "F16C"},
	Supported: cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.F16C),
	Table:     asm.AVX2,
}}
