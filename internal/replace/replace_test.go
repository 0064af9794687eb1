package replace

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var errFault = errors.New("no more")

// A faultyDisk fails at its at-th operation: at that one only, or, like a
// machine that loses its power, at all that follow too.
type faultyDisk struct {
	osDisk
	at, count int
	dead      bool
}

func (d *faultyDisk) fault() error {
	d.count++
	if d.count == d.at || d.dead && d.count > d.at {
		return errFault
	}
	return nil
}

func (d *faultyDisk) create(path string) (diskFile, error) {
	if err := d.fault(); err != nil {
		return nil, err
	}
	f, err := d.osDisk.create(path)
	if err != nil {
		return nil, err
	}
	return &faultyFile{f, d}, nil
}

func (d *faultyDisk) rename(from, to string) error {
	if err := d.fault(); err != nil {
		return err
	}
	return d.osDisk.rename(from, to)
}

func (d *faultyDisk) remove(path string) error {
	if err := d.fault(); err != nil {
		return err
	}
	return d.osDisk.remove(path)
}

func (d *faultyDisk) syncDir(path string) error {
	if err := d.fault(); err != nil {
		return err
	}
	return d.osDisk.syncDir(path)
}

type faultyFile struct {
	diskFile
	disk *faultyDisk
}

// Write fails halfway.
func (f *faultyFile) Write(p []byte) (int, error) {
	if err := f.disk.fault(); err != nil {
		n, _ := f.diskFile.Write(p[:len(p)/2])
		return n, err
	}
	return f.diskFile.Write(p)
}

func (f *faultyFile) Sync() error {
	if err := f.disk.fault(); err != nil {
		return err
	}
	return f.diskFile.Sync()
}

func (f *faultyFile) Close() error {
	err := f.disk.fault()
	return errors.Join(err, f.diskFile.Close())
}

func TestInterrupted(t *testing.T) {
	const steps = 6 // create, write, sync, close, rename, sync the directory
	old, new := []byte("what was there before"), []byte("the new file")
	for _, dead := range []bool{false, true} {
		for at := 1; at <= steps+1; at++ {
			dir := t.TempDir()
			path := filepath.Join(dir, "net.frz")
			if err := os.WriteFile(path, old, 0o666); err != nil {
				t.Fatal(err)
			}
			d := &faultyDisk{at: at, dead: dead}
			err := write(d, path, new)
			if want := at <= steps; errors.Is(err, errFault) != want || !want && err != nil {
				t.Errorf("fault %d: %v", at, err)
			}
			if want := path + ": no more"; err != nil && err.Error() != want {
				t.Errorf("fault %d: %q, want %q", at, err, want)
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("fault %d: %v", at, err)
			}
			want := old
			if at >= steps {
				want = new // it was renamed already
			}
			if !bytes.Equal(got, want) {
				t.Errorf("fault %d: %q, want %q", at, got, want)
			}
			if names, _ := os.ReadDir(dir); !dead && len(names) != 1 {
				t.Errorf("fault %d: it leaves %v", at, names)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	check := func(file, want string) {
		t.Helper()
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	for _, text := range []string{"new", "over it"} {
		if err := Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		check(path, text)
	}
	for _, c := range []struct{ path, want string }{
		{"", "no output file is given"},
		{dir, dir + ": it is a folder"},
		{filepath.Join(dir, "none", "file"), filepath.Join(dir, "none", "file") + ": "},
	} {
		if err := Write(c.path, nil); err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("%q: error %v, want %q", c.path, err, c.want)
		}
	}

	// What is given up leaves nothing, and the old file.
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("half"))
	f.Abort()
	check(path, "over it")
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("left over: %v", names)
	}
}
