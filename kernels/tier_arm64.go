//go:build !purego

package kernels

import "github.com/infer-go/infer/asm"

// Every processor that Go runs on in 64-bit ARM has ASIMD, and Go's own
// compiler relies on it. Asking would only fail where the system does not
// tell: on windows/arm64, and where a sandbox hides the auxiliary vector.
var tiers = []*Tier{portable, {
	Name:      "neon",
	Costs:     vectors,
	Features:  []string{"ASIMD"},
	Supported: true,
	Table:     asm.NEON,
}}
