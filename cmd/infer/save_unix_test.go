//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/infer-go/infer/weights"
)

// A pipe stays one, and all of the net goes through it.
func TestConvertToPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Skip("no pipes:", err)
	}
	read := make(chan []byte)
	go func() {
		data, err := os.ReadFile(pipe)
		if err != nil {
			t.Error(err)
		}
		read <- data
	}()
	if code, _, complaint := infer("", "convert", exported("digits"), pipe); code != exitOK {
		t.Fatal(complaint)
	}
	if _, err := weights.Parse(<-read); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("the pipe is %v, %v", info.Mode(), err)
	}
}

// A signal leaves the old file, and nothing beside it. The test runs itself
// once more, as the program that the signal ends.
func TestSignalDuringSave(t *testing.T) {
	if file := os.Getenv("INFER_TEST_SAVE"); file != "" {
		(&app{}).save(file, func(w io.Writer) error {
			w.Write([]byte("half"))
			time.Sleep(time.Minute)
			return nil
		})
		os.Exit(0)
	}
	for signal, code := range map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		file := write(t, "net.frz", []byte("old"))
		dir := filepath.Dir(file)
		cmd := exec.Command(os.Args[0], "-test.run=^TestSignalDuringSave$")
		cmd.Env = append(os.Environ(), "INFER_TEST_SAVE="+file)
		if err := cmd.Start(); errors.Is(err, syscall.ENOEXEC) {
			t.Skip("emulated: the test cannot run itself")
		} else if err != nil {
			t.Fatal(err)
		}
		for range 1000 { // until the half is there
			if temp, _ := filepath.Glob(filepath.Join(dir, ".*.tmp")); len(temp) == 1 {
				if data, _ := os.ReadFile(temp[0]); len(data) > 0 {
					break
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
		cmd.Process.Signal(signal)
		cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != code {
			t.Errorf("%v: exit code %d, want %d", signal, got, code)
		}
		if names, _ := os.ReadDir(dir); len(names) != 1 {
			t.Errorf("%v: it leaves %v", signal, names)
		}
		if data, _ := os.ReadFile(file); !bytes.Equal(data, []byte("old")) {
			t.Errorf("%v: the file is %q", signal, data)
		}
	}
}
