package engine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A module that imports this package alone links two other modules, and its
// go.sum has four lines, whatever else the command needs: they are those of the
// two, each with its go.mod.
func TestImporter(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command here: ", err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  fmt.Sprintf("module importer\n\ngo 1.26.0\n\nrequire github.com/infer-go/infer v0.0.0\n\nreplace github.com/infer-go/infer => %s\n", root),
		"main.go": "package main\n\nimport \"github.com/infer-go/infer/engine\"\n\nfunc main() { _, _ = engine.Open(\"net.frz\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		c := exec.Command(goCommand, args...)
		c.Dir = dir
		// What is needed has been fetched for this test's own build.
		c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOSUMDB=off")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("build", "-o", os.DevNull, ".")
	sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(string(sums)), "\n"); len(lines) != 4 {
		t.Errorf("go.sum has %d lines:\n%s", len(lines), sums)
	}
	modules := strings.Fields(run("list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "."))
	slices.Sort(modules)
	want := []string{"github.com/infer-go/infer", "github.com/klauspost/cpuid/v2", "golang.org/x/sys", "importer"}
	if modules = slices.Compact(modules); !slices.Equal(modules, want) {
		t.Errorf("it links %v", modules)
	}
}
