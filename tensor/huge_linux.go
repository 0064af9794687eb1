package tensor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of the pages that the system is asked for.
const hugePage = 2 << 20

// preferHuge asks the system to back what it can of b by huge pages, as runs go
// through all of it again and again, and through more of it than the processor
// knows the small pages of. This is advice: where huge pages are switched off, or
// there are none, nothing changes.
func preferHuge(b []byte) {
	if len(b) < hugePage {
		return
	}
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (hugePage - 1))
	if n := (len(b) - skip) &^ (hugePage - 1); n > 0 {
		unix.Madvise(b[skip:skip+n], unix.MADV_HUGEPAGE)
	}
}
