package guard

import (
	"fmt"
	"math"
	"runtime/debug"
	"strings"
	"testing"
	"unsafe"
)

func TestMake(t *testing.T) {
	for _, side := range Sides {
		m := New(t)
		for _, n := range []int{1, 2, 15, 16, 17, 1000, 1024, 4096, 100_000} {
			x := Make[float32](m, n, side)
			if len(x) != n || cap(x) != n {
				t.Fatalf("%d elements with room for %d, want %d", len(x), cap(x), n)
			}
			for i, v := range x {
				if !math.IsNaN(float64(v)) {
					t.Fatalf("element %d of %d is %v", i, n, v)
				}
				x[i] = 1
			}
			if n%16 == 0 && uintptr(unsafe.Pointer(&x[0]))%64 != 0 {
				t.Errorf("%d elements %v are not aligned", n, side)
			}
		}
		m.Release()
		if y := Make[int](m, 3, side); y[0] != -1 {
			t.Errorf("a buffer that was used before holds %v", y)
		}
	}
}

// TestFault touches what lies beside a buffer.
func TestFault(t *testing.T) {
	if !Protected {
		t.Skip("pages cannot be protected on this system")
	}
	touch := func(p *byte) (fault any) {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() { fault = recover() }()
		*p = 1
		return nil
	}
	m := New(t)
	for _, n := range []int{1, 7, 4096, 5000} {
		first := &Make[byte](m, n, Start)[0]
		if touch(first) != nil || touch((*byte)(unsafe.Add(unsafe.Pointer(first), -1))) == nil {
			t.Errorf("the byte before %d does not fault", n)
		}
		last := &Make[byte](m, n, End)[n-1]
		if touch(last) != nil || touch((*byte)(unsafe.Add(unsafe.Pointer(last), 1))) == nil {
			t.Errorf("the byte after %d does not fault", n)
		}
	}
}

// A recorder is a test that notes its errors.
type recorder struct {
	testing.TB
	errors   []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// TestCanary writes past the end of a buffer that is not protected.
func TestCanary(t *testing.T) {
	for _, c := range []struct {
		side   Side
		offset int
		want   string
	}{
		{Start, 10, "after"}, {Start, 200, "after"}, {End, -1, "before"}, {End, -300, "before"}, {Start, 9, ""}, {End, 0, ""},
	} {
		r := &recorder{TB: t}
		b := Make[byte](New(r), 10, c.side)
		*(*byte)(unsafe.Add(unsafe.Pointer(&b[0]), c.offset)) = 0
		for _, f := range r.cleanups {
			f()
		}
		got := strings.Join(r.errors, "; ")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("offset %d of a buffer %v: %q, want %q", c.offset, c.side, got, c.want)
		}
	}
}
