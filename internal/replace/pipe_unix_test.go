//go:build unix

package replace

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What is not a regular file is written to, by its own name and by a link.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Skip("no pipes:", err)
	}
	if err := os.Symlink("pipe", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link} {
		read := make(chan string)
		go func() {
			data, err := os.ReadFile(pipe)
			if err != nil {
				t.Error(err)
			}
			read <- string(data)
		}()
		if err := Write(path, []byte("through it")); err != nil {
			t.Fatal(err)
		}
		if got := <-read; got != "through it" {
			t.Errorf("%s: %q came through", path, got)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
			t.Errorf("%s is %v, %v", path, info.Mode(), err)
		}
	}
	if names, _ := os.ReadDir(dir); len(names) != 2 {
		t.Errorf("left over: %v", names)
	}
}
