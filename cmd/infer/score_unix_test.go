//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A shard that is killed while it computes leaves nothing under the part's name,
// and gives the same when it is begun anew. The test runs itself once more, as the
// program that is killed: one of its pictures is a pipe that nobody writes to.
func TestScoreKilled(t *testing.T) {
	if list := os.Getenv("INFER_TEST_SCORE"); list != "" {
		os.Exit(run([]string{"score", "--files-from", list, "--shard", "1/2", "--output", os.Getenv("INFER_TEST_PART")}, os.Stdin, os.Stdout, os.Stderr))
	}
	dir := t.TempDir()
	pipe, list, part := filepath.Join(dir, "pipe.png"), filepath.Join(dir, "list"), filepath.Join(dir, "out", "part")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Skip("no pipes:", err)
	}
	if err := os.Mkdir(filepath.Dir(part), 0o777); err != nil {
		t.Fatal(err)
	}
	seven := filepath.Join(testdata, "7.png")
	paths := strings.Repeat(seven+"\n", 1500) + pipe + "\n" + strings.Repeat(seven+"\n", 100)
	if err := os.WriteFile(list, []byte(paths), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestScoreKilled$")
	cmd.Env = append(os.Environ(), "INFER_TEST_SCORE="+list, "INFER_TEST_PART="+part)
	if err := cmd.Start(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("emulated: the test cannot run itself")
	} else if err != nil {
		t.Fatal(err)
	}
	written := func() bool { // some of the part
		temp, _ := filepath.Glob(filepath.Join(filepath.Dir(part), ".*.tmp"))
		if len(temp) != 1 {
			return false
		}
		info, err := os.Stat(temp[0])
		return err == nil && info.Size() > 0
	}
	for end := time.Now().Add(time.Minute); !written(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is written")
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	for _, file := range []string{part, part + ".json"} {
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s is there", file)
		}
	}
	os.Remove(pipe)
	data, err := os.ReadFile(seven)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pipe, data, 0o666); err != nil {
		t.Fatal(err)
	}
	mustInfer(t, "score", "--files-from", list, "--shard", "1/2", "--output", part)
	want, _ := mustScore(t, "--files-from", list)
	first, _ := mustScore(t, "--files-from", list, "--shard", "0/2")
	if first+read(t, part) != want {
		t.Error("what is computed anew is not the rest")
	}
}
