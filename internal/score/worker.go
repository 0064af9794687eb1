package score

import (
	"errors"
	"image"
	"slices"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/answers"
	"github.com/infer-go/infer/internal/files"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/weights"
)

// An Answer is what a model says of a picture.
type Answer struct {
	// Line is JSON, and ends with a line feed.
	Line []byte

	// Err says why there is no answer, as the line does. It names the picture.
	Err error
}

// A worker answers pictures on one goroutine.
type worker struct {
	m       *engine.Model
	top     int
	session *engine.Session // nil before the first picture
	sizes   []int           // the session's
	most    int             // items that it takes

	pictures []Picture // that are worked on
	out      []Answer
	batch    []item
}

// An item of a batch is a picture that lies in the session's input.
type item struct {
	index int // among the pictures
	at    picture.Placement
}

// answer is what the model says of each of the pictures.
func (w *worker) answer(pictures []Picture) ([]Answer, error) {
	w.pictures, w.out, w.batch = pictures, make([]Answer, len(pictures)), w.batch[:0]
	for i := range pictures {
		if err := w.take(i); err != nil {
			return nil, err
		}
	}
	return w.out, w.run()
}

// take makes a picture an item of the batch, or says why it cannot be answered. A
// full batch is computed.
func (w *worker) take(i int) error {
	err := w.set(i, &w.pictures[i])
	var fatal Fatal
	switch {
	case errors.As(err, &fatal):
		return fatal.Err
	case err != nil:
		w.fail(i, err)
	case len(w.batch) == w.most:
		return w.run()
	}
	return nil
}

// fail answers a picture with an error about it.
func (w *worker) fail(i int, err error) {
	name := w.pictures[i].Name
	w.out[i] = failed(w.m, name, files.PictureError(name, err))
}

// set puts a picture into the session's input.
func (w *worker) set(i int, p *Picture) error {
	if p.File == nil {
		return w.setPixels(i, p)
	}
	data, err := p.File()
	if err != nil {
		return err
	}
	kind := w.m.Meta().Answer.Kind
	if len(w.m.Open()) == 0 && (kind == weights.Scores || kind == weights.Probabilities) {
		// No more of the file is decoded than classes need.
		return w.put(i, nil, func(slot int) (picture.Placement, error) { return w.session.SetPictureBytes(slot, data) })
	}
	img, err := picture.Decode(data)
	if err != nil {
		return err
	}
	return w.setImage(i, img)
}

func (w *worker) setPixels(i int, p *Picture) error {
	how, raw := Raw(w.m, p.Width, p.Height)
	if !raw {
		return w.setImage(i, &image.Gray{Pix: p.Pixels, Stride: p.Width, Rect: image.Rect(0, 0, p.Width, p.Height)})
	}
	sizes, err := sizesOf(w.m, p.Width, p.Height, true)
	if err != nil {
		return err
	}
	n := len(p.Pixels)
	return w.put(i, sizes, func(slot int) (picture.Placement, error) {
		picture.NormaliseGray(w.session.Input(0)[slot*n:][:n], p.Pixels, &how)
		return picture.Placement{
			X1: float64(p.Width), Y1: float64(p.Height),
			Input: image.Rect(0, 0, p.Width, p.Height),
		}, nil
	})
}

func (w *worker) setImage(i int, img image.Image) error {
	sizes, err := sizesOf(w.m, img.Bounds().Dx(), img.Bounds().Dy(), false)
	if err != nil {
		return err
	}
	return w.put(i, sizes, func(slot int) (picture.Placement, error) { return w.session.SetPicture(slot, img) })
}

// put sets the next item of the batch, in a session for these sizes.
func (w *worker) put(i int, sizes []int, set func(slot int) (picture.Placement, error)) error {
	if w.session == nil || !slices.Equal(sizes, w.sizes) {
		if err := w.open(sizes); err != nil {
			return err
		}
	}
	at, err := set(len(w.batch))
	if err == nil {
		w.batch = append(w.batch, item{i, at})
	}
	return err
}

// open makes the session, in place of one for other sizes. What that has in its
// input is computed first.
func (w *worker) open(sizes []int) error {
	if err := w.run(); err != nil {
		return err
	}
	w.close()
	most, err := batch(w.m, sizes)
	if err != nil {
		return err
	}
	s, err := w.m.NewSession(engine.SessionOptions{Batch: most, Sizes: sizes})
	if err != nil {
		return err
	}
	w.session, w.sizes, w.most = s, sizes, most
	return nil
}

func (w *worker) close() {
	if w.session != nil {
		w.session.Close()
		w.session = nil
	}
}

// run computes the batch, and makes its answers. Where it has no result, that is
// because of some of its items: each is computed by itself then.
func (w *worker) run() error {
	n := len(w.batch)
	if n == 0 {
		return nil
	}
	err := w.session.Run(n)
	if err != nil && n > 1 {
		items := slices.Clone(w.batch)
		w.batch = w.batch[:0]
		for _, it := range items {
			if err := w.take(it.index); err != nil {
				return err
			}
			if err := w.run(); err != nil {
				return err
			}
		}
		return nil
	}
	for i, it := range w.batch {
		if err == nil {
			w.out[it.index], err = w.line(i, it)
		}
		if err != nil {
			w.fail(it.index, err)
		}
		err = nil
	}
	w.batch = w.batch[:0]
	return nil
}

// line is the answer to item i of the run.
func (w *worker) line(i int, it item) (Answer, error) {
	a, err := answers.OfItem(w.m, w.session, i, it.at, w.top)
	if err != nil {
		return Answer{}, err
	}
	a.About(w.pictures[it.index].Name, nil)
	line, err := answers.Line(a)
	return Answer{Line: line}, err
}

// What a batch may have and take: more would not be faster.
const (
	maxBatch  = 64
	maxMemory = 64 << 20
)

// batch is how many items are computed in one run.
func batch(m *engine.Model, sizes []int) (int, error) {
	for n := maxBatch; n > 1; n /= 2 {
		memory, err := m.Memory(n, sizes...)
		switch {
		case errors.Is(err, engine.ErrBatch), err == nil && memory.Arena+memory.Scratch > maxMemory:
		default:
			return n, err
		}
	}
	return 1, nil
}
