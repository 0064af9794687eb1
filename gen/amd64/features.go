package amd64

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Needs names the CPU features without which a function does not run, by
// cpuid's names: those that avo says each instruction belongs to, and those
// that its registers ask for. avo takes an instruction that has a VEX and an
// EVEX encoding for the former, whatever registers it names.
func (Emitters) Needs(fn *ir.Function) ([]string, error) {
	needs := map[string]bool{}
	for _, i := range fn.Instructions() {
		vector := false
		for _, op := range i.Operands {
			for _, r := range operand.Registers(op) {
				switch r.Kind() {
				case reg.KindOpmask:
					vector = true
					needs["AVX512F"] = true
				case reg.KindVector:
					vector = true
					evex := r.ID().Index() >= 16
					needs["AVX512F"] = needs["AVX512F"] || evex || r.Size() == 64
					needs["AVX512VL"] = needs["AVX512VL"] || evex && r.Size() < 64
				}
			}
		}
		if vector && len(i.ISA) == 0 {
			return nil, fmt.Errorf("%s: which CPU feature does it belong to?", i.Opcode)
		}
		for _, isa := range i.ISA {
			switch isa {
			case "SSE", "SSE2", "MMX+", "CMOV", "CPUID": // of every processor of amd64
			case "SSE4.1":
				needs["SSE4"] = true
			case "SSE4.2":
				needs["SSE42"] = true
			default:
				needs[isa] = true
			}
		}
	}
	maps.DeleteFunc(needs, func(_ string, needed bool) bool { return !needed })
	return slices.Sorted(maps.Keys(needs)), nil
}

// Implies says that no processor has the feature without the other one.
func (Emitters) Implies(feature, other string) bool {
	switch other {
	case "AVX":
		return feature == "AVX2"
	case "AVX2", "FMA3", "F16C":
		return feature == "AVX512F"
	}
	return false
}
