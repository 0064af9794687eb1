//go:build unix

package weights

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a regular file that is not empty. Of any other it returns nil.
func mapFile(f *os.File) (data []byte, unmap func() error, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	size := info.Size()
	if !info.Mode().IsRegular() || size <= 0 || size > math.MaxInt {
		return nil, nil, nil
	}
	data, err = unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		// Some file systems have no mapping; the file can still be read.
		return nil, nil, nil
	}
	return data, func() error { return os.NewSyscallError("munmap", unix.Munmap(data)) }, nil
}
