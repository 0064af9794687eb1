package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"slices"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/answers"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/weights"
)

// An answer is what a model says of a picture: lines of text, an object for
// --json, and a picture to draw.
type answer interface {
	// lines are printed, each behind the picture's name.
	lines() []string

	// About says in the JSON which picture it was, and what went wrong.
	About(file string, err error)

	// drawn is the picture for --draw, which shows the answer on img. It is nil
	// for answers that nothing can be drawn of.
	drawn(img image.Image) image.Image
}

// classesAnswer is that of a classifier.
type classesAnswer struct {
	answers.Classes
	rates bool // lines show probabilities
}

func newClassesAnswer(classes []engine.Class, rates bool) answer {
	return &classesAnswer{answers.OfClasses(classes), rates}
}

func (a *classesAnswer) lines() (lines []string) {
	for _, c := range a.Top {
		if a.rates {
			lines = append(lines, fmt.Sprintf("%6.2f%%  %s", 100*c.Probability, printable(c.Label)))
		} else {
			lines = append(lines, printable(c.Label))
		}
	}
	return lines
}

func (*classesAnswer) drawn(image.Image) image.Image { return nil }

// boxesAnswer is that of a detector.
type boxesAnswer struct{ answers.Boxes }

func newBoxesAnswer(found []engine.Detection) answer {
	return &boxesAnswer{answers.OfDetections(found)}
}

func (a *boxesAnswer) lines() (lines []string) {
	for _, b := range a.Boxes.Boxes {
		lines = append(lines, fmt.Sprintf("%6.2f%%  %s  %.0f×%.0f at %.0f,%.0f", 100*b.Score, printable(b.Label), b.Width, b.Height, b.X, b.Y))
	}
	return lines
}

func (a *boxesAnswer) drawn(img image.Image) image.Image {
	canvas := copied(img)
	line := max(2, max(canvas.Rect.Dx(), canvas.Rect.Dy())/400)
	for _, b := range slices.Backward(a.Boxes.Boxes) { // the best on top
		ink := image.NewUniform(hue(b.Index))
		r := image.Rect(int(math.Floor(b.X)), int(math.Floor(b.Y)), int(math.Ceil(b.X+b.Width)), int(math.Ceil(b.Y+b.Height)))
		for _, side := range []image.Rectangle{
			{r.Min, image.Pt(r.Max.X, r.Min.Y+line)}, {image.Pt(r.Min.X, r.Max.Y-line), r.Max},
			{r.Min, image.Pt(r.Min.X+line, r.Max.Y)}, {image.Pt(r.Max.X-line, r.Min.Y), r.Max},
		} {
			draw.Draw(canvas, side, ink, image.Point{}, draw.Src)
		}
		caption(canvas, r.Min, fmt.Sprintf("%s %.0f%%", printable(b.Label), 100*b.Score), ink)
	}
	return canvas
}

// caption writes a line above a place, or below it if there is no room, on a
// ground of a colour.
func caption(canvas *image.NRGBA, at image.Point, text string, ground image.Image) {
	face := basicfont.Face7x13
	size := image.Pt(font.MeasureString(face, text).Ceil()+4, face.Height+2)
	if at.Y-size.Y >= canvas.Rect.Min.Y {
		at.Y -= size.Y
	}
	at.X = max(min(at.X, canvas.Rect.Max.X-size.X), canvas.Rect.Min.X)
	draw.Draw(canvas, image.Rectangle{Min: at, Max: at.Add(size)}, ground, image.Point{}, draw.Src)
	pen := font.Drawer{Dst: canvas, Src: image.White, Face: face, Dot: fixed.P(at.X+2, at.Y+1+face.Ascent)}
	pen.DrawString(text)
}

// maskAnswer is that of a net that says of each pixel what it shows.
type maskAnswer struct {
	answers.Mask
	mask *engine.Mask
}

func newMaskAnswer(mask *engine.Mask, labels []string) *maskAnswer {
	return &maskAnswer{answers.OfMask(mask, labels), mask}
}

func (a *maskAnswer) lines() (lines []string) {
	for _, c := range a.Classes {
		lines = append(lines, fmt.Sprintf("%6.2f%%  %s", 100*c.Share, printable(c.Label)))
	}
	return lines
}

func (a *maskAnswer) drawn(img image.Image) image.Image {
	canvas := copied(img)
	for y := canvas.Rect.Min.Y; y < canvas.Rect.Max.Y; y++ {
		for x := canvas.Rect.Min.X; x < canvas.Rect.Max.X; x++ {
			class, ok := a.mask.At(x, y)
			if !ok {
				continue
			}
			ink, c := hue(class), canvas.NRGBAAt(x, y)
			canvas.SetNRGBA(x, y, color.NRGBA{c.R/2 + ink.R/2, c.G/2 + ink.G/2, c.B/2 + ink.B/2, 255})
		}
	}
	return canvas
}

// pictureAnswer is that of a net that makes another picture.
type pictureAnswer struct {
	answers.Picture
	result image.Image
}

func newPictureAnswer(result image.Image) answer {
	return &pictureAnswer{answers.OfPicture(result), result}
}

func (a *pictureAnswer) lines() []string {
	return []string{fmt.Sprintf("a picture of %d×%d", a.Width, a.Height)}
}

func (a *pictureAnswer) drawn(image.Image) image.Image { return a.result }

// copied is a picture that can be drawn on, in the same coordinates.
func copied(img image.Image) *image.NRGBA {
	canvas := image.NewNRGBA(img.Bounds())
	draw.Draw(canvas, canvas.Rect, img, canvas.Rect.Min, draw.Src)
	return canvas
}

// hue is a colour for a class, far from those of its neighbours, and dark enough
// for white letters.
func hue(class int) color.NRGBA {
	const golden = 0.618033988749895
	h := 6 * math.Mod(0.6+golden*float64(class), 1)
	channel := func(shift float64) uint8 {
		k := math.Mod(h+shift, 6)
		return uint8(200 * (1 - max(0, min(k, 4-k, 1))*0.85))
	}
	return color.NRGBA{channel(5), channel(3), channel(1), 255}
}

// An asker says what is on pictures, for one goroutine: in a session for one size
// if it has one.
type asker struct {
	m *engine.Model
	s *engine.Session
}

// open makes the session, once.
func (a *asker) open(m *engine.Model, sizes []int) (err error) {
	if a.m != nil {
		return nil
	}
	if sizes != nil {
		if a.s, err = m.NewSession(engine.SessionOptions{Sizes: sizes}); err != nil {
			return err
		}
	}
	a.m = m
	return nil
}

func (a *asker) close() {
	if a.s != nil {
		a.s.Close()
	}
}

// ask returns the answer to a picture's file, of a classifier the best classes,
// with their probabilities in lines of text if rates is set.
func (a *asker) ask(data []byte, top int, rates bool) (answer, error) {
	kind, labels := a.m.Meta().Answer.Kind, a.m.Meta().Labels
	var img image.Image
	var at picture.Placement
	var err error
	switch {
	case a.s != nil:
		if at, err = a.s.SetPictureBytes(0, data); err != nil {
			return nil, err
		}
		if err := a.s.Run(1); err != nil {
			return nil, err
		}
	case kind == weights.Boxes || kind == weights.Mask || kind == weights.Picture:
		if img, err = picture.Decode(data); err != nil {
			return nil, err
		}
	}
	switch kind {
	case weights.Boxes:
		return either(a.s, func() ([]engine.Detection, error) { return a.m.Detect(img) },
			func() ([]engine.Detection, error) { return a.s.Detections(0, at) }, newBoxesAnswer)
	case weights.Mask:
		return either(a.s, func() (*engine.Mask, error) { return a.m.Segment(img) },
			func() (*engine.Mask, error) { return a.s.Mask(0, at) },
			func(mask *engine.Mask) answer { return newMaskAnswer(mask, labels) })
	case weights.Picture:
		return either(a.s, func() (image.Image, error) { return a.m.Transform(img) },
			func() (image.Image, error) { return a.s.Picture(0, at) }, newPictureAnswer)
	}
	return either(a.s, func() ([]engine.Class, error) { return a.m.ClassifyBytes(data, top) },
		func() ([]engine.Class, error) { return a.m.Top(a.s.Output(0), top) },
		func(classes []engine.Class) answer { return newClassesAnswer(classes, rates) })
}

// either takes what the model answers or, if there is one, what the session
// does, and makes an answer of it.
func either[T any](s *engine.Session, ofModel, ofSession func() (T, error), make func(T) answer) (answer, error) {
	of := ofModel
	if s != nil {
		of = ofSession
	}
	v, err := of()
	if err != nil {
		return nil, err
	}
	return make(v), nil
}

// drawAnswer writes the picture of an answer to a picture's file.
func (a *app) drawAnswer(file string, ans answer, data []byte) error {
	img, err := picture.Decode(data)
	if err != nil {
		return err
	}
	drawing := ans.drawn(img)
	return a.save(file, func(w io.Writer) error { return png.Encode(w, drawing) })
}
