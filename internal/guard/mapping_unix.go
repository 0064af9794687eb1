//go:build unix

package guard

import (
	"os"

	"golang.org/x/sys/unix"
)

// Protected reports whether a touch of what lies beside a buffer faults.
const Protected = true

// A mapping is memory between two pages that cannot be touched. Buffers stand
// at start, or end at end; what lies from low to high can be touched.
type mapping struct {
	memory     []byte
	start, end int
	low, high  int
}

// newMapping maps room bytes, which are whole pages.
func newMapping(room int) (*mapping, error) {
	page := os.Getpagesize()
	memory, err := unix.Mmap(-1, 0, room+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	for _, guard := range [][]byte{memory[:page], memory[page+room:]} {
		if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
			return nil, os.NewSyscallError("mprotect", err)
		}
	}
	return &mapping{memory: memory, start: page, end: page + room, low: page, high: page + room}, nil
}

func (p *mapping) free() error { return os.NewSyscallError("munmap", unix.Munmap(p.memory)) }
