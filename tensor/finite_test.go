package tensor

import (
	"encoding/binary"
	"math"
	"testing"
)

// lanes.finite against the definition, for every half and for floats around
// the limit, at every place of its loops.
func TestFinite(t *testing.T) {
	b := make([]byte, 44)
	for h := range 1 << 16 {
		at := h % (len(b) / 2) * 2
		binary.LittleEndian.PutUint16(b[at:], uint16(h))
		want := !math.IsInf(float64(Float32(uint16(h))), 0) && !math.IsNaN(float64(Float32(uint16(h))))
		if got := lanes16.finite(b); got != want {
			t.Fatalf("half %04x at byte %d: finite is %v", h, at, got)
		}
		clear(b)
	}
	for at := 0; at < len(b); at += 4 {
		for _, x := range []uint32{0, 1, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7f800001, 0x7fc00000, 0xffffffff} {
			binary.LittleEndian.PutUint32(b[at:], x)
			want := IsFinite(math.Float32frombits(x))
			if got := lanes32.finite(b); got != want {
				t.Fatalf("float %08x at byte %d: finite is %v", x, at, got)
			}
			clear(b)
		}
	}
}
