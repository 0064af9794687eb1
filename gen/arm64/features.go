package arm64

import (
	endian "encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"golang.org/x/arch/arm64/arm64asm"
)

// Needs names the CPU features without which a function does not run, by
// cpuid's names. Instructions that are emitted as words tell by their
// encodings, the others by the assembler's names; one that is not known to be
// of the base architecture, nor of any extension here, is an error.
func (Emitters) Needs(fn *ir.Function) ([]string, error) {
	needs := map[string]bool{}
	for _, i := range fn.Instructions() {
		opcode, _, _ := strings.Cut(i.Opcode, ".")
		switch {
		case i.Opcode == "WORD":
			feature, err := needsWord(i.Operands[0].Asm())
			if err != nil {
				return nil, err
			}
			needs[feature] = true
		case slices.Contains(baseVectors, opcode):
			needs["ASIMD"] = true
		case !slices.Contains(base, opcode):
			return nil, fmt.Errorf("%s: which CPU feature does it belong to?", i.Opcode)
		}
	}
	return slices.Sorted(maps.Keys(needs)), nil
}

// Implies says that no processor has the feature without the other one.
func (Emitters) Implies(feature, other string) bool { return other == "ASIMD" }

// base and baseVectors are instructions of ARMv8.0 by the assembler's names.
var (
	base = []string{
		"ADD", "AND", "B", "BEQ", "BGT", "BLE", "BLT", "BNE", "CBZ", "CMP", "LSL", "LSR", "MOVD", "MUL", "ORR", "PRFM", "RET", "SUB", "SUBS", "TBZ",
	}
	baseVectors = []string{
		"FLDPQ", "FMOVD", "FMOVQ", "FMOVS", "FSTPQ", "VADD", "VAND", "VBIF", "VBIT", "VDUP", "VEOR", "VEXT", "VFMLA", "VLD1", "VLD1R", "VLD2", "VLD4", "VMOV",
		"VORR", "VSHL", "VST1", "VST3", "VST4", "VSUB", "VTBL", "VTBX", "VTRN1", "VTRN2", "VUMAX", "VUSHLL", "VUSHLL2", "VUXTL", "VUXTL2", "VZIP1", "VZIP2",
	}
)

// extensions are instructions on vectors beyond ARMv8.0: code & mask is theirs.
// Those that are not here the decoder does not know either.
var extensions = []struct {
	mask, code uint32
	feature    string
}{
	{0x9fe0fc00, 0x0e809400, "ASIMDDP"}, // SDOT, UDOT
	{0x9fc0f400, 0x0f80e000, "ASIMDDP"}, // by element
	{0xbfe0fc00, 0x0e809c00, "I8MM"},    // USDOT
	{0xbf40f400, 0x0f00f000, "I8MM"},    // USDOT, SUDOT by element
	{0xdf60f400, 0x4e00a400, "I8MM"},    // SMMLA, UMMLA, USMMLA
	{0x9f60c400, 0x0e400400, "ASIMDHP"}, // three float16 vectors
	{0x9f7e0c00, 0x0e780800, "ASIMDHP"}, // two, and comparisons with 0
	{0x9fc09400, 0x0f001000, "ASIMDHP"}, // FMLA, FMLS by element
	{0x9fc0f400, 0x0f009000, "ASIMDHP"}, // FMUL, FMULX by element
}

// needsWord is the feature of an instruction that stands as "$0x4e20d400 //
// its text".
func needsWord(word string) (string, error) {
	digits, text, _ := strings.Cut(strings.TrimPrefix(word, "$"), " // ")
	code, err := strconv.ParseUint(digits, 0, 32)
	if err != nil {
		return "", err
	}
	for _, e := range extensions {
		if uint32(code)&e.mask == e.code {
			return e.feature, nil
		}
	}
	// The decoder knows ARMv8.0.
	if _, err := arm64asm.Decode(endian.LittleEndian.AppendUint32(nil, uint32(code))); err != nil {
		return "", fmt.Errorf("%s: which CPU feature does it belong to?", text)
	}
	return "ASIMD", nil
}
