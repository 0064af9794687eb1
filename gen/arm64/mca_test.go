package arm64

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/infer-go/infer/gen/mca"
)

// cores are the processors of doc.go's table.
var cores = []string{"neoverse-n1", "cortex-a76", "apple-a14"}

// symbols are the kernels that are emitted.
func symbols(t *testing.T) (names []string) {
	t.Helper()
	for _, target := range Targets {
		own, _, err := Targets.Kernels(target)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range own {
			names = append(names, k.Symbol(target.Name))
		}
	}
	return names
}

// busy are the kernels that compute: on the first core, multiply-adds take
// nine tenths of the cycles of their inner loops or more. Tiles of few rows
// wait for their own sums instead, each of which is one chain.
var busy = regexp.MustCompile(`^(gemm|product)_f32_[456]x16|^convpool_f32`)

// TestMCA prints doc.go's table: the inner loops of each kernel, and what
// llvm-mca says of them. Without -v it is quick, and asks for the first core
// alone.
func TestMCA(t *testing.T) {
	header := fmt.Sprintf("%-28s %5s %5s %5s", "kernel", "instr", "fma", "ratio")
	cores := cores
	if !testing.Verbose() {
		cores = cores[:1]
	}
	for _, core := range cores {
		header += fmt.Sprintf(" | %-14s", core)
	}
	t.Log(header)
	loops := mca.ARM64.InnerLoops(t)
	for _, name := range symbols(t) {
		if len(loops[name]) == 0 {
			t.Errorf("%s has no loop", name)
		}
		for _, l := range loops[name] {
			adds := multiplyAdds(l)
			row := fmt.Sprintf("%-28s %5d %5d", name, len(l), adds)
			if adds > 0 {
				row += fmt.Sprintf(" %5.2f", float64(len(l))/float64(adds))
			} else {
				row += "      "
			}
			for i, core := range cores {
				cycles, use := run(t, core, l)
				row += fmt.Sprintf(" | %6.1f", cycles)
				if adds > 0 {
					row += fmt.Sprintf("  %4.0f %%", 100*use)
				} else {
					row += "        "
				}
				if i == 0 && busy.MatchString(name) && use < 0.9 {
					t.Errorf("%s: multiply-adds take %.0f %% of %s's cycles", name, 100*use, core)
				}
			}
			t.Log(row)
		}
	}
}

// multiplyAdds counts the instructions that multiply four elements and add.
func multiplyAdds(l mca.Loop) (n int) {
	for _, line := range l {
		if strings.HasPrefix(line, "fmla ") {
			n++
		}
	}
	return n
}

var fmlaInfo = regexp.MustCompile(`(?m)^ *\d+ +\d+ +(\d+\.\d+) .*\bfmla\b`)

// run returns the cycles that an iteration takes, and the part of them that
// the multiply-adds alone would take.
func run(t *testing.T, core string, l mca.Loop) (cycles, use float64) {
	t.Helper()
	cycles, text := mca.ARM64.Cycles(t, core, l)
	if m := fmlaInfo.FindStringSubmatch(text); m != nil {
		each, _ := strconv.ParseFloat(m[1], 64)
		if each < 1 {
			each = 1 / math.Round(1/each) // 0.33 stands for a third
		}
		use = float64(multiplyAdds(l)) * each / cycles
	}
	return cycles, use
}
