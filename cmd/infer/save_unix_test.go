//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

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
// once more, as the program that the signal ends: it says when half is written,
// and then waits for something that never comes.
func TestSignalDuringSave(t *testing.T) {
	if file := os.Getenv("INFER_TEST_SAVE"); file != "" {
		(&app{}).save(file, func(w io.Writer) error {
			if _, err := w.Write([]byte("half")); err != nil {
				return err
			}
			os.Stdout.WriteString("half\n")
			io.Copy(io.Discard, os.Stdin) // or until the parent is gone
			return nil
		})
		os.Exit(0)
	}
	for signal, code := range map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		file := write(t, "net.frz", []byte("old"))
		dir := filepath.Dir(file)
		cmd := exec.Command(os.Args[0], "-test.run=^TestSignalDuringSave$")
		cmd.Env = append(os.Environ(), "INFER_TEST_SAVE="+file)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); errors.Is(err, syscall.ENOEXEC) {
			t.Skip("emulated: the test cannot run itself")
		} else if err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "half\n" {
			t.Errorf("%v: before the signal it says %q, %v", signal, line, err)
		}
		if temp, _ := filepath.Glob(filepath.Join(dir, ".*.tmp")); len(temp) != 1 {
			t.Errorf("%v: the half is in %v, want one file", signal, temp)
		}
		cmd.Process.Signal(signal)
		cmd.Wait()
		in.Close()
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
