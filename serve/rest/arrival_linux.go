package rest

import (
	"io"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// KnowsArrivals says whether a Handler behind Listen knows when requests came.
const KnowsArrivals = true

// An arrivalReader reads from a connection, and knows when what it read came to
// this machine. A goroutine of a busy server reads it many milliseconds later.
type arrivalReader struct {
	raw     syscall.RawConn
	attempt func(fd uintptr) (done bool)

	// Of an attempt:
	p       []byte
	n       int
	err     error
	at      int64    // in nanoseconds since 1970; 0 if it is not known
	control [8]int64 // for a control message, which is aligned
}

// newArrivalReader is nil if the system does not say when data came.
func newArrivalReader(c net.Conn) *arrivalReader {
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) }); e != nil || err != nil {
		return nil
	}
	r := &arrivalReader{raw: raw}
	r.attempt = r.try
	return r
}

// Read reads as the connection does.
func (r *arrivalReader) Read(p []byte) (n int, at int64, err error) {
	r.p = p
	err = r.raw.Read(r.attempt)
	r.p = nil
	switch {
	case err != nil:
		return 0, 0, err
	case r.err != nil:
		return 0, 0, r.err
	case r.n == 0 && len(p) > 0:
		return 0, 0, io.EOF
	}
	return r.n, r.at, nil
}

// nowhere is where discarded data would go. Nothing is written there for TCP.
var nowhere [maxDiscarded]byte

// discard drops at most n bytes of what has come, without copying them.
func (r *arrivalReader) discard(n int64) (int64, error) {
	var got int
	var failed error
	err := r.raw.Read(func(fd uintptr) (done bool) {
		for {
			got, _, failed = unix.Recvfrom(int(fd), nowhere[:min(n, maxDiscarded)], unix.MSG_TRUNC)
			if failed != unix.EINTR {
				return failed != unix.EAGAIN
			}
		}
	})
	switch {
	case err != nil:
		return 0, err
	case failed != nil:
		return 0, failed
	case got == 0:
		return 0, io.EOF
	}
	return int64(got), nil
}

// try reads what is there; it is false if that is nothing.
func (r *arrivalReader) try(fd uintptr) (done bool) {
	control := unsafe.Slice((*byte)(unsafe.Pointer(&r.control)), unsafe.Sizeof(r.control))
	var size int
	for {
		r.n, size, _, _, r.err = unix.Recvmsg(int(fd), r.p, control, 0)
		if r.err != unix.EINTR {
			break
		}
	}
	if r.err == unix.EAGAIN {
		return false
	}
	r.at = 0
	h := (*unix.Cmsghdr)(unsafe.Pointer(&r.control))
	if start := unix.CmsgLen(0); size >= start+int(unsafe.Sizeof(unix.Timespec{})) && h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS {
		r.at = (*unix.Timespec)(unsafe.Pointer(&control[start])).Nano()
	}
	return true
}
