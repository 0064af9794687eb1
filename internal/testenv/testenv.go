// Package testenv finds what tests need and the repository does not hold: data
// in the folder "shared" beside it, and programs. A test without them is
// skipped, so that a fresh clone passes; with CI=true it fails, so that none is
// skipped for long.
package testenv

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// File is a file or a folder of test data, by its path in shared.
func File(t testing.TB, path ...string) string {
	t.Helper()
	file := filepath.Join(repository(t), "..", "shared", filepath.Join(path...))
	if _, err := os.Stat(file); err != nil {
		Missing(t, err)
	}
	return file
}

// Missing ends a test for want of what the error names.
func Missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// repository is the folder of the go.mod that is no nested module's. Tests run
// somewhere below it.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && bytes.HasPrefix(text, []byte("module github.com/infer-go/infer\n")) {
			return dir
		}
		above := filepath.Dir(dir)
		if above == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = above
	}
}
