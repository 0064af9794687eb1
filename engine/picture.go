package engine

import (
	"fmt"
	"image"
	"slices"

	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// skipInterleaving finds out whether pictures can be prepared straight into what
// the net computes with: the first step does nothing but interleave the channels
// of the only input, or can read it either way, and nothing else reads that.
func (b *binder) skipInterleaving() {
	meta := &b.net.Meta.Preparation
	if meta.Kind == weights.NoPicture || len(b.inputs) != 1 || len(b.steps) == 0 {
		return
	}
	input, first := b.inputs[0].buffer, &b.steps[0]
	channels := meta.Order.Channels()
	if len(first.in) == 0 || first.in[0] != input || first.traits.Interleaves != channels && first.planes != channels {
		return
	}
	for _, s := range b.steps[1:] {
		if slices.Contains(s.in, input) {
			return
		}
	}
	isOutput := func(c int) bool {
		return slices.ContainsFunc(b.outputs, func(e edge) bool { return e.buffer == c })
	}
	if isOutput(input) {
		return
	}
	skipped := -1 // the buffer that the input then stands for
	if first.planes == 0 {
		if skipped = first.out[0]; isOutput(skipped) {
			return
		}
		b.first = 1
	}
	b.interleaved = true
	stale := false // what the first step would have written has been overwritten
	for i := range b.steps {
		s := &b.steps[i]
		s.fromPicture, s.opFromPicture = slices.Clone(s.in), s.op
		if i < b.first {
			continue
		}
		for k, c := range s.in {
			if c == skipped && !stale {
				s.fromPicture[k] = input
			}
		}
		stale = stale || slices.Contains(s.out, skipped)
	}
	if first.planes > 0 {
		first.opFromPicture = first.interleaved
	}
}

// SetPicture prepares a picture as item i of the next run, as Model.Prepare
// does for Input(0), but in the layout in which the net computes: the run then
// skips the step that would convert the input. The result says which part of
// the picture became which part of the input.
//
// The picture is used for one run. Input(0) and InputBytes(0) show it in the
// model's own order if they are called after SetPicture. Until the run, slices
// that they returned earlier are undefined for that item, and must not be
// written to there. Pictures and tensors may be mixed in one run; the step is
// then computed for all items.
//
// Errors are ErrClosed, ErrBusy, ErrBatch for an item that is out of range, and
// those of Model.Prepare. After an error the item is undefined.
func (s *Session) SetPicture(i int, img image.Image) (picture.Placement, error) {
	return s.setPicture(i, func(dst []float32, p *weights.Preparation, layout picture.Layout) (picture.Placement, error) {
		return picture.Prepare(dst, img, p, layout)
	})
}

// SetPictureBytes is SetPicture for the bytes of a picture file, which is
// decoded as by picture.PrepareBytes, no larger than the input needs. Errors
// are those of SetPicture and picture.PrepareBytes.
func (s *Session) SetPictureBytes(i int, data []byte) (picture.Placement, error) {
	return s.setPicture(i, func(dst []float32, p *weights.Preparation, layout picture.Layout) (picture.Placement, error) {
		return picture.PrepareBytes(dst, data, p, layout)
	})
}

func (s *Session) setPicture(i int, prepare func([]float32, *weights.Preparation, picture.Layout) (picture.Placement, error)) (picture.Placement, error) {
	if err := s.enter(); err != nil {
		return picture.Placement{}, err
	}
	defer s.leave()
	x := s.executor
	if err := onlyInput(len(x.inputs)); err != nil {
		return picture.Placement{}, err
	}
	if i < 0 || i >= x.batch {
		return picture.Placement{}, fmt.Errorf("%w: item %d of %d", ErrBatch, i, x.batch)
	}
	s.clear(0)
	layout := picture.Planar
	if x.program.interleaved {
		layout = picture.Interleaved
	}
	at, err := prepare(tensor.Slice[float32](x.input(i)), &x.program.net.Meta.Preparation, layout)
	s.pictures[i] = x.program.interleaved && err == nil
	return at, err
}

// onlyInput refuses pictures for models of several inputs.
func onlyInput(inputs int) error {
	if inputs != 1 {
		return fmt.Errorf("%w: it has %d inputs", ErrNoPicture, inputs)
	}
	return nil
}

// input is the memory of item i of the first input.
func (x *executor) input(i int) []byte { return x.inputs[0].bytes(x.shared, nil, i, 1) }

// asTensors brings pictures that have been set into the model's own order.
func (s *Session) asTensors() {
	for i, set := range s.pictures {
		if !set {
			continue
		}
		s.pictures[i] = false
		x := tensor.Slice[float32](s.executor.input(i))
		channels := s.executor.program.net.Meta.Preparation.Order.Channels()
		pixels := slices.Clone(x)
		for c := range channels {
			plane := x[c*len(x)/channels:][:len(x)/channels]
			for p := range plane {
				plane[p] = pixels[p*channels+c]
			}
		}
	}
}

// takePictures says whether the first n items are pictures that have been set,
// for a run that uses them up. Of pictures among tensors it makes tensors.
func (s *Session) takePictures(n int) bool {
	if !s.executor.program.interleaved || !slices.Contains(s.pictures[:n], true) {
		return false
	}
	if slices.Contains(s.pictures[:n], false) {
		s.asTensors()
		return false
	}
	clear(s.pictures[:n])
	return true
}
