package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/infer-go/infer/engine"
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
		return nil, inFile(path, errFolder)
	}
	m, err := engine.Open(path)
	switch {
	case err == nil:
		return m, nil
	case errors.Is(err, weights.ErrFormat):
		return nil, notFrozen(path, firstBytes(path), err)
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
	case err != nil:
		return nil, inFile(f.name(), err)
	}
	return s, nil
}

// checkPictures says why a model takes no pictures or does not tell what is on
// them, and what to do.
func (f modelFile) checkPictures(m *engine.Model) error {
	if err := f.takesPictures(m); err != nil {
		return err
	}
	return f.checkClasses(m)
}

// takesPictures says why a model takes none.
func (f modelFile) takesPictures(m *engine.Model) error {
	if m.Meta().Preparation.Kind == weights.NoPicture || len(m.Inputs()) != 1 {
		return inFile(f.name(), fmt.Errorf("%w: freeze it with infer convert --crop or --digits, or give it tensors by infer run", engine.ErrNoPicture))
	}
	return nil
}

// checkClasses says why a model is no classifier.
func (f modelFile) checkClasses(m *engine.Model) error {
	if m.Classes() == 0 {
		return inFile(f.name(), fmt.Errorf("%w: infer run gives what it computes", engine.ErrNotClassifier))
	}
	return nil
}

// itemSize is the number of elements of one item of a tensor. A dimension of
// −1 is the batch.
func itemSize(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= max(d, 1)
	}
	return n
}
