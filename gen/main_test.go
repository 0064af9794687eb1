package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommitted regenerates package asm in memory and compares it with what is
// committed: every file, and no other.
func TestCommitted(t *testing.T) {
	files, err := generate(targets)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", "asm", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("asm/%s: %s; run go generate ./...", name, firstDifference(got, want))
		}
	}
	entries, err := os.ReadDir(filepath.Join("..", "asm"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()] == nil {
			t.Errorf("asm/%s is not generated", e.Name())
		}
	}
}

func firstDifference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "committed has " + g[i] + ", generated has " + w[i]
		}
	}
	return "one is longer than the other"
}
