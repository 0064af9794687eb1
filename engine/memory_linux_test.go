//go:build linux && !race

package engine

import (
	"errors"
	"image"
	"image/color"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// resident is the process's resident memory in KiB, as the kernel counts it
// after the garbage collector has given back what it can.
func resident(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\nVmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		t.Fatal("the kernel does not say how much memory is resident")
	}
	kib, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

// held is what the process holds on to that a run could leave behind.
type held struct {
	objects, bytes  int64 // on Go's heap
	mappings, files int   // of the model's file; open ones
}

func holds(t *testing.T, path string) held {
	t.Helper()
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // a sync.Pool keeps what is in it for one collection more
	runtime.ReadMemStats(&m)
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return held{int64(m.Mallocs - m.Frees), int64(m.HeapAlloc), strings.Count(string(maps), path), len(files)}
}

// TestMemoryFlat sees that runs leave nothing behind, whichever way they are
// asked for. It counts what is held; resident memory depends on the machine
// too, and is only logged. INFER_RUNS=1000000 is for a long look.
func TestMemoryFlat(t *testing.T) {
	runs := 10_000
	if testing.Short() {
		runs = 200
	}
	if text, ok := os.LookupEnv("INFER_RUNS"); ok {
		var err error
		if runs, err = strconv.Atoi(text); err != nil {
			t.Fatalf("INFER_RUNS: %v", err)
		}
	}
	net := digitNet(t, tensor.F16)
	net.Meta.Preparation = weights.Preparation{Kind: weights.Digit, Width: 28, Height: 28, Scale: 1.0 / 255, Std: [3]float32{1, 1, 1}}
	path := saveNet(t, net)
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	picture := image.NewGray(image.Rect(0, 0, 28, 28))
	for y := 6; y < 22; y++ {
		picture.SetGray(14, y, color.Gray{Y: 255})
	}

	for _, c := range []struct {
		name  string
		every int // one of so many runs is made in this way
		run   func() error
	}{
		{"Run", 1, func() func() error {
			s := newTestSession(t, m, SessionOptions{})
			return func() error { return s.Run(1) }
		}()},
		{"Run with two threads", 10, func() func() error {
			s := newTestSession(t, m, SessionOptions{Batch: 4, Threads: 2})
			return func() error { return s.Run(4) }
		}()},
		{"Classify", 10, func() error {
			_, err := m.Classify(picture, 3)
			return err
		}},
		{"NewSession, Run, Close", 10, func() error {
			goroutines := runtime.NumGoroutine()
			s, err := m.NewSession(SessionOptions{Threads: 2})
			if err != nil {
				return err
			}
			if err := s.Run(1); err != nil {
				return err
			}
			if err := s.Close(); err != nil {
				return err
			}
			// The runtime keeps the memory of as many goroutines as there ever
			// were at once, and whether they end in time is up to the machine.
			for start := time.Now(); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
				if time.Since(start) > patience {
					return errors.New("the goroutine of a closed session does not end")
				}
			}
			return nil
		}},
		{"Open, Classify, Close", 100, func() error {
			m, err := Open(path)
			if err != nil {
				return err
			}
			if _, err := m.Classify(picture, 3); err != nil {
				return err
			}
			return m.Close()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			repeat := func(n int) {
				for range n {
					if err := c.run(); err != nil {
						t.Fatal(err)
					}
				}
			}
			n := max(200, runs/c.every)
			repeat(max(20, n/10)) // pools, stacks and the heap find their size
			rss, before := resident(t), holds(t, path)
			repeat(n)
			// What leaks does so each time, and stays. The runtime keeps a few
			// objects more or less, however many runs there are, and when it
			// calls the cleanups of what was collected is up to the machine.
			var after held
			if !eventually(func() bool {
				after = holds(t, path)
				return after.objects-before.objects < int64(n/2) && after.bytes-before.bytes <= 64<<10 &&
					after.mappings <= before.mappings && after.files <= before.files
			}) {
				t.Errorf("%d runs leave something behind: %+v before, %+v after", n, before, after)
			}
			t.Logf("%d runs: %+v before, %+v after; %d KiB resident before, %d after", n, before, after, rss, resident(t))
		})
	}
}
