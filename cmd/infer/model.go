package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/digits"
)

// A modelFile is the path of a frozen net, and as a flag must not be empty,
// since that stands for the built-in net.
type modelFile string

func (f *modelFile) String() string { return "" }

func (f *modelFile) Set(s string) error {
	if s == "" {
		return errors.New("no file is given")
	}
	*f = modelFile(s)
	return nil
}

// modelFlag declares --model.
func modelFlag(flags *flag.FlagSet) *modelFile {
	f := new(modelFile)
	flags.Var(f, "model", "the frozen net in `FILE` instead of the built-in one, which reads digits")
	return f
}

// take takes the model from the argument of a command that has no other
// arguments: it may be given so or by the flag.
func (f *modelFile) take(args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case len(args) > 1 || *f != "":
		return usagef("one file at a time, not %q too", args[len(args)-1])
	}
	if err := f.Set(args[0]); err != nil {
		return usageError{err}
	}
	return nil
}

// name is how errors call the model.
func (f modelFile) name() string { return cmp.Or(string(f), "the built-in net") }

// open opens the model.
func (f modelFile) open() (*engine.Model, error) {
	if f == "" {
		return engine.Parse(digits.Data)
	}
	path := string(f)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, inFile(path, err)
	case info.IsDir():
		return nil, inFile(path, files.ErrFolder)
	}
	m, err := engine.Open(path)
	switch {
	case err == nil:
		return m, nil
	case errors.Is(err, weights.ErrFormat):
		return nil, files.NotFrozen(path, files.FirstBytes(path), err)
	}
	if _, ok := err.(*os.PathError); ok {
		return nil, inFile(path, err)
	}
	return nil, err // it names the path already, or is about the kernels
}

// session makes a session of the model.
func (f modelFile) session(m *engine.Model, o engine.SessionOptions) (*engine.Session, error) {
	s, err := m.NewSession(o)
	switch {
	case errors.Is(err, engine.ErrBatch):
		return nil, fmt.Errorf("%w; infer convert --batch makes one that takes several, where its operators allow it", inFile(f.name(), err))
	case errors.Is(err, engine.ErrSize) && len(o.Sizes) == 0:
		return nil, fmt.Errorf("%w: --input-size gives them, as %s", inFile(f.name(), err), sizesText(m.Open()))
	case err != nil:
		return nil, inFile(f.name(), err)
	}
	return s, nil
}

// sizesText is an example of sizes for open dimensions: those at which the model
// was frozen.
func sizesText(open []weights.OpenDim) string {
	var parts []string
	for _, d := range open {
		parts = append(parts, fmt.Sprint(d.Size))
	}
	return strings.Join(parts, "x")
}

// An inputSize is a flag: one size of each open dimension.
type inputSize []int

// inputSizeFlag declares --input-size.
func inputSizeFlag(flags *flag.FlagSet, help string) *inputSize {
	s := new(inputSize)
	flags.Var(s, "input-size", help)
	return s
}

func (s *inputSize) String() string { return "" }

func (s *inputSize) Set(text string) (err error) {
	*s, err = sizes(text)
	return err
}

// checkPictures says why a model takes no pictures, and what to do.
func (f modelFile) checkPictures(m *engine.Model) error {
	if m.Meta().Preparation.Kind == weights.NoPicture || len(m.Inputs()) != 1 {
		return inFile(f.name(), fmt.Errorf("%w: freeze it with infer convert --crop or --digits, or give it tensors by infer run", engine.ErrNoPicture))
	}
	return nil
}

// checkClasses says why a model is not a classifier.
func (f modelFile) checkClasses(m *engine.Model) error {
	if m.Classes() == 0 {
		return inFile(f.name(), fmt.Errorf("%w: infer run shows its outputs", engine.ErrNotClassifier))
	}
	return nil
}
