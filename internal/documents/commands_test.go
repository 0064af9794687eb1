//go:build unix

package documents

import (
	"context"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A block is what stands between two fences of a document.
type block struct {
	document string
	language string
	text     string
	reason   string // why it is not run
}

var blockPattern = regexp.MustCompile("(?ms)(?:^<!-- not in CI: ([^\n]*) -->\n)?^```([a-z]*)\n(.*?)^```$")

func blocks(t *testing.T, path string) (list []block) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range blockPattern.FindAllStringSubmatch(string(data), -1) {
		list = append(list, block{document: name, reason: m[1], language: m[2], text: m[3]})
	}
	return list
}

// TestCommands runs what documents show in a shell, each block from the root of
// the repository with the command infer at hand, but for those that say why they
// are not run. They need more than Go, and a port: only INFER_COMMANDS=1 runs
// them. Blocks of Go have to be Go.
func TestCommands(t *testing.T) {
	run := os.Getenv("INFER_COMMANDS") != ""
	bin := t.TempDir()
	if run {
		buildCommand(t, bin)
	}
	ran := 0
	for _, path := range documents(t) {
		for _, b := range blocks(t, path) {
			first, _, _ := strings.Cut(b.text, "\n")
			switch b.language {
			case "sh":
				if b.reason != "" {
					t.Logf("not run: %s: %s (%s)", b.document, first, b.reason)
					continue
				}
				ran++
				if !run {
					continue
				}
				if out, err := shell(b.text, bin); err != nil {
					t.Errorf("%s: %v of\n%s\n%s", b.document, err, b.text, out)
				}
			case "go":
				if !parses(b.text) {
					t.Errorf("%s: this is not Go:\n%s", b.document, b.text)
				}
			case "":
				t.Errorf("%s: the block that begins %q does not say its language: sh, go, text or another", b.document, first)
			}
		}
	}
	t.Logf("%d blocks are to be run", ran)
	if ran == 0 {
		t.Error("no block is to be run")
	}
	if !run {
		t.Skip("INFER_COMMANDS=1 runs them")
	}
}

// buildCommand puts infer into a folder.
func buildCommand(t *testing.T, folder string) {
	t.Helper()
	build := exec.Command("go", "build", "-o", folder, "./cmd/infer")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// shell runs a script, and ends what it has left in the background.
func shell(script, bin string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := os.CreateTemp("", "commands")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	c := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	c.Dir = root
	c.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	c.Stdout, c.Stderr = out, out // a file: what runs in the background does not hold it up
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = c.Run()
	if c.Process != nil {
		syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
	}
	text, _ := os.ReadFile(out.Name())
	return text, err
}

// parses reports whether a text is a file of Go, declarations, or statements.
func parses(text string) bool {
	for _, form := range []string{text, "package p\n" + text, "package p\nfunc _() {\n" + text + "\n}"} {
		if _, err := parser.ParseFile(token.NewFileSet(), "", form, parser.SkipObjectResolution); err == nil {
			return true
		}
	}
	// Imports, and then statements.
	if at := strings.LastIndex(text, "\"\n\n"); strings.HasPrefix(text, "import") && at > 0 {
		return parses(text[:at+2]) && parses(text[at+2:])
	}
	return false
}
