package rest

import (
	"context"
	"errors"
	"image"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/answers"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/serve"
	"github.com/infer-go/infer/weights"
)

// classify answers POST …/classify?top=K: the body is a picture's file, and the
// answer what the model says of it, in the form of infer --json.
func (c *call) classify(m *serve.Model) error {
	top := 1
	if text := c.r.URL.Query().Get("top"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return status(http.StatusBadRequest, "top is %.20q, and must be a number of at least 1", text)
		}
		top = n
	}
	var why *explanation
	if explain := c.r.URL.Query().Get("explain"); explain != "" {
		on, err := strconv.ParseBool(explain)
		if err != nil {
			return status(http.StatusBadRequest, "explain is %.20q, and must be true or false", explain)
		}
		if on {
			why = &explanation{}
		}
	}
	if err := c.readBody(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), c.options.Timeout)
	defer cancel()
	start := time.Now()
	img, err := c.decode(ctx)
	if err != nil {
		return err
	}
	decoded := time.Now()
	answer, err := ask(ctx, m, img, top, why)
	if err != nil {
		return pictureError(err)
	}
	if why != nil {
		why.Times.Decode = microseconds(decoded.Sub(start))
		return c.writeExplained(answer, why)
	}
	return c.write(answer)
}

// decode makes a picture of the body, while no more than so many others are
// decoded: each takes memory.
func (c *call) decode(ctx context.Context) (image.Image, error) {
	if len(c.body) == 0 {
		return nil, status(http.StatusBadRequest, "the body is empty, and should be a picture")
	}
	select {
	case c.decoding <- struct{}{}:
		defer func() { <-c.decoding }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	img, err := picture.DecodeAtMost(c.body, c.options.MaxPixels)
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, status(http.StatusUnsupportedMediaType,
			"the body is not a picture: send the bytes of its file alone (curl --data-binary @x.png), not a form; formats are %s", strings.Join(picture.Formats(), ", "))
	case errors.Is(err, picture.ErrTooLarge):
		return nil, status(http.StatusRequestEntityTooLarge, "%w: it may have %d pixels", err, c.options.MaxPixels)
	case err != nil:
		return nil, status(http.StatusUnprocessableEntity, "the picture cannot be decoded: %w", err)
	}
	return img, nil
}

// pictureError gives errors of pictures their status.
func pictureError(err error) error {
	switch {
	case errors.Is(err, picture.ErrTooLarge):
		return status(http.StatusRequestEntityTooLarge, "%w", err)
	case errors.Is(err, picture.ErrBlank), errors.Is(err, picture.ErrEmpty), errors.Is(err, engine.ErrNaN):
		return status(http.StatusUnprocessableEntity, "%w", err)
	}
	return err
}

// ask is what a model says of a picture, and why, unless that is nil.
func ask(ctx context.Context, m *serve.Model, img image.Image, top int, why *explanation) (answer any, err error) {
	var sizes []int
	em := m.Engine()
	meta := em.Meta()
	kind := meta.Answer.Kind
	classes := kind == weights.Scores || kind == weights.Probabilities
	switch {
	case meta.Preparation.Kind == weights.NoPicture || len(m.Inputs()) != 1:
		return nil, engine.ErrNoPicture
	case classes && em.Classes() == 0:
		return nil, engine.ErrNotClassifier
	case len(em.Open()) > 0:
		if sizes, err = em.PictureSizes(img.Bounds()); err != nil {
			return nil, err
		}
	}
	asked := time.Now()
	err = m.Use(ctx, sizes, func(s *engine.Session) error {
		begun := time.Now()
		at, err := s.SetPicture(0, img)
		if err != nil {
			return err
		}
		prepared := time.Now()
		if why != nil {
			if err := why.before(s); err != nil {
				return err
			}
		}
		running := time.Now()
		if err := s.RunContext(ctx, 1); err != nil {
			return err
		}
		if why != nil {
			why.Times.Run = microseconds(time.Since(running))
			why.Times.Queue, why.Times.Prepare = microseconds(begun.Sub(asked)), microseconds(prepared.Sub(begun))
			why.after(s, em.Kernels())
		}
		switch kind {
		case weights.Boxes:
			found, err := s.Detections(0, at)
			answer = answers.OfDetections(found)
			return err
		case weights.Mask:
			mask, err := s.Mask(0, at)
			if err == nil {
				answer = answers.OfMask(mask, meta.Labels)
			}
			return err
		case weights.Picture:
			made, err := s.Picture(0, at)
			if err == nil {
				answer = answers.OfPicture(made)
			}
			return err
		}
		best, err := em.Top(s.Output(0), top)
		answer = answers.OfClasses(best)
		return err
	})
	return answer, err
}
