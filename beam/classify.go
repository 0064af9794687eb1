package inferbeam

import (
	"context"
	"fmt"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/internal/score"
)

// Classify answers pictures: elements of type string, paths of pictures' files;
// of type Picture; or of type Pixels, which are computed directly if they have
// the net's own size, and otherwise prepared like a picture. Answers have the
// timestamps and windows of their elements. Every picture is in exactly one of
// the two collections: bad has those that do not exist, or cannot be decoded or
// answered. A failure that may be temporary, such as a file that exists but
// cannot be read, is an error of the bundle.
//
// In the global window, pictures are computed in batches across the elements of
// a bundle, on all threads, and answered by its end. In other windows, which a
// DoFn does not know when it emits at the end of a bundle, they are computed
// within the call for their element: elements of type Pixels are faster there.
//
// The model can be a classifier, a detector or any other net that takes pictures.
// Metrics are the counters infer/pictures and infer/failures and the distribution
// infer/picture_ns, the time of a picture in its batch.
func Classify(s beam.Scope, o Options, pictures beam.PCollection) (answers, bad beam.PCollection) {
	s = s.Scope("inferbeam.Classify")
	c := classifier{Options: o, Across: pictures.WindowingStrategy().Fn.Kind == window.GlobalWindows}
	var fn any
	switch t := pictures.Type().Type(); t {
	case reflect.TypeFor[string]():
		fn = &classifyPathsFn{c}
	case reflect.TypeFor[Picture]():
		fn = &classifyFilesFn{c}
	case reflect.TypeFor[Pixels]():
		fn = &classifyPixelsFn{c}
	default:
		panic(fmt.Sprintf("inferbeam.Classify: elements of type %v, which are no pictures: string, Picture and Pixels are", t))
	}
	return beam.ParDo2(s, fn, pictures)
}

// The metrics of all DoFns that compute.
var (
	pictureCount = beam.NewCounter("infer", "pictures")
	failureCount = beam.NewCounter("infer", "failures")
	pictureTime  = beam.NewDistribution("infer", "picture_ns")
)

type (
	answerEmitter = func(beam.EventTime, Answer)
	badEmitter    = func(beam.EventTime, Bad)
)

func init() {
	register.Emitter2[beam.EventTime, Answer]()
	register.Emitter2[beam.EventTime, Bad]()
	register.DoFn5x1[context.Context, beam.EventTime, string, answerEmitter, badEmitter, error](&classifyPathsFn{})
	register.DoFn5x1[context.Context, beam.EventTime, Picture, answerEmitter, badEmitter, error](&classifyFilesFn{})
	register.DoFn5x1[context.Context, beam.EventTime, Pixels, answerEmitter, badEmitter, error](&classifyPixelsFn{})
}

// A classifyPathsFn answers files by their paths. They are read by the threads
// that compute.
type classifyPathsFn struct{ classifier }

func (f *classifyPathsFn) ProcessElement(ctx context.Context, at beam.EventTime, path string, emit answerEmitter, bad badEmitter) error {
	read := func() ([]byte, error) { return score.ReadFile(path) }
	if !isLocal(path) {
		// Beam's file systems do not tell a file that is not there from one that
		// cannot be reached.
		read = func() ([]byte, error) {
			data, err := readRemote(ctx, path, files.MaxPicture)
			if err != nil {
				return nil, score.Fatal{Err: err}
			}
			return data, files.NotEmpty(path, data, nil)
		}
	}
	return f.take(ctx, emit, bad, at, score.Picture{Name: path, File: read})
}

// A classifyFilesFn answers files by their bytes.
type classifyFilesFn struct{ classifier }

func (f *classifyFilesFn) ProcessElement(ctx context.Context, at beam.EventTime, p Picture, emit answerEmitter, bad badEmitter) error {
	return f.take(ctx, emit, bad, at, score.Picture{Name: p.Name, File: func() ([]byte, error) {
		return p.File, files.NotEmpty(p.Name, p.File, nil)
	}})
}

// A classifyPixelsFn answers pictures of pixels.
type classifyPixelsFn struct{ classifier }

func (f *classifyPixelsFn) ProcessElement(ctx context.Context, at beam.EventTime, p Pixels, emit answerEmitter, bad badEmitter) error {
	size := p.Width * p.Height
	if p.Width < 1 || p.Height < 1 || len(p.Data)%size != 0 {
		return fmt.Errorf("inferbeam.Classify: %d bytes of %s are not pictures of %d×%d", len(p.Data), p.File, p.Width, p.Height)
	}
	return f.take(ctx, emit, bad, at, split(p)...)
}

// split makes pictures of pixels.
func split(p Pixels) []score.Picture {
	size := p.Width * p.Height
	pictures := make([]score.Picture, len(p.Data)/size)
	for i := range pictures {
		pictures[i] = score.Picture{
			Name:   score.Name(p.File, p.First+i),
			Pixels: p.Data[i*size:][:size], Width: p.Width, Height: p.Height,
		}
	}
	return pictures
}
