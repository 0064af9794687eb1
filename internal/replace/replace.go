// Package replace puts a new file in an old one's place, all or nothing.
package replace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
)

// A File is written under a name of its own, and takes its place when it is
// complete: whenever that is interrupted, the old file is there or the new
// one, whole. Errors begin with the path that Create was given.
type File struct {
	path   string // as it was given
	target string // what is replaced
	temp   string // where the data are until then; "" if they are written straight into the target
	file   diskFile
	disk   disk
}

// Create begins a file that is to be at path. If path is a symbolic link its
// target is replaced, or the link itself if it leads nowhere. The permissions
// are those of a new file, whatever the old one had. What is not a regular file,
// a device or a pipe, is not replaced but written to, as it comes. A folder is
// an error.
func Create(path string) (*File, error) { return create(osDisk{}, path) }

// Write puts data in a new file at path.
func Write(path string, data []byte) error { return write(osDisk{}, path, data) }

func write(d disk, path string, data []byte) error {
	f, err := create(d, path)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Abort()
		return err
	}
	return f.Commit()
}

func create(d disk, path string) (*File, error) {
	if path == "" {
		return nil, errors.New("no output file is given")
	}
	f := &File{path: path, target: path, disk: d}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, f.named(err)
	case info.IsDir():
		return nil, f.named(errors.New("it is a folder"))
	case !info.Mode().IsRegular():
		if f.file, err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
			return nil, f.named(err)
		}
		return f, nil
	default:
		// It exists, so a link that cannot be followed by name must not be
		// replaced in its stead: it may be /dev/stdout.
		if f.target, err = filepath.EvalSymlinks(path); err != nil {
			return nil, f.named(err)
		}
	}
	dir, base := filepath.Split(f.target)
	f.temp = filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", base, rand.Uint32()))
	if f.file, err = d.create(f.temp); err != nil {
		return nil, f.named(err)
	}
	return f, nil
}

// Write appends to the file.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	return n, f.named(err)
}

// Commit ends the file and puts it in its place. If it fails nothing is left
// over, and the old file is as it was; but for the very last step, which makes
// the change of names durable.
func (f *File) Commit() error {
	if f.temp == "" {
		return f.named(f.file.Close())
	}
	err := f.file.Sync()
	if closed := f.file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = f.disk.rename(f.temp, f.target)
	}
	if err != nil {
		f.disk.remove(f.temp)
		return f.named(err)
	}
	return f.named(f.disk.syncDir(filepath.Dir(f.target)))
}

// Abort gives the file up instead of Commit. It may be called at any moment
// from another goroutine, before the program ends: only if the file was in its
// place already, it stays there.
func (f *File) Abort() {
	removed := f.temp == "" || f.disk.remove(f.temp) == nil
	f.file.Close()
	if !removed {
		f.disk.remove(f.temp) // some systems remove no file that is open
	}
}

// named is an error about the path, without the names that package os gives:
// nobody knows the temporary one.
func (f *File) named(err error) error {
	if err == nil {
		return nil
	}
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fmt.Errorf("%s: %w", f.path, err)
}

// A disk is what a File needs of the file system. Tests have one that fails.
type disk interface {
	// create makes a file that does not exist yet.
	create(path string) (diskFile, error)
	rename(from, to string) error
	remove(path string) error
	// syncDir makes the names in a directory durable.
	syncDir(path string) error
}

type diskFile interface {
	io.WriteCloser
	Sync() error
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
