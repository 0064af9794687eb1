package tensor

import (
	"testing"
	"unsafe"
)

func TestDirtyBytes(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 4097, 1 << 20} {
		var last []byte
		for range 3 {
			b := DirtyBytes(n)
			if len(b) != n || cap(b) != n || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%Align != 0 {
				t.Fatalf("%d bytes: length %d, capacity %d", n, len(b), cap(b))
			}
			for i := range b {
				b[i] = 1
			}
			for i := range last {
				if last[i] != 2 {
					t.Fatalf("%d bytes: they overlap others", n)
				}
			}
			for i := range b {
				b[i] = 2
			}
			last = b
		}
	}
}
