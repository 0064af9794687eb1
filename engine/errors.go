package engine

import (
	"errors"

	"github.com/infer-go/infer/picture"
)

// Errors of Models and Sessions.
var (
	// ErrClosed is returned by a Model or a Session after Close.
	ErrClosed = errors.New("engine: closed")

	// ErrBusy is returned by a Session that another goroutine is using.
	ErrBusy = errors.New("engine: the session is in use by another goroutine")

	// ErrBatch says that a number of items is less than 1, or more than the
	// Session or the Model can compute in one run.
	ErrBatch = errors.New("engine: batch out of range")

	// ErrSize says that a Model cannot be computed at the given sizes of its
	// open dimensions, or that none are given.
	ErrSize = errors.New("engine: sizes do not fit")

	// ErrFault says that the result for these inputs is undefined: an index is
	// out of range, or an integer is divided by zero.
	ErrFault = errors.New("engine: the inputs have no result")

	// ErrMemory says that a Session would take more memory than
	// SessionOptions.MaxMemory allows.
	ErrMemory = errors.New("engine: too much memory")
)

// Errors of pictures, which are package picture's own.
var (
	// ErrBlank says that a picture in which a digit was to be read is blank.
	ErrBlank = picture.ErrBlank

	// ErrEmpty says that a picture has no pixels.
	ErrEmpty = picture.ErrEmpty

	// ErrTooLarge says that a picture has more than 2¹⁶ pixels on a side, or
	// more than 2²⁸ in total.
	ErrTooLarge = picture.ErrTooLarge

	// ErrNoPicture says that the model file does not specify how a picture
	// becomes the Model's input, so that it takes raw tensors only.
	ErrNoPicture = picture.ErrNoPicture
)

// Errors of answers.
var (
	// ErrAnswer says that a Model gives a different kind of answer from the one
	// requested: a mask, for instance, instead of boxes.
	ErrAnswer = errors.New("engine: the model gives another kind of answer")

	// ErrNotClassifier says that the first output of a Model is not a list of
	// scores, one for each of two or more classes.
	ErrNotClassifier = errors.New("engine: the model's first output is not a list of classes")

	// ErrNaN says that a Model computed something that is not a number: a score
	// that is NaN, or scores of which the greatest is infinite, so that they
	// have no probabilities; or that a NaN, given or computed, was to be
	// quantised, and cannot be.
	ErrNaN = errors.New("engine: the model computed something that is not a number")
)
