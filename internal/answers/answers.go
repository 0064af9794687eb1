// Package answers has the JSON of what models say of pictures, which is the same
// from the command and from its server.
package answers

import (
	"fmt"
	"image"
	"slices"

	"github.com/infer-go/infer/engine"
)

// An Answer is what a model says of a picture.
type Answer interface {
	// About says which picture it was, and what went wrong.
	About(file string, err error)
}

// errorText is the error in JSON, null if there is none.
func errorText(err error) *string {
	if err == nil {
		return nil
	}
	text := err.Error()
	return &text
}

// Classes is the answer of a classifier.
type Classes struct {
	File  string         `json:"file"`
	Top   []engine.Class `json:"top"`
	Error *string        `json:"error"`
}

// About says which picture it was, and what went wrong.
func (a *Classes) About(file string, err error) { a.File, a.Error = file, errorText(err) }

// OfClasses is the answer of so many classes.
func OfClasses(classes []engine.Class) Classes {
	return Classes{Top: append([]engine.Class{}, classes...)}
}

// Boxes is the answer of a detector.
type Boxes struct {
	File  string             `json:"file"`
	Boxes []engine.Detection `json:"boxes"`
	Error *string            `json:"error"`
}

// About says which picture it was, and what went wrong.
func (a *Boxes) About(file string, err error) { a.File, a.Error = file, errorText(err) }

// OfDetections is the answer of what was found.
func OfDetections(found []engine.Detection) Boxes {
	return Boxes{Boxes: append([]engine.Detection{}, found...)}
}

// Mask is the answer of a net that says of each pixel what it shows.
type Mask struct {
	File    string  `json:"file"`
	Width   int     `json:"width"`
	Height  int     `json:"height"`
	Classes []Area  `json:"classes"`
	Error   *string `json:"error"`
}

// About says which picture it was, and what went wrong.
func (a *Mask) About(file string, err error) { a.File, a.Error = file, errorText(err) }

// An Area is what a class has of a Mask.
type Area struct {
	Index  int     `json:"index"`
	Label  string  `json:"label"`
	Pixels int     `json:"pixels"`
	Share  float64 `json:"share"`
}

// OfMask counts the pixels of each class, the largest first.
func OfMask(mask *engine.Mask, labels []string) Mask {
	a := Mask{Width: mask.Rect.Dx(), Height: mask.Rect.Dy(), Classes: []Area{}}
	pixels := map[int]int{}
	for _, c := range mask.Class {
		pixels[int(c)]++
	}
	for class, n := range pixels {
		label := fmt.Sprint(class)
		if class < len(labels) {
			label = labels[class]
		}
		a.Classes = append(a.Classes, Area{class, label, n, float64(n) / float64(len(mask.Class))})
	}
	slices.SortFunc(a.Classes, func(a, b Area) int {
		if a.Pixels != b.Pixels {
			return b.Pixels - a.Pixels
		}
		return a.Index - b.Index
	})
	return a
}

// Picture is the answer of a net that makes another picture.
type Picture struct {
	File   string  `json:"file"`
	Width  int     `json:"width"`
	Height int     `json:"height"`
	Error  *string `json:"error"`
}

// About says which picture it was, and what went wrong.
func (a *Picture) About(file string, err error) { a.File, a.Error = file, errorText(err) }

// OfPicture is the answer of a picture that was made.
func OfPicture(img image.Image) Picture {
	return Picture{Width: img.Bounds().Dx(), Height: img.Bounds().Dy()}
}
