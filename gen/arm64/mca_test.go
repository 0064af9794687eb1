package arm64

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
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
var busy = regexp.MustCompile(`^(gemm|product)_f32_[456]x16|^convpool`)

// TestMCA prints doc.go's table: the inner loops of each kernel, and what
// llvm-mca says of them. LLVM_MCA names a release other than the one in PATH,
// whose models of processors may differ. Without -v it is quick, and asks for
// the first core alone.
func TestMCA(t *testing.T) {
	mca := tool(t, cmp.Or(os.Getenv("LLVM_MCA"), "llvm-mca"))
	header := fmt.Sprintf("%-28s %5s %5s %5s", "kernel", "instr", "fma", "ratio")
	cores := cores
	if !testing.Verbose() {
		cores = cores[:1]
	}
	for _, core := range cores {
		header += fmt.Sprintf(" | %-14s", core)
	}
	t.Log(header)
	loops := innerLoops(t)
	for _, name := range symbols(t) {
		if len(loops[name]) == 0 {
			t.Errorf("%s has no loop", name)
		}
		for _, l := range loops[name] {
			adds := l.multiplyAdds()
			row := fmt.Sprintf("%-28s %5d %5d", name, len(l), adds)
			if adds > 0 {
				row += fmt.Sprintf(" %5.2f", float64(len(l))/float64(adds))
			} else {
				row += "      "
			}
			for i, core := range cores {
				cycles, use := l.run(t, mca, core)
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

// A loop is an innermost loop, as A64 instructions.
type loop []string

// multiplyAdds counts the instructions that multiply four elements and add.
func (l loop) multiplyAdds() (n int) {
	for _, line := range l {
		if strings.HasPrefix(line, "fmla ") {
			n++
		}
	}
	return n
}

var (
	totalCycles = regexp.MustCompile(`(?m)^Total Cycles:\s+(\d+)$`)
	fmlaInfo    = regexp.MustCompile(`(?m)^ *\d+ +\d+ +(\d+\.\d+) .*\bfmla\b`)
)

// run returns the cycles that an iteration takes, and the part of them that
// the multiply-adds alone would take.
func (l loop) run(t *testing.T, mca, core string) (cycles, use float64) {
	t.Helper()
	report := func(iterations int) (total int, text string) {
		cmd := exec.Command(mca, "-mtriple=aarch64", "-mcpu="+core, fmt.Sprintf("-iterations=%d", iterations))
		cmd.Stdin = strings.NewReader(strings.Join(l, "\n") + "\n")
		out, err := cmd.CombinedOutput()
		m := totalCycles.FindSubmatch(out)
		if err != nil || m == nil {
			t.Fatalf("%v: %s", err, out)
		}
		total, _ = strconv.Atoi(string(m[1]))
		return total, string(out)
	}
	const warm, measured = 50, 100
	before, _ := report(warm)
	after, text := report(warm + measured)
	cycles = float64(after-before) / measured
	if m := fmlaInfo.FindStringSubmatch(text); m != nil {
		each, _ := strconv.ParseFloat(m[1], 64)
		if each < 1 {
			each = 1 / math.Round(1/each) // 0.33 stands for a third
		}
		use = float64(l.multiplyAdds()) * each / cycles
	}
	return cycles, use
}

var (
	symbol      = regexp.MustCompile(`^[0-9a-f]+ <.*/asm\.(\w+?)(\.abi0)?>:$`)
	instruction = regexp.MustCompile(`^\s*([0-9a-f]+):\s+[0-9a-f]{8}\s+([^/]*)`)
	branch      = regexp.MustCompile(`^((b\.\w+|b|cbn?z \w+,|tbn?z \w+, #\d+,) )([0-9a-f]+)\b.*$`)
)

// innerLoops finds each kernel's innermost loops: stretches that end in a
// branch back to their beginning, and hold no other such branch. It keeps the
// longest, and the next one if that is at least half as long.
func innerLoops(t *testing.T) map[string][]loop {
	loops := map[string][]loop{}
	var kernel string
	var addresses []uint64
	var lines loop
	last := 0 // where the last loop ended
	for line := range strings.Lines(disassembly(t)) {
		if strings.HasSuffix(line, ">:\n") {
			kernel, addresses, lines, last = "", nil, nil, 0
			if m := symbol.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				kernel = m[1]
			}
		}
		m := instruction.FindStringSubmatch(line)
		if m == nil || kernel == "" {
			continue
		}
		address, _ := strconv.ParseUint(m[1], 16, 64)
		text := strings.Join(strings.Fields(m[2]), " ")
		addresses = append(addresses, address)
		b := branch.FindStringSubmatch(text)
		if b == nil {
			lines = append(lines, text)
			continue
		}
		lines = append(lines, b[1]+"#8") // wherever to: an assembler need not know
		to, _ := strconv.ParseUint(b[3], 16, 64)
		if start, found := slices.BinarySearch(addresses, to); found && start < len(lines)-1 {
			if start >= last {
				loops[kernel] = append(loops[kernel], slices.Clone(lines[start:]))
			}
			last = len(lines)
		}
	}
	for name, all := range loops {
		slices.SortStableFunc(all, func(a, b loop) int { return cmp.Compare(len(b), len(a)) })
		n := 1
		if len(all) > 1 && 2*len(all[1]) >= len(all[0]) && len(all[1]) < len(all[0]) {
			n = 2
		}
		loops[name] = all[:n]
	}
	return loops
}

// disassembly links the committed kernels into a program and returns what
// objdump shows of it.
func disassembly(t *testing.T) string {
	t.Helper()
	objdump := tool(t, "aarch64-linux-gnu-objdump")
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":  "module kernels\n\ngo 1.26\n",
		"main.go": "package main\n\nimport \"kernels/asm\"\n\nvar table = asm.Tiers\n\nfunc main() { println(&table) }\n",
	}
	names, err := filepath.Glob("../../asm/*_arm64.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "../../asm/args.go", "../../asm/kernel.go") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Join("asm", filepath.Base(name))] = string(data)
	}
	if err := os.Mkdir(filepath.Join(dir, "asm"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", "program")
	build.Dir, build.Env = dir, append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(objdump, "-d", "--section=.text", filepath.Join(dir, "program")).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
