package amd64

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/infer-go/infer/gen/mca"
	"github.com/infer-go/infer/gen/spec"
)

// cores are processors with AVX-512 and VNNI.
var cores = []string{"cascadelake", "icelake-server", "sapphirerapids"}

// families are those of products, of which a tier's largest tile is looked at.
var families = []spec.Kernel{
	{Op: "gemm"},
	{Op: "product"},
	{Op: "product", Operand: spec.I16, Weight: spec.I16, Result: spec.I32},
	{Op: "gemm", Operand: spec.U8, Weight: spec.I8, Result: spec.U8},
}

// largestTile is the largest tile of a family.
func largestTile(k spec.Kernel, of spec.Target) string {
	k.Rows, k.Panels = of.Rows, of.Panels
	if k.Operand == spec.U8 {
		k.Rows, k.Panels = of.QuantisedRows, of.QuantisedPanels
	}
	return k.Symbol(of.Name)
}

// products are the multiply-adds of an instruction, of 32 bytes.
var products = map[string]int{"vfmadd231ps": 8, "vpmaddwd": 16, "vpdpwssd": 16, "vpdpbusd": 32}

var register = regexp.MustCompile(`%zmm\d+`)

// multiplyAdds counts those of an iteration.
func multiplyAdds(l mca.Loop) (n int) {
	for _, line := range l {
		op, operands, _ := strings.Cut(line, " ")
		each := products[op]
		if register.MatchString(operands) {
			each *= 2
		}
		n += each
	}
	return n
}

// TestMCA prints the table of bench/README.md: how many multiply-adds a cycle the
// inner loops of products do, by llvm-mca's models of processors. Those of avx512
// must not do fewer than those of avx2.
func TestMCA(t *testing.T) {
	loops := mca.AMD64.InnerLoops(t)
	for _, family := range families {
		least := map[string]float64{}
		for _, target := range Targets {
			name := largestTile(family, target)
			if len(loops[name]) == 0 {
				t.Fatalf("%s has no loop", name)
			}
			l := loops[name][0]
			adds := multiplyAdds(l)
			row := fmt.Sprintf("| `%s` | %d |", name, adds)
			for _, core := range cores {
				cycles, _ := mca.AMD64.Cycles(t, core, l)
				speed := float64(adds) / cycles
				row += fmt.Sprintf(" %.1f: %.1f |", cycles, speed)
				if speed < least[core] {
					t.Errorf("%s: %s does %.1f multiply-adds a cycle, and the tier before %.1f", core, name, speed, least[core])
				}
				least[core] = speed
			}
			t.Log(row)
		}
	}
}
