package tensor

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// hugeBytes is how much of the mapping of b huge pages back.
func hugeBytes(t *testing.T, b []byte) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skipf("the system does not say how memory is backed: %v", err)
	}
	n, inside := 0, false
	first, last := uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&b[len(b)-1]))
	for line := range strings.Lines(string(text)) {
		from, rest, _ := strings.Cut(line, "-")
		if start, err := strconv.ParseUint(from, 16, 64); err == nil {
			to, _, _ := strings.Cut(rest, " ")
			end, _ := strconv.ParseUint(to, 16, 64)
			inside = uintptr(start) <= last && first < uintptr(end)
		} else if size, ok := strings.CutPrefix(line, "AnonHugePages:"); ok && inside {
			kilobytes, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(size), " kB"))
			n += kilobytes << 10
		}
	}
	return n
}

// Large memory is backed by huge pages where the system has them.
func TestHugePages(t *testing.T) {
	mode, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil || strings.Contains(string(mode), "[never]") {
		t.Skipf("the system has no huge pages: %s %v", mode, err)
	}
	const size = 64 << 20
	for name, allocate := range map[string]func(int) []byte{"zeros": AlignedBytes, "dirty": DirtyBytes} {
		b := allocate(size)
		for i := 0; i < size; i += 4096 {
			b[i] = 1
		}
		switch huge := hugeBytes(t, b); {
		case huge == 0:
			t.Logf("%s: no huge page is free, or the system denies them", name)
		case huge < hugePage:
			t.Errorf("%s: %d bytes are backed by huge pages", name, huge)
		default:
			t.Logf("%s: %d of %d MB are backed by huge pages", name, huge>>20, size>>20)
		}
	}
}
