package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestManual has every command and every flag in the manual, and man's formatter
// read it without a complaint.
func TestManual(t *testing.T) {
	text := mustInfer(t, "manual")
	for _, c := range commands() {
		for _, f := range flagsOf(c) {
			if want := roffEscape(dashed(f.Name)); !strings.Contains(text, want) {
				t.Errorf("the manual lacks %s of infer %s", want, c.name)
			}
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip(err)
	}
	format := exec.Command(groff, "-Kutf8", "-man", "-Tutf8", "-ww", "-z")
	format.Stdin = strings.NewReader(text)
	if out, err := format.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// TestCompletion completes in each shell that there is here.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	for shell, ask := range map[string]string{
		"bash": `source "$1"; COMP_WORDS=(infer convert --ans) COMP_CWORD=2; _infer; echo "${COMPREPLY[@]}"; COMP_WORDS=(infer conv) COMP_CWORD=1; _infer; echo "${COMPREPLY[@]}"`,
		"fish": `source $argv[1]; complete -C 'infer convert --ans' | cut -f 1; complete -C 'infer conv' | cut -f 1`,
		"zsh":  `compdef() { :; }; source "$1"; functions _infer >/dev/null && grep -o -- --answer "$1" | head -1; grep -o convert: "$1" | tr -d :`,
	} {
		t.Run(shell, func(t *testing.T) {
			script := mustInfer(t, "completion", shell)
			program, err := exec.LookPath(shell)
			if err != nil {
				t.Skip(err)
			}
			file := filepath.Join(dir, shell)
			if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
				t.Fatal(err)
			}
			args := []string{"-c", ask, shell, file}
			if shell == "fish" {
				args = []string{"-c", ask, file}
			}
			c := exec.Command(program, args...)
			c.Dir = t.TempDir() // where no file is called like a command
			out, err := c.CombinedOutput()
			if want := "--answer\nconvert\n"; err != nil || string(out) != want {
				t.Errorf("%v: %q, want %q", err, out, want)
			}
		})
	}
	mustFail(t, exitUsage, []string{"no completions for tcsh"}, "completion", "tcsh")
	mustFail(t, exitUsage, []string{"give one shell"}, "completion")
}
