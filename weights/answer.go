package weights

import (
	"fmt"

	"github.com/infer-go/infer/tensor"
)

// An AnswerKind says what a net's outputs are.
type AnswerKind uint8

const (
	// Scores: the first output holds a logit for each class, if it has the
	// shape of such a list; a softmax turns them into probabilities. A net
	// is taken to have Scores if nothing else has been specified.
	Scores AnswerKind = iota

	// Probabilities: the first output holds a probability for each class, which
	// is taken as it is. Those of a softmax sum to one; those of a sigmoid are
	// independent, and any number of classes may be probable.
	Probabilities

	// Boxes: the outputs are those of a detector.
	Boxes

	// Mask: the first output gives the class of each pixel of a map, as
	// scores [1, classes, height, width], of which the greatest decides.
	Mask

	// Picture: the first output is a picture, [1, 1 or 3, height, width],
	// with the channels and the range that Preparation gives the input.
	Picture
)

var answerNames = [...]string{Scores: "scores", Probabilities: "probabilities", Boxes: "boxes", Mask: "a mask", Picture: "a picture"}

func (k AnswerKind) String() string {
	if int(k) < len(answerNames) {
		return answerNames[k]
	}
	return fmt.Sprintf("answer %d", uint8(k))
}

// An Answer says what a net's outputs mean.
type Answer struct {
	Kind AnswerKind

	// The other fields are used only for Boxes. Head names the form in which
	// the outputs hold boxes, as in package detect. Boxes whose score is
	// less than Least are dropped, and so is each that overlaps a better one
	// of its class by more than Overlap, as intersection over union. Of the
	// rest, the best are kept, at most Most of them.
	Head           string
	Least, Overlap float32
	Most           int
}

// MostBoxes is the largest Answer.Most.
const MostBoxes = 10_000

func (a *Answer) check(output tensor.Type) error {
	boxes := a.Kind == Boxes
	switch {
	case a.Kind > Picture:
		return fmt.Errorf("unknown kind %d", a.Kind)
	case !boxes && *a != (Answer{Kind: a.Kind}):
		return fmt.Errorf("fields of boxes are set, but the answer is not boxes")
	case boxes && a.Head == "":
		return fmt.Errorf("boxes without a head")
	case boxes && !(a.Least >= 0 && a.Least <= 1 && a.Overlap >= 0 && a.Overlap <= 1):
		return fmt.Errorf("least score %v and overlap %v, which are not from 0 to 1", a.Least, a.Overlap)
	case boxes && (a.Most < 1 || a.Most > MostBoxes):
		return fmt.Errorf("at most %d boxes, which is not from 1 to %d", a.Most, MostBoxes)
	}
	if a.Kind != Mask && a.Kind != Picture {
		return nil
	}
	s := output.Shape
	if len(s) != 4 || s[0] != 1 || output.Elem != tensor.F32 {
		return fmt.Errorf("the first output is %v, and should be f32 1×channels×height×width", output)
	}
	if a.Kind == Picture && s[1] != 1 && s[1] != 3 {
		return fmt.Errorf("a picture of %d channels", s[1])
	}
	return nil
}

// Classes returns the number of classes that a net's labels must name, given
// the type of its first output. It returns false for Boxes, whose number of
// classes package engine determines.
func (a *Answer) Classes(output tensor.Type) (int, bool) {
	switch a.Kind {
	case Scores, Probabilities:
		return output.Shape.Volume(), true
	case Mask:
		return output.Shape[1], true
	case Picture:
		return 0, true
	}
	return 0, false
}
