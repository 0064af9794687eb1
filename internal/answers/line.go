package answers

import (
	"bytes"
	"encoding/json"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/weights"
)

// OfItem is the answer to item i of a session's last run, of a classifier the
// best classes. at is what SetPicture said of the item.
func OfItem(m *engine.Model, s *engine.Session, i int, at picture.Placement, top int) (Answer, error) {
	switch m.Meta().Answer.Kind {
	case weights.Boxes:
		return made(OfDetections)(s.Detections(i, at))
	case weights.Mask:
		return made(func(mask *engine.Mask) Mask { return OfMask(mask, m.Meta().Labels) })(s.Mask(i, at))
	case weights.Picture:
		return made(OfPicture)(s.Picture(i, at))
	}
	n := m.Classes()
	if n == 0 {
		return nil, engine.ErrNotClassifier
	}
	return made(OfClasses)(m.Top(s.Output(0)[i*n:][:n], top))
}

// made makes an Answer of what a model answers, if that is no error.
func made[T, A any, P interface {
	*A
	Answer
}](of func(T) A) func(T, error) (Answer, error) {
	return func(v T, err error) (Answer, error) {
		if err != nil {
			return nil, err
		}
		a := of(v)
		return P(&a), nil
	}
}

// None is the answer of a model to a picture of which there is none.
func None(m *engine.Model) Answer {
	switch m.Meta().Answer.Kind {
	case weights.Boxes:
		return &Boxes{Boxes: []engine.Detection{}}
	case weights.Mask:
		return &Mask{Classes: []Area{}}
	case weights.Picture:
		return &Picture{}
	}
	return &Classes{Top: []engine.Class{}}
}

// Line is JSON on a line that ends. An error is that of a number which JSON has
// no form for.
func Line(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}
