//go:build linux && !race

package engine

import (
	"image"
	"image/color"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
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

// TestMemoryFlat sees that resident memory does not grow, whichever way runs
// are asked for. INFER_RUNS=1000000 is for a long look.
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
			s, err := m.NewSession(SessionOptions{Threads: 2})
			if err != nil {
				return err
			}
			if err := s.Run(1); err != nil {
				return err
			}
			return s.Close()
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
			n := max(1, runs/c.every)
			repeat(max(20, n/10)) // pools, stacks and the heap find their size
			// The heap breathes, once more or less; what leaks does so each time.
			for try := 1; ; try++ {
				before := resident(t)
				repeat(n)
				after := resident(t)
				t.Logf("%d runs: %d KiB resident before, %d after", n, before, after)
				switch {
				case after-before <= 1024:
					return
				case try == 3:
					t.Fatalf("%d runs: resident memory grew by more than 1 MiB, %d times on end", n, try)
				}
			}
		})
	}
}

// settledGoroutines is the number of goroutines once those that earlier tests
// left behind have ended.
func settledGoroutines() int {
	n := runtime.NumGoroutine()
	for same := 0; same < 5; {
		runtime.GC() // ends the teams of forgotten sessions
		time.Sleep(10 * time.Millisecond)
		if now := runtime.NumGoroutine(); now == n {
			same++
		} else {
			n, same = now, 0
		}
	}
	return n
}

// TestIdle: goroutines are as many as were asked for, whatever the number of
// processors, and between runs they take no time of any.
func TestIdle(t *testing.T) {
	m := newTestModel(t, digitNet(t, tensor.F16), portable)
	before := settledGoroutines()
	single := newTestSession(t, m, SessionOptions{})
	if err := single.Run(1); err != nil {
		t.Fatal(err)
	}
	if n := runtime.NumGoroutine() - before; n != 0 {
		t.Errorf("a Session of one thread has %d goroutines of its own", n)
	}
	team := newTestSession(t, m, SessionOptions{Batch: 8, Threads: 8})
	if err := team.Run(8); err != nil {
		t.Fatal(err)
	}
	if n := runtime.NumGoroutine() - before; n != 7 {
		t.Errorf("a Session of eight threads has %d goroutines of its own, want 7", n)
	}

	// The least of some tries, as other parts of the program may be at work.
	least := time.Hour
	for range 5 {
		start := processorTime(t)
		time.Sleep(50 * time.Millisecond)
		least = min(least, processorTime(t)-start)
	}
	if least > 5*time.Millisecond {
		t.Errorf("in 50 ms of rest, the process took %v of processor time", least)
	}
	runtime.KeepAlive(team)
}

// processorTime is the time that all threads of the process have run.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
