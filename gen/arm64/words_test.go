package arm64

import (
	endian "encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/arch/arm64/arm64asm"

	"github.com/infer-go/infer/gen/mca"
)

// assembly reads the committed files, by their names. That they are what the
// generator writes is the business of the generator's own test.
func assembly(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../../asm/*_arm64.s")
	if err != nil || len(names) == 0 {
		t.Fatalf("no assembly: %v", err)
	}
	files := map[string]string{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = string(data)
	}
	return files
}

var (
	anyWord  = regexp.MustCompile(`(?m)^\s*(WORD|BYTE|DWORD)\b.*$`)
	goodWord = regexp.MustCompile(`^\s*WORD\s+\$(0x[0-9a-f]{8}) // (\S.*)$`)
)

// TestWords decodes every instruction that is emitted as a word, twice, and
// compares it with the text beside it.
func TestWords(t *testing.T) {
	seen := map[uint32]string{}
	for name, text := range assembly(t) {
		for _, line := range anyWord.FindAllString(text, -1) {
			m := goodWord.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s: a word without its text: %s", name, line)
			}
			code, err := strconv.ParseUint(m[1], 0, 32)
			if err != nil {
				t.Fatal(err)
			}
			if old, ok := seen[uint32(code)]; ok && old != m[2] {
				t.Errorf("%s: %#x is %q and %q", name, code, old, m[2])
			}
			seen[uint32(code)] = m[2]
		}
	}
	if len(seen) < 100 {
		t.Fatalf("only %d different words", len(seen))
	}
	t.Logf("%d different words", len(seen))
	t.Run("arm64asm", func(t *testing.T) {
		for code, want := range seen {
			inst, err := arm64asm.Decode(endian.LittleEndian.AppendUint32(nil, code))
			if err != nil {
				// It knows no extensions: objdump has to do for them.
				if feature, none := needsWord(fmt.Sprintf("$%#08x // %s", code, want)); none != nil || feature == "ASIMD" {
					t.Errorf("%#x, %s: %v", code, want, err)
				}
			} else if got := arm64asm.GNUSyntax(inst); got != strings.TrimSuffix(want, ".0") { // it writes #0.0 as #0
				t.Errorf("%#x is %q, and is called %q", code, got, want)
			}
		}
	})
	t.Run("objdump", func(t *testing.T) { disassemble(t, seen) })
}

// disassemble compares with what binutils make of the words.
func disassemble(t *testing.T, words map[uint32]string) {
	objdump := mca.Tool(t, mca.ARM64.Objdump)
	var codes []byte
	for code := range words {
		codes = endian.LittleEndian.AppendUint32(codes, code)
	}
	file := filepath.Join(t.TempDir(), "words")
	if err := os.WriteFile(file, codes, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(objdump, "-D", "-b", "binary", "-m", "aarch64", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		// "   0:	4f9813c0 	fmla	v0.4s, v30.4s, v24.s[0]"
		parts := strings.SplitN(strings.TrimSpace(line), "\t", 3)
		if len(parts) < 3 || !strings.HasSuffix(parts[0], ":") {
			continue
		}
		code, err := strconv.ParseUint(strings.TrimSpace(parts[1]), 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(strings.Fields(parts[2]), " "); got != words[uint32(code)] {
			t.Errorf("%#x is %q, and is called %q", code, got, words[uint32(code)])
		}
		n++
	}
	if n != len(words) {
		t.Errorf("objdump shows %d of %d words", n, len(words))
	}
}

// TestForbiddenRegisters looks for registers that are not a kernel's: the
// linker's, the system's, the assembler's, g, the frame, the link and the
// stack.
func TestForbiddenRegisters(t *testing.T) {
	forbidden := regexp.MustCompile(`\b(R16|R17|R18|R18_PLATFORM|R2[789]|R3[01]|RSP|LR|g|[xw](1[678]|2[789]|3[01])|sp)\b`)
	for name, text := range assembly(t) {
		for i, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "\t//") && forbidden.MatchString(line) {
				t.Errorf("%s:%d: %s", name, i+1, line)
			}
		}
	}
}

// TestRange sees that the emitter refuses what would silently be something
// else.
func TestRange(t *testing.T) {
	for name, f := range map[string]func(b *builder){
		"V32":          func(b *builder) { b.FADD(0, 32, 0) },
		"V-1":          func(b *builder) { b.FMAX(-1, 0, 0) },
		"V32 natively": func(b *builder) { b.VFMLA(0, 0, 32) },
		"lane 4":       func(b *builder) { b.FMLAElement(0, 4, 0, 0) },
		"R18":          func(b *builder) { b.MOVD(imm(0), 18) },
		"R28":          func(b *builder) { b.ADD(gp(28), 0, 0) },
		"33 vectors":   func(b *builder) { b.v.takeAll(33, "too many") },
		"double release": func(b *builder) {
			v := b.v.take("one")
			b.v.release(v, v)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("was accepted")
				}
			}()
			b := newBuilder("test")
			f(b)
			for _, i := range b.fn.Instructions() {
				for _, o := range i.Operands {
					o.Asm()
				}
			}
		})
	}
}

// TestScope sees that registers come back, and that held ones do not.
func TestScope(t *testing.T) {
	b := newBuilder("test")
	var kept vec
	b.scope(func() {
		b.v.takeAll(7, "scratch")
		kept = b.v.take("a result")
		b.scope(func() { b.v.takeAll(24, "the rest") })
	})
	b.v.hold([]vec{kept})
	if others := b.v.takeAll(31, "all others"); slices.Contains(others, kept) {
		t.Errorf("V%d is held and taken", kept)
	}
}
