package engine

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strconv"

	"github.com/infer-go/infer/detect"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A Detection is an object that a Model found in a picture. In JSON it is as
// infer --json prints it.
type Detection struct {
	Index int     `json:"index"`
	Label string  `json:"label"` // the Model's name for it, or the index if it has none
	Score float32 `json:"score"` // 0…1

	// X and Y are the upper left corner, in the picture's own pixels and the
	// coordinates of its Bounds: pixel i extends from i to i+1.
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

// Detect finds objects in a picture, the highest score first. As the model file
// specifies, boxes need a minimum score, and no box may overlap a better one of
// its class by too much. Boxes are clipped to the part of the picture that
// became the input.
//
// Any number of goroutines may call it. Errors are ErrAnswer for a Model that
// gives another kind of answer, ErrNaN, and those of PictureSizes, SetPicture
// and NewSession.
func (m *Model) Detect(img image.Image) (found []Detection, err error) {
	if err := m.answers(weights.Boxes); err != nil {
		return nil, err
	}
	err = m.look(img, func(s *Session, at picture.Placement) (err error) {
		found, err = s.Detections(0, at)
		return err
	})
	return found, err
}

// Segment returns the class of each pixel of a picture.
//
// Any number of goroutines may call it. Errors are those of Detect.
func (m *Model) Segment(img image.Image) (mask *Mask, err error) {
	if err := m.answers(weights.Mask); err != nil {
		return nil, err
	}
	err = m.look(img, func(s *Session, at picture.Placement) (err error) {
		mask, err = s.Mask(0, at)
		return err
	})
	return mask, err
}

// Transform makes a new picture from a picture, with a Model whose output is
// one: a larger one, a cleaner one, or one in another style. How many pixels it
// has for each pixel of the input is a property of the Model. Padding around
// the picture is cut off.
//
// Any number of goroutines may call it. Errors are those of Detect.
func (m *Model) Transform(img image.Image) (result image.Image, err error) {
	if err := m.answers(weights.Picture); err != nil {
		return nil, err
	}
	err = m.look(img, func(s *Session, at picture.Placement) (err error) {
		result, err = s.Picture(0, at)
		return err
	})
	return result, err
}

// answers refuses to answer in a way that is not the Model's.
func (m *Model) answers(kind weights.AnswerKind) error {
	if have := m.net.Meta.Answer.Kind; have != kind {
		return fmt.Errorf("%w: it has %v, not %v", ErrAnswer, have, kind)
	}
	return nil
}

// answering is what is done with a Session that has run on a picture.
type answering func(*Session, picture.Placement) error

// look runs the Model on a picture, in a Session of the pool.
func (m *Model) look(img image.Image, do answering) error {
	var sizes []int
	if len(m.net.Open) > 0 && img != nil {
		var err error
		if sizes, err = m.PictureSizes(img.Bounds()); err != nil {
			return err
		}
	}
	return m.run(sizes, func(s *Session) (picture.Placement, error) { return s.SetPicture(0, img) }, do)
}

// lookBytes is look for a picture's file. For an input of any size the picture
// is decoded whole.
func (m *Model) lookBytes(data []byte, do answering) error {
	if len(m.net.Open) > 0 {
		img, err := picture.Decode(data)
		if err != nil {
			return err
		}
		return m.look(img, do)
	}
	return m.run(nil, func(s *Session) (picture.Placement, error) { return s.SetPictureBytes(0, data) }, do)
}

// run runs the Model for one item, which set gives to a Session of the pool.
func (m *Model) run(sizes []int, set func(*Session) (picture.Placement, error), do answering) error {
	s, err := m.borrow(sizes)
	if err != nil {
		return err
	}
	defer m.giveBack(s)
	at, err := set(s)
	if err != nil {
		return err
	}
	if err := s.Run(1); err != nil {
		return err
	}
	return do(s, at)
}

// Detections returns what Detect would, for item i of the last run. at is what
// SetPicture returned for that item.
//
// Errors are ErrClosed, ErrAnswer, ErrBatch for an item that was not computed,
// and ErrNaN.
func (s *Session) Detections(i int, at picture.Placement) ([]Detection, error) {
	p, err := s.answer(i, weights.Boxes)
	if err != nil {
		return nil, err
	}
	outputs := make([][]float32, len(p.outputs))
	for k := range outputs {
		outputs[k] = s.item(k, i)
	}
	a := &p.net.Meta.Answer
	boxes, err := p.boxes.Decode(nil, outputs, a.Least)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNaN, err)
	}
	boxes = detect.Suppress(boxes, float64(a.Overlap), a.Most)
	found := make([]Detection, 0, len(boxes))
	for _, b := range boxes {
		x0, y0 := at.ToPicture(b.X0, b.Y0)
		x1, y1 := at.ToPicture(b.X1, b.Y1)
		x0, x1 = max(x0, at.X0), min(x1, at.X1)
		y0, y1 = max(y0, at.Y0), min(y1, at.Y1)
		if x1 > x0 && y1 > y0 {
			found = append(found, Detection{b.Class, p.label(b.Class), b.Score, x0, y0, x1 - x0, y1 - y0})
		}
	}
	return found, nil
}

// A Mask gives the class of each pixel of a picture.
type Mask struct {
	// Rect is the part of the picture that became the input: the pixels whose
	// centres lie in it.
	Rect image.Rectangle

	// Class is the class of each pixel of Rect, row by row, as an index of the
	// Model's labels.
	Class []uint16
}

// At returns the class of a pixel of the picture, and false for a pixel outside
// Rect.
func (m *Mask) At(x, y int) (class int, ok bool) {
	if !(image.Point{X: x, Y: y}).In(m.Rect) {
		return 0, false
	}
	return int(m.Class[(y-m.Rect.Min.Y)*m.Rect.Dx()+x-m.Rect.Min.X]), true
}

// Mask returns what Segment would, for item i of the last run. at is what
// SetPicture returned for that item. Errors are those of Detections.
func (s *Session) Mask(i int, at picture.Placement) (*Mask, error) {
	p, err := s.answer(i, weights.Mask)
	if err != nil {
		return nil, err
	}
	shape := p.net.Values[p.net.Outputs[0]].Shape
	classes, height, width := shape[1], shape[2], shape[3]
	best, err := greatest(s.item(0, i), classes)
	if err != nil {
		return nil, err
	}
	rect := image.Rect(middle(at.X0), middle(at.Y0), middle(at.X1), middle(at.Y1))
	mask := &Mask{rect, make([]uint16, rect.Dx()*rect.Dy())}
	ratio := p.ratio()
	columns := make([]int, rect.Dx())
	for c := range columns {
		x, _ := at.ToInput(float64(rect.Min.X+c)+0.5, 0)
		columns[c] = inside(x*ratio[1], width)
	}
	for r := range rect.Dy() {
		_, y := at.ToInput(0, float64(rect.Min.Y+r)+0.5)
		from := best[inside(y*ratio[0], height)*width:]
		to := mask.Class[r*rect.Dx():]
		for c, x := range columns {
			to[c] = from[x]
		}
	}
	return mask, nil
}

// middle is the first pixel whose middle is at x or behind it.
func middle(x float64) int { return int(math.Ceil(x - 0.5)) }

// inside is the pixel at x, or the one next to it of so many.
func inside(x float64, size int) int { return min(max(int(math.Floor(x)), 0), size-1) }

// greatest is the class of each pixel whose score is the greatest, and of equal
// ones the first; scores are planes, one for each class.
func greatest(scores []float32, classes int) ([]uint16, error) {
	n := len(scores) / classes
	best := make([]uint16, n)
	top := make([]float32, n)
	copy(top, scores)
	for c := range classes {
		for i, v := range scores[c*n:][:n] {
			if v != v {
				return nil, ErrNaN
			}
			if v > top[i] {
				top[i], best[i] = v, uint16(c)
			}
		}
	}
	return best, nil
}

// Picture returns what Transform would, for item i of the last run: an
// *image.Gray or an *image.NRGBA. at is what SetPicture returned for that item.
// Errors are those of Detections.
func (s *Session) Picture(i int, at picture.Placement) (image.Image, error) {
	p, err := s.answer(i, weights.Picture)
	if err != nil {
		return nil, err
	}
	shape := p.net.Values[p.net.Outputs[0]].Shape
	channels, height, width := shape[1], shape[2], shape[3]
	ratio := p.ratio()
	// Of a picture that was padded, the padding has been computed too.
	part := image.Rect(
		int(math.Round(float64(at.Input.Min.X)*ratio[1])), int(math.Round(float64(at.Input.Min.Y)*ratio[0])),
		int(math.Round(float64(at.Input.Max.X)*ratio[1])), int(math.Round(float64(at.Input.Max.Y)*ratio[0])),
	).Intersect(image.Rect(0, 0, width, height))
	return unpreparedImage(s.item(0, i), [3]int{channels, height, width}, part, &p.net.Meta.Preparation)
}

// Seen returns what the model will see of the picture that SetPicture made item
// i: the input converted back to a picture, an *image.Gray or an *image.NRGBA.
// Call it before the run, which consumes the picture.
//
// Errors are ErrClosed, ErrNoPicture, ErrBatch for an item that is out of
// range, and ErrNaN.
func (s *Session) Seen(i int) (image.Image, error) {
	if s.executor == nil {
		return nil, ErrClosed
	}
	net := s.executor.program.net
	if err := onlyInput(len(net.Inputs)); err != nil {
		return nil, err
	}
	if net.Meta.Preparation.Kind == weights.NoPicture {
		return nil, ErrNoPicture
	}
	if i < 0 || i >= s.executor.batch {
		return nil, fmt.Errorf("%w: item %d of %d", ErrBatch, i, s.executor.batch)
	}
	shape := net.Values[net.Inputs[0]].Shape
	channels, height, width := shape[1], shape[2], shape[3]
	x := s.Input(0)[i*channels*height*width:][:channels*height*width]
	return unpreparedImage(x, [3]int{channels, height, width}, image.Rect(0, 0, width, height), &net.Meta.Preparation)
}

// unpreparedImage is a part of the picture that x, [channels, height, width], is
// in the channels and the range of a Preparation.
func unpreparedImage(x []float32, shape [3]int, part image.Rectangle, prep *weights.Preparation) (image.Image, error) {
	channels, height, width := shape[0], shape[1], shape[2]
	var pixels [3][]uint8
	for c := range channels {
		var err error
		if pixels[c], err = unprepared(x[c*height*width:][:height*width], prep, c); err != nil {
			return nil, err
		}
	}
	if channels == 1 {
		gray := &image.Gray{Pix: pixels[0], Stride: width, Rect: image.Rect(0, 0, width, height)}
		return gray.SubImage(part), nil
	}
	if prep.Order == weights.BGR {
		pixels[0], pixels[2] = pixels[2], pixels[0]
	}
	rgb := image.NewNRGBA(image.Rect(0, 0, part.Dx(), part.Dy()))
	for r := range part.Dy() {
		from := (part.Min.Y+r)*width + part.Min.X
		for c := range part.Dx() {
			rgb.SetNRGBA(c, r, color.NRGBA{R: pixels[0][from+c], G: pixels[1][from+c], B: pixels[2][from+c], A: 255})
		}
	}
	return rgb, nil
}

// unprepared brings a channel back from what Preparation makes of it to 0…255.
func unprepared(x []float32, p *weights.Preparation, channel int) ([]uint8, error) {
	if p.Order.Channels() == 1 {
		channel = 0
	}
	std, mean, scale := float64(p.Std[channel]), float64(p.Mean[channel]), float64(p.Scale)
	y := make([]uint8, len(x))
	for i, v := range x {
		value := (float64(v)*std + mean) / scale
		if value != value {
			return nil, ErrNaN
		}
		y[i] = uint8(math.RoundToEven(min(max(value, 0), 255)))
	}
	return y, nil
}

// answer begins to answer for item i of the last run.
func (s *Session) answer(i int, kind weights.AnswerKind) (*program, error) {
	if s.executor == nil {
		return nil, ErrClosed
	}
	p := s.executor.program
	if have := p.net.Meta.Answer.Kind; have != kind {
		return nil, fmt.Errorf("%w: it has %v, not %v", ErrAnswer, have, kind)
	}
	if i < 0 || i >= s.items {
		return nil, fmt.Errorf("%w: item %d of %d", ErrBatch, i, s.items)
	}
	return p, nil
}

// item is the part of output k that is item i's.
func (s *Session) item(k, i int) []float32 {
	x := s.Output(k)
	n := len(x) / s.items
	return x[i*n:][:n]
}

// ratio is how many rows and columns the first output has for one of the first
// input.
func (p *program) ratio() [2]float64 {
	in, out := p.net.Values[p.net.Inputs[0]].Shape, p.net.Values[p.net.Outputs[0]].Shape
	return [2]float64{float64(out[2]) / float64(in[2]), float64(out[3]) / float64(in[3])}
}

// label is the name of a class.
func (p *program) label(class int) string { return label(&p.net.Meta, class) }

func label(meta *weights.Meta, class int) string {
	if class < len(meta.Labels) {
		return meta.Labels[class]
	}
	return strconv.Itoa(class)
}

// bindAnswer checks what a net says of its outputs, and makes the decoder of
// boxes.
func (p *program) bindAnswer() error {
	meta := &p.net.Meta
	if meta.Answer.Kind == weights.Scores || meta.Answer.Kind == weights.Probabilities {
		return nil
	}
	in := p.net.Values[p.net.Inputs[0]].Shape
	if len(in) != 4 || len(p.net.Inputs) != 1 {
		return fmt.Errorf("answer: %v for an input that is not a picture", meta.Answer.Kind)
	}
	if meta.Answer.Kind != weights.Boxes {
		return nil
	}
	head, err := detect.HeadNamed(meta.Answer.Head)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	var outputs []detect.Output
	for _, v := range p.net.Outputs {
		o := p.net.Values[v]
		if o.Elem != tensor.F32 {
			return fmt.Errorf("answer: output %q is %v, where boxes are f32", o.Name, o.Elem)
		}
		outputs = append(outputs, detect.Output{Name: o.Name, Shape: o.Shape})
	}
	if p.boxes, err = detect.New(head, outputs, in[3], in[2]); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if n := p.boxes.Classes(); n > 0 && len(meta.Labels) > 0 && len(meta.Labels) != n {
		return fmt.Errorf("%d labels for %d classes of boxes", len(meta.Labels), n)
	}
	return nil
}
