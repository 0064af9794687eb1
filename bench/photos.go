package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/picture"
	"github.com/infer-go/infer/tensor"
)

// A photoResult compares the input that is made of a photo with torchvision's.
type photoResult struct {
	Photo      string  `json:"photo"`
	Width      int     `json:"width"`
	Height     int     `json:"height"`
	Difference float64 `json:"difference"`       // of the range of values: 99.9th percentile
	Whole      float64 `json:"difference_whole"` // where the picture was decoded whole
	Same       bool    `json:"same_top5"`        // a net's five best classes
	Margin     float64 `json:"margin"`           // of the fifth score over the sixth, to the fifth
}

// photoNet has trained weights and takes 224×224 pixels of blue, green and red,
// 0…255.
const photoNet = "../../shared/onnx/real/squeezenet_imagenet_f16.onnx"

// comparePhotos compares what becomes of a folder's photos.
func (b *bench) comparePhotos() error {
	entries, err := os.ReadDir(b.photos)
	if err != nil {
		return err
	}
	m, err := freeze(photoNet, tensor.F32)
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := m.NewSession(engine.SessionOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("photos: the 99.9th percentile of the differences from torchvision's input, and of those of the whole picture")
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(b.photos, e.Name()))
		if err != nil {
			return err
		}
		r, err := comparePhoto(s, data)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
		r.Photo = e.Name()
		top := "the same five best classes"
		if !r.Same {
			top = "OTHER five best classes"
		}
		fmt.Printf("  %-28s %4d×%-4d %.4f %.4f  %s, of which the last leads by %.1f %%\n", r.Photo, r.Width, r.Height, r.Difference, r.Whole, top, 100*r.Margin)
		b.Photos = append(b.Photos, r)
	}
	fmt.Println()
	return nil
}

func comparePhoto(s *engine.Session, data []byte) (r photoResult, err error) {
	img, err := picture.Decode(data)
	if err != nil {
		return r, err
	}
	r.Width, r.Height = img.Bounds().Dx(), img.Bounds().Dy()
	whole, input := make([]float32, 3*224*224), make([]float32, 3*224*224)
	if _, err := picture.Prepare(whole, img, &imagenet, picture.Planar); err != nil {
		return r, err
	}
	if _, err := picture.PrepareBytes(input, data, &imagenet, picture.Planar); err != nil {
		return r, err
	}
	_, theirs, err := pillowOf(data)
	if err != nil {
		return r, err
	}
	r.Difference, r.Whole = inputDifference(input, theirs), inputDifference(whole, theirs)
	ours, _, err := best5(s, input)
	if err != nil {
		return r, err
	}
	want, margin, err := best5(s, theirs)
	r.Same, r.Margin = slices.Equal(ours, want), margin
	return r, err
}

// best5 are the net's best classes for an input that was normalised for others, in
// the order of their numbers, and how far the last of them is before the next.
func best5(s *engine.Session, input []float32) (classes []int, margin float64, err error) {
	n := len(input) / 3
	x := s.Input(0)
	if len(x) != len(input) {
		return nil, 0, fmt.Errorf("the net has %d elements of input, not %d", len(x), len(input))
	}
	for c := range 3 {
		for i, v := range input[c*n:][:n] {
			x[(2-c)*n+i] = 255 * (v*imagenet.Std[c] + imagenet.Mean[c])
		}
	}
	if err := s.Run(1); err != nil {
		return nil, 0, err
	}
	scores := s.Output(0)
	order := make([]int, len(scores))
	for i, v := range scores {
		if math.IsNaN(float64(v)) {
			return nil, 0, fmt.Errorf("the score of class %d is NaN", i)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	margin = float64((scores[order[4]] - scores[order[5]]) / scores[order[4]])
	classes = order[:5]
	slices.Sort(classes)
	return classes, margin, nil
}
