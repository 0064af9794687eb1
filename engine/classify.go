package engine

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A Class is one answer of a Model that classifies.
type Class struct {
	Index       int
	Label       string  // the Model's name for it, or the index if it has none
	Probability float32 // 0…1, of all classes together 1
}

// Classify says what is on a picture: the k most probable classes, the best
// first, or all of them if k is less than 1 or more than there are. Where
// probabilities are equal, the class that comes first in the Model does here.
//
// Of a Model whose input has an open height and width, they are the picture's
// own, as PictureSizes has them.
//
// Any number of goroutines may call it; Sessions are pooled. Errors are those
// of PictureSizes, SetPicture, Top and NewSession.
func (m *Model) Classify(img image.Image, k int) ([]Class, error) {
	return m.classify(k, func(do answering) error { return m.look(img, do) })
}

// ClassifyBytes is Classify of a picture's file: its formats are those that the
// program has registered with package image, and it is turned upright. A large
// JPEG picture takes a fraction of the time that it takes to decode it whole and
// then to classify it, and no memory that grows with it once the first is done.
//
// Errors are those of picture.Decode, too.
func (m *Model) ClassifyBytes(data []byte, k int) ([]Class, error) {
	return m.classify(k, func(do answering) error { return m.lookBytes(data, do) })
}

func (m *Model) classify(k int, look func(answering) error) ([]Class, error) {
	if m.Classes() == 0 {
		return nil, ErrNotClassifier // before any work is done
	}
	var classes []Class
	err := look(func(s *Session, _ picture.Placement) (err error) {
		classes, err = m.Top(s.Output(0), k)
		return err
	})
	return classes, err
}

// Top says what the scores of one item stand for, in the way of Classify: they
// are the item's part of a Session's Output(0), as many as there are classes.
// They are logits or, if the model file says so, probabilities already.
//
// Errors are ErrNotClassifier, ErrNaN, and one of no kind for another number
// of scores.
func (m *Model) Top(scores []float32, k int) ([]Class, error) {
	n := m.Classes()
	switch {
	case n == 0:
		return nil, ErrNotClassifier
	case len(scores) != n:
		return nil, fmt.Errorf("engine: %d scores of an item, where the model has %d classes", len(scores), n)
	}
	list := make([]Class, n)
	for i, v := range scores {
		if math.IsNaN(float64(v)) {
			return nil, ErrNaN
		}
		list[i] = Class{Index: i, Probability: v}
	}
	slices.SortStableFunc(list, func(a, b Class) int { return cmp.Compare(b.Probability, a.Probability) })
	if math.IsInf(float64(list[0].Probability), 0) {
		return nil, ErrNaN // ∞ − ∞
	}
	if m.net.Meta.Answer.Kind == weights.Scores {
		softmax(list)
	}
	if k > 0 && k < n {
		list = slices.Clone(list[:k])
	}
	for i := range list {
		list[i].Label = label(&m.net.Meta, list[i].Index)
	}
	return list, nil
}

// softmax turns scores, the greatest first and finite, into probabilities.
func softmax(list []Class) {
	best := float64(list[0].Probability)
	sum := 0.0 // at least 1
	for _, c := range list {
		sum += math.Exp(float64(c.Probability) - best)
	}
	for i := range list {
		c := &list[i]
		c.Probability = float32(math.Exp(float64(c.Probability)-best) / sum)
	}
}

// Classes is the number of classes that the Model scores, 0 if it is no
// classifier: of the dimensions of its first output one must be at least 2, and
// the others 1.
func (m *Model) Classes() int {
	if kind := m.net.Meta.Answer.Kind; kind != weights.Scores && kind != weights.Probabilities {
		return 0
	}
	out := m.net.Values[m.net.Outputs[0]]
	n := out.Shape.Volume()
	if n < 2 || slices.Max(out.Shape) != n || out.Elem != tensor.F32 {
		return 0
	}
	if m.varies != nil && slices.ContainsFunc(m.varies[m.net.Outputs[0]], func(name string) bool { return name != "" }) {
		return 0 // as many as there are pixels, say
	}
	return n
}

// Prepare makes a picture into the Model's input, as the model file says: dst
// is a Session's Input(0), or the part of it that is one item's. The picture
// may be of any type of package image, with its bounds anywhere, and have up
// to 2¹⁶ pixels a side and 2²⁸ in all.
//
// For photos the file gives size, crop, order of channels, scale, mean and
// deviation.
//
// A digit is looked for wherever on the picture it is, dark on bright or bright
// on dark, in any colour or in transparency, and brought to the form of
// MNIST's. There should be one: of several, that with the most ink is taken,
// those close to it as strokes of the same digit, and the others left out,
// which nothing tells from a picture of one.
//
// Errors are ErrNoPicture, ErrEmpty, ErrTooLarge, ErrBlank if no digit was
// found, ErrSize for a Model with open dimensions, for which there is
// Session.SetPicture, and one of no kind for a dst that is not one item's.
func (m *Model) Prepare(dst []float32, img image.Image) error {
	if err := onlyInput(len(m.net.Inputs)); err != nil {
		return err
	}
	if len(m.net.Open) > 0 && m.net.Meta.Preparation.Kind != weights.NoPicture {
		return fmt.Errorf("%w: %s are open, and only a Session knows them", ErrSize, m.net.OpenNames())
	}
	_, err := picture.Prepare(dst, img, &m.net.Meta.Preparation, picture.Planar)
	return err
}
