package engine_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"log"
	"os"
	"slices"
	"sync"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights"
	"github.com/infer-go/infer/weights/digits"
)

func readPicture(path string) image.Image {
	f, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		log.Fatal(err)
	}
	return img
}

// A picture needs one call.
func Example() {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	classes, err := m.Classify(readPicture("../testdata/7.png"), 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(classes[0].Label)
	// Output: 7
}

// What is on a picture, with the probabilities; a picture of nothing is an
// error, not a guess.
func ExampleModel_Classify() {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	classes, err := m.Classify(readPicture("../testdata/7.png"), 2)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(classes), classes[0].Label, classes[0].Probability > 0.9)

	_, err = m.Classify(image.NewGray(image.Rect(0, 0, 100, 100)), 2)
	fmt.Println(errors.Is(err, engine.ErrBlank))
	// Output:
	// 2 7 true
	// true
}

// A picture's file needs one call, too. The program says which formats it reads:
// this one imports image/png.
func ExampleModel_ClassifyBytes() {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	data, err := os.ReadFile("../testdata/7.png")
	if err != nil {
		log.Fatal(err)
	}
	classes, err := m.ClassifyBytes(data, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(classes[0].Label)
	// Output: 7
}

// Several pictures are computed faster in one run than one by one. Prepare
// makes each into its part of the input, and Top makes classes of its part of
// the output.
func ExampleModel_Top() {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession(engine.SessionOptions{Batch: 8})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	files := []string{"../testdata/0.png", "../testdata/1.png", "../testdata/7.png"}
	in := len(s.Input(0)) / 8 // the elements of one item
	for i, file := range files {
		if err := m.Prepare(s.Input(0)[i*in:][:in], readPicture(file)); err != nil {
			log.Fatal(err)
		}
	}
	if err := s.Run(len(files)); err != nil {
		log.Fatal(err)
	}
	scores := s.Output(0)
	n := len(scores) / len(files)
	for i := range files {
		classes, err := m.Top(scores[i*n:][:n], 1)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(classes[0].Label, " ")
	}
	// Output: 0 1 7
}

// Raw tensors: the input is filled, and the output is read, in the order of
// the model that was frozen.
func ExampleSession() {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Println(m.Inputs()[0].Shape, m.Outputs()[0].Shape)

	s, err := m.NewSession(engine.SessionOptions{Batch: 8})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	items := make([]float32, 3*28*28) // three, one after the other
	copy(s.Input(0), items)
	if err := s.Run(3); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(s.Output(0)))
	// Output:
	// N×1×28×28 N×10
	// 30
}

// A service computes each request on the goroutine that has it. Sessions are
// pooled, so that there are as many as requests at a time; a request whose
// context is done stops between two layers.
func Example_service() {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	var sessions sync.Pool // of *engine.Session
	handle := func(ctx context.Context, img image.Image) ([]float32, error) {
		s, ok := sessions.Get().(*engine.Session)
		if !ok {
			var err error
			if s, err = m.NewSession(engine.SessionOptions{MaxMemory: 64 << 20}); err != nil {
				return nil, err
			}
		}
		defer sessions.Put(s)
		if err := m.Prepare(s.Input(0), img); err != nil {
			return nil, err
		}
		if err := s.RunContext(ctx, 1); err != nil {
			return nil, err
		}
		return slices.Clone(s.Output(0)), nil // the Session's memory is its own
	}

	scores, err := handle(context.Background(), readPicture("../testdata/4.png"))
	fmt.Println(len(scores), err)

	late, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = handle(late, readPicture("../testdata/4.png"))
	fmt.Println(errors.Is(err, context.Canceled))

	_, err = handle(context.Background(), image.NewGray(image.Rect(0, 0, 100, 100)))
	fmt.Println(errors.Is(err, engine.ErrBlank))
	// Output:
	// 10 <nil>
	// true
	// true
}

// Errors tell what kind they are.
func ExampleOpen() {
	_, err := engine.Open("there/is/none.frz")
	fmt.Println(errors.Is(err, fs.ErrNotExist))

	_, err = engine.Open("../testdata/7.png")
	fmt.Println(errors.Is(err, weights.ErrFormat))

	newer := slices.Clone(digits.Data)
	newer[8]++ // the version of the format
	_, err = engine.Parse(newer)
	fmt.Println(errors.Is(err, weights.ErrVersion))
	// Output:
	// true
	// true
	// true
}
