package weights

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestSave(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "net.frz")
	want := marshal(t, sample(t))
	for range 2 { // a new file, then over it
		if err := Save(path, sample(t)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes instead of %d, %v", len(got), len(want), err)
		}
	}

	// A link stays a link.
	link := filepath.Join(dir, "link.frz")
	if err := os.Symlink("net.frz", link); err != nil {
		t.Skip("no symbolic links:", err)
	}
	if err := Save(link, digits(t)); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, marshal(t, digits(t))) {
		t.Errorf("the link's target has %d bytes, %v", len(got), err)
	}

	// A link that leads nowhere gives way to the file, with the permissions of
	// a new one, as an old file's do.
	for _, prepare := range []func(string) error{
		func(path string) error { return os.Symlink("nowhere", path) },
		func(path string) error { return os.WriteFile(path, nil, 0o400) },
	} {
		other := filepath.Join(dir, "other.frz")
		if err := errors.Join(prepare(other), Save(other, sample(t))); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(other); err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o200 == 0 {
			t.Errorf("the file is %v, %v", info, err)
		}
		os.Remove(other)
	}

	// What cannot be written leaves everything as it is.
	broken := sample(t)
	broken.Outputs = nil
	if err := Save(path, broken); err == nil {
		t.Error("a Net without outputs was written")
	}
	if err := Save(filepath.Join(dir, "none", "net.frz"), sample(t)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 2 {
		t.Errorf("left over: %v", names)
	}

	// A bare name is in the working directory.
	t.Chdir(dir)
	if err := Save("bare.frz", sample(t)); err != nil {
		t.Error(err)
	}
}
