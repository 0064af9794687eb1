package inferbeam

import (
	"encoding/json"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/answers"
)

// A Picture is the bytes of a picture's file.
type Picture struct {
	Name string
	File []byte
}

// Pixels are pictures of one size that follow each other in a file, a byte for
// each pixel, row by row. They are named FILE#n, with n from First on.
type Pixels struct {
	File          string
	First         int
	Width, Height int
	Data          []byte
}

// An Answer is a model's answer to a picture.
type Answer struct {
	Name string

	// Line is JSON as infer --json prints it, with the line feed.
	Line []byte
}

// Classes returns the answer of a classifier, the best class first.
func (a *Answer) Classes() ([]engine.Class, error) {
	var line answers.Classes
	if err := json.Unmarshal(a.Line, &line); err != nil {
		return nil, err
	}
	return line.Top, nil
}

// A Bad is an element for which the model has no answer.
type Bad struct {
	Name, Reason string

	// Line is JSON as infer --json prints it, with the line feed. It is empty
	// for tensors.
	Line []byte
}

// Tensors are the inputs of a net for one item, or its outputs: little-endian
// elements, row-major, in the order of engine.Model.Inputs or Outputs.
type Tensors struct {
	Name   string
	Values [][]byte
}

// A span is some of the pictures of an IDX file.
type span struct {
	File         string
	First, Count int
}

func init() {
	for _, element := range []any{Picture{}, Pixels{}, Answer{}, Bad{}, Tensors{}, span{}} {
		beam.RegisterType(reflect.TypeOf(element))
	}
}
