package engine

import (
	"path"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/infer-go/infer/tensor"
)

// patience is how long a test waits for what has to come. It decides nothing
// while the code is right, however slow the machine is: it only ends a test
// that would otherwise wait for ever.
const patience = 30 * time.Second

// eventually runs the garbage collector until done.
func eventually(done func() bool) bool {
	for start := time.Now(); !done(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			return false
		}
		runtime.GC()
	}
	return true
}

// A goroutine is one that this module has started, not a test, the testing
// package or the runtime.
type goroutine struct {
	state string // "chan receive": what it waits for
	at    string // the function that it is in
}

// goroutines are those that there are now, by their numbers.
func goroutines() map[string]goroutine {
	stacks := make([]byte, 1<<16)
	for {
		n := runtime.Stack(stacks, true)
		if n < len(stacks) {
			stacks = stacks[:n]
			break
		}
		stacks = make([]byte, 2*len(stacks))
	}
	found := map[string]goroutine{}
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		started := startedHere.FindStringSubmatch(stack)
		head := stackHead.FindStringSubmatch(stack)
		if started != nil && head != nil && !strings.HasSuffix(started[1], "_test.go") {
			found[head[1]] = goroutine{head[2], path.Base(head[3])}
		}
	}
	return found
}

var (
	startedHere = regexp.MustCompile(`\ncreated by github\.com/infer-go/infer/.*\n\s*(.*):\d+`)
	stackHead   = regexp.MustCompile(`^goroutine (\d+).* \[([^],]*).*\]:\n(.*)\(`)
)

// startedSince are the goroutines that were not there before, and still are.
func startedSince(before map[string]goroutine) map[string]goroutine {
	now := goroutines()
	for number := range before {
		delete(now, number)
	}
	return now
}

// TestIdle: goroutines are as many as were asked for, whatever the number of
// processors, and between runs all of them wait for the next one: a goroutine
// that waits to receive takes no time of any processor.
func TestIdle(t *testing.T) {
	m := newTestModel(t, digitNet(t, tensor.F16), portable)
	before := goroutines()
	single := newTestSession(t, m, SessionOptions{})
	if err := single.Run(1); err != nil {
		t.Fatal(err)
	}
	if own := startedSince(before); len(own) != 0 {
		t.Errorf("a Session of one thread has goroutines of its own: %v", own)
	}
	team := newTestSession(t, m, SessionOptions{Batch: 8, Threads: 8})
	for range 10 {
		if err := team.Run(8); err != nil {
			t.Fatal(err)
		}
		var own map[string]goroutine
		if !eventually(func() bool {
			own = startedSince(before)
			for _, g := range own {
				if g != (goroutine{"chan receive", "engine.(*team).help"}) {
					return false
				}
			}
			return true
		}) {
			t.Fatalf("after a run they do not come to rest: %v", own)
		}
		if len(own) != 7 {
			t.Fatalf("a Session of eight threads has goroutines of its own other than seven: %v", own)
		}
	}
	runtime.KeepAlive(team)
}

// Models and Sessions that are forgotten leave neither goroutines nor mapped
// files behind.
func TestForgotten(t *testing.T) {
	before := goroutines()
	var file closer
	func() {
		m, err := newModel(chain(t, 2), portable, &file)
		if err != nil {
			t.Fatal(err)
		}
		var sessions []*Session
		for range 10 {
			s, err := m.NewSession(SessionOptions{Threads: 4, Batch: 4})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Run(4); err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, s)
		}
		runtime.GC()
		if n := len(startedSince(before)); n != 30 {
			t.Errorf("%d goroutines help ten sessions of four threads, want 30", n)
		}
		runtime.KeepAlive(sessions)
	}()
	if !eventually(func() bool { return len(startedSince(before)) == 0 && file.calls.Load() > 0 }) {
		t.Errorf("goroutines are left: %v", startedSince(before))
	}
	if n := file.calls.Load(); n != 1 {
		t.Errorf("the file was closed %d times, want once", n)
	}
}
