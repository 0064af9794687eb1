// Package guard makes buffers for tests of code that reads and writes by
// address. A buffer's first byte follows memory that cannot be touched, or its
// last byte precedes such memory; its other end lies beside a canary. What
// reads or writes past the one end faults, what writes past the other is found
// afterwards.
//
// Where pages cannot be protected, canaries stand on both sides.
package guard

import (
	"bytes"
	"math/bits"
	"os"
	"testing"
	"unsafe"
)

// A Side is the end of a buffer that lies beside forbidden memory.
type Side uint8

const (
	Start Side = iota
	End
)

// Sides are both.
var Sides = [...]Side{Start, End}

func (s Side) String() string {
	if s == Start {
		return "flush with the start"
	}
	return "flush with the end"
}

// Unset is the byte that fills a new buffer: as a float32, and as a float16,
// it is NaN, so that what is read before it is written shows.
const Unset = 0xff

const (
	canary     = 0xa5
	canarySize = 512 // bytes; more than any kernel writes at a time
)

// Memory makes buffers for one test and is for one goroutine.
type Memory struct {
	tb   testing.TB
	used []buffer
	idle map[int][]*mapping // by the bytes that can be used
	all  []*mapping
}

// A buffer is a part of a mapping that was handed out.
type buffer struct {
	*mapping
	from, to int
}

// New makes a Memory that is freed, and its canaries checked, when the test
// ends.
func New(tb testing.TB) *Memory {
	m := &Memory{tb: tb, idle: map[int][]*mapping{}}
	tb.Cleanup(func() {
		m.Release()
		for _, p := range m.all {
			if err := p.free(); err != nil {
				tb.Errorf("guard: %v", err)
			}
		}
	})
	return m
}

// Make returns n elements, every byte Unset, whose first or last lies beside
// forbidden memory. They are valid until Release.
func Make[T byte | uint16 | int | int32 | float32](m *Memory, n int, side Side) []T {
	m.tb.Helper()
	size := n * int(unsafe.Sizeof(*new(T)))
	if size == 0 {
		return []T{}
	}
	b := m.take(size, side)
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
}

func (m *Memory) take(size int, side Side) []byte {
	m.tb.Helper()
	room := 1 << bits.Len(uint(max(size+canarySize, os.Getpagesize())-1))
	var p *mapping
	if idle := m.idle[room]; len(idle) > 0 {
		p, m.idle[room] = idle[len(idle)-1], idle[:len(idle)-1]
	} else {
		var err error
		if p, err = newMapping(room); err != nil {
			m.tb.Fatalf("guard: %v", err)
		}
		m.all = append(m.all, p)
	}
	u := buffer{p, p.start, p.start + size}
	if side == End {
		u.from, u.to = p.end-size, p.end
	}
	m.used = append(m.used, u)
	for _, c := range u.canaries() {
		fill(c, canary)
	}
	b := p.memory[u.from:u.to:u.to]
	fill(b, Unset)
	return b
}

// canaries are up to canarySize bytes before and after the buffer, as far as
// they can be touched.
func (u buffer) canaries() [2][]byte {
	return [2][]byte{
		u.memory[max(u.from-canarySize, u.low):u.from],
		u.memory[u.to:min(u.to+canarySize, u.high)],
	}
}

// Release checks the canaries of all buffers and takes them back.
func (m *Memory) Release() {
	m.tb.Helper()
	for _, u := range m.used {
		for i, c := range u.canaries() {
			if bytes.Count(c, []byte{canary}) != len(c) {
				m.tb.Errorf("guard: the bytes %s a buffer of %d bytes were written", [2]string{"before", "after"}[i], u.to-u.from)
			}
		}
		room := u.end - u.start
		m.idle[room] = append(m.idle[room], u.mapping)
	}
	m.used = m.used[:0]
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}
