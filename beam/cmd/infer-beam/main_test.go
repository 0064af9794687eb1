package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/infer-go/infer/internal/testenv"
)

// programs builds this command, infer, and Beam's own Prism server.
func programs(t *testing.T) (inferBeam, infer, prism string) {
	t.Helper()
	dir := t.TempDir()
	for _, c := range [][3]string{{"infer-beam", ".", "."}, {"infer", "../../..", "./cmd/infer"}, {"prism", ".", "github.com/apache/beam/sdks/v2/go/cmd/prism"}} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, c[0]), c[2])
		cmd.Dir = c[1]
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c[2], err, out)
		}
	}
	return filepath.Join(dir, "infer-beam"), filepath.Join(dir, "infer"), filepath.Join(dir, "prism")
}

// mustRun runs a program that must succeed, and returns what it prints.
func mustRun(t *testing.T, program string, args ...string) string {
	t.Helper()
	var errors bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", filepath.Base(program), args, err, errors.Bytes())
	}
	return string(out)
}

// lines are those of the files that fit a pattern, sorted.
func lines(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %q, %v", pattern, paths, err)
	}
	var all []string
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for s := bufio.NewScanner(f); s.Scan(); {
			all = append(all, s.Text())
		}
		f.Close()
	}
	slices.Sort(all)
	return all
}

// MNIST's test pictures through Prism in this process, through a Prism server over
// gRPC, and by infer score: the same lines, each picture once, and as many of them
// right as infer eval says.
func TestMNIST(t *testing.T) {
	images, labels := testenv.File(t, "mnist", "t10k-images-idx3-ubyte.gz"), testenv.File(t, "mnist", "t10k-labels-idx1-ubyte.gz")
	inferBeam, infer, prism := programs(t)
	dir := t.TempDir()
	mustRun(t, infer, "score", "--images", images, "--output", filepath.Join(dir, "score"))
	want := lines(t, filepath.Join(dir, "score"))

	mustRun(t, inferBeam, "--images", images, "--output", filepath.Join(dir, "embedded"), "--shards", "4")
	if got := lines(t, filepath.Join(dir, "embedded-*-of-00004.jsonl")); !slices.Equal(got, want) {
		t.Errorf("Prism in the process gives %d lines, which are not those of infer score", len(got))
	}
	endpoint := startPrism(t, prism)
	mustRun(t, inferBeam, "--images", images, "--output", filepath.Join(dir, "served"), "--shards", "3",
		"--runner", "universal", "--endpoint", endpoint, "--environment_type", "LOOPBACK")
	if got := lines(t, filepath.Join(dir, "served-*-of-00003.jsonl")); !slices.Equal(got, want) {
		t.Errorf("the Prism server gives %d lines, which are not those of infer score", len(got))
	}

	var e struct {
		Confusion [][]int
	}
	if err := json.Unmarshal([]byte(mustRun(t, infer, "eval", "--json", "--images", images, "--labels", labels)), &e); err != nil {
		t.Fatal(err)
	}
	answered := make([]int, 10)
	names := map[string]bool{}
	for _, line := range want {
		var a struct {
			File string
			Top  []struct{ Index int }
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil || len(a.Top) != 1 {
			t.Fatalf("%v: %s", err, line)
		}
		names[a.File] = true
		answered[a.Top[0].Index]++
	}
	for i := range 10_000 {
		if !names[fmt.Sprintf("%s#%d", images, i)] {
			t.Fatalf("no picture %d", i)
		}
	}
	for class, n := range answered {
		for _, row := range e.Confusion {
			n -= row[class]
		}
		if len(want) != 10_000 || n != 0 {
			t.Errorf("%d lines; of class %d there are %d more than eval has", len(want), class, n)
		}
	}

	// A job that fails leaves nothing under its name, and one that is done is not
	// done again.
	if runtime.GOOS == "linux" {
		list := filepath.Join(dir, "list")
		if err := os.WriteFile(list, []byte("/proc/self/mem"), 0o600); err != nil {
			t.Fatal(err)
		}
		failed := filepath.Join(dir, "failed")
		if code, says := status(t, inferBeam, "--files-from", list, "--output", failed); code != 1 || !strings.Contains(says, "/proc/self/mem") {
			t.Errorf("exit code %d, %s", code, says)
		}
		if left, _ := filepath.Glob(failed + "*"); len(left) != 0 {
			t.Errorf("it leaves %q", left)
		}
	}
	if code, says := status(t, inferBeam, "--images", images, "--output", filepath.Join(dir, "served")); code != 1 || !strings.Contains(says, "exists") {
		t.Errorf("exit code %d, %s", code, says)
	}
	for _, args := range []string{"", "--output x", "--output x --images y z", "--output x --bad x z", "--output x --top 0 z", "--output x --threads -1 z"} {
		if code, says := status(t, inferBeam, strings.Fields(args)...); code != 2 || !strings.HasPrefix(says, "infer-beam: ") {
			t.Errorf("%s: exit code %d, %s", args, code, says)
		}
	}
}

func status(t *testing.T, program string, args ...string) (code int, says string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

// startPrism starts a server of its own.
func startPrism(t *testing.T, prism string) (endpoint string) {
	t.Helper()
	free, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	server := exec.Command(prism, "--job_port", port, "--serve_http=false")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	endpoint = "localhost:" + port
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", endpoint)
		if err == nil {
			c.Close()
			return endpoint
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
