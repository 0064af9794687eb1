// Package score says what a model makes of very many pictures: batch after batch,
// on all threads, in lines of JSON as infer --json prints them.
package score

import (
	"fmt"
	"image"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/answers"
	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A Picture is what a model is asked about: a file, or grey pixels.
type Picture struct {
	Name string

	// File gives the bytes of a picture's file. It is called by the thread that
	// prepares the picture. An error names the file, and is the answer, unless it
	// is a Fatal.
	File func() ([]byte, error)

	// Pixels are those of a picture without a file: a byte each, row by row.
	Pixels        []byte
	Width, Height int
}

// A Fatal is an error that says nothing of the picture, but that it could not be
// looked at now: a whole batch has no answer then.
type Fatal struct{ Err error }

func (f Fatal) Error() string { return f.Err.Error() }
func (f Fatal) Unwrap() error { return f.Err }

// ReadFile reads the file of a picture. That it is not there, or is not a picture's
// file, is to be said of the picture; what may pass is a Fatal.
func ReadFile(path string) ([]byte, error) {
	data, err := files.ReadPicture(path)
	if err != nil && files.MayPass(path, err) {
		return nil, Fatal{err}
	}
	return data, err
}

// Name is how the pictures of a file that holds many are called: FILE#n, from 0.
func Name(file string, n int) string { return fmt.Sprintf("%s#%d", file, n) }

// Check says why a model has no answers to pictures.
func Check(m *engine.Model) error {
	kind := m.Meta().Answer.Kind
	switch {
	case len(m.Inputs()) != 1:
		return fmt.Errorf("%w: it has %d inputs", engine.ErrNoPicture, len(m.Inputs()))
	case m.Inputs()[0].Elem != tensor.F32:
		return fmt.Errorf("%w: its input is %v, where pictures become f32", engine.ErrNoPicture, m.Inputs()[0].Elem)
	case (kind == weights.Scores || kind == weights.Probabilities) && m.Classes() == 0:
		return engine.ErrNotClassifier
	}
	return nil
}

// FromZeroToOne is how pictures of a data set become inputs of a net that does not
// say how: 0…1 is what most nets take.
var FromZeroToOne = weights.Preparation{Scale: 1.0 / 255, Std: [3]float32{1, 1, 1}}

// Raw reports whether grey pictures of a size are a model's input as they are, as
// those of a data set are that it was trained with: and then how their numbers
// become the input's, by scale, mean and deviation alone.
func Raw(m *engine.Model, width, height int) (p weights.Preparation, raw bool) {
	if len(m.Inputs()) != 1 {
		return p, false
	}
	if len(m.Open()) > 0 {
		_, err := m.Sizes(tensor.Shape{1, 1, height, width})
		raw = err == nil
	} else {
		n := 1
		for _, d := range m.Inputs()[0].Shape {
			n *= max(d, 1) // the batch is −1
		}
		raw = n == width*height
	}
	p = m.Meta().Preparation
	switch {
	case raw && p.Kind == weights.NoPicture:
		return FromZeroToOne, true
	case p.Order != weights.Gray:
		return p, false
	}
	return p, raw
}

// sizesOf are those of a model's open dimensions for pictures of one size, nil if
// it has none.
func sizesOf(m *engine.Model, width, height int, raw bool) ([]int, error) {
	switch {
	case len(m.Open()) == 0:
		return nil, nil
	case raw:
		return m.Sizes(tensor.Shape{1, 1, height, width})
	}
	return m.PictureSizes(image.Rect(0, 0, width, height))
}

// failed is the line of a picture of which there is no answer.
func failed(m *engine.Model, name string, err error) Answer {
	a := answers.None(m)
	a.About(name, err)
	line, _ := answers.Line(a) // it has no numbers
	return Answer{line, err}
}
