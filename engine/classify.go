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

// A Class is one answer of a classifier. In JSON it is as infer --json prints it.
type Class struct {
	Index       int     `json:"index"`
	Label       string  `json:"label"`       // the Model's name for it, or the index if it has none
	Probability float32 `json:"probability"` // 0…1; of all classes together 1, unless the model ends in a sigmoid
}

// Classify says what a picture shows: the k most probable classes, the most
// probable first, or all classes if k is less than 1 or greater than their
// number. Classes of equal probability keep the Model's order.
//
// If the Model's input has an open height and width, it is computed at the
// picture's own size, as PictureSizes determines it.
//
// Any number of goroutines may call it; Sessions are pooled. Errors are those
// of PictureSizes, SetPicture, Top and NewSession.
func (m *Model) Classify(img image.Image, k int) ([]Class, error) {
	return m.classify(k, func(do answering) error { return m.look(img, do) })
}

// ClassifyBytes is Classify for the bytes of a picture file, in any format that
// the program has registered with package image. The picture is turned upright.
// A large JPEG picture takes a fraction of the time of decoding it whole and
// then classifying it. After the first call, a sequential JPEG picture takes no
// memory that grows with it, others what their decoders take.
//
// Errors are those of Classify and of picture.Decode.
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

// Top turns the scores of one item into classes, as Classify does: scores is
// that item's part of a Session's Output(0), with one element for each class.
// Scores are logits, which a softmax turns into probabilities, or, if the model
// file says so, already probabilities, which are taken as they are.
//
// Errors are ErrNotClassifier and ErrNaN; the number of scores must be that of
// the classes.
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

// Classes returns the number of classes of a classifier, or 0 if the Model is
// not one. In a classifier one dimension of the first output is at least 2, and
// all others are 1.
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

// Prepare converts a picture to the Model's input in the way that the model
// file specifies. dst is a Session's Input(0), or one item's part of it. The
// picture may be of any type of package image, with any bounds, up to 2¹⁶
// pixels on a side and 2²⁸ in total.
//
// For photos the file specifies size, crop, order of channels, scale, mean and
// standard deviation.
//
// A digit is located anywhere in the picture, dark on light or light on dark,
// in any colour or transparency, and converted to the form of MNIST's digits.
// There should be one digit: of several, the one with the most ink is taken,
// together with what is close enough to be a stroke of it, and the others are
// ignored, since a picture of several cannot be told from a picture of one.
//
// Errors are ErrNoPicture, ErrEmpty, ErrTooLarge, ErrBlank if no digit was
// found, and ErrSize for a Model with open dimensions, which needs
// Session.SetPicture. dst must have the length of one item.
func (m *Model) Prepare(dst []float32, img image.Image) error {
	if err := onlyInput(len(m.net.Inputs)); err != nil {
		return err
	}
	if len(m.net.Open) > 0 && m.net.Meta.Preparation.Kind != weights.NoPicture {
		return fmt.Errorf("%w: %s are open: use Session.SetPicture", ErrSize, m.net.OpenNames())
	}
	_, err := picture.Prepare(dst, img, &m.net.Meta.Preparation, picture.Planar)
	return err
}
