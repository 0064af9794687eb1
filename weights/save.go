package weights

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
)

// Save writes the file of a Net that passes Check to path. It writes and
// syncs a temporary file beside it, then renames that: whenever it is
// interrupted, path holds the old file or the new one, whole.
//
// If path is a symbolic link its target is replaced, or the link itself if it
// leads nowhere. The permissions are those of a new file, whatever the old
// one had.
func Save(path string, n *Net) error {
	data, err := Marshal(n)
	if err != nil {
		return inFile(path, err)
	}
	return replace(osDisk{}, path, data)
}

// A disk is what replace needs of the file system. Tests have one that fails.
type disk interface {
	// create makes a file that does not exist yet.
	create(path string) (diskFile, error)
	rename(from, to string) error
	remove(path string) error
	// syncDir makes the names in a directory durable.
	syncDir(path string) error
}

type diskFile interface {
	io.Writer
	Sync() error
	Close() error
}

// replace puts data at path, all or nothing.
func replace(d disk, path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir, base := filepath.Split(path)
	temp := filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", base, rand.Uint32()))
	f, err := d.create(temp)
	if err != nil {
		return err
	}
	if err := fill(f, data); err != nil {
		d.remove(temp)
		return err
	}
	if err := d.rename(temp, path); err != nil {
		d.remove(temp)
		return err
	}
	return d.syncDir(filepath.Clean(dir))
}

// fill writes data to a file, and closes it in any case.
func fill(f diskFile, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

type osDisk struct{}

func (osDisk) create(path string) (diskFile, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

func (osDisk) rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) remove(path string) error { return os.Remove(path) }

func (osDisk) syncDir(path string) error {
	switch runtime.GOOS {
	case "windows", "plan9", "js", "wasip1":
		return nil // there is no way to do it
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
