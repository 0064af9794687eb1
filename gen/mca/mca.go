// Package mca finds the inner loops of kernels as they have been assembled, and
// asks llvm-mca how many cycles they take. It is for tests.
package mca

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An Arch is what has to be known of a GOARCH.
type Arch struct {
	GOARCH, Objdump string

	// branch matches a jump: what goes before where it leads to, and that.
	branch  *regexp.Regexp
	nowhere string   // where it leads to instead: an assembler need not know
	mca     []string // arguments
}

// ARM64 and AMD64 are the architectures that there are kernels for.
var (
	ARM64 = Arch{
		"arm64", "aarch64-linux-gnu-objdump",
		regexp.MustCompile(`^((?:b\.\w+|b|cbn?z \w+,|tbn?z \w+, #\d+,) )([0-9a-f]+)\b.*$`), "#8", []string{"-mtriple=aarch64"},
	}
	AMD64 = Arch{"amd64", "x86_64-linux-gnu-objdump", regexp.MustCompile(`^(j\w+ )([0-9a-f]+)\b.*$`), "8", []string{"-mtriple=x86_64"}}
)

// A Loop is an innermost loop, as instructions.
type Loop []string

// Tool finds a program that a test needs.
func Tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return path
}

// Cycles are those that an iteration of a loop takes on a core, and llvm-mca's
// report. LLVM_MCA names a release other than the one in PATH, whose models of
// processors may differ.
func (a Arch) Cycles(t *testing.T, core string, l Loop) (cycles float64, text string) {
	t.Helper()
	mca := Tool(t, cmp.Or(os.Getenv("LLVM_MCA"), "llvm-mca"))
	report := func(iterations int) (total int, text string) {
		cmd := exec.Command(mca, append(a.mca, "-mcpu="+core, fmt.Sprintf("-iterations=%d", iterations))...)
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
	return float64(after-before) / measured, text
}

var totalCycles = regexp.MustCompile(`(?m)^Total Cycles:\s+(\d+)$`)

var (
	symbol      = regexp.MustCompile(`^[0-9a-f]+ <.*/asm\.(\w+?)(\.abi0)?>:$`)
	instruction = regexp.MustCompile(`^\s*([0-9a-f]+):\s+([^/]*)`)
)

// InnerLoops finds each kernel's innermost loops: stretches that end in a
// branch back to their beginning, and hold no other such branch. It keeps the
// longest, and the next one if that is at least half as long.
func (a Arch) InnerLoops(t *testing.T) map[string][]Loop {
	t.Helper()
	loops := map[string][]Loop{}
	var kernel string
	var addresses []uint64
	var lines Loop
	last := 0 // where the last loop ended
	for line := range strings.Lines(a.disassembly(t)) {
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
		b := a.branch.FindStringSubmatch(text)
		if b == nil {
			lines = append(lines, text)
			continue
		}
		lines = append(lines, b[1]+a.nowhere)
		to, _ := strconv.ParseUint(b[2], 16, 64)
		if start, found := slices.BinarySearch(addresses, to); found && start < len(lines)-1 {
			if start >= last {
				loops[kernel] = append(loops[kernel], slices.Clone(lines[start:]))
			}
			last = len(lines)
		}
	}
	for name, all := range loops {
		slices.SortStableFunc(all, func(a, b Loop) int { return cmp.Compare(len(b), len(a)) })
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
func (a Arch) disassembly(t *testing.T) string {
	t.Helper()
	objdump := Tool(t, a.Objdump)
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":  "module kernels\n\ngo 1.26\n",
		"main.go": "package main\n\nimport \"kernels/asm\"\n\nvar table = asm.Tiers\n\nfunc main() { println(&table) }\n",
	}
	names, err := filepath.Glob("../../asm/*_" + a.GOARCH + ".*")
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
	build.Dir, build.Env = dir, append(os.Environ(), "GOOS=linux", "GOARCH="+a.GOARCH, "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(objdump, "-d", "--no-show-raw-insn", "--section=.text", filepath.Join(dir, "program")).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
