//go:build unix

package weights

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenMaps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "digits.frz")
	if err := Save(path, digits(t)); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.unmap == nil {
		t.Error("a regular file was read instead of mapped")
	}
}

func TestOpenPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skip("no named pipes:", err)
	}
	data := marshal(t, digits(t))
	go func() {
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return // Open fails too, and says why
		}
		w.Write(data)
		w.Close()
	}()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Net.Check(); err != nil {
		t.Error(err)
	}
}
