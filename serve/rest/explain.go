package rest

import (
	"bytes"
	"encoding/json"
	"image"
	"net/http"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/serve/internal/protocol"
	"github.com/infer-go/infer/tensor"
)

// An explanation says how an answer on a picture came about.
type explanation struct {
	Seen    seen         `json:"seen"`
	Inputs  []explained  `json:"inputs"`
	Outputs []explained  `json:"outputs"`
	Times   pictureTimes `json:"microseconds"`
	Kernels string       `json:"kernels"`
}

// A seen is the picture as the model sees it: rows of pixels, of a byte for each
// channel, gray or red, green and blue.
type seen struct {
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	Channels int    `json:"channels"`
	Pixels   []byte `json:"pixels"`
}

// An explained is an input, or an output with its first numbers.
type explained struct {
	tensorMetadata
	Data []*float32 `json:"data,omitempty"` // null for what is not finite
}

// pictureTimes are microseconds.
type pictureTimes struct {
	Decode  float64 `json:"decode"`
	Queue   float64 `json:"queue"`
	Prepare float64 `json:"prepare"`
	Run     float64 `json:"run"`
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// maxExplained is how many numbers of an output are told.
const maxExplained = 1000

// before explains what goes into the run.
func (e *explanation) before(s *engine.Session) error {
	img, err := s.Seen(0)
	if err != nil {
		return err
	}
	bounds := img.Bounds()
	e.Seen.Width, e.Seen.Height = bounds.Dx(), bounds.Dy()
	switch img := img.(type) {
	case *image.Gray:
		e.Seen.Channels, e.Seen.Pixels = 1, img.Pix
	case *image.NRGBA:
		e.Seen.Channels, e.Seen.Pixels = 3, make([]byte, 0, len(img.Pix)/4*3)
		for i := 0; i < len(img.Pix); i += 4 {
			e.Seen.Pixels = append(e.Seen.Pixels, img.Pix[i:i+3]...)
		}
	}
	for _, in := range s.Inputs() {
		e.Inputs = append(e.Inputs, explained{tensorMetadata: oneItem(in)})
	}
	return nil
}

// after explains what came out of it.
func (e *explanation) after(s *engine.Session, kernels string) {
	e.Kernels = kernels
	for i, out := range s.Outputs() {
		x := explained{tensorMetadata: oneItem(out)}
		if out.Elem == tensor.F32 {
			numbers := s.Output(i)
			for _, v := range numbers[:min(len(numbers), maxExplained)] {
				if tensor.IsFinite(v) {
					x.Data = append(x.Data, &v)
				} else {
					x.Data = append(x.Data, nil)
				}
			}
		}
		e.Outputs = append(e.Outputs, x)
	}
}

// oneItem is what the protocol tells of a tensor, of one item.
func oneItem(t engine.Tensor) tensorMetadata {
	shape := append([]int{}, t.Shape...)
	if len(shape) > 0 && shape[0] == -1 {
		shape[0] = 1
	}
	return tensorMetadata{t.Name, protocol.DatatypeOf(t.Elem).Name, shape}
}

// writeExplained writes an answer, which is an object, with its explanation as
// another key of it.
func (c *call) writeExplained(answer any, why *explanation) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return status(http.StatusInternalServerError, "%w", err)
	}
	more, err := json.Marshal(map[string]*explanation{"explanation": why})
	if err != nil {
		return status(http.StatusInternalServerError, "%w", err)
	}
	text = append(bytes.TrimSuffix(text, []byte("}")), ',')
	c.writeText(append(text, more[1:]...))
	return nil
}
