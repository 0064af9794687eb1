//go:build !unix

package guard

import "unsafe"

// Protected reports whether a touch of what lies beside a buffer faults.
const Protected = false

// A mapping is memory with canaries before start and after end.
type mapping struct {
	memory     []byte
	start, end int
	low, high  int
}

// newMapping allocates room bytes whose first is aligned to 64.
func newMapping(room int) (*mapping, error) {
	memory := make([]byte, room+2*canarySize+64)
	start := canarySize + int(-uintptr(unsafe.Pointer(&memory[canarySize]))&63)
	return &mapping{memory: memory, start: start, end: start + room, low: start - canarySize, high: start + room + canarySize}, nil
}

func (p *mapping) free() error { return nil }
