package engine

import (
	"image"
	"strings"
	"testing"

	"github.com/infer-go/infer/weights"
)

// Errors of Models, Sessions and classes name the package. Those of pictures
// are package picture's, and do not: they stand behind the picture's name.
func TestErrorsNameThePackage(t *testing.T) {
	m := newTestModel(t, halves(), portable)
	_, threads := m.NewSession(SessionOptions{Threads: -1})
	_, batch := m.NewSession(SessionOptions{Batch: -1})
	_, scores := m.Top(nil, 1)
	for _, err := range []error{
		ErrClosed, ErrBusy, ErrBatch, ErrMemory, ErrNotClassifier, ErrNaN,
		threads, batch, scores,
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "engine: ") || strings.Count(err.Error(), "engine: ") != 1 {
			t.Errorf("error %v does not name the package once", err)
		}
	}
	small := image.NewGray(image.Rect(0, 0, 3, 1))
	other, large := m.Prepare(nil, small), m.Prepare(make([]float32, 3), image.White)
	m.net.Meta.Preparation = weights.Preparation{}
	none := m.Prepare(nil, small)
	for _, err := range []error{ErrBlank, ErrEmpty, ErrTooLarge, ErrNoPicture, other, large, none} {
		if err == nil || strings.HasPrefix(err.Error(), "engine: ") {
			t.Errorf("error %v names the package", err)
		}
	}
}
