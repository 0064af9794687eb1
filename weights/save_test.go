package weights

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
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

func TestSaveInterrupted(t *testing.T) {
	const steps = 6 // create, write, sync, close, rename, sync the directory
	old, new := marshal(t, whole(t)), marshal(t, sample(t))
	for _, dead := range []bool{false, true} {
		for at := 1; at <= steps+1; at++ {
			dir := t.TempDir()
			path := filepath.Join(dir, "net.frz")
			if err := os.WriteFile(path, old, 0o666); err != nil {
				t.Fatal(err)
			}
			d := &faultyDisk{at: at, dead: dead}
			err := replace(d, path, new)
			if want := at <= steps; errors.Is(err, errFault) != want || !want && err != nil {
				t.Errorf("fault %d: %v", at, err)
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
				t.Errorf("fault %d: %d bytes that should be the %d of another file", at, len(got), len(want))
			}
			if names, _ := os.ReadDir(dir); !dead && len(names) != 1 {
				t.Errorf("fault %d: it leaves %v", at, names)
			}
		}
	}
}

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
