package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/internal/replace"
)

// save writes a file, which appears under its name when it is complete; - is
// standard output. Whoever ends the program before by a signal finds nothing
// left over.
func (a *app) save(file string, write func(io.Writer) error) error {
	if file == "-" {
		return write(a.stdout)
	}
	f, err := replace.Create(file)
	if err != nil {
		return err
	}
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			f.Abort()
			if s == syscall.SIGTERM {
				os.Exit(exitTerminated)
			}
			os.Exit(exitInterrupted)
		case <-done:
		}
	}()
	defer func() {
		signal.Stop(signals)
		close(done)
	}()
	if err := write(f); err != nil {
		f.Abort()
		return err
	}
	return f.Commit()
}

// checkOutput refuses what cannot be an output, before time is spent on what
// is to go there, and a file that is read: what was in it would be gone.
func checkOutput(out string, inputs ...string) error {
	if out == "" {
		return usagef("no output file is given")
	}
	to, err := os.Stat(out)
	switch {
	case err != nil || out == "-":
		return nil // a new file, most likely, or standard output
	case to.IsDir():
		return inFile(out, files.ErrFolder)
	}
	for _, in := range inputs {
		if from, err := os.Stat(in); err == nil && os.SameFile(from, to) {
			return usagef("%s is an input too, and would be overwritten", out)
		}
	}
	return nil
}
